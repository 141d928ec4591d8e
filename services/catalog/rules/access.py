"""A request for access (一点申请): one form on which a buyer says what for, and everyone who must agree says why.

Owns: the states of a request, who acts next and until when, and what an approval is worth.
Promises: the provider decides first, and from G4 an operator of neither side decides too; an approval is for the grade
that it was given at, so that a raise ends its worth; every step is kept with its reason; nothing waits for ever.
Does not: replace an entitlement. Whoever may see more, or have an order approved, still buys under a contract.
Source: reliability 5.2 (field names of G4 after an agreement; G5 order by order).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import Conflict, Forbidden, NotFound
from shared.grades import G4, Flag, Grade, Mode, possible
from shared.ids import AccessRequestId, AssetId, ParticipantId, VersionId
from shared.lifecycle import Lifecycle

DECIDED_WITHIN = timedelta(days=15)
SECOND_LEVEL_FROM = G4
DAYS_MAX = 366
EXPIRED, RENEWED, NOT_DECIDED = "expired", "renewed", "not_decided_in_time"


class State(StrEnum):
    AWAITING_PROVIDER = "awaiting_provider"
    AWAITING_OPERATOR = "awaiting_operator"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    ENDED = "ended"


AWAITING_PROVIDER, AWAITING_OPERATOR, APPROVED, REFUSED, WITHDRAWN, LAPSED, ENDED = State
ACCESS = Lifecycle(start=AWAITING_PROVIDER, moves={
    AWAITING_PROVIDER: {AWAITING_OPERATOR, APPROVED, REFUSED, WITHDRAWN, LAPSED},
    AWAITING_OPERATOR: {APPROVED, REFUSED, WITHDRAWN, LAPSED},
    APPROVED:          {ENDED},  # expired, revoked, or renewed by another
    REFUSED:           set(),
    WITHDRAWN:         set(),
    LAPSED:            set(),
    ENDED:             set(),
})  # fmt: skip
WAITING = (AWAITING_PROVIDER, AWAITING_OPERATOR)


class NextActor(StrEnum):
    PROVIDER = "provider"
    OPERATOR = "operator_business"
    BUYER = "buyer"


class Step(StrEnum):
    REQUESTED = "requested"
    AGREED = "agreed"  # by the provider; the second level is still to come
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    LAPSED = "lapsed"
    EXPIRED = "expired"
    RENEWED = "renewed"


@dataclass(frozen=True, slots=True)
class Taken:
    """One step of a request: who took it, when, and the words that they gave for it."""

    step: Step
    at: datetime
    by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """What a buyer asks for. `renews`: the request that this one is to go on from."""

    mode: Mode
    purpose: str
    days: int
    reason: str
    renews: AccessRequestId | None = None


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """`grade` is the version's when the last level agreed: the approval holds up to that grade, until `deadline`."""

    id: AccessRequestId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    form: Form
    state: State
    next_actor: NextActor | None
    deadline: datetime | None
    grade: Grade
    steps: tuple[Taken, ...]
    reason_code: str | None = None
    revision: int = 1


class NoSuchAccessRequest(NotFound):
    """There is no such request, or it is not yours to see."""


class OwnVersion(Conflict):
    """Your own organisation provides this version."""


class AccessAlreadyRequested(Conflict):
    """You have a request for this version in this mode that is not decided yet."""


class AccessStands(Conflict):
    """Your access to this version in this mode was approved already: name that request as the one you renew."""


class NothingToRenew(Conflict):
    """What you name is no approved request of yours for this version in this mode."""


class AccessDeadlinePassed(Conflict):
    """The time for this is up. What follows from that is about to be recorded; look again."""


class NotPossible(Forbidden):
    """At this grade nobody can have the version in this mode, so that nobody can approve it."""

    @property
    def told_code(self) -> str:
        return str(self.facts["reason_code"])


class JudgesOwnAffair(Forbidden):
    """Nobody decides on what their own organisation asks for or provides."""


class NotYourTurn(Conflict):
    """Someone else decides on this request now."""


def request(
    request_id: AccessRequestId, buyer_id: ParticipantId, by: str, form: Form, *, asset_id: AssetId,
    version_id: VersionId, provider_id: ParticipantId, grade: Grade, flags: frozenset[Flag],
    earlier: Iterable[AccessRequest], now: datetime,
) -> AccessRequest:  # fmt: skip
    """A new request. Requires a version whose entry shows to the buyer, and `earlier`: all its requests for it."""
    if buyer_id == provider_id:
        raise OwnVersion()
    _require_possible(grade, form.mode, flags)
    same = [one for one in earlier if one.form.mode is form.mode]
    if any(one.state in WAITING for one in same):
        raise AccessAlreadyRequested()
    standing = [one.id for one in same if one.state is APPROVED and not _is_late(one, now)]
    if form.renews is None and standing:
        raise AccessStands(request_id=standing[0])
    if form.renews is not None and form.renews not in standing:
        raise NothingToRenew()
    taken = Taken(Step.REQUESTED, now, by, form.reason)
    return AccessRequest(
        request_id, asset_id, version_id, provider_id, buyer_id, form, ACCESS.start, NextActor.PROVIDER,
        now + DECIDED_WITHIN, grade, (taken,),
    )  # fmt: skip


