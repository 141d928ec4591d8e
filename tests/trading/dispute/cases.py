"""Disputes for tests of the rules, in each state, made in one line each."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.trading.rules import dispute as rules
from services.trading.rules import hearing
from services.trading.rules.arbiter_draw import Nonces, commitment
from services.trading.rules.demand import Category, Demand, Remedy, Side, Split
from services.trading.rules.dispute import Dispute, NoticeBy, Opening, State
from services.trading.rules.dispute_outcome import Offer
from services.trading.rules.dispute_rules import DisputeRules
from services.trading.rules.due_date import DueDate
from services.trading.rules.hearing import Next
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.order import AWAITING_ACCEPTANCE, Order
from services.trading.rules.ruling import Gone, Panel, Vote, Why
from shared.ids import DisputeId, FactId, ParticipantId, UserId
from shared.money import Money
from tests.trading.made import NOON, an_order

SEED, SECOND_SEED = "11" * 32, "22" * 32
DAY = timedelta(days=1)
DISPUTED = 8_000
ARBITERS = tuple(UserId(f"user_{number:032x}") for number in range(1, 8))
RULES = STANDARD.dispute
WHOLE = 10_000


def by(days: int, now: datetime = NOON) -> DueDate:
    return DueDate(now + days * DAY)


def a_disputed_order(price: int = 10_000) -> Order:
    return an_order(price=price, from_auction=False, state=AWAITING_ACCEPTANCE, deadline=NOON + 2 * DAY)


def a_dispute(
    disputed: int = DISPUTED, *, price: int = 10_000, by_provider: bool = False, given: DisputeRules = RULES,
    remedies: tuple[Remedy, ...] = (Remedy.END_RIGHT,), order: Order | None = None,
) -> Dispute:  # fmt: skip
    order = order or a_disputed_order(price)
    claimant = order.provider_id if by_provider else order.buyer_id
    demand = Demand(Category.NOT_AS_DESCRIBED, Money(disputed), remedies)
    opening = Opening(DisputeId.new(), FactId.new(), demand, commitment(SEED), "aa" * 32, by(3))
    return rules.open_dispute(order, claimant, opening, given, NOON)


def a_panel(number: int = 1, among: tuple[UserId, ...] = ARBITERS, votes: tuple[Vote, ...] = ()) -> Panel:
    return Panel(number, rules.PANEL_SIZE[number], SEED, Nonces(), among, among, NOON, votes=votes)


def a_vote(arbiter: UserId, claimant: int = 5_000, fees: int = 0, remedies: tuple[Remedy, ...] = ()) -> Vote:
    return Vote(arbiter, Split(claimant, WHOLE - claimant), Split(fees, WHOLE - fees), remedies, "cc" * 32, NOON, SEED)


def goes(arbiter: UserId, why: Why = Why.RECUSED, who: str = "arbiter") -> Gone:
    return Gone(arbiter, why, who, "dd" * 32, NOON)


def an_offer(side: Side, claimant: int = 4_000, remedies: tuple[Remedy, ...] = ()) -> Offer:
    return Offer(side, Split(claimant, WHOLE - claimant), remedies, NOON)


def what_follows(now: datetime, panel: Panel | None = None) -> Next:
    return Next(by(5, now), by(10, now), by(6, now), commitment(SECOND_SEED), panel)


def answered(dispute: Dispute, admitted: int = 0, panel: Panel | None = None) -> Dispute:
    heard = rules.answer(dispute, Money(admitted), "bb" * 32, by(5), NOON)
    return hearing.seat(heard, panel or a_panel())


def late(dispute: Dispute, panel: Panel | None = None) -> Dispute:
    """The dispute once its deadline has passed."""
    assert dispute.deadline is not None
    return hearing.pass_deadline(dispute, what_follows(dispute.deadline, panel), dispute.deadline)


def ruled(dispute: Dispute, *votes: Vote, now: datetime | None = None) -> Dispute:
    moment = now or NOON
    for vote in votes:
        dispute = hearing.rule(dispute, vote, commitment(SECOND_SEED), by(6, moment), moment)
    return dispute


def in_state(state: State, disputed: int = DISPUTED, admitted: int = 0, **changes: Any) -> Dispute:
    """A dispute in a state, that has come there in the usual way. An appeal is funded, and its panel sits."""
    dispute = _in_state(state, disputed, admitted, changes)
    assert dispute.state is state
    return dispute


def _in_state(state: State, disputed: int, admitted: int, changes: dict[str, Any]) -> Dispute:
    dispute = a_dispute(disputed, **changes)
    if state is State.OPEN:
        return dispute
    if state is State.WITHDRAWN:
        return rules.withdraw(dispute, NOON)
    if state is State.SETTLED:
        offered = rules.offer_settlement(dispute, an_offer(Side.CLAIMANT), NOON)
        return rules.offer_settlement(offered, an_offer(Side.RESPONDENT), NOON)
    noticed = rules.prove_notice(dispute, NoticeBy.READ, by(5), NOON)
    if state is State.RESPONSE:
        return noticed
    if state is State.DEFAULTED:
        return late(noticed)
    heard = answered(noticed, admitted)
    if state is State.EVIDENCE:
        return heard
    review = late(heard)
    if state is State.REVIEW:
        return review
    decided = ruled(review, a_vote(ARBITERS[0], 5_000))
    if state is State.RULED:
        return decided
    if state is State.ENFORCED:
        return late(decided)
    appealed = hearing.file_appeal(decided, Side.CLAIMANT, "ee" * 32, by(3), NOON)
    funded = hearing.fund_appeal(appealed, Side.RESPONDENT, "ff" * 32, by(10), NOON)
    again = hearing.seat(funded, a_panel(2, ARBITERS[1:]))
    if state is State.APPEAL:
        return again
    return ruled(again, *(a_vote(each, 6_000) for each in ARBITERS[1:4]))


def unfunded(given: DisputeRules = RULES, side: Side = Side.CLAIMANT, **changes: Any) -> Dispute:
    """An appeal that the other side has not paid for."""
    decided = in_state(State.RULED, given=given, **changes)
    return hearing.file_appeal(decided, side, "ee" * 32, by(3), NOON)


def a_stranger() -> ParticipantId:
    return ParticipantId.new()


def with_rules(**changes: Any) -> DisputeRules:
    return replace(RULES, **changes)
