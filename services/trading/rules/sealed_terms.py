"""The terms of an auction by sealed bids: prices, copies, deposit, and the two windows that follow one another.

Promises: nobody can be asked to open a bid before the bidding is over; the hidden reserve is part of the terms but is
shown to nobody before the close, and so is the seed of the coins.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.trading.rules.auction_terms import CurrenciesDiffer, ReserveBelowStart, check_deposit, check_times
from services.trading.rules.award import FrozenFees
from services.trading.rules.market_rules import MarketRules, Windows
from services.trading.rules.mechanism import Mechanism
from shared.errors import Malformed
from shared.money import Money


@dataclass(frozen=True, slots=True)
class SealedTerms:
    """`copies` are those of a limited right that were still to be had at the opening; one where there is one right;
    none where the right has no limit. Bids are sealed until `closes_at` and opened from then to `reveal_closes_at`.
    `seed` is for random sampling alone: 32 random bytes in hex, drawn at the opening. Only what one bidder wins
    `keeps_second`."""

    mechanism: Mechanism
    copies: int | None
    start_price: Money
    reserve_price: Money | None
    deposit: Money
    opens_at: datetime
    closes_at: datetime
    reveal_closes_at: datetime
    fees: FrozenFees
    windows: Windows
    rules_name: str
    seed: str | None = None
    keeps_second: bool = False
    second_answer_seconds: int = 0

    @property
    def floor(self) -> Money:
        """The least that wins anything: the reserve or, without one, the start price."""
        return self.reserve_price or self.start_price


class BadRevealWindow(Malformed):
    """The window in which bids are opened must last as long as the facts say."""


def sealed_terms_of(
    *,
    mechanism: Mechanism,
    copies: int | None,
    start_price: Money,
    reserve_price: Money | None,
    deposit: Money,
    opens_at: datetime | None,
    closes_at: datetime,
    reveal_closes_at: datetime,
    fees: FrozenFees,
    rules: MarketRules,
    seed: str | None,
    now: datetime,
    keeps_second: bool = False,
) -> SealedTerms:
    """The terms under the market's rules. Opens at once if no time is named. Requires a seed for random sampling, and
    terms that fit the mechanism (`fitting_terms`)."""
    amounts = [amount for amount in (start_price, reserve_price, deposit) if amount is not None]
    if len({amount.currency for amount in amounts}) > 1:
        raise CurrenciesDiffer()
    if reserve_price is not None and reserve_price < start_price:
        raise ReserveBelowStart(start_minor=start_price.minor)
    check_deposit(deposit, start_price, rules)
    opens_at = opens_at or now
    check_times(opens_at, closes_at, rules, now)
    shortest, longest = timedelta(seconds=rules.reveal_seconds_min), timedelta(seconds=rules.reveal_seconds_max)
    if not shortest <= reveal_closes_at - closes_at <= longest:
        raise BadRevealWindow(seconds_min=rules.reveal_seconds_min, seconds_max=rules.reveal_seconds_max)
    return SealedTerms(
        mechanism, copies, start_price, reserve_price, deposit, opens_at, closes_at, reveal_closes_at, fees,
        rules.windows, rules.name, seed, keeps_second, rules.second_answer_seconds,
    )  # fmt: skip
