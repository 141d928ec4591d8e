"""How catalogues are kept as they stood: whole, and never changed."""

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row as Found
from sqlalchemy import insert, select

from services.catalog.rules.important_catalogue import NoSuchSnapshot, Row, Snapshot, status_of
from services.catalog.rules.viewing import EVERYTHING
from services.catalog.store import important_data, rows
from services.catalog.tables.files import catalogue_snapshots
from shared.database import Transaction
from shared.ids import CatalogueSnapshotId

AT_ONCE = 1_000
ROWS = TypeAdapter(tuple[Row, ...])


async def present_rows(tx: Transaction) -> list[Row]:
    """The catalogue as it stands now."""
    found: list[Row] = []
    before: str | None = None
    while page := await important_data.catalogue(tx, EVERYTHING, None, before, AT_ONCE):
        found += [_row_of(each) for each in page]
        before = page[-1].version_id
    return found


async def add_snapshot(tx: Transaction, taken: Snapshot) -> None:
    row = {
        "id": taken.id, "taken_at": taken.taken_at, "taken_by": taken.taken_by, "digest": taken.digest,
        "told": ROWS.dump_json(taken.rows).decode(),
    }  # fmt: skip
    await tx.execute(insert(catalogue_snapshots).values(row))


async def snapshot(tx: Transaction, snapshot_id: CatalogueSnapshotId) -> Snapshot:
    """Raises NoSuchSnapshot."""
    its = catalogue_snapshots.c
    return _snapshot((await tx.execute(select(*its).where(its.id == snapshot_id))).one_or_none())


async def snapshot_before(tx: Transaction, snapshot_id: CatalogueSnapshotId) -> Snapshot:
    """The last one before it. Raises NoSuchSnapshot."""
    its = catalogue_snapshots.c
    earlier = select(*its).where(its.id < snapshot_id).order_by(its.id.desc()).limit(1)
    return _snapshot((await tx.execute(earlier)).one_or_none())


async def page_of_snapshots(tx: Transaction, before: str | None, limit: int) -> list[Snapshot]:
    """Newest first."""
    its = catalogue_snapshots.c
    return [_snapshot(row) for row in await tx.execute(rows.newest_first(select(*its), its.id, before, limit))]


def _row_of(each: important_data.Important) -> Row:
    declared = each.filing.declared if each.filing else None
    return Row(
        each.version_id, each.asset_id, each.provider_id, each.title, each.theme, each.grade,
        status_of(declared and declared.basis), declared and declared.authority, declared and declared.number,
        each.is_registered, each.content_rows, each.assessed_until,
    )  # fmt: skip


def _snapshot(row: Found[Any] | None) -> Snapshot:
    if row is None:
        raise NoSuchSnapshot()
    return Snapshot(row.id, row.taken_at, row.taken_by, row.digest, ROWS.validate_json(row.told))
