"""A search takes as many statements, and counts as much, however much there is."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from services.catalog.actions.catalog import Catalog
from services.catalog.actions.search import Found, find, reindex, suggest
from services.catalog.rules.search import COUNTED_MAX, Sort, question
from services.catalog.store import entries as store
from services.catalog.tables.entries import assets, versions
from services.catalog.tables.search import search_index
from services.catalog.tables.whole import metadata
from shared.database import Database
from tests.catalog.searched import many
from tests.conftest import MakeDatabase
from tests.support.bench import Bench

STATEMENTS = 4  # what is found and counted; what the index tells of it; the assets; their versions
LEFT_OUT = {"search_index.number", "versions.certificate_id"}
OWN = "substr({0}, 1, instr({0}, '_')) || printf('%06x', n) || substr({0}, instr({0}, '_') + 7)"  # an id of a copy


async def fill(database: Database, count: int) -> None:
    async with database.transaction() as tx:
        await store.add_entries(tx, many(count))


async def copy(database: Database, times: int) -> None:
    """So many copies of everything, made by SQLite itself, under ids of their own."""
    series = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :times)"
    async with database.transaction() as tx:
        for table in (assets, versions, search_index):
            named = [column.name for column in table.c if str(column) not in LEFT_OUT]
            told = ", ".join(OWN.format(name) if name in ("id", "asset_id") else name for name in named)
            rows = f"INSERT INTO {table.name} ({', '.join(named)}) {series} SELECT {told} FROM {table.name}, s"
            await tx.execute(text(rows), {"times": times})


@contextmanager
def statements(database: Database) -> Generator[list[str]]:
    """What is asked of the database meanwhile, without what begins and ends a transaction."""
    asked = list[str]()
    engine = database._readers.sync_engine  # pyright: ignore[reportPrivateUsage]

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
async def catalog(bench: Bench) -> Catalog:
    """Without its background, so that every statement is the search's."""
    return Catalog.of(await bench.core("catalog", metadata))


async def ask(catalog: Catalog, words: str | None, sort: Sort | None = None) -> Found:
    with statements(catalog.database) as asked:
        found = await find(catalog, None, question(words, sort), 100, None)
    assert len(asked) == STATEMENTS
    with statements(catalog.database) as asked:
        await suggest(catalog, None, "空", 10)
    assert len(asked) == 1
    return found


async def test_a_list_takes_as_many_statements_for_ten_as_for_a_thousand(catalog: Catalog):
    for more, in_all in ((10, 10), (990, 1_000)):
        await fill(catalog.database, more)
        for words, sort in ((None, None), ("空气", None), ("空气 机场", Sort.QUALITY), (None, Sort.PRICE)):
            found = await ask(catalog, words, sort)
            assert (found.ranked.total == in_all) is (words is None)


async def test_of_a_hundred_thousand_the_newest_ten_thousand_are_ranked_and_counted(catalog: Catalog):
    if not catalog.database.is_sqlite:
        pytest.skip("once, on SQLite: what is counted is the same on both")
    await fill(catalog.database, 1_000)
    await copy(catalog.database, 99)
    found = await ask(catalog, "空气")
    assert found.ranked.total == COUNTED_MAX
    everything = await ask(catalog, None)
    assert (everything.ranked.total, len(everything.entries)) == (COUNTED_MAX, 101)
    ids = [entry.asset.id for entry, _ in everything.entries]
    assert ids == sorted(ids, reverse=True)


@pytest.fixture
async def kept(database: MakeDatabase) -> Database:
    return await database("catalog", metadata)


async def test_what_another_tokeniser_read_or_nobody_yet_is_indexed_again_with_progress(
    kept: Database, monkeypatch: pytest.MonkeyPatch
):
    await fill(kept, 450)
    told = list[tuple[int, int]]()
    assert await reindex(kept, lambda done, total: told.append((done, total))) == 0 and told == []
    for module in ("entries", "search"):
        monkeypatch.setattr(f"services.catalog.store.{module}.TOKENISER_VERSION", 2)
    assert await reindex(kept, lambda done, total: told.append((done, total))) == 450
    assert told == [(200, 450), (400, 450), (450, 450)]
    assert await reindex(kept) == 0
