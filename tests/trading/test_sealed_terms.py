"""Terms of sealed bids that cannot be made, and those at their limits."""

from datetime import timedelta
from typing import Any

import pytest

from services.trading.rules.auction_terms import BadTimes, CurrenciesDiffer, DepositOutOfRange, ReserveBelowStart
from services.trading.rules.fitting_terms import COMMON, OWN, TermsDoNotFit, require_fitting_terms
from services.trading.rules.market_rules import DEMO
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.sealed_terms import BadRevealWindow
from services.trading.schemas.auctions import NewAuction
from shared.errors import Malformed
from shared.money import Money
from tests.trading.made import FEES, MICROSECOND, NOON
from tests.trading.sealing import DAY, END, HOUR, sealed_terms

WINDOW = {"seconds_min": 3600, "seconds_max": 604_800}


@pytest.mark.parametrize("changes, refused, facts", [
    ({"reserve_price": Money(9)}, ReserveBelowStart, {"start_minor": 10}),
    ({"deposit": Money(3)},       DepositOutOfRange, {"basis_points_min": 500, "basis_points_max": 2000}),
    ({"deposit": Money(1, "USD")}, CurrenciesDiffer, {}),
    ({"reserve_price": Money(20, "USD")}, CurrenciesDiffer, {}),
    ({"closes_at": NOON + DAY - MICROSECOND}, BadTimes, {"seconds_min": 86_400, "seconds_max": 7_776_000}),
    ({"reveal_closes_at": END},                                   BadRevealWindow, WINDOW),
    ({"reveal_closes_at": END + HOUR - MICROSECOND},              BadRevealWindow, WINDOW),
    ({"reveal_closes_at": END + timedelta(days=7) + MICROSECOND}, BadRevealWindow, WINDOW),
])  # fmt: skip
def test_terms_that_cannot_be_made(changes: dict[str, Any], refused: type[Malformed], facts: dict[str, object]):
    with pytest.raises(refused) as error:
        sealed_terms(**changes)
    assert error.value.facts == facts


def test_terms_at_their_limits_can_be_made():
    assert sealed_terms(reserve_price=Money(10)).floor == Money(10)
    assert sealed_terms(reserve_price=Money(11)).floor == Money(11)
    assert sealed_terms().floor == Money(10)
    for window in (HOUR, timedelta(days=7)):
        made = sealed_terms(opens_at=NOON + HOUR, reveal_closes_at=END + window)
        assert (made.opens_at, made.closes_at, made.reveal_closes_at) == (NOON + HOUR, END, END + window)
    demo = sealed_terms(
        DEMO, closes_at=NOON + timedelta(seconds=3), reveal_closes_at=NOON + timedelta(seconds=5)
    )  # fmt: skip
    assert (demo.windows, demo.fees, demo.rules_name) == (DEMO.windows, FEES, "demo")


SEALED = (Mechanism.SEALED_FIRST, Mechanism.SEALED_SECOND, Mechanism.UNIFORM, Mechanism.RSOP)
NEEDED = {Mechanism.ENGLISH: "increments", Mechanism.DUTCH: "schedule"} | dict.fromkeys(SEALED, "reveal_closes_at")


@pytest.mark.parametrize("mechanism", Mechanism)
def test_each_mechanism_has_one_term_that_it_needs_and_no_other_takes_it(mechanism: Mechanism):
    own = NEEDED[mechanism]
    require_fitting_terms(mechanism, COMMON | {own})
    require_fitting_terms(mechanism, {own})
    with pytest.raises(TermsDoNotFit) as bare:
        require_fitting_terms(mechanism, COMMON)
    assert bare.value.facts == {"mechanism": mechanism, "missing": [own], "foreign": []}
    for other in set(NEEDED.values()) - {own}:
        with pytest.raises(TermsDoNotFit) as foreign:
            require_fitting_terms(mechanism, COMMON | {own, other})
        assert foreign.value.facts == {"mechanism": mechanism, "missing": [], "foreign": [other]}


@pytest.mark.parametrize("mechanism", Mechanism)
def test_a_falling_price_has_its_floor_and_every_other_mechanism_may_have_a_reserve(mechanism: Mechanism):
    named = {NEEDED[mechanism], "reserve_price"}
    if mechanism is Mechanism.DUTCH:
        with pytest.raises(TermsDoNotFit):
            require_fitting_terms(mechanism, named)
    else:
        require_fitting_terms(mechanism, named)


def test_every_term_of_a_request_belongs_to_some_mechanism():
    known = COMMON.union(*(names.needed | names.taken for names in OWN.values()))
    assert set(NewAuction.model_fields) == known
