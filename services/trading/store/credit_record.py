"""How credit records and the appeals against their entries are kept. An entry is added and never changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.exc import IntegrityError

from services.trading.rules.credit_record import (
    Appeal,
    AppealedAlready,
    Entry,
    Kind,
    NoSuchAppeal,
    NoSuchEntry,
    Source,
    State,
)
from services.trading.store import rows
from services.trading.tables.supervision import credit_appeals, credit_entries
from shared.database import Transaction, for_update, insert_into, wait_for_name
from shared.ids import ComplaintId, CreditAppealId, CreditEntryId, DisputeId, OrderId, ParticipantId
from shared.web import Page

DUE_MAX = 100
SOURCES = {kind.kind: kind for kind in (OrderId, DisputeId, ComplaintId, CreditAppealId)}


async def lock_record(tx: Transaction, participant_id: ParticipantId) -> None:
    """Let nobody else enter anything until the transaction ends, so that of two the second counts the first."""
    await wait_for_name(tx, f"credit record of {participant_id}")


async def add_entry(tx: Transaction, entry: Entry) -> bool:
    """Whether it is new: a failure is entered once."""
    statement = insert_into(tx, credit_entries).values(_row(entry)).on_conflict_do_nothing()
    return (await tx.execute(statement)).rowcount == 1


async def entries_of(tx: Transaction, participant_id: ParticipantId) -> list[Entry]:
    query = select(*credit_entries.c).where(credit_entries.c.participant_id == participant_id)
    return [_entry(row) for row in await tx.execute(query.order_by(credit_entries.c.id))]


async def entry(tx: Transaction, entry_id: CreditEntryId, participant_id: ParticipantId | None) -> Entry:
    """Of one's own record: another's is not there. For None, of anyone's."""
    query = select(*credit_entries.c).where(credit_entries.c.id == entry_id)
    if participant_id is not None:
        query = query.where(credit_entries.c.participant_id == participant_id)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NoSuchEntry()
    return _entry(row)


async def page_of_entries(tx: Transaction, page: Page, participant_id: ParticipantId | None) -> list[Entry]:
    query = select(*credit_entries.c)
    if participant_id is not None:
        query = query.where(credit_entries.c.participant_id == participant_id)
    found = await tx.execute(rows.newest_first(query, credit_entries.c.id, CreditEntryId, page))
    return [_entry(row) for row in found]


async def add_appeal(tx: Transaction, appeal: Appeal) -> None:
    try:
        await rows.add(tx, credit_appeals, _appeal_row(appeal))
    except IntegrityError as error:
        raise AppealedAlready() from error


async def save_appeal(tx: Transaction, appeal: Appeal) -> None:
    await rows.save(tx, credit_appeals, appeal, _appeal_row(appeal))


async def appeal(
    tx: Transaction, appeal_id: CreditAppealId, participant_id: ParticipantId | None, *, lock: bool = False
) -> Appeal:
    """One's own: another's is not there. For None, anyone's."""
    query = select(*credit_appeals.c).where(credit_appeals.c.id == appeal_id)
    if participant_id is not None:
        query = query.where(credit_appeals.c.participant_id == participant_id)
    row = (await tx.execute(for_update(query, tx) if lock else query)).one_or_none()
    if row is None:
        raise NoSuchAppeal()
    return _appeal(row)


async def page_of_appeals(tx: Transaction, page: Page, participant_id: ParticipantId | None) -> list[Appeal]:
    query = select(*credit_appeals.c)
    if participant_id is not None:
        query = query.where(credit_appeals.c.participant_id == participant_id)
    found = await tx.execute(rows.newest_first(query, credit_appeals.c.id, CreditAppealId, page))
    return [_appeal(row) for row in found]


async def appeals_due(tx: Transaction, now: datetime) -> list[CreditAppealId]:
    """Those whose deadline has passed, at most a hundred."""
    query = select(credit_appeals.c.id).where(credit_appeals.c.deadline <= now).order_by(credit_appeals.c.deadline)
    return list(await tx.scalars(query.limit(DUE_MAX)))


def _source(told: str) -> Source:
    return SOURCES[told.rpartition("_")[0]](told)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.id, row.participant_id, Kind(row.kind), row.points, _source(row.source_id), row.entered_by, row.entered_at,
        row.expires_at, row.corrects,
    )  # fmt: skip


def _row(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id, "participant_id": entry.participant_id, "kind": entry.kind, "points": entry.points,
        "source_id": entry.source_id, "entered_by": entry.entered_by, "entered_at": entry.entered_at,
        "expires_at": entry.expires_at, "corrects": entry.corrects,
    }  # fmt: skip


def _appeal(row: Row[Any]) -> Appeal:
    return Appeal(
        row.id, row.entry_id, row.participant_id, row.entered_by, row.reason, tuple(row.evidence), State(row.state),
        row.submitted_at, row.deadline, row.provisional, row.escalations, row.decided_by, row.decision_reason,
        row.revision,
    )  # fmt: skip


def _appeal_row(appeal: Appeal) -> dict[str, object]:
    return {
        "id": appeal.id, "entry_id": appeal.entry_id, "participant_id": appeal.participant_id,
        "entered_by": appeal.entered_by, "reason": appeal.reason, "evidence": list(appeal.evidence),
        "state": appeal.state, "submitted_at": appeal.submitted_at, "deadline": appeal.deadline,
        "provisional": appeal.provisional, "escalations": appeal.escalations, "decided_by": appeal.decided_by,
        "decision_reason": appeal.decision_reason, "revision": appeal.revision,
    }  # fmt: skip
