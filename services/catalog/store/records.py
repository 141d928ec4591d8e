"""How legal records are kept, each with the evidence that it rests on."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, insert, select

from services.catalog.rules.records import (
    CONSENTS,
    Assessment,
    Consent,
    Evidence,
    Kind,
    NoSuchRecord,
    Record,
    State,
)
from services.catalog.rules.viewing import Viewer
from services.catalog.store import rows, sight
from services.catalog.tables.files import records
from shared.database import Transaction
from shared.ids import AssetId, RecordId

CONSENT, ASSESSMENT = TypeAdapter(Consent), TypeAdapter(Assessment)


async def add_record(tx: Transaction, record: Record) -> None:
    await tx.execute(insert(records).values(_row(record)))


async def save_record(tx: Transaction, record: Record) -> None:
    await rows.save(tx, records, record, _row(record))


async def record(tx: Transaction, record_id: RecordId, viewer: Viewer) -> Record:
    """Raises NoSuchRecord, also for what is not the viewer's to see."""
    seen = sight.readable(records.c.asset_id, records.c.provider_id, viewer)
    query = select(*records.c).where(records.c.id == record_id, seen)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NoSuchRecord()
    return _record(row)


async def records_of(tx: Transaction, asset_id: AssetId) -> list[Record]:
    """All that an asset ever had on record, oldest first."""
    query = select(*records.c).where(records.c.asset_id == asset_id).order_by(records.c.id)
    return [_record(row) for row in await tx.execute(query)]


async def page_of_records(
    tx: Transaction, viewer: Viewer, asset_id: AssetId | None, before: str | None, limit: int
) -> list[Record]:
    """Newest first."""
    query = select(*records.c).where(sight.readable(records.c.asset_id, records.c.provider_id, viewer))
    if asset_id is not None:
        query = query.where(records.c.asset_id == asset_id)
    return [_record(row) for row in await tx.execute(rows.newest_first(query, records.c.id, before, limit))]


async def due_records(tx: Transaction, now: datetime) -> list[RecordId]:
    query = select(records.c.id).where(records.c.deadline <= now).order_by(records.c.deadline)
    return list(await tx.scalars(query.limit(rows.DUE_MAX)))


def _record(row: Row[Any]) -> Record:
    kind = Kind(row.kind)
    content = (CONSENT if kind in CONSENTS else ASSESSMENT).validate_python(row.content)
    evidence = Evidence(kind, content, row.evidence_hash, row.valid_until)
    return Record(
        row.id, row.asset_id, row.provider_id, row.version_id, evidence, State(row.state), row.recorded_at,
        row.reason_code, row.revision,
    )  # fmt: skip


def _row(record: Record) -> dict[str, object]:
    evidence, content = record.evidence, record.evidence.content
    is_consent = isinstance(content, Consent)
    told = CONSENT.dump_python(content, mode="json") if is_consent else ASSESSMENT.dump_python(content, mode="json")
    return {
        "id": record.id, "asset_id": record.asset_id, "provider_id": record.provider_id,
        "version_id": record.version_id, "kind": evidence.kind, "content": told,
        "evidence_hash": evidence.evidence_hash, "valid_until": evidence.valid_until, "state": record.state,
        "deadline": record.deadline, "recorded_at": record.recorded_at, "reason_code": record.reason_code,
        "revision": record.revision,
    }  # fmt: skip
