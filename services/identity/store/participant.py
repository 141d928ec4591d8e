"""How participants and their affiliations are kept.

Promises: an organisation with a living application cannot apply again; a participant that changed since it was read
cannot be saved.
"""

from collections.abc import Sequence, Set
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, false, insert, literal, not_, or_, select, update
from sqlalchemy.exc import IntegrityError

from services.identity.rules.merchant import SPONSORS, MerchantClass
from services.identity.rules.participant import (
    ADMITTED,
    AT_DEADLINE,
    PARTICIPANT,
    SUSPENDED,
    WARNED_BEFORE,
    Affiliation,
    AlreadyAffiliated,
    AlreadyApplied,
    NoSuchParticipant,
    Participant,
    Proposal,
    Status,
)
from services.identity.rules.role import Role
from services.identity.rules.sanction import Binding
from services.identity.tables import affiliations, participants
from shared.database import Transaction, for_update
from shared.errors import Conflict
from shared.grades import Clearance
from shared.ids import ParticipantId

DUE_MAX = 100


class ParticipantChanged(Conflict):
    """Someone else changed this participant; look again."""


async def participant(tx: Transaction, participant_id: ParticipantId) -> Participant:
    return _one(await _found(tx, _query(participants.c.id == participant_id)))


async def participant_for_update(tx: Transaction, participant_id: ParticipantId) -> Participant:
    return _one(await _found(tx, for_update(_query(participants.c.id == participant_id), tx)))


async def living_for_update(tx: Transaction, uscc: str) -> Participant | None:
    """An organisation's application or participation, unless it has ended."""
    living = (participants.c.uscc == uscc, participants.c.status.in_(PARTICIPANT.open_states()))
    found = await _found(tx, for_update(_query(*living), tx))
    return found[0] if found else None


async def participants_in_order(
    tx: Transaction, status: Status | None, after: str | None, limit: int
) -> list[Participant]:
    """The next participants by id, which is by age."""
    conditions: list[ColumnElement[bool]] = []
    if status is not None:
        conditions.append(participants.c.status == status)
    if after is not None:
        conditions.append(participants.c.id > after)
    return await _found(tx, _query(*conditions).order_by(participants.c.id).limit(limit))


async def directory(
    tx: Transaction, merchant_class: MerchantClass | None, after: str | None, limit: int
) -> list[Participant]:
    """The next of those that take part, or do again once they are reinstated, by id."""
    conditions: list[ColumnElement[bool]] = [participants.c.status.in_((ADMITTED, SUSPENDED))]
    if merchant_class is not None:
        conditions.append(_is_any_of({merchant_class}))
    if after is not None:
        conditions.append(participants.c.id > after)
    return await _found(tx, _query(*conditions).order_by(participants.c.id).limit(limit))


async def sponsors(
    tx: Transaction, sponsored: Set[MerchantClass], now: datetime, after: str | None, limit: int
) -> list[Participant]:
    """The next of those that may vouch for others now, by id: `sponsorship.may_sponsor` as a condition."""
    sells = (literal(" ") + participants.c.roles + " ").contains(f" {Role.PROVIDER} ")
    conditions: list[ColumnElement[bool]] = [
        participants.c.status == ADMITTED, participants.c.deadline > now, _is_any_of(SPONSORS),
        or_(participants.c.sanctioned_until.is_(None), participants.c.sanctioned_until <= now),
        or_(not_(sells), _is_any_of(set(MerchantClass) - sponsored)),
    ]  # fmt: skip
    if after is not None:
        conditions.append(participants.c.id > after)
    return await _found(tx, _query(*conditions).order_by(participants.c.id).limit(limit))


async def participants_due(tx: Transaction, now: datetime) -> list[Participant]:
    """Those whose deadline has passed and nobody has yet noticed, at most a hundred, locked."""
    due = _query(participants.c.status.in_(AT_DEADLINE), participants.c.deadline <= now)
    return await _found(tx, for_update(due.order_by(participants.c.id).limit(DUE_MAX), tx, skip_locked=True))


