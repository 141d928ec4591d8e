"""The terms of an auction: prices, steps, deposit, fees and times. Nothing changes them once the auction is open.

Promises: terms that cannot end, or whose steps could stop or shrink, cannot be made; a secret reserve is part of them
but is shown to nobody before the close; a provider may leave more time to answer a late bid than the market's rules
ask, never less.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.trading.rules.award import FrozenFees
from services.trading.rules.market_rules import MarketRules, Windows
from services.trading.rules.price_cap import require_within
from shared.errors import Malformed
from shared.ids import ParticipantId
from shared.money import Money

INCREMENTS_MAX = 20
EXTENSIONS_MAX = 1_000
PRIORITY_MAX = 20
WHOLE_BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Increment:
    """From this price on, a challenger goes at least this much higher: so many minor units of the auction's currency,
    or so many basis points of the price, rounded up, whichever is more."""

    from_minor: int
    step_minor: int
    step_basis_points: int = 0

    def step_at(self, price_minor: int) -> int:
        return max(self.step_minor, -(-price_minor * self.step_basis_points // WHOLE_BASIS_POINTS))


@dataclass(frozen=True, slots=True)
class SoftClose:
    """How late bids move the end. What is not named is as the market has it."""

    window_seconds: int | None = None
    extension_seconds: int | None = None
    extensions_max: int | None = None
    hard_closes_at: datetime | None = None


AS_THE_MARKET = SoftClose()


@dataclass(frozen=True, slots=True)
class Terms:
    """`extensions_max` of zero sets no limit but the hard end. Whoever has a priority may equal what others bid."""

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
    reserve_is_open: bool = False
    priority_ids: tuple[ParticipantId, ...] = ()
    buy_now_price: Money | None = None
    keeps_second: bool = False
    second_answer_seconds: int = 0

    @property
    def open_reserve(self) -> Money | None:
        """The reserve, where everyone may know it."""
        return self.reserve_price if self.reserve_is_open else None

    def step_above(self, price: Money) -> Money:
        """The price and one step of the band that it lies in."""
        band = next(band for band in reversed(self.increments) if band.from_minor <= price.minor)
        return Money(price.minor + band.step_at(price.minor), price.currency)

    def reserve_is_met_by(self, maximum: Money) -> bool:
        return self.reserve_price is None or maximum >= self.reserve_price


class BadIncrements(Malformed):
    """The table of steps starts at zero, rises by band, and its steps are positive and never shrink."""


class ReserveBelowStart(Malformed):
    """A reserve below the start price reserves nothing."""


class NoReserveToShow(Malformed):
    """An open reserve is a reserve: name its amount."""


class DepositOutOfRange(Malformed):
    """The deposit must lie between the shares of the start price that the facts say."""


class BadTimes(Malformed):
    """The auction must open now or later, and last as long as the facts say."""


class BadSoftClose(Malformed):
    """Late bids must move the end as far as the market's rules ask, and to no later than they allow."""


class BadPriority(Malformed):
    """Priority buyers are named once each, and are not the provider."""


class BuyNowTooLow(Malformed):
    """Nobody ends an auction at less than its start price or its reserve."""


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
    reserve_is_open: bool = False,
    soft_close: SoftClose = AS_THE_MARKET,
    priority_ids: tuple[ParticipantId, ...] = (),
    buy_now_price: Money | None = None,
    keeps_second: bool = False,
) -> Terms:
    """The terms under the market's rules. Opens at once if no time is named."""
    named = (start_price, reserve_price, deposit, buy_now_price, price_cap)
    amounts = [amount for amount in named if amount is not None]
    if len({amount.currency for amount in amounts}) > 1:
        raise CurrenciesDiffer()
    _check_increments(increments)
    if reserve_price is not None and reserve_price < start_price:
        raise ReserveBelowStart(start_minor=start_price.minor)
    require_within(price_cap, start_price, reserve_price, buy_now_price)
    if reserve_is_open and reserve_price is None:
        raise NoReserveToShow()
    if buy_now_price is not None and buy_now_price < (reserve_price or start_price):
        raise BuyNowTooLow(start_minor=start_price.minor)
    check_deposit(deposit, start_price, rules)
    opens_at = opens_at or now
    check_times(opens_at, closes_at, rules, now)
    if len(set(priority_ids)) != len(priority_ids) or len(priority_ids) > PRIORITY_MAX:
        raise BadPriority(priority_max=PRIORITY_MAX)
    window, extension, extensions_max, hard_closes_at = _late(soft_close, closes_at, rules)
    return Terms(
        start_price, increments, reserve_price, deposit, opens_at, closes_at, hard_closes_at, window, extension,
        extensions_max, fees, rules.windows, rules.name, price_cap, reserve_is_open, priority_ids, buy_now_price,
        keeps_second, rules.second_answer_seconds,
    )  # fmt: skip


def _late(wanted: SoftClose, closes_at: datetime, rules: MarketRules) -> tuple[int, int, int, datetime]:
    """Window, extension, cap and hard end. Nobody answers a late bid in less time than the rules give everyone."""
    window = _or(wanted.window_seconds, rules.soft_close_seconds)
    extension = _or(wanted.extension_seconds, rules.extension_seconds)
    extensions_max = _or(wanted.extensions_max, rules.extensions_max)
    latest = closes_at + timedelta(seconds=rules.overtime_seconds_max)
    hard_closes_at = wanted.hard_closes_at or latest
    if not rules.soft_close_seconds <= window <= rules.soft_close_seconds_max:
        raise BadSoftClose(window_seconds_min=rules.soft_close_seconds, window_seconds_max=rules.soft_close_seconds_max)
    if not rules.extension_seconds <= extension <= rules.soft_close_seconds_max:
        raise BadSoftClose(
            extension_seconds_min=rules.extension_seconds, extension_seconds_max=rules.soft_close_seconds_max
        )
    if not 0 <= extensions_max <= EXTENSIONS_MAX:
        raise BadSoftClose(extensions_max=EXTENSIONS_MAX)
    earliest = closes_at + timedelta(seconds=extension)
    if not earliest <= hard_closes_at <= latest:
        raise BadSoftClose(hard_closes_at_min=earliest, hard_closes_at_max=latest)
    return window, extension, extensions_max, hard_closes_at


def _or(named: int | None, otherwise: int) -> int:
    return otherwise if named is None else named


def _check_increments(increments: tuple[Increment, ...]) -> None:
    froms = [band.from_minor for band in increments]
    steps = [band.step_minor for band in increments]
    if not 1 <= len(increments) <= INCREMENTS_MAX:
        raise BadIncrements(bands_max=INCREMENTS_MAX)
    if froms[0] != 0 or froms != sorted(set(froms)):
        raise BadIncrements(from_minor=froms)
    if steps[0] <= 0 or steps != sorted(steps):
        raise BadIncrements(step_minor=steps)
    shares = [band.step_basis_points for band in increments]
    if shares[0] < 0 or shares[-1] > WHOLE_BASIS_POINTS or shares != sorted(shares):
        raise BadIncrements(step_basis_points=shares)


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
