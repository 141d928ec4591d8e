"""Who administers an organisation, and how its people come in and back in.

Promises: an organisation that is there keeps an administrator who can log in; nobody is invited to more than the
organisation may do; an invitation lets one person in, once, within a week, and is known here by its digest only; whom
the exchange locked out, the organisation does not let in again.
Does not: touch passwords, or sign anybody in.
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.identity.rules.role import Role, require_held
from services.identity.rules.user import User
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import InvitationId, ParticipantId, UserId
from shared.lifecycle import Lifecycle

TAKEN_UP_WITHIN = timedelta(days=7)
OPEN_MAX = 50
NOT_TAKEN_UP = "not_taken_up_in_time"


class State(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    LAPSED = "lapsed"


OPEN, ACCEPTED, REVOKED, LAPSED = State
INVITATION = Lifecycle(start=OPEN, moves={
    OPEN:     {ACCEPTED, REVOKED, LAPSED},
    ACCEPTED: set(),
    REVOKED:  set(),
    LAPSED:   set(),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Invitation:
    id: InvitationId
    participant_id: ParticipantId
    roles: frozenset[Role]
    is_administrator: bool
    invited_by: str
    invited_at: datetime
    state: State
    deadline: datetime | None
    user_id: UserId | None = None  # who took it up

    @property
    def next_actor(self) -> str | None:
        return "invited" if self.state is OPEN else None

    @property
    def reason_code(self) -> str | None:
        return NOT_TAKEN_UP if self.state is LAPSED else None


class NoSuchInvitation(NotFound):
    """There is no such invitation, or it is no longer good."""


class LastAdministrator(Conflict):
    """Your organisation needs an administrator who can log in; make someone else one first."""


class AdministratorAlready(Conflict):
    """This is so already."""


class NotDisabled(Conflict):
    """This person can log in already."""


class LockedOutByExchange(Forbidden):
    """The exchange locked this person out, and alone can let them in again."""


class TooManyInvitations(Conflict):
    """Your organisation has as many open invitations as are allowed; revoke one."""


def invite(
    invitation_id: InvitationId, participant_id: ParticipantId, organisation: Set[Role], roles: Set[Role],
    invited_by: str, already_open: int, now: datetime, *, is_administrator: bool,
) -> Invitation:  # fmt: skip
    """Raises RoleNotHeld, TooManyInvitations."""
    require_held(roles, organisation)
    if already_open >= OPEN_MAX:
        raise TooManyInvitations(open_max=OPEN_MAX)
    return Invitation(
        invitation_id, participant_id, frozenset(roles), is_administrator, invited_by, now, INVITATION.start,
        now + TAKEN_UP_WITHIN,
    )  # fmt: skip


def take_up(invitation: Invitation, user_id: UserId, now: datetime) -> Invitation:
    """Raises NoSuchInvitation for one that is not good, whatever the reason: a stranger is told nothing of it."""
    if invitation.state is not OPEN or invitation.deadline is None or now >= invitation.deadline:
        raise NoSuchInvitation()
    return replace(invitation, state=INVITATION.move(OPEN, ACCEPTED), deadline=None, user_id=user_id)


def revoke(invitation: Invitation) -> Invitation:
    return replace(invitation, state=INVITATION.move(invitation.state, REVOKED), deadline=None)


def pass_deadline(invitation: Invitation) -> Invitation:
    """Requires that its deadline has passed."""
    return replace(invitation, state=INVITATION.move(invitation.state, LAPSED), deadline=None)


def change_administrator(user: User, administrators: Set[UserId], *, to: bool) -> User:
    """Let someone administer, or no longer. Requires the organisation's administrators who can log in."""
    if user.is_administrator == to:
        raise AdministratorAlready(is_administrator=to)
    if not to and not administrators - {user.id}:
        raise LastAdministrator()
    return replace(user, is_administrator=to)


def enable(user: User, *, locked_out_by_own: bool, by_exchange: bool) -> User:
    """Let someone log in again. Raises NotDisabled; LockedOutByExchange where the organisation undoes what it did not
    do."""
    if user.disabled_at is None:
        raise NotDisabled()
    if not by_exchange and not locked_out_by_own:
        raise LockedOutByExchange()
    return replace(user, disabled_at=None, disabled_by=None)