async def participants_to_warn(tx: Transaction, now: datetime) -> list[Participant]:
    """Those whose verification is about to expire and nobody has said so, at most a hundred, locked."""
    unwarned = (participants.c.status == ADMITTED, participants.c.warned_at.is_(None))
    soon = _query(*unwarned, participants.c.deadline <= now + WARNED_BEFORE)
    return await _found(tx, for_update(soon.order_by(participants.c.id).limit(DUE_MAX), tx, skip_locked=True))


async def add_participant(tx: Transaction, participant: Participant) -> None:
    try:
        await tx.execute(insert(participants).values(_row(participant)))
    except IntegrityError as error:
        raise AlreadyApplied() from error


async def save_participant(tx: Transaction, participant: Participant, since: int | None = None) -> None:
    """`since`: the revision that was read, if more than one step was taken from it."""
    read = participant.revision - 1 if since is None else since
    as_read = (participants.c.id == participant.id, participants.c.revision == read)
    if (await tx.execute(update(participants).where(*as_read).values(_row(participant)))).rowcount != 1:
        raise ParticipantChanged()


async def add_affiliation(tx: Transaction, affiliation: Affiliation) -> None:
    try:
        row = {"one_id": affiliation.one_id, "other_id": affiliation.other_id}
        await tx.execute(insert(affiliations).values(row))
    except IntegrityError as error:
        raise AlreadyAffiliated() from error


async def affiliates_of(tx: Transaction, participant_id: ParticipantId) -> list[ParticipantId]:
    either = or_(affiliations.c.one_id == participant_id, affiliations.c.other_id == participant_id)
    rows = await tx.execute(select(affiliations.c.one_id, affiliations.c.other_id).where(either))
    return sorted(row.other_id if row.one_id == participant_id else row.one_id for row in rows)


def _is_any_of(classes: Set[MerchantClass]) -> ColumnElement[bool]:
    own = literal(" ") + participants.c.classes + " "
    return or_(false(), *(own.contains(f" {each} ") for each in sorted(classes)))


def _query(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(*participants.c).where(*conditions)


async def _found(tx: Transaction, query: Select[Any]) -> list[Participant]:
    return [_participant(row) for row in await tx.execute(query)]


def _one(found: Sequence[Participant]) -> Participant:
    if not found:
        raise NoSuchParticipant()
    return found[0]


def _participant(row: Row[Any]) -> Participant:
    proposal = Proposal(Clearance(row.proposed_clearance), row.proposed_by) if row.proposed_by else None
    sanction = Binding(row.sanction_id, row.sanctioned_until, row.sanction_reason) if row.sanction_id else None
    return Participant(
        row.id, row.name, row.uscc, frozenset(map(Role, row.roles.split())), row.contact, Status(row.status),
        row.deadline, Clearance(row.clearance) if row.clearance else None, proposal, row.reason_code, row.revision,
        frozenset(map(MerchantClass, row.classes.split())), row.warned_at, sanction,
    )  # fmt: skip


def _row(participant: Participant) -> dict[str, object]:
    proposal, sanction = participant.proposal, participant.sanction
    return {
        "id": participant.id,
        "name": participant.name,
        "uscc": participant.uscc,
        "roles": " ".join(sorted(participant.roles)),
        "contact": participant.contact,
        "status": participant.status,
        "deadline": participant.deadline,
        "clearance": participant.clearance,
        "proposed_clearance": proposal and proposal.clearance,
        "proposed_by": proposal and proposal.proposed_by,
        "reason_code": participant.reason_code,
        "revision": participant.revision,
        "classes": " ".join(sorted(participant.classes)),
        "warned_at": participant.warned_at,
        "sanction_id": sanction and sanction.sanction_id,
        "sanctioned_until": sanction and sanction.until,
        "sanction_reason": sanction and sanction.reason,
    }