def approve_as_provider(
    asked: AccessRequest, by: str, reason: str, grade: Grade, flags: frozenset[Flag], now: datetime
) -> AccessRequest:  # fmt: skip
    """The provider's yes. From G4 it is the operator's turn then."""
    _require_turn(asked, AWAITING_PROVIDER, now)
    _require_possible(grade, asked.form.mode, flags)
    if grade < SECOND_LEVEL_FROM:
        return _approved(asked, by, reason, grade, now)
    ends = {"next_actor": NextActor.OPERATOR, "deadline": now + DECIDED_WITHIN, "grade": grade}
    return _move(asked, AWAITING_OPERATOR, Taken(Step.AGREED, now, by, reason), **ends)


def approve_as_operator(
    asked: AccessRequest, by: str, reason: str, organisation: ParticipantId | None, grade: Grade,
    flags: frozenset[Flag], now: datetime,
) -> AccessRequest:  # fmt: skip
    """The second level's yes. Requires an operator; raises if their organisation is one of the two."""
    require_impartial(asked, organisation)
    _require_turn(asked, AWAITING_OPERATOR, now)
    _require_possible(grade, asked.form.mode, flags)
    return _approved(asked, by, reason, grade, now)


def refuse(asked: AccessRequest, turn: State, by: str, reason_code: str, reason: str, now: datetime) -> AccessRequest:
    """A no of whoever's turn it is: `turn` is the state in which it is theirs."""
    _require_turn(asked, turn, now)
    return _over(asked, REFUSED, Taken(Step.REFUSED, now, by, reason), reason_code)


def withdraw(asked: AccessRequest, by: str, now: datetime) -> AccessRequest:
    """By the buyer, while nobody has decided."""
    _require_in_time(asked, now)
    return _over(asked, WITHDRAWN, Taken(Step.WITHDRAWN, now, by), "withdrawn_by_buyer")


def revoke(asked: AccessRequest, by: str, reason_code: str, reason: str, now: datetime) -> AccessRequest:
    """An approval taken back by the provider, or by an operator, who say why."""
    _require_in_time(asked, now)
    return _over(asked, ENDED, Taken(Step.REVOKED, now, by, reason), reason_code)


def give_way(earlier: AccessRequest, by: str, now: datetime) -> AccessRequest:
    """An approval, ended by the one that comes after it: renewed, unless its own time was up before."""
    if _is_late(earlier, now):
        return pass_deadline(earlier, by, now)
    return _over(earlier, ENDED, Taken(Step.RENEWED, now, by), RENEWED)


def pass_deadline(asked: AccessRequest, by: str, now: datetime) -> AccessRequest:
    """Requires a request whose deadline has passed."""
    if asked.state is APPROVED:
        return _over(asked, ENDED, Taken(Step.EXPIRED, now, by), EXPIRED)
    return _over(asked, LAPSED, Taken(Step.LAPSED, now, by), NOT_DECIDED)


def stands(asked: AccessRequest, grade: Grade, now: datetime) -> bool:
    """Whether the approval is worth anything now, for a version of this grade."""
    return asked.state is APPROVED and not _is_late(asked, now) and grade <= asked.grade


def require_impartial(asked: AccessRequest, organisation: ParticipantId | None) -> None:
    if organisation is not None and organisation in (asked.provider_id, asked.buyer_id):
        raise JudgesOwnAffair()


def _approved(asked: AccessRequest, by: str, reason: str, grade: Grade, now: datetime) -> AccessRequest:
    until = now + timedelta(days=asked.form.days)
    ends = {"next_actor": NextActor.BUYER, "deadline": until, "grade": grade}
    return _move(asked, APPROVED, Taken(Step.APPROVED, now, by, reason), **ends)


def _require_possible(grade: Grade, mode: Mode, flags: frozenset[Flag]) -> None:
    decision = possible(grade, mode, flags)
    if not decision.allowed:
        raise NotPossible(reason_code=decision.reason_code, grade=grade, mode=mode)


def _require_turn(asked: AccessRequest, turn: State, now: datetime) -> None:
    if asked.state in WAITING and asked.state is not turn:
        raise NotYourTurn(next_actor=asked.next_actor)
    _require_in_time(asked, now)


def _require_in_time(asked: AccessRequest, now: datetime) -> None:
    if _is_late(asked, now):
        raise AccessDeadlinePassed(deadline=asked.deadline)


def _is_late(asked: AccessRequest, now: datetime) -> bool:
    return asked.deadline is not None and asked.deadline <= now


def _over(asked: AccessRequest, to: State, taken: Taken, reason_code: str) -> AccessRequest:
    return _move(asked, to, taken, next_actor=None, deadline=None, reason_code=reason_code)


def _move(asked: AccessRequest, to: State, taken: Taken, **changes: object) -> AccessRequest:
    moved = {"state": ACCESS.move(asked.state, to), "steps": (*asked.steps, taken), "revision": asked.revision + 1}
    return replace(asked, **moved, **changes)  # pyright: ignore[reportArgumentType]
