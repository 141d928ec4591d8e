"""What masks cost: a Parquet file read, three columns of it masked, and written, beside the same file just rewritten.

Both run in a child process under the same settings of DuckDB; the masked side is the platform's own child with its
limits and checks, from the order on its standard input to its answer. The texts that are kept are looked through too.
As in a delivery, the file was inspected when it came, and is not decoded a second time to check it.
Not in it: the report on the effect, which is measured in two further children. Goal: performance.md 7 found 165 of
196 MB/s (0.84) for masks without checks.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb

from bench.measure import ROUNDS, SHORT, Figure, in_turns
from services.delivery.inspector.reading import MEMORY_LIMIT
from services.delivery.rules.masking import Mask
from services.delivery.rules.upload import MediaType
from services.delivery.sandbox import ENVIRONMENT, Care, Desensitise, Rendition, Sandbox, Source

ROWS = 50_000 if SHORT else 2_000_000
GOAL = 0.75
MASKS = {"name": Mask.KEEP_INITIAL, "phone": Mask.KEEP_ENDS, "identity": Mask.KEEP_REGION}
TABLE = """
    SELECT range AS id, chr((19968 + range % 500)::INTEGER) || '小明' AS name,
        '1' || (30 + range % 60) || lpad((hash(range) % 100000000)::VARCHAR, 8, '0') AS phone,
        '1101' || lpad((range % 99)::VARCHAR, 2, '0') || '19' || (50 + range % 50) || '0615'
            || lpad((hash(range + 1) % 10000)::VARCHAR, 4, '0') AS identity,
        ['北京', '上海', '广州', '深圳', '成都'][(1 + range % 5)::INTEGER] AS city,
        round(hash(range + 2) % 1000000 / 100, 2) AS amount,
        TIMESTAMP '2026-01-01' + INTERVAL (range % 500000) MINUTE AS at,
        (hash(range + 3) % 97)::INTEGER AS age, 'order ' || (hash(range + 4) % 300000) AS remark
    FROM range({rows})
"""
PLAIN = """
import sys, duckdb
path, output, folder, memory = sys.argv[1:]
with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": memory, "temp_directory": folder}) as database:
    database.execute("SET enable_progress_bar = false")
    columns = f"SELECT * FROM read_parquet('{path}')"
    database.execute(f"COPY ({columns}) TO '{output}' (FORMAT parquet, COMPRESSION zstd)")
"""


def measure(folder: Path) -> Iterator[Figure]:
    path, output = folder / "people.parquet", folder / "written"
    with duckdb.connect() as database:
        made = f"COPY ({TABLE.format(rows=ROWS)}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
        database.execute(made)
    source = Source(str(path), MediaType.PARQUET, path.stat().st_size, str(folder), 7, inspected=True)
    job = Desensitise(source, MASKS, str(output), Care(clears_texts=True, persons=True))

    def masked() -> None:
        answer = asyncio.run(Sandbox().run(job))
        assert isinstance(answer, Rendition), answer

    def plain() -> None:
        command = [sys.executable, "-c", PLAIN, path, output, folder, MEMORY_LIMIT]
        subprocess.run(command, check=True, env=ENVIRONMENT)

    turns = in_turns({"plain rewrite": plain, "masked": masked})
    yield Figure(
        "masked_per_plain_rewrite", turns.ratio("plain rewrite", "masked"), GOAL, "at_least", turns.seconds,
        note=f"throughput, {ROWS:,} rows, {path.stat().st_size / 2**20:.0f} MiB, 3 of 9 columns, {ROUNDS} rounds",
    )  # fmt: skip
