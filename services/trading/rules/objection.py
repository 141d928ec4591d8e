"""An objection (验收异议) to what was delivered: what is said to be wrong, what is asked back, and how it was answered.

Promises: while there is one, time accepts nothing; what is objected to under a clause breaks that clause by the number
that the buyer observed; the provider delivers anew at most as often as was agreed, concedes, offers a part, or says no,
and the buyer answers that; whoever is silent has, after notice, agreed to what the other side said last; of the price
never more goes back than was claimed, nor less than was offered and not declined. The same said twice is said once.
Sources: 数据提供合同 (model text of 2025) § 7; 民法典 art. 582, 621 (cure, reduction of the price, notice); art. 478
(an offer that is declined lapses). That silence binds is agreed by contract: 民法典 art. 140; after Kleros' escrow.
Does not: decide who is right. That is a dispute's, for which the grounds and the answers stand as evidence.
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.trading.rules import order as order_rules
from services.trading.rules.acceptance_terms import AcceptanceTerms
from services.trading.rules.order import (
    ANSWERED,
    AWAITING_ACCEPTANCE,
    OBJECTED,
    UNDER_OBJECTION,
    NotDue,
    Order,
    Reason,
    State,
)
from shared.errors import Conflict, Malformed, NotFound
from shared.ids import OrderId, ParticipantId
from shared.money import Money


class GroundCode(StrEnum):
    CLAUSE_BROKEN = "clause_broken"
    NOT_AS_DESCRIBED = "not_as_described"
    UNREADABLE = "unreadable"
    INCOMPLETE = "incomplete"
    RIGHTS_DEFECT = "rights_defect"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Ground:
    """One thing that is wrong; under a clause of the contract with what was observed of it."""

    code: GroundCode
    clause_id: str | None = None
    observed: int | str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What a buyer objects, and what of the price is asked back for it."""

    grounds: tuple[Ground, ...]
    claim: Money
    reason: str


