"""Search: against more rows, against a scan of the same rows, and for the commonest word, as ratios.

What is measured is `store.search.find` as the list asks for it: the first page of twenty, ranked, with all its counts,
on SQLite. What is told is the processor's time, for every side computes and none waits: what else the machine does
changes little. The scan reads the words of every row with `LIKE`, and only counts. tantivy comes into an environment of
its own and searches the same words, by the same questions. Words of two characters, and of Latin letters, are drawn by
Zipf's law, which is about how those of real text are distributed. 100 000 entries are made by the rules and saved by
the store; the others are copies of their index rows under ids of their own.
`BENCH_SEARCH_ROWS` and `BENCH_SEARCH_FEWER_ROWS` shrink the two sizes (1 000 000 and 200 000).
"""

import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache
from itertools import accumulate, islice
from pathlib import Path
from random import Random

from sqlalchemy import text

from bench.counterpart import python_with
from bench.measure import SHORT, Figure, percentile
from migrations import schema
from services.catalog.rules import asset as asset_rules
from services.catalog.rules import registration
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import Description, Entry, Origin, SourceDeclaration, UpdateCycle
from services.catalog.rules.grading import RULE_VERSION, Grading
from services.catalog.rules.rights import Right, RightKind
from services.catalog.rules.search import Sort, Sought
from services.catalog.rules.version import Content
from services.catalog.rules.viewing import ANYONE
from services.catalog.rules.words import words
from services.catalog.store import entries as store
from services.catalog.store import search
from services.catalog.tables.search import search_index
from shared.clock import SystemClock
from shared.database import Database, Transaction
from shared.grades import G1
from shared.ids import AssetId, CertificateId, ParticipantId, UploadId, VersionId

ROWS = int(os.environ.get("BENCH_SEARCH_ROWS", 10_000 if SHORT else 1_000_000))
FEWER_ROWS = int(os.environ.get("BENCH_SEARCH_FEWER_ROWS", 2_000 if SHORT else 200_000))
DIFFERENT = int(os.environ.get("BENCH_SEARCH_DIFFERENT", 1_000 if SHORT else 100_000))
AT_ONCE = 2_000
QUESTIONS = 40
UNIT = "processor seconds"
PAGE = 21
SEED = 20_261_126
LETTERS = (
    "天地气水风云山海城路车船人家田林电光声数医药学校工农商金木火土石油煤铁铜桥港机场站台网线图书文字语音像影"
    "中国大小上下东西南北年月日时分生产业务经济社会政法公民保护环境资源信息统计交通运输物流货客旅行航空铁道"
    "质量监测分析评价标准安全生活教育科研技术发展建设管理服务市县区域地方组织单位企银融投保险税收入支出口进"
    "价格指标温度湿压降雨雪沙尘污染排放能源热力煤炭太阳核新旧材料设备器械零件仪表房屋土建筑工程项目合同"
)
TANTIVY = "tantivy==0.26.0"
OF_TANTIVY = """
import json, sqlite3, sys, time
import tantivy
database, folder, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
builder = tantivy.SchemaBuilder()
builder.add_text_field("words", stored=False, tokenizer_name="whitespace")
index = tantivy.Index(builder.build(), path=folder)
writer = index.writer(256_000_000, 1)
for (words,) in sqlite3.connect(database).execute("SELECT words FROM search_index"):
    writer.add_document(tantivy.Document(words=words))
writer.commit()
writer.wait_merging_threads()
index.reload()
searcher, pairs, took = index.searcher(), json.load(sys.stdin), []
for _ in range(rounds):
    took.clear()
    for pair in pairs:
        query = index.parse_query(" ".join(f"+{word}" for word in pair), ["words"])
        began = time.process_time()
        searcher.search(query, 20, count=True)
        took.append(time.process_time() - began)
print(json.dumps(took))
"""
Ask = Callable[[Transaction], Awaitable[object]]


def measure(folder: Path) -> Iterator[Figure]:
    with asyncio.Runner() as runner:
        fewer = runner.run(_filled(folder / "fewer.db", FEWER_ROWS))
        many = runner.run(_filled(folder / "many.db", ROWS))
        yield from _figures(runner, fewer, many, folder)
        for database in (fewer, many):
            runner.run(database.close())


def _figures(runner: asyncio.Runner, fewer: Database, many: Database, folder: Path) -> Iterator[Figure]:
    pairs = _pairs()
    sides = {f"{ROWS} rows": many, f"{FEWER_ROWS} rows": fewer}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    common, scans = list[float](), list[float]()
    for _ in range(2):  # the first round is thrown away: nobody pays for what is cold
        for samples in (*seconds.values(), common, scans):
            samples.clear()
        for number, pair in enumerate(pairs):
            for name in list(sides) if number % 2 == 0 else list(sides)[::-1]:
                seconds[name].append(_timed(runner, sides[name], _finding(pair)))
            if number % 4 == 0:
                common.append(_timed(runner, many, _finding((_vocabulary()[0],))))
                scans.append(_timed(runner, many, _scanning(pair)))
    more, less = (statistics.median(samples) for samples in seconds.values())
    yield Figure("search_1m_per_200k_p50", more / less, 4, "at_most", seconds, UNIT, "two words, top 20 and counts")
    selective = {"search": seconds[f"{ROWS} rows"], "scan": scans}
    note = f"the same {ROWS} rows; the scan only counts"
    per_scan = more / statistics.median(scans)
    yield Figure("search_per_scan", per_scan, 0.01, "at_most", selective, UNIT, note, rounds=len(scans))
    slowest = percentile(seconds[f"{ROWS} rows"], 0.99)
    sides_of_common = {"the commonest word": common, "two words": seconds[f"{ROWS} rows"]}
    ratio = statistics.median(common) / slowest
    yield Figure(
        "search_common_per_two_word_p99", ratio, 20, "at_most", sides_of_common, UNIT, "10 000 ranked, counted",
        rounds=len(common),
    )  # fmt: skip

    if python := python_with(folder, TANTIVY):
        place = folder / "tantivy-index"
        place.mkdir()
        command = [python, "-c", OF_TANTIVY, many.path, place, "2"]
        told = subprocess.run(command, check=True, capture_output=True, text=True, input=json.dumps(pairs)).stdout
        beside = {"search": seconds[f"{ROWS} rows"], "tantivy": json.loads(told)}
        note = f"{TANTIVY}, the same words: it ranks and counts, and makes no facets"
        ratio = more / statistics.median(beside["tantivy"])
        yield Figure("search_per_tantivy", ratio, 20, "at_most", beside, UNIT, note)


