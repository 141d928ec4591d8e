"""How complaints are kept, and apart from them what is personal of each; and how many were filed in an hour."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from services.trading.rules.complaint import (
    About,
    Complaint,
    Count,
    Kind,
    NoSuchComplaint,
    State,
)
from services.trading.store import rows
from services.trading.tables.supervision import complaint_counts, complaint_particulars, complaints
from shared.database import Transaction, for_update, insert_into
from shared.ids import AssetId, ComplaintId, ListingId, OrderId, ParticipantId
from shared.web import Page

DUE_MAX = 100
KINDS_OF_ABOUT = {kind.kind: kind for kind in (ParticipantId, AssetId, ListingId, OrderId)}


@dataclass(frozen=True, slots=True)
class Particulars:
    """In hex: `salt` of the commitments in the log, `code_salt` of the sender's code."""

    narrative: str
    contact: str | None
    salt: str
    code_salt: str


async def add_complaint(tx: Transaction, complaint: Complaint, particulars: Particulars) -> None:
    await rows.add(tx, complaints, _row(complaint))
    row = {
        "complaint_id": complaint.id, "narrative": particulars.narrative, "contact": particulars.contact,
        "salt": particulars.salt, "code_salt": particulars.code_salt,
    }  # fmt: skip
    await rows.add(tx, complaint_particulars, row)


async def save_complaint(tx: Transaction, complaint: Complaint, erased_from: datetime | None) -> None:
    """`erased_from` says when what is personal of it goes."""
    await rows.save(tx, complaints, complaint, _row(complaint))
    if erased_from is not None:
        of_it = complaint_particulars.c.complaint_id == complaint.id
        await tx.execute(update(complaint_particulars).where(of_it).values(erased_from=erased_from))


async def particulars_due(tx: Transaction, now: datetime) -> list[ComplaintId]:
    """Complaints whose particulars are to go, at most a hundred, the longest kept first."""
    due = select(complaint_particulars.c.complaint_id).where(complaint_particulars.c.erased_from <= now)
    return list(await tx.scalars(due.order_by(complaint_particulars.c.erased_from).limit(DUE_MAX)))


async def erase_particulars(tx: Transaction, complaint_id: ComplaintId, now: datetime) -> bool:
    """Whether there were any to erase."""
    of_it, due = complaint_particulars.c.complaint_id == complaint_id, complaint_particulars.c.erased_from <= now
    return (await tx.execute(delete(complaint_particulars).where(of_it, due))).rowcount == 1


async def complaint(tx: Transaction, complaint_id: ComplaintId, *, lock: bool = False) -> Complaint:
    query = select(*complaints.c).where(complaints.c.id == complaint_id)
    row = (await tx.execute(for_update(query, tx) if lock else query)).one_or_none()
    if row is None:
        raise NoSuchComplaint()
    return _complaint(row)


async def particulars(tx: Transaction, complaint_id: ComplaintId) -> Particulars | None:
    """None once they are erased, and for no complaint at all."""
    query = select(*complaint_particulars.c).where(complaint_particulars.c.complaint_id == complaint_id)
    row = (await tx.execute(query)).one_or_none()
    return Particulars(row.narrative, row.contact, row.salt, row.code_salt) if row else None


async def page_of_complaints(tx: Transaction, page: Page) -> list[Complaint]:
    found = await tx.execute(rows.newest_first(select(*complaints.c), complaints.c.id, ComplaintId, page))
    return [_complaint(row) for row in found]


async def complaints_due(tx: Transaction, now: datetime) -> list[ComplaintId]:
    """Those whose deadline has passed, at most a hundred."""
    query = select(complaints.c.id).where(complaints.c.deadline <= now).order_by(complaints.c.deadline)
    return list(await tx.scalars(query.limit(DUE_MAX)))


async def count_for_update(tx: Transaction, sender: str, now: datetime) -> Count:
    """The count of a sender's complaints, locked."""
    empty = {"sender": sender, "complaints": 0, "window_ends_at": now}
    await tx.execute(insert_into(tx, complaint_counts).values(empty).on_conflict_do_nothing())
    columns = (complaint_counts.c.complaints, complaint_counts.c.window_ends_at)
    row = (await tx.execute(for_update(select(*columns).where(complaint_counts.c.sender == sender), tx))).one()
    return Count(row.complaints, row.window_ends_at)


async def save_count(tx: Transaction, sender: str, count: Count) -> None:
    values = {"complaints": count.complaints, "window_ends_at": count.window_ends_at}
    statement = insert_into(tx, complaint_counts).values(sender=sender, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["sender"], set_=values))


def _about(told: str | None) -> About | None:
    return None if told is None else KINDS_OF_ABOUT[told.rpartition("_")[0]](told)


def _complaint(row: Row[Any]) -> Complaint:
    return Complaint(
        row.id, Kind(row.kind), _about(row.about), tuple(row.evidence), row.complainant_id, State(row.state),
        row.received_at, row.deadline, row.provisional, row.escalations, row.reason_code, row.reason,
        row.respondent_id, row.revision,
    )  # fmt: skip


def _row(complaint: Complaint) -> dict[str, object]:
    return {
        "id": complaint.id, "kind": complaint.kind, "about": complaint.about, "evidence": list(complaint.evidence),
        "complainant_id": complaint.complainant_id, "state": complaint.state, "received_at": complaint.received_at,
        "deadline": complaint.deadline, "provisional": complaint.provisional, "escalations": complaint.escalations,
        "reason_code": complaint.reason_code, "reason": complaint.reason, "respondent_id": complaint.respondent_id,
        "revision": complaint.revision,
    }  # fmt: skip
