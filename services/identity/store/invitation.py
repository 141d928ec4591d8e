"""How invitations are kept: by the digest of a token, which only whoever was given the token can name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update

from services.identity.rules.administration import OPEN, Invitation, NoSuchInvitation, State
from services.identity.rules.role import Role
from services.identity.tables import invitations
from shared.database import Transaction, for_update
from shared.errors import Conflict
from shared.ids import InvitationId, ParticipantId

DUE_MAX = 100
INVITATION = [column for column in invitations.c if column.name != "token_digest"]


class InvitationChanged(Conflict):
    """Someone else changed this invitation; look again."""


async def of_token(tx: Transaction, token_digest: bytes, *, lock: bool = False) -> Invitation:
    return await _one(tx, _query(invitations.c.token_digest == token_digest), lock=lock)


async def of_organisation(tx: Transaction, invitation_id: InvitationId, participant_id: ParticipantId) -> Invitation:
    own = (invitations.c.id == invitation_id, invitations.c.participant_id == participant_id)
    return await _one(tx, _query(*own), lock=True)


async def invitations_of(
    tx: Transaction, participant_id: ParticipantId, after: str | None, limit: int
) -> list[Invitation]:
    query = _query(invitations.c.participant_id == participant_id)
    if after is not None:
        query = query.where(invitations.c.id > after)
    return [_invitation(row) for row in await tx.execute(query.order_by(invitations.c.id).limit(limit))]


async def open_count(tx: Transaction, participant_id: ParticipantId) -> int:
    """Requires that the participant is locked, if an invitation is to be added by this count."""
    own = (invitations.c.participant_id == participant_id, invitations.c.state == OPEN)
    return (await tx.execute(select(func.count()).select_from(invitations).where(*own))).scalar_one()


async def invitations_due(tx: Transaction, now: datetime) -> Sequence[Invitation]:
    due = _query(invitations.c.state == OPEN, invitations.c.deadline <= now).order_by(invitations.c.id).limit(DUE_MAX)
    return [_invitation(row) for row in await tx.execute(for_update(due, tx, skip_locked=True))]


async def add(tx: Transaction, added: Invitation, token_digest: bytes) -> None:
    row = {
        "id": added.id, "participant_id": added.participant_id, "token_digest": token_digest,
        "roles": " ".join(sorted(added.roles)), "is_administrator": added.is_administrator,
        "invited_by": added.invited_by, "invited_at": added.invited_at, "state": added.state,
        "deadline": added.deadline, "user_id": added.user_id,
    }  # fmt: skip
    await tx.execute(insert(invitations).values(row))


async def save_end(tx: Transaction, ended: Invitation) -> None:
    still_open = (invitations.c.id == ended.id, invitations.c.state == OPEN)
    values = {"state": ended.state, "deadline": None, "user_id": ended.user_id}
    if (await tx.execute(update(invitations).where(*still_open).values(values))).rowcount != 1:
        raise InvitationChanged()


async def _one(tx: Transaction, query: Select[Any], *, lock: bool) -> Invitation:
    row = (await tx.execute(for_update(query, tx) if lock else query)).one_or_none()
    if row is None:
        raise NoSuchInvitation()
    return _invitation(row)


def _query(*conditions: Any) -> Select[Any]:
    return select(*INVITATION).where(*conditions)


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        row.id, row.participant_id, frozenset(map(Role, row.roles.split())), row.is_administrator, row.invited_by,
        row.invited_at, State(row.state), row.deadline, row.user_id,
    )  # fmt: skip