class Kind(StrEnum):
    CURE = "cure"
    CONCESSION = "concession"
    OFFER = "offer"
    REJECTION = "rejection"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider says to it. `refund` is what goes back by it."""

    kind: Kind
    refund: Money
    reason: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Objection:
    """`number` counts an order's objections. `outcome` is the order's reason code as it went on."""

    order_id: OrderId
    number: int
    buyer_id: ParticipantId
    provider_id: ParticipantId
    said: Said
    raised_at: datetime
    deadline: datetime | None
    answer: Answer | None = None
    declined_at: datetime | None = None
    outcome: str | None = None
    ended_at: datetime | None = None

    @property
    def next_actor(self) -> str | None:
        if self.ended_at is not None:
            return None
        return "buyer" if self.answer else "provider"


class NoSuchObjection(NotFound):
    """You have no such objection."""


class ObjectionOver(Conflict):
    """This objection has ended; the reason says how."""


class NoSuchClause(Conflict):
    """The contract has no such clause; `clauses` names those that it has."""


class GroundUnclear(Malformed):
    """A broken clause is named, with what was observed of it; no other ground names one."""


class ClauseKept(Conflict):
    """What you observed keeps this clause."""


class ClaimImpossible(Conflict):
    """An objection asks back some of the price, or all of it; of what was free, nothing."""


class OfferImpossible(Conflict):
    """A part that is offered is less than the claim: concede the claim instead."""


class CuresSpent(Conflict):
    """The contract lets the provider deliver anew no more often."""


class NothingOffered(Conflict):
    """No part is offered that could be taken or declined."""


def object_to(order: Order, earlier: Objection | None, said: Said, now: datetime) -> tuple[Order, Objection]:
    """The buyer does not accept. `earlier` is the order's last objection; the same again is that one.

    Raises NotDue, DeadlinePassed, and what keeps the grounds or the claim from being any.
    """
    if earlier is not None and earlier.ended_at is None and earlier.said == said:
        return order, earlier
    if order.state is not AWAITING_ACCEPTANCE:
        raise NotDue(state=order.state, next_actor=order.next_actor)
    order_rules.require_price_known(order)
    for ground in said.grounds:
        _require_ground(order.acceptance, ground)
    if not (0 < said.claim.minor <= order.price.minor or order.is_free and said.claim == order.price):
        raise ClaimImpossible(price_minor=order.price.minor)
    order = _turn(order, AWAITING_ACCEPTANCE, OBJECTED, Reason.OBJECTED_BY_BUYER, said.claim, now)
    number = earlier.number + 1 if earlier else 1
    parties = (order.buyer_id, order.provider_id)
    return order, Objection(order.id, number, *parties, said, now, order.deadline)


def cure(order: Order, objection: Objection, reason: str, now: datetime) -> tuple[Order, Objection]:
    """The provider delivers anew: the inspection begins again. Requires that the buyer may receive once more."""
    if _is_said(objection, Kind.CURE, None, reason):
        return order, objection
    _require_open(objection)
    if objection.number > order.acceptance.cures_max:
        raise CuresSpent(cures_max=order.acceptance.cures_max)
    seconds = order.windows.acceptance_seconds
    changes = {"reason_code": Reason.DELIVERED_ANEW, "refund_minor": 0}
    order = order_rules.step(order, OBJECTED, AWAITING_ACCEPTANCE, seconds, now, **changes)
    return order, _answered(order, objection, Kind.CURE, order.refund, reason, now)


def concede(order: Order, objection: Objection, reason: str, now: datetime) -> tuple[Order, Objection]:
    """The provider agrees to the claim: it goes back, and the rest, if any, is shared out."""
    claim = objection.said.claim
    if _is_said(objection, Kind.CONCESSION, claim, reason):
        return order, objection
    _require_open(objection)
    order = _concluded(order, {OBJECTED}, Reason.CLAIM_CONCEDED, claim, now)
    return order, _answered(order, objection, Kind.CONCESSION, claim, reason, now)


def offer(order: Order, objection: Objection, part: Money, reason: str, now: datetime) -> tuple[Order, Objection]:
    """The provider offers a part of the claim, which the buyer answers. Raises OfferImpossible."""
    if _is_said(objection, Kind.OFFER, part, reason):
        return order, objection
    _require_open(objection)
    if not 0 < part.minor < objection.said.claim.minor:
        raise OfferImpossible(claim_minor=objection.said.claim.minor)
    order = _turn(order, OBJECTED, ANSWERED, Reason.PART_OFFERED, part, now)
    return order, _answered(order, objection, Kind.OFFER, part, reason, now)


def reject(order: Order, objection: Objection, reason: str, now: datetime) -> tuple[Order, Objection]:
    """The provider says that nothing is wrong: the order stands unless the buyer takes it further in time."""
    nothing = Money(0, order.price.currency)
    if _is_said(objection, Kind.REJECTION, nothing, reason):
        return order, objection
    _require_open(objection)
    order = _turn(order, OBJECTED, ANSWERED, Reason.OBJECTION_REJECTED, nothing, now)
    return order, _answered(order, objection, Kind.REJECTION, nothing, reason, now)


def take(order: Order, objection: Objection, now: datetime) -> tuple[Order, Objection]:
    """The buyer takes the part that was offered, and with it accepts the rest."""
    if objection.outcome == Reason.PART_TAKEN:
        return order, objection
    _require_open(objection)
    _require_offered(order)
    order = _concluded(order, {ANSWERED}, Reason.PART_TAKEN, order.refund, now)
    return order, end(objection, order, now)


def decline(order: Order, objection: Objection, now: datetime) -> tuple[Order, Objection]:
    """The buyer does not take the part that was offered; it lapses. There is no more time to answer by that."""
    if objection.declined_at is not None:
        return order, objection
    _require_open(objection)
    _require_offered(order)
    declined = _turn(order, ANSWERED, ANSWERED, Reason.PART_DECLINED, Money(0, order.price.currency), now)
    return replace(declined, deadline=order.deadline), replace(objection, declined_at=now)


def withdraw(order: Order, objection: Objection, now: datetime) -> tuple[Order, Objection]:
    """The buyer accepts what it had objected to."""
    if objection.outcome == Reason.OBJECTION_WITHDRAWN:
        return order, objection
    _require_open(objection)
    order = _concluded(order, UNDER_OBJECTION, Reason.OBJECTION_WITHDRAWN, None, now)
    return order, end(objection, order, now)


def end(objection: Objection, order: Order, now: datetime) -> Objection:
    """The objection once its order has gone on, whoever brought that about."""
    return replace(objection, deadline=None, outcome=order.reason_code, ended_at=now)


def _answered(
    order: Order, objection: Objection, kind: Kind, refund: Money, reason: str, now: datetime
) -> Objection:  # fmt: skip
    told = replace(objection, answer=Answer(kind, refund, reason, now), deadline=order.deadline)
    return told if order.state is ANSWERED else end(told, order, now)


def _is_said(objection: Objection, kind: Kind, refund: Money | None, reason: str) -> bool:
    said = objection.answer
    return said is not None and (said.kind, said.reason) == (kind, reason) and refund in {None, said.refund}


def _require_open(objection: Objection) -> None:
    if objection.ended_at is not None:
        raise ObjectionOver(reason_code=objection.outcome)


def _require_offered(order: Order) -> None:
    if order.state is ANSWERED and not order.refund_minor:
        raise NothingOffered(reason_code=order.reason_code)


def _turn(order: Order, state: State, to: State, reason: Reason, refund: Money, now: datetime) -> Order:
    """The other side's turn. `refund` is what goes back if that side is silent."""
    seconds, changes = order.acceptance.answer_seconds, {"reason_code": reason, "refund_minor": refund.minor}
    return order_rules.step(order, state, to, seconds, now, **changes)


def _concluded(
    order: Order, states: Set[State], reason: Reason, refund: Money | None, now: datetime
) -> Order:  # fmt: skip
    if order.state not in states:
        raise NotDue(state=order.state, next_actor=order.next_actor)
    if order_rules.deadline_has_passed(order, now):
        raise order_rules.DeadlinePassed(deadline=order.deadline)
    return order_rules.conclude(order, reason, now, refund)


def _require_ground(terms: AcceptanceTerms, ground: Ground) -> None:
    if ground.code is not GroundCode.CLAUSE_BROKEN:
        if ground.clause_id is not None or ground.observed is not None:
            raise GroundUnclear(code=ground.code)
        return
    if ground.clause_id is None:
        raise GroundUnclear(code=ground.code)
    clause = terms.clause(ground.clause_id)
    if clause is None:
        raise NoSuchClause(clauses=[each.id for each in terms.clauses])
    if not clause.is_broken_by(ground.observed):
        raise ClauseKept(clause_id=clause.id, bound=clause.bound)