def _timed(runner: asyncio.Runner, database: Database, ask: Ask) -> float:
    async def once() -> float:
        async with database.read() as tx:
            began = time.process_time()
            await ask(tx)
            return time.process_time() - began

    return runner.run(once())


def _finding(sought: tuple[str, ...]) -> Ask:
    return lambda tx: search.find(tx, ANYONE, Sought(sought, sort=Sort.RELEVANCE), PAGE)


def _scanning(sought: tuple[str, ...]) -> Ask:
    """Every row is read, as it must be to count or to rank what is found."""
    holds = " AND ".join(f"words LIKE '%{word}%'" for word in sought)
    scan = text(f"SELECT count(*), max(number) FROM search_index WHERE {holds}")
    return lambda tx: tx.execute(scan)


async def _filled(path: Path, rows: int) -> Database:
    database = Database(f"sqlite+aiosqlite:///{path}", schema="catalog", clock=SystemClock())
    database.open()
    await schema.upgrade(database)
    made = entries(min(rows, DIFFERENT))
    began = time.perf_counter()
    while batch := list(islice(made, AT_ONCE)):
        async with database.transaction() as tx:
            await store.add_entries(tx, batch)
    _copy(path, rows // DIFFERENT)
    print(f"   {rows} entries indexed in {time.perf_counter() - began:.0f} s", flush=True)
    return database


def _copy(path: Path, times: int) -> None:
    """So many times the rows of the index; its triggers index the words, as they do of any row."""
    named = ", ".join(column.name for column in search_index.c if column.name not in ("number", "asset_id"))
    copies = f"""
        WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n + 1 < ?)
        INSERT INTO search_index (asset_id, {named})
        SELECT 'asset_' || printf('%06x', n) || substr(asset_id, 13), {named} FROM s CROSS JOIN search_index
    """
    if times > 1:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(copies, (times,))
            connection.commit()


def entries(rows: int) -> Iterator[Entry]:
    """Registered entries: a title of 6 words, a description of 22 Chinese and 10 English ones."""
    random, model = Random(SEED), _registered()
    vocabulary = _vocabulary()
    english = [f"{chr(97 + rank % 26)}{rank:x}" for rank in range(len(vocabulary))]
    total = list(accumulate(1 / (rank + 10) for rank in range(len(vocabulary))))
    providers = [ParticipantId.new() for _ in range(200)]
    for _ in range(rows):
        chinese = random.choices(vocabulary, cum_weights=total, k=28)
        about = Description(
            " ".join(chinese[:6]), " ".join(chinese[6:] + random.choices(english, cum_weights=total, k=10)),
            f"theme_{random.choice('abcdefghij')}", random.choice(list(UpdateCycle)),
            keywords=tuple(chinese[:2]), region=f"区{random.randrange(30)}",
        )  # fmt: skip
        version_id, asset_id = VersionId.new(), AssetId.new()
        asset = replace(model.asset, id=asset_id, provider_id=random.choice(providers), about=about)
        version = replace(model.versions[0], id=version_id, asset_id=asset_id, certificate_id=CertificateId.new())
        yield Entry(asset, (version,))


@cache
def _vocabulary() -> list[str]:
    """Words of two characters that the dictionary knows, the commonest first."""
    pairs = [first + second for first in dict.fromkeys(LETTERS) for second in dict.fromkeys(LETTERS)]
    known = [pair for pair in pairs if words(pair) == (pair,)]
    Random(SEED).shuffle(known)
    return known


def _pairs() -> list[tuple[str, ...]]:
    """Two words each, of those that are not common: a search that selects."""
    random, vocabulary = Random(SEED), _vocabulary()
    return [tuple(vocabulary[random.randrange(200, len(vocabulary))] for _ in range(2)) for _ in range(QUESTIONS)]


def _registered() -> Entry:
    """As the rules make one."""
    now = SystemClock().now()
    about = Description("", "", "theme", UpdateCycle.DAILY)
    entry = asset_rules.draft(AssetId.new(), ParticipantId.new(), VersionId.new(), about, now)
    content = Content(UploadId.new(), "ab" * 32, 1_000, 10, "text/csv", "1")
    inspected = version_rules.report_content(entry.versions[0], content)
    graded = version_rules.propose_grade(inspected, Grading(G1, frozenset(), (), RULE_VERSION))
    rights = tuple(Right(kind, "cd" * 32) for kind in RightKind)
    source = SourceDeclaration(Origin.OWN_PRODUCTION, "-", "-", rights=rights)
    entry = asset_rules.declare_source(entry.replacing(graded), source, now)
    done, certificate = registration.register(registration.submit(entry, now), G1, "user", CertificateId.new(), now)
    assert certificate
    return done
