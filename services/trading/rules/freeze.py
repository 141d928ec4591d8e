"""A freeze order (冻结令): what two persons of the regulator hold still for a time, and how it comes free again.

Owns: the order's lifecycle, its scopes, and what it does to the clock of an order of the market.
Promises: no single person freezes or lifts anything; a freeze has a legal basis and ends by itself, after thirty days
at most; a deadline is moved by just the time that it was frozen, whichever orders overlap, and whether or not any job
has run: the longest freeze is added when it begins, what is lifted early is taken off again.
Does not: call auctions off, hold money back or stop deliveries; `actions/freeze` does, in the commit of the second yes.
Sources: matrix rows 6, 17, 24, 26, 30 of the authorisation rules (regulator: two persons; a listing may be proposed by
an operator of the business); 行政强制法 art. 24 (form and notice), 25 and 32 (thirty days), 28 and 33 (lifting).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules.order import Order
from services.trading.rules.supervision import SupervisionRules
from shared.errors import Conflict, Forbidden, Malformed, NotFound
from shared.ids import AssetId, FreezeId, ListingId, OrderId, ParticipantId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    LAPSED = "lapsed"
    LIFTED = "lifted"
    EXPIRED = "expired"


PROPOSED, IN_FORCE, LAPSED, LIFTED, EXPIRED = State

FREEZE = Lifecycle(start=PROPOSED, moves={
    PROPOSED: {IN_FORCE, LAPSED},
    IN_FORCE: {LIFTED, EXPIRED},
    LAPSED:   set(),
    LIFTED:   set(),
    EXPIRED:  set(),
})  # fmt: skip


class Scope(StrEnum):
    """What is held: `participant` their offers, deals and money; `asset` every offer and deal of it; `listing` the
    offer alone; `order` one deal with its money; `wallet` what would leave it."""

    PARTICIPANT = "participant"
    ASSET = "asset"
    LISTING = "listing"
    ORDER = "order"
    WALLET = "wallet"


class Ground(StrEnum):
    ILLEGAL_DATA = "illegal_data"  # 数据来源或内容违法
    BLACK_MARKET = "black_market"  # 黑市交易
    PERSONAL_DATA = "personal_data"  # 侵害个人信息
    COUNTERFEIT_RIGHTS = "counterfeit_rights"  # 伪造权属
    MONEY_LAUNDERING = "money_laundering"  # 涉嫌洗钱
    EVIDENCE = "evidence"  # 证据保全


class LiftGround(StrEnum):
    GROUND_GONE = "ground_gone"  # 行政强制法 art. 28(1)
    NOT_INVOLVED = "not_involved"  # art. 28(2): the thing has nothing to do with the breach
    DECIDED = "decided"  # art. 28(3): the case is decided


NOT_CONFIRMED, TIME_IS_UP = "not_confirmed", "time_is_up"
Subject = ParticipantId | AssetId | ListingId | OrderId


@dataclass(frozen=True, slots=True)
class Held:
    """What an order is to hold, and whom it concerns: they are told."""

    scope: Scope
    subject_id: Subject
    owner_id: ParticipantId
    counterparty_id: ParticipantId | None = None


@dataclass(frozen=True, slots=True)
class Basis:
    """Why: the ground, the articles of law, and the case of the regulator that it belongs to, if there is one."""

    ground: Ground
    legal_basis: str
    case_reference: str | None


@dataclass(frozen=True, slots=True)
class Official:
    """One of the two persons. `is_regulator`: or else an operator of the business."""

    subject: str
    is_regulator: bool


@dataclass(frozen=True, slots=True)
class Lifting:
    """The first yes to an early end."""

    official: str
    ground: LiftGround
    proposed_at: datetime


@dataclass(frozen=True, slots=True)
class Freeze:
    """`expires_at` is the first moment at which nothing is frozen any more."""

    id: FreezeId
    held: Held
    basis: Basis
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    state: State
    deadline: datetime | None
    confirmed_by: str | None = None
    in_force_at: datetime | None = None
    lifting: Lifting | None = None
    ended_at: datetime | None = None
    reason_code: str | None = None
    revision: int = 1

    @property
    def next_actor(self) -> str | None:
        return "regulator" if FREEZE.moves[self.state] else None

    def holds_at(self, moment: datetime) -> bool:
        return self.state is IN_FORCE and moment < self.expires_at


class NoSuchFreeze(NotFound):
    """There is no such freeze order, or it does not concern you."""


class NothingToFreeze(NotFound):
    """There is no such participant, or no such asset was ever listed."""


class NotIndependent(Forbidden):
    """Whoever belongs to a participant's organisation freezes nothing and lifts nothing."""


class RegulatorsOrder(Forbidden):
    """Only the regulator freezes this; an operator may propose to freeze a listing."""


class FrozenAlready(Conflict):
    """A freeze order of this scope stands for it, or is proposed."""


class FreezeTooLong(Malformed):
    """A freeze begins at its confirmation and ends within thirty days of its proposal."""


class SecondPersonRequired(Conflict):
    """Whoever proposed it cannot confirm it: a second person must."""


