"""The terms of an auction: prices, steps, deposit, fees and times. Nothing changes them once the auction is open.

Promises: terms that cannot end, or whose steps could stop or shrink, cannot be made; the hidden reserve is part of
them but is shown to nobody before the close.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.trading.rules.award import FrozenFees
from services.trading.rules.market_rules import MarketRules, Windows
from services.trading.rules.price_cap import require_within
from shared.errors import Malformed
from shared.money import Money

INCREMENTS_MAX = 20
WHOLE_BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Increment:
    """From this price on, a challenger goes at least this much higher. In minor units of the auction's currency."""

    from_minor: int
    step_minor: int


@dataclass(frozen=True, slots=True)
class Terms:
    start_price: Money
    increments: tuple[Increment, ...]
    reserve_price: Money | None
    deposit: Money
    opens_at: datetime
    closes_at: datetime
    hard_closes_at: datetime
    soft_close_seconds: int
    extension_seconds: int
    extensions_max: int
    fees: FrozenFees
    windows: Windows
    rules_name: str
    price_cap: Money | None = None  # of public data

    def step_above(self, price: Money) -> Money:
        """The price and one step of the band that it lies in."""
        step_minor = next(band.step_minor for band in reversed(self.increments) if band.from_minor <= price.minor)
        return Money(price.minor + step_minor, price.currency)

    def reserve_is_met_by(self, maximum: Money) -> bool:
        return self.reserve_price is None or maximum >= self.reserve_price


class BadIncrements(Malformed):
    """The table of steps starts at zero, rises by band, and its steps are positive and never shrink."""


class ReserveBelowStart(Malformed):
    """A reserve below the start price reserves nothing."""


class DepositOutOfRange(Malformed):
    """The deposit must lie between the shares of the start price that the facts say."""


class BadTimes(Malformed):
    """The auction must open now or later, and last as long as the facts say."""


class CurrenciesDiffer(Malformed):
    """All amounts of an auction are in one currency."""


def terms_of(
    *,
    start_price: Money,
    increments: tuple[Increment, ...],
    reserve_price: Money | None,
    deposit: Money,
    opens_at: datetime | None,
    closes_at: datetime,
    fees: FrozenFees,
    rules: MarketRules,
    now: datetime,
    price_cap: Money | None = None,
) -> Terms:
    """The terms under the market's rules. Opens at once if no time is named."""
    amounts = [amount for amount in (start_price, reserve_price, deposit, price_cap) if amount is not None]
    if len({amount.currency for amount in amounts}) > 1:
        raise CurrenciesDiffer()
    _check_increments(increments)
    if reserve_price is not None and reserve_price < start_price:
        raise ReserveBelowStart(start_minor=start_price.minor)
    require_within(price_cap, start_price, reserve_price)
    check_deposit(deposit, start_price, rules)
    opens_at = opens_at or now
    check_times(opens_at, closes_at, rules, now)
    return Terms(
        start_price, increments, reserve_price, deposit, opens_at, closes_at,
        hard_closes_at=closes_at + timedelta(seconds=rules.overtime_seconds_max),
        soft_close_seconds=rules.soft_close_seconds, extension_seconds=rules.extension_seconds,
        extensions_max=rules.extensions_max, fees=fees, windows=rules.windows, rules_name=rules.name,
        price_cap=price_cap,
    )  # fmt: skip


def _check_increments(increments: tuple[Increment, ...]) -> None:
    froms = [band.from_minor for band in increments]
    steps = [band.step_minor for band in increments]
    if not 1 <= len(increments) <= INCREMENTS_MAX:
        raise BadIncrements(bands_max=INCREMENTS_MAX)
    if froms[0] != 0 or froms != sorted(set(froms)):
        raise BadIncrements(from_minor=froms)
    if steps[0] <= 0 or steps != sorted(steps):
        raise BadIncrements(step_minor=steps)


def check_deposit(deposit: Money, start_price: Money, rules: MarketRules) -> None:
    share, whole = deposit.minor * WHOLE_BASIS_POINTS, start_price.minor
    if not rules.deposit_basis_points_min * whole <= share <= rules.deposit_basis_points_max * whole:
        raise DepositOutOfRange(
            basis_points_min=rules.deposit_basis_points_min, basis_points_max=rules.deposit_basis_points_max
        )


def check_times(opens_at: datetime, closes_at: datetime, rules: MarketRules, now: datetime) -> None:
    shortest, longest = timedelta(seconds=rules.auction_seconds_min), timedelta(seconds=rules.auction_seconds_max)
    if opens_at < now:
        raise BadTimes(opens_at_min=now)
    if not shortest <= closes_at - opens_at <= longest:
        raise BadTimes(seconds_min=rules.auction_seconds_min, seconds_max=rules.auction_seconds_max)
    if opens_at - now > longest:
        raise BadTimes(opens_at_max=now + longest)
