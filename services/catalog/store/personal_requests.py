"""How persons' requests are kept, and beside each the words of both sides until they are forgotten."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, or_, select, true, update
from sqlalchemy.exc import IntegrityError

from services.catalog.rules.personal_request import (
    WORDS_KEPT,
    Due,
    Kind,
    NoSuchPersonalRequest,
    PersonalRequest,
    PersonalRequestPending,
    State,
    Words,
)
from services.catalog.rules.viewing import Viewer
from services.catalog.store import rows, sight
from services.catalog.tables.persons import personal_requests
from shared.database import Transaction
from shared.ids import ConsentId, PersonalRequestId

TOLD = tuple(column for column in personal_requests.c if column.name not in {"details", "answer"})


async def add_request(tx: Transaction, request: PersonalRequest, details: str) -> None:
    """Raises PersonalRequestPending if one of the kind waits already."""
    try:
        await tx.execute(insert(personal_requests).values({**_row(request), "details": details, "answer": None}))
    except IntegrityError as error:
        raise PersonalRequestPending() from error


async def save_request(tx: Transaction, request: PersonalRequest, answer: str | None = None) -> None:
    told: dict[str, object] = {"answer": answer} if answer is not None else {}
    await rows.save(tx, personal_requests, request, _row(request) | told)


async def request(tx: Transaction, request_id: PersonalRequestId, viewer: Viewer) -> PersonalRequest:
    """Raises NoSuchPersonalRequest, also for what is not the viewer's to see."""
    seen = _readable(viewer)
    row = (await tx.execute(select(*TOLD).where(personal_requests.c.id == request_id, seen))).one_or_none()
    if row is None:
        raise NoSuchPersonalRequest()
    return _request(row)


async def words(tx: Transaction, request_id: PersonalRequestId) -> Words:
    columns = (personal_requests.c.details, personal_requests.c.answer)
    row = (await tx.execute(select(*columns).where(personal_requests.c.id == request_id))).one()
    return Words(row.details, row.answer)


async def under_consent(
    tx: Transaction, consent_id: ConsentId, after: PersonalRequestId | None, limit: int
) -> list[tuple[PersonalRequest, Words]]:
    """Oldest first, with the words."""
    its = [personal_requests.c.consent_id == consent_id]
    if after is not None:
        its.append(personal_requests.c.id > after)
    query = select(*personal_requests.c).where(*its).order_by(personal_requests.c.id).limit(limit)
    return [(_request(row), Words(row.details, row.answer)) for row in await tx.execute(query)]


async def page_of_requests(
    tx: Transaction, viewer: Viewer, before: str | None, limit: int
) -> list[PersonalRequest]:  # fmt: skip
    """Newest first."""
    query = select(*TOLD).where(_readable(viewer))
    found = await tx.execute(rows.newest_first(query, personal_requests.c.id, before, limit))
    return [_request(row) for row in found]


async def due_requests(tx: Transaction, now: datetime) -> list[PersonalRequestId]:
    its = personal_requests.c
    query = select(its.id).where(its.deadline <= now).order_by(its.deadline)
    return list(await tx.scalars(query.limit(rows.DUE_MAX)))


async def forget_words(tx: Transaction, now: datetime) -> int:
    """Of requests that ended so long ago. Returns of how many."""
    its = personal_requests.c
    kept = or_(its.details.is_not(None), its.answer.is_not(None))
    old = update(personal_requests).where(its.ended_at <= now - WORDS_KEPT, kept)
    return (await tx.execute(old.values(details=None, answer=None))).rowcount


def _readable(viewer: Viewer) -> ColumnElement[bool]:
    """A person's right is seen to whatever the grade is of what it is about: a request tells nothing of that."""
    return true() if viewer.is_staff else sight.owned(personal_requests.c.provider_id, viewer)


def _request(row: Row[Any]) -> PersonalRequest:
    due = Due(row.deadline, row.provisional) if row.deadline else None
    return PersonalRequest(
        row.id, Kind(row.kind), row.consent_id, row.asset_id, row.version_id, row.provider_id, State(row.state),
        row.received_at, due, row.escalations, row.answer_hash, row.reason_code, row.ended_at, row.revision,
    )  # fmt: skip


def _row(request: PersonalRequest) -> dict[str, object]:
    return {
        "id": request.id, "kind": request.kind, "consent_id": request.consent_id, "asset_id": request.asset_id,
        "version_id": request.version_id, "provider_id": request.provider_id, "state": request.state,
        "received_at": request.received_at, "deadline": request.deadline,
        "provisional": bool(request.due and request.due.provisional), "escalations": request.escalations,
        "answer_hash": request.answer_hash, "reason_code": request.reason_code, "ended_at": request.ended_at,
        "revision": request.revision,
    }  # fmt: skip
