"""How access requests are kept: one row each, with every step taken.

Promises: a request read for update is this transaction's alone until it ends; a second undecided or approved one of the
same buyer for the same version and mode cannot be kept; what changed since it was read is not saved.
"""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Row, and_, insert, or_, select, true, update
from sqlalchemy.exc import IntegrityError

from services.catalog.rules.access import (
    APPROVED,
    AccessAlreadyRequested,
    AccessRequest,
    Form,
    NextActor,
    NoSuchAccessRequest,
    State,
    Taken,
)
from services.catalog.rules.viewing import Viewer
from services.catalog.store import sight
from services.catalog.tables.access import access_requests
from shared.database import Transaction, for_update
from shared.errors import Conflict
from shared.grades import Grade, Mode
from shared.ids import AccessRequestId, ParticipantId, VersionId

DUE_MAX = 100
STEPS = TypeAdapter(tuple[Taken, ...])


class AccessRequestChangedMeanwhile(Conflict):
    """Someone else decided on this request; look again."""


async def add(tx: Transaction, asked: AccessRequest) -> None:
    try:
        await tx.execute(insert(access_requests).values(_row(asked)))
    except IntegrityError as error:  # another request of the same buyer was first
        raise AccessAlreadyRequested() from error


async def request(tx: Transaction, request_id: AccessRequestId) -> AccessRequest:
    return _found((await tx.execute(_one(request_id))).one_or_none())


async def request_for_update(tx: Transaction, request_id: AccessRequestId) -> AccessRequest:
    return _found((await tx.execute(for_update(_one(request_id), tx))).one_or_none())


async def of_buyer(tx: Transaction, version_id: VersionId, buyer_id: ParticipantId) -> list[AccessRequest]:
    """All that this buyer ever asked for this version, oldest first."""
    its = (access_requests.c.version_id == version_id, access_requests.c.buyer_id == buyer_id)
    rows = await tx.execute(select(*access_requests.c).where(*its).order_by(access_requests.c.id))
    return [_request(row) for row in rows]


async def approved_of(tx: Transaction, version_ids: list[VersionId], buyer_id: ParticipantId) -> list[AccessRequest]:
    """The approvals of this buyer for these versions, whatever they are worth by now."""
    its = (access_requests.c.buyer_id == buyer_id, access_requests.c.state == APPROVED)
    query = select(*access_requests.c).where(*its, access_requests.c.version_id.in_(version_ids))
    return [_request(row) for row in await tx.execute(query.order_by(access_requests.c.id))]


async def listed(
    tx: Transaction, viewer: Viewer, state: State | None, after: AccessRequestId | None, limit: int
) -> list[AccessRequest]:
    """In order of age; those in which the viewer asks or provides, or those to entries that they oversee."""
    theirs = sight.readable(access_requests.c.asset_id, access_requests.c.provider_id, viewer)
    if viewer.participant_id is not None:
        theirs = or_(theirs, access_requests.c.buyer_id == viewer.participant_id)
    where: list[ColumnElement[bool]] = [theirs, access_requests.c.id > after if after else true()]
    if state is not None:
        where.append(access_requests.c.state == state)
    query = select(*access_requests.c).where(and_(*where)).order_by(access_requests.c.id).limit(limit)
    return [_request(row) for row in await tx.execute(query)]


async def due(tx: Transaction, now: datetime) -> list[AccessRequestId]:
    """The requests that time has moved and nobody has yet noticed; at most a hundred."""
    query = select(access_requests.c.id).where(access_requests.c.deadline <= now).order_by(access_requests.c.id)
    return list(await tx.scalars(query.limit(DUE_MAX)))


async def save(tx: Transaction, asked: AccessRequest) -> None:
    """Raises AccessRequestChangedMeanwhile unless it is stored as it was before this one change."""
    as_read = (access_requests.c.id == asked.id, access_requests.c.revision == asked.revision - 1)
    if (await tx.execute(update(access_requests).where(*as_read).values(_row(asked)))).rowcount != 1:
        raise AccessRequestChangedMeanwhile()


def _one(request_id: AccessRequestId) -> Any:
    return select(*access_requests.c).where(access_requests.c.id == request_id)


def _found(row: Row[Any] | None) -> AccessRequest:
    if row is None:
        raise NoSuchAccessRequest()
    return _request(row)


def _request(row: Row[Any]) -> AccessRequest:
    form = Form(Mode(row.mode), row.purpose, row.days, row.reason, row.renews)
    return AccessRequest(
        row.id, row.asset_id, row.version_id, row.provider_id, row.buyer_id, form, State(row.state),
        row.next_actor and NextActor(row.next_actor), row.deadline, Grade(row.grade),
        STEPS.validate_python(row.steps), row.reason_code, row.revision,
    )  # fmt: skip


def _row(asked: AccessRequest) -> dict[str, object]:
    form = asked.form
    return {
        "id": asked.id, "asset_id": asked.asset_id, "version_id": asked.version_id, "provider_id": asked.provider_id,
        "buyer_id": asked.buyer_id, "mode": form.mode, "purpose": form.purpose, "days": form.days,
        "reason": form.reason, "renews": form.renews, "state": asked.state, "next_actor": asked.next_actor,
        "deadline": asked.deadline, "grade": asked.grade, "steps": STEPS.dump_python(asked.steps, mode="json"),
        "reason_code": asked.reason_code, "revision": asked.revision,
    }  # fmt: skip
