"""Ending a contract before its time (合意解除): one side proposes and says why, the other agrees or contests.

Promises: nothing ends without the yes of both; every answer, and no answer, is told with its reason to both; silence is
a no. What is contested is a matter for a dispute, not for another proposal's silence.
Source: 民法典 art. 562 (the parties may end a contract by agreement), 567 (what settles accounts between them stands).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules import order as orders
from services.trading.rules.contract import Contract, Side, require_active
from services.trading.rules.order import Order
from shared import canonical
from shared.errors import Conflict, NotFound
from shared.ids import ContractId, TerminationId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    PROPOSED = "proposed"
    AGREED = "agreed"
    CONTESTED = "contested"
    LAPSED = "lapsed"


PROPOSED, AGREED, CONTESTED, LAPSED = State

TERMINATION = Lifecycle(start=PROPOSED, moves={
    PROPOSED:  {AGREED, CONTESTED, LAPSED},
    AGREED:    set(),
    CONTESTED: set(),
    LAPSED:    set(),
})  # fmt: skip


class Ground(StrEnum):
    """Why a side would end the contract, or agrees to."""

    NO_LONGER_NEEDED = "no_longer_needed"
    DATA_UNFIT = "data_unfit"
    BREACH = "breach"
    LAW_CHANGED = "law_changed"


class Objection(StrEnum):
    """Why a side does not agree."""

    STILL_NEEDED = "still_needed"
    GROUND_DENIED = "ground_denied"
    CLAIMS_OPEN = "claims_open"


class Reason(StrEnum):
    NOT_ANSWERED = "not_answered"


@dataclass(frozen=True, slots=True)
class Termination:
    """`ground` and `reason` are the proposer's, `reason_code` and `answer` the other side's. `deadline` is for that."""

    id: TerminationId
    contract_id: ContractId
    proposed_by: Side
    ground: Ground
    reason: str
    proposed_at: datetime
    state: State
    deadline: datetime | None
    reason_code: str | None = None
    answer: str | None = None
    answered_at: datetime | None = None
    revision: int = 1

    @property
    def next_actor(self) -> str | None:
        if self.state is not PROPOSED:
            return None
        return "provider" if self.proposed_by == "buyer" else "buyer"


class AuctionBinds(Conflict):
    """What was won in an auction is paid before it can be called off by agreement: others have bid for it."""


class NoSuchTermination(NotFound):
    """Nobody proposed to end this contract under this id."""


class TerminationOpen(Conflict):
    """That this contract should end is proposed already, and not answered yet."""


class TerminationAnswered(Conflict):
    """This proposal is not open any more; the facts say how it ended."""


class NotYoursToAnswer(Conflict):
    """The other side answers what you proposed."""


def propose(
    termination_id: TerminationId, contract: Contract, side: Side, ground: Ground, reason: str, now: datetime
) -> Termination:
    """The other side has as long to answer as the contract gives for signing. Requires no other open proposal."""
    require_active(contract)
    seconds = canonical.decode(contract.terms)["windows"]["signing_seconds"]
    return Termination(
        termination_id, contract.id, side, ground, reason, now, TERMINATION.start, now + timedelta(seconds=seconds)
    )  # fmt: skip


def agree(proposed: Termination, side: Side, ground: Ground, reason: str, now: datetime) -> Termination:
    """Requires that what the contract granted ends in the same commit."""
    return _answer(proposed, AGREED, side, ground, reason, now)


def contest(proposed: Termination, side: Side, objection: Objection, reason: str, now: datetime) -> Termination:
    """The contract stands. What is between the two is for a dispute."""
    return _answer(proposed, CONTESTED, side, objection, reason, now)


def deadline_has_passed(proposed: Termination, now: datetime) -> bool:
    return proposed.deadline is not None and now >= proposed.deadline


def pass_deadline(proposed: Termination) -> Termination:
    """Requires that the deadline has passed."""
    return _move(proposed, LAPSED, reason_code=Reason.NOT_ANSWERED)


def _answer(
    proposed: Termination, to: State, side: Side, reason_code: str, answer: str, now: datetime
) -> Termination:  # fmt: skip
    if proposed.state is not PROPOSED or deadline_has_passed(proposed, now):
        raise TerminationAnswered(state=proposed.state, reason_code=proposed.reason_code, deadline=proposed.deadline)
    if side == proposed.proposed_by:
        raise NotYoursToAnswer(next_actor=proposed.next_actor)
    return _move(proposed, to, reason_code=reason_code, answer=answer, answered_at=now)


def _move(proposed: Termination, to: State, **changes: Any) -> Termination:
    revision, state = proposed.revision + 1, TERMINATION.move(proposed.state, to)
    return replace(proposed, state=state, deadline=None, revision=revision, **changes)


def call_off(order: Order, now: datetime) -> Order:
    """The order that both sides no longer want: what is paid and not delivered is refunded. What was delivered is
    accepted and settled as it would have been."""
    told = {"reason_code": orders.Reason.TERMINATED_BY_AGREEMENT}
    match order.state:
        case orders.State.AWAITING_PAYMENT:
            if order.auction_id is not None:
                raise AuctionBinds()
            return orders.step(order, order.state, orders.LAPSED, None, now, **told)
        case orders.State.AWAITING_DELIVERY:
            return orders.step(order, order.state, orders.REFUNDED, None, now, **told)
        case _:
            return order
