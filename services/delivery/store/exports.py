"""How transfers abroad are kept: clearances are added and never changed; persons stand once for each version a year."""

from typing import Any

from sqlalchemy import Row, func, insert, select

from services.delivery.rules.export import Export, ExportClearance, Ground, Instrument
from services.delivery.tables.exports import export_clearances, exports
from shared.database import Transaction, insert_into
from shared.ids import EntitlementId, ExportClearanceId, ParticipantId, VersionId


async def add_clearance(tx: Transaction, clearance: ExportClearance) -> None:
    row = {column.name: getattr(clearance, column.name) for column in export_clearances.c}
    await tx.execute(insert(export_clearances).values(row))


async def clearances(
    tx: Transaction, entitlement_id: EntitlementId, after: ExportClearanceId | None, limit: int
) -> list[ExportClearance]:  # fmt: skip
    """Oldest first."""
    where = [export_clearances.c.entitlement_id == entitlement_id]
    if after is not None:
        where.append(export_clearances.c.id > after)
    query = select(*export_clearances.c).where(*where).order_by(export_clearances.c.id).limit(limit)
    return [_clearance(row) for row in await tx.execute(query)]


async def export(
    tx: Transaction, entitlement_id: EntitlementId, provider_id: ParticipantId | None, version_id: VersionId, year: int
) -> Export:
    """The newest clearance, and the persons of all other versions that this provider has sent abroad this year: each
    version once, by the highest number that was cleared, to however many it went."""
    newest = select(*export_clearances.c).where(export_clearances.c.entitlement_id == entitlement_id)
    row = (await tx.execute(newest.order_by(export_clearances.c.id.desc()).limit(1))).one_or_none()
    clearance = None if row is None else _clearance(row)
    if provider_id is None:
        return Export(clearance, None, None)
    others = (exports.c.provider_id == provider_id, exports.c.year == year, exports.c.version_id != version_id)
    most = (func.max(exports.c.persons).label("persons"), func.max(exports.c.sensitive_persons).label("sensitive"))
    sent = select(*most).where(*others).group_by(exports.c.version_id).subquery()
    sums = (func.coalesce(func.sum(sent.c.persons), 0), func.coalesce(func.sum(sent.c.sensitive), 0))
    persons, sensitive_persons = (await tx.execute(select(*sums))).one()
    return Export(clearance, int(persons), int(sensitive_persons))


async def save_export(
    tx: Transaction, provider_id: ParticipantId, buyer_id: ParticipantId, version_id: VersionId, year: int,
    clearance: ExportClearance,
) -> None:  # fmt: skip
    """Let the version's persons stand for what this recipient has got of it this year, as the clearance has them."""
    counted = {
        "provider_id": provider_id, "persons": clearance.persons, "sensitive_persons": clearance.sensitive_persons,
    }  # fmt: skip
    row = {"buyer_id": buyer_id, "version_id": version_id, "year": year, **counted}
    key = ["buyer_id", "year", "version_id"]
    await tx.execute(insert_into(tx, exports).values(row).on_conflict_do_update(index_elements=key, set_=counted))


def _clearance(row: Row[Any]) -> ExportClearance:
    return ExportClearance(
        row.id, row.entitlement_id, row.persons, row.sensitive_persons, row.ground and Ground(row.ground),
        row.instrument and Instrument(row.instrument), row.number, row.valid_until, row.reason, row.recorded_by,
        row.recorded_at, row.covers_persons,
    )  # fmt: skip
