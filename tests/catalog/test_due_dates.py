"""What was registered before versions had a day to be graded again by is given one by the migration."""

from datetime import timedelta
from typing import Any

from alembic import command
from sqlalchemy import MetaData, insert

from migrations import schema
from services.catalog.rules import registration
from services.catalog.store import entries as store
from shared.database import Database
from shared.ids import CertificateId
from tests.catalog.made import NOON, a_draft, declared, submitted, with_pending
from tests.conftest import MakeDatabase


async def test_what_is_registered_already_is_due_a_year_after_it_was(database: MakeDatabase):
    old = await database("catalog", MetaData())
    await schema._run(old, lambda connection: command.upgrade(schema._config("catalog", connection), "0001"))  # pyright: ignore[reportPrivateUsage]
    under_review = submitted(declared(with_pending(a_draft())))
    day = NOON + timedelta(days=3)
    entry, certificate = registration.register(under_review, *_yes(under_review), day)
    assert certificate
    told = {"operators": ["user_a"], "query_code": certificate.query_code, "registered_at": day, "title": "机场"}
    told |= {"asset_id": entry.asset.id, "version_id": entry.versions[0].id, "grade": "G1", "content_hash": "ab" * 32}
    told |= {"id": certificate.id, "rights_holder_id": entry.asset.provider_id}
    folded = {"title_folded": "机场", "text_folded": "机场"}
    await _keep(old, "assets", store._asset_row(entry.asset) | folded)  # pyright: ignore[reportPrivateUsage]
    await _keep(old, "versions", store._version_row(entry.versions[0]))  # pyright: ignore[reportPrivateUsage]
    await _keep(old, "certificates", told)
    await schema.upgrade(old)
    async with old.read() as tx:
        version = (await store.entry(tx, entry.asset.id)).versions[0]
    assert (version.regrade_by, version.regrade_overdue) == (day + timedelta(days=365), False)


def _yes(entry: registration.Entry) -> tuple[Any, str, CertificateId]:
    version = entry.pending
    assert version and version.graded
    return version.graded.grade, "user_a", CertificateId.new()


async def _keep(database: Database, table: str, row: dict[str, Any]) -> None:
    """In the table as it is now, without the columns that it does not have yet."""
    kept = MetaData(None if database.is_sqlite else "catalog")
    async with database.transaction() as tx:
        await tx.run_sync(kept.reflect)
        there = next(each for each in kept.sorted_tables if each.name == table)
        plain = {name: str(value) if isinstance(value, str) else value for name, value in row.items()}
        await tx.execute(insert(there).values({name: plain[name] for name in plain if name in there.c}))
