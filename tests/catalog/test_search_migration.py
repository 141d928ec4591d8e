"""What was registered before there was an index stays as it was, and is found once it has been indexed."""

from dataclasses import replace

from alembic import command
from sqlalchemy import insert, text

from migrations import schema
from services.catalog.actions.search import reindex
from services.catalog.rules.search import Sought
from services.catalog.rules.viewing import ANYONE
from services.catalog.store import entries as store
from services.catalog.store import search
from services.catalog.tables.entries import assets, versions
from shared.database import Database
from shared.grades import G1, G4
from tests.catalog.searched import a_described, with_grades
from tests.conftest import MakeDatabase
from tests.kernel.test_migrations import NOTHING


async def _upgrade(database: Database, revision: str) -> None:
    config = schema._config  # pyright: ignore[reportPrivateUsage]
    if not database.is_sqlite:
        async with database.transaction() as tx:
            await tx.execute(text("CREATE SCHEMA IF NOT EXISTS catalog"))
    async with database.transaction() as tx:
        await tx.run_sync(lambda connection: command.upgrade(config("catalog", connection), revision))


async def test_entries_of_the_revision_before_are_kept_and_found_when_indexed(database: MakeDatabase):
    kept = await database("catalog", NOTHING)
    await _upgrade(kept, "0005")
    entry = a_described(with_grades([G1, G4]), title="空气质量")
    asset = replace(entry.asset, grade=G4)  # as the code before kept it: the highest
    rows = store._asset_row(asset), [store._version_row(each) for each in entry.versions]  # pyright: ignore
    folded = {"title_folded": "空气质量", "text_folded": "空气质量"}
    async with kept.transaction() as tx:
        await tx.execute(
            insert(assets).values({name: rows[0][name] for name in rows[0] if name != "category"} | folded)
        )
        await tx.execute(insert(versions), rows[1])
    await schema.upgrade(kept)
    async with kept.transaction() as tx:
        assert await store.entry(tx, asset.id) == entry  # by its lowest grade from now on
        assert (await search.find(tx, ANYONE, Sought(("空气",)), 10)).places == []
    assert await reindex(kept) == 1
    async with kept.read() as tx:
        found = (await search.find(tx, ANYONE, Sought(("空气",)), 10)).places
        assert [place.asset_id for place in found] == [asset.id]
    async with kept.transaction() as tx:  # the code before, still running, adds another
        older = with_grades([])
        row = store._asset_row(older.asset) | folded  # pyright: ignore
        await tx.execute(insert(assets).values({name: row[name] for name in row if name != "category"}))
    assert await reindex(kept) == 1
