"""The rules of a block deal: its size and its band to the unit, its moments to the microsecond, and its ends."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.trading.events.block_deal import facts_of_offer
from services.trading.rules import block_deal as rules
from services.trading.rules.block_deal import (
    ACCEPTED,
    AGREED,
    OFFERED,
    TERMINATED,
    BlockDeal,
    BlockDealOver,
    BlockNotAwaitingApproval,
    BlockParts,
    BlockTermsDiffer,
    BlockTooLarge,
    BlockTooSmall,
    NoSuchBlockDeal,
    OutsideBand,
    Part,
    Reference,
)
from services.trading.rules.market_rules import DAY as DAY_SECONDS
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.negotiation import Objection, PartyDecides, Withdrawal
from services.trading.rules.negotiation_terms import BadExpiry, Side, Terms
from services.trading.rules.right import Right, RightKind
from shared.errors import Failure
from shared.grades import Mode
from shared.ids import BlockDealId, ListingId, OrderId, ParticipantId, VersionId
from shared.money import MINOR_MAX, Money
from tests.trading.made import FEES, MICROSECOND, NOON
from tests.trading.test_events import LONGEST, line_of

DAY = timedelta(days=1)
BUYER, PROVIDER = ParticipantId.new(), ParticipantId.new()
EXPIRES, OPERATOR = NOON + 2 * DAY, "user_1"
APPROVAL = timedelta(seconds=STANDARD.negotiation.approval_seconds)
RIGHT = Right(RightKind.EXCLUSIVE, "f" * 40, "CN-XXX", 3650)


def a_part(minor: int = 600_000, median: int | None = None, listing_id: ListingId | None = None) -> Part:
    terms = Terms(
        listing_id or ListingId.new(), VersionId.new(), Mode.RAW, Money(minor), RIGHT, LONGEST, 1_000_000
    )  # fmt: skip
    return Part(terms, None if median is None else Reference("transport", "2029-12", Money(median)))


def offered(parts: Sequence[Part] = (), grounds: str | None = None, expires_at: datetime = EXPIRES) -> BlockDeal:
    parts = parts or (a_part(), a_part())
    return rules.offer(BlockDealId.new(), PROVIDER, BUYER, parts, grounds, expires_at, FEES, STANDARD, NOON)


def accepted(at: datetime = NOON) -> BlockDeal:
    deal = offered()
    return rules.accept(deal, deal.terms_hash, at)


def facts_of(kind: type[Failure], act: Callable[[], object]) -> dict[str, object]:
    with pytest.raises(kind) as refused:
        act()
    return refused.value.facts


@pytest.mark.parametrize("prices, kind", [
    ([500_000, 500_000], None),
    ([500_000, 499_999], BlockTooSmall),
    ([1_000_000],        BlockParts),
    ([50_000] * 20,      None),
    ([50_000] * 21,      BlockParts),
    ([MINOR_MAX - 1, 1], None),
    ([MINOR_MAX, 1],     BlockTooLarge),
], ids=range(7))  # fmt: skip
def test_a_block_has_its_size(prices: list[int], kind: type[Failure] | None):
    parts = [a_part(minor) for minor in prices]
    if kind is None:
        assert offered(parts).total == Money(sum(prices))
        return
    facts: dict[type[Failure], dict[str, object]] = {
        BlockTooSmall: {"total_minor_min": 1_000_000, "total": Money(sum(prices))},
        BlockTooLarge: {"total_minor_max": MINOR_MAX},
        BlockParts: {"parts_min": 2, "parts_max": 20},
    }
    assert facts_of(kind, lambda: offered(parts)) == facts[kind]


def test_a_listing_stands_in_it_once_and_the_parts_in_the_order_in_which_they_are_locked():
    ids = sorted(ListingId.new() for _ in range(3))
    assert offered([a_part(listing_id=each) for each in reversed(ids)]).listing_ids == tuple(ids)
    assert facts_of(BlockParts, lambda: offered([a_part(listing_id=each) for each in (ids[0], ids[0])]))


@pytest.mark.parametrize("minor, median, within", [
    (700, 1_000, True), (699, 1_000, False), (1_300, 1_000, True), (1_301, 1_000, False), (1_000, 1_000, True),
    (2, 3, False), (3, 3, True), (4, 3, False), (13, 10, True), (1, None, True),
])  # fmt: skip
def test_the_band_is_kept_to_the_unit(minor: int, median: int | None, within: bool):
    assert a_part(minor, median).is_within(3_000) is within


def test_outside_the_band_grounds_are_wanted_and_they_are_named():
    far, near = a_part(1_300_001, 1_000_000), a_part(1_300_000, 1_000_000)
    assert facts_of(OutsideBand, lambda: offered([near, far])) == {
        "listings": [far.terms.listing_id], "band_basis_points": 3_000,
    }  # fmt: skip
    assert offered([near, far], "含独家字段").grounds == "含独家字段"
    assert offered([near, near_of_another := a_part(700_000, 1_000_000)]).parts and near_of_another


@pytest.mark.parametrize("held, fits", [
    (timedelta(hours=1), True), (timedelta(hours=1) - MICROSECOND, False), (30 * DAY, True),
    (30 * DAY + MICROSECOND, False),
])  # fmt: skip
def test_an_offer_is_held_as_long_as_the_markets_rules_say(held: timedelta, fits: bool):
    if fits:
        assert offered(expires_at=NOON + held).deadline == NOON + held
    else:
        facts = facts_of(BadExpiry, lambda: offered(expires_at=NOON + held))
        assert facts == {"seconds_min": 3_600, "seconds_max": 30 * DAY_SECONDS}


def test_a_yes_is_to_the_hash_of_all_parts_and_in_time():
    deal = offered()
    assert facts_of(BlockTermsDiffer, lambda: rules.accept(deal, "00", NOON)) == {
        "terms_hash": deal.terms_hash, "total": deal.total,
    }  # fmt: skip
    other = replace(deal, parts=(deal.parts[0], replace(deal.parts[1], terms=a_part(600_001).terms)))
    assert other.terms_hash != deal.terms_hash
    last = EXPIRES - MICROSECOND
    yes = rules.accept(deal, deal.terms_hash, last)
    assert (yes.state, yes.accepted_at, yes.deadline, yes.next_actor, yes.revision) == (
        ACCEPTED, last, last + APPROVAL, "operator_business", 2,
    )  # fmt: skip
    assert rules.accept(yes, deal.terms_hash, EXPIRES + 99 * DAY) is yes
    late = facts_of(BlockDealOver, lambda: rules.accept(deal, deal.terms_hash, EXPIRES))
    assert late == {"state": OFFERED, "reason_code": "offer_expired"}
    assert facts_of(BlockDealOver, lambda: rules.accept(replace(deal, last_at=EXPIRES), deal.terms_hash, NOON))
    assert facts_of(BlockDealOver, lambda: rules.accept(yes, "00", NOON)) == {"state": ACCEPTED, "reason_code": None}


def test_either_side_may_end_it_before_the_yes_and_neither_after():
    for side in Side:
        over = rules.terminate(offered(), side, Withdrawal.NO_LONGER_WANTED, "预算", EXPIRES - MICROSECOND)
        assert (over.state, over.reason_code, over.deadline, over.next_actor) == (
            TERMINATED, "no_longer_wanted", None, None,
        )  # fmt: skip
        assert over.ending and over.ending.by == side and over.ending.reason == "预算"
        assert rules.terminate(over, side, Withdrawal.NO_LONGER_WANTED, "预算", NOON) is over
        again = facts_of(
            BlockDealOver,
            lambda: rules.terminate(over, side, Withdrawal.NO_LONGER_WANTED, "?", NOON),  # noqa: B023
        )
        assert again == {"state": TERMINATED, "reason_code": "no_longer_wanted"}
        assert facts_of(BlockDealOver, lambda: rules.accept(over, over.terms_hash, NOON))  # noqa: B023
        assert facts_of(
            BlockDealOver,
            lambda: rules.terminate(accepted(), side, Withdrawal.NO_LONGER_WANTED, "?", NOON),  # noqa: B023
        )


def test_an_operator_of_neither_side_decides_in_time():
    deal, last = accepted(), NOON + APPROVAL - MICROSECOND
    done = rules.approve(deal, OPERATOR, None, "公允", last)
    assert (done.state, done.approval and done.approval.given_at, done.deadline) == (AGREED, last, None)
    assert rules.approve(done, OPERATOR, None, "公允", last + DAY) is done
    for by, reason in ((OPERATOR, "另"), ("user_2", "公允")):
        assert facts_of(
            BlockNotAwaitingApproval,
            lambda: rules.approve(done, by, None, reason, last),  # noqa: B023
        ) == {"state": AGREED, "reason_code": None}
    no = rules.refuse(deal, None, Objection.PRICE_OUT_OF_LINE, "偏离", last)
    assert (no.state, no.reason_code, no.ending and no.ending.by) == (
        TERMINATED, "price_out_of_line", "operator_business",
    )  # fmt: skip
    assert rules.refuse(no, None, Objection.PRICE_OUT_OF_LINE, "偏离", last + DAY) is no

    def approve(of: ParticipantId | None, at: datetime) -> BlockDeal:
        return rules.approve(deal, OPERATOR, of, "公允", at)

    def refuse(of: ParticipantId | None, at: datetime) -> BlockDeal:
        return rules.refuse(deal, of, Objection.GROUNDS_MISSING, "缺", at)

    for act in (approve, refuse):
        assert facts_of(BlockNotAwaitingApproval, lambda: act(None, NOON + APPROVAL)) == {  # noqa: B023
            "state": ACCEPTED, "reason_code": "approval_overdue",
        }  # fmt: skip
        for party in (BUYER, PROVIDER):
            assert facts_of(PartyDecides, lambda: act(party, NOON)) == {}  # noqa: B023
    assert facts_of(BlockNotAwaitingApproval, lambda: rules.approve(offered(), OPERATOR, None, "公允", NOON))


def test_time_ends_an_offer_and_an_approval_and_nothing_else():
    deal, yes = offered(), accepted()
    assert not rules.deadline_has_passed(deal, EXPIRES - MICROSECOND) and rules.deadline_has_passed(deal, EXPIRES)
    assert rules.deadline_has_passed(replace(deal, last_at=EXPIRES), NOON)
    assert rules.pass_deadline(deal, EXPIRES).reason_code == "offer_expired"
    assert rules.pass_deadline(yes, NOON + APPROVAL).reason_code == "approval_overdue"
    over = rules.pass_deadline(replace(yes, last_at=NOON + 9 * DAY), NOON)
    assert (over.last_at, over.ending and over.ending.by) == (NOON + 9 * DAY, "deadline")
    assert not rules.deadline_has_passed(over, NOON + 99 * DAY)
    done = rules.approve(yes, OPERATOR, None, "公允", NOON)
    assert not rules.deadline_has_passed(done, NOON + 99 * DAY)
    order_ids = [OrderId.new(), OrderId.new()]
    assert rules.ordered(done, order_ids).order_ids == tuple(order_ids)


def test_nobody_but_the_two_has_a_side():
    assert (offered().side_of(BUYER), offered().side_of(PROVIDER)) == (Side.BUYER, Side.PROVIDER)
    assert facts_of(NoSuchBlockDeal, lambda: offered().side_of(ParticipantId.new())) == {}


def test_the_largest_block_is_told_whole_by_facts_that_fit_into_the_log():
    deal = offered([a_part(MINOR_MAX // 20, 1) for _ in range(20)], "由" * 500)
    assert len([line_of(fact) for fact in facts_of_offer(deal)]) == 21