class ConfirmationTooLate(Conflict):
    """This was not confirmed in its time; propose it anew."""


class NotInForce(Conflict):
    """This freeze order is not in force, or ends by itself before anything could be lifted."""


class NoLiftingProposed(Conflict):
    """Nobody has proposed to lift it, or it was not confirmed in its time."""


class LiftingProposed(Conflict):
    """Lifting it is proposed already; a second person of the regulator may confirm that until `deadline`."""


class Frozen(Conflict):
    """A freeze order holds this: `scope` says what, `frozen_until` for how long at most."""


def require_independent(participant_id: ParticipantId | None) -> None:
    if participant_id is not None:
        raise NotIndependent()


def propose(
    freeze_id: FreezeId, held: Held, basis: Basis, official: Official, expires_at: datetime, rules: SupervisionRules,
    now: datetime,
) -> Freeze:  # fmt: skip
    """The first of two. Nothing is frozen by it. Requires an independent official, and that no other stands."""
    if not official.is_regulator and held.scope is not Scope.LISTING:
        raise RegulatorsOrder(scope=held.scope)
    latest = now + timedelta(days=rules.freeze_days_max)
    if not now < expires_at <= latest:
        raise FreezeTooLong(expires_at_max=latest)
    deadline = min(expires_at, now + timedelta(hours=rules.freeze_confirmation_hours))
    return Freeze(freeze_id, held, basis, official.subject, now, expires_at, FREEZE.start, deadline)


def confirm(freeze: Freeze, official: Official, now: datetime) -> Freeze:
    """The second yes, of the regulator's: from this moment on it holds."""
    if not official.is_regulator:
        raise RegulatorsOrder(scope=freeze.held.scope)
    FREEZE.move(freeze.state, IN_FORCE)
    if freeze.deadline and now >= freeze.deadline:
        raise ConfirmationTooLate(deadline=freeze.deadline)
    if official.subject == freeze.proposed_by:
        raise SecondPersonRequired()
    return _move(
        freeze, IN_FORCE, confirmed_by=official.subject, in_force_at=now, deadline=freeze.expires_at
    )  # fmt: skip


def propose_lifting(
    freeze: Freeze, official: Official, ground: LiftGround, rules: SupervisionRules, now: datetime
) -> Freeze:  # fmt: skip
    """The first of two to end it early. It holds on until the second."""
    _require_holding(freeze, official, now)
    if freeze.lifting and now < (until := _lifting_deadline(freeze.lifting, rules)):
        raise LiftingProposed(deadline=until)
    return replace(freeze, lifting=Lifting(official.subject, ground, now), revision=freeze.revision + 1)


def lift(freeze: Freeze, official: Official, rules: SupervisionRules, now: datetime) -> Freeze:
    _require_holding(freeze, official, now)
    if freeze.lifting is None or now >= _lifting_deadline(freeze.lifting, rules):
        raise NoLiftingProposed()
    if official.subject == freeze.lifting.official:
        raise SecondPersonRequired()
    return _move(freeze, LIFTED, ended_at=now, reason_code=freeze.lifting.ground, deadline=None)


def is_due(freeze: Freeze, now: datetime) -> bool:
    return freeze.deadline is not None and now >= freeze.deadline


def pass_deadline(freeze: Freeze) -> Freeze:
    """Requires that its deadline has passed: unconfirmed it lapses, in force it has ended at that moment."""
    if freeze.state is PROPOSED:
        return _move(freeze, LAPSED, reason_code=NOT_CONFIRMED, ended_at=freeze.deadline, deadline=None)
    return _move(freeze, EXPIRED, reason_code=TIME_IS_UP, ended_at=freeze.expires_at, deadline=None)


def holding_until(freezes: Iterable[Freeze], now: datetime) -> datetime | None:
    """Until when the last of these holds, as things stand; None if none does."""
    return max((each.expires_at for each in freezes if each.holds_at(now)), default=None)


def with_clock(order: Order, frozen_until: datetime | None, now: datetime) -> Order:
    """An open order of the market under freezes that hold it until then, or under none any more.

    Its deadline moves by as much as the end of its frozen time does, so that it keeps just the time that it had left.
    """
    before = max(order.frozen_until or now, now)
    after = max(frozen_until or now, now)
    if after == before:
        return order
    deadline = order.deadline and order.deadline + (after - before)
    return replace(order, frozen_until=after, deadline=deadline, revision=order.revision + 1)


def _require_holding(freeze: Freeze, official: Official, now: datetime) -> None:
    if not official.is_regulator:
        raise RegulatorsOrder(scope=freeze.held.scope)
    if not freeze.holds_at(now):
        raise NotInForce(state=freeze.state, expires_at=freeze.expires_at)


def _lifting_deadline(lifting: Lifting, rules: SupervisionRules) -> datetime:
    return lifting.proposed_at + timedelta(hours=rules.freeze_confirmation_hours)


def _move(freeze: Freeze, to: State, **changes: Any) -> Freeze:
    return replace(freeze, state=FREEZE.move(freeze.state, to), revision=freeze.revision + 1, **changes)
