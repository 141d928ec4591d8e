"""Any run of moves of a negotiation, beside a naive reading."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.trading.rules import negotiation as rules
from services.trading.rules.negotiation import (
    ACCEPTED,
    BARGAINING,
    TERMINATED,
    Ender,
    Ending,
    Withdrawal,
)
from services.trading.rules.negotiation_terms import (
    Side,
)
from shared.errors import Conflict
from shared.ids import OfferId
from tests.trading.made import FEES, NOON
from tests.trading.negotiation.made import (
    BUYER,
    DAY,
    PROVIDER,
    RULES,
    at_price,
    opened,
)


@dataclass
class Naive:
    """The same, kept as loose facts."""

    turn: Side
    clock: datetime = NOON
    expires: datetime = NOON + DAY
    prices: list[tuple[Side, int]] = field(default_factory=list[tuple[Side, int]])
    verdict: str = "open"  # then: taken, over


class Bargaining(RuleBasedStateMachine):
    """Two sides, a clock, and whatever they try."""

    def __init__(self) -> None:
        super().__init__()
        self.negotiation = opened(concession=True, rounds_max=6)
        self.naive = Naive(PROVIDER, prices=[(BUYER, 100)])

    @rule(minutes=st.integers(0, 900))
    def time_passes(self, minutes: int) -> None:
        self.naive.clock += timedelta(minutes=minutes)

    @rule(side=st.sampled_from(Side), price=st.integers(90, 130), hours=st.integers(1, 24))
    def answer(self, side: Side, price: int, hours: int) -> None:
        naive, expires = self.naive, self.naive.clock + timedelta(hours=hours)
        own = [paid for who, paid in naive.prices if who is side]
        better = not own or (price >= own[-1] if side is BUYER else price <= own[-1])
        may = self._open() and naive.turn is side and len(naive.prices) < 6 and better
        args = (self.negotiation, side, OfferId.new(), at_price(price), expires, RULES, naive.clock)
        if self._tried(may, lambda: rules.answer(*args)):
            naive.prices.append((side, price))
            naive.turn, naive.expires = side.other, expires

    @rule(side=st.sampled_from(Side), which=st.integers(0, 5))
    def accept(self, side: Side, which: int) -> None:
        naive, offers = self.naive, self.negotiation.offers
        named = offers[min(which, len(offers) - 1)]
        if naive.verdict == "taken":
            said = self.negotiation.yes
            may = said is not None and (said.side, said.offer_id) == (side, named.id)
        else:
            may = self._open() and naive.turn is side and named is offers[-1]
        args = (self.negotiation, side, named.id, named.terms_hash, FEES, naive.clock)
        if self._tried(may, lambda: rules.accept(*args)):
            naive.verdict = "taken"

    @rule(side=st.sampled_from(Side))
    def terminate(self, side: Side) -> None:
        again = self.naive.verdict == "over" and self.negotiation.ending == Ending(
            Ender(side), "no_longer_wanted", "算了"
        )
        args = (self.negotiation, side, Withdrawal.NO_LONGER_WANTED, "算了", self.naive.clock)
        if self._tried(self._open() or again, lambda: rules.terminate(*args)):
            self.naive.verdict = "over"

    @precondition(lambda self: self.naive.verdict == "open")
    @rule()
    def the_job_looks(self) -> None:
        passed = rules.deadline_has_passed(self.negotiation, self.naive.clock)
        assert passed is (self.naive.clock >= self.naive.expires)
        if passed:
            self.negotiation = rules.pass_deadline(self.negotiation, self.naive.clock)
            self.naive.verdict = "over"

    def _open(self) -> bool:
        return self.naive.verdict == "open" and self.naive.clock < self.naive.expires

    def _tried(self, may: bool, act: Any) -> bool:
        before = self.negotiation
        try:
            self.negotiation = act()
        except Conflict:
            assert not may
            assert self.negotiation is before
            return False
        assert may
        assert self.negotiation is before or self.negotiation.revision == before.revision + 1
        return True

    @invariant()
    def both_tell_the_same(self) -> None:
        negotiation, naive = self.negotiation, self.naive
        assert [(each.side, each.terms.price.minor) for each in negotiation.offers] == naive.prices
        assert [each.number for each in negotiation.offers] == list(range(1, len(naive.prices) + 1))
        states = {"open": BARGAINING, "taken": (ACCEPTED,), "over": (TERMINATED,)}
        assert negotiation.state in states[naive.verdict]
        if naive.verdict == "open":
            assert (negotiation.offer.side.other, negotiation.deadline) == (naive.turn, naive.expires)
        assert (negotiation.ending is None) is (naive.verdict != "over")
        assert (negotiation.yes is None) is (naive.verdict != "taken")


Bargaining.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestBargaining = Bargaining.TestCase
