"""What a service promises for each period of its right, and what of that period's price goes back if it is not kept.

Promises: the prices of the periods add up to the whole price; what is compared with a promise is compared exactly, and
rounded once, as the amount that goes back; the worse the service, the more goes back, and never more than the cap.
Does not: measure. Figures are claimed by the buyer, and confirmed by the provider or by its silence.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import Conflict, Malformed
from shared.money import Money

WHOLE = 10_000  # basis points
BANDS_MAX, PERIOD_DAYS_MAX, RESPONSE_MILLISECONDS_MAX = 10, 366, 3_600_000
MINUTES_OF_A_DAY = 1_440


class ServiceLevelImpossible(Malformed):
    """These promises cannot be judged. The first band begins at the promise or below it; each further one begins lower
    and gives more back; a slow service gives something back exactly where a response time is promised."""


class NoSuchPeriod(Conflict):
    """The right has no such period; `periods` says how many it has."""


class PeriodNotOver(Conflict):
    """What a service was is known once its period is over."""


class FiguresImpossible(Conflict):
    """The service cannot have been away for longer than its period lasted, nor slow where no time is promised."""


@dataclass(frozen=True, slots=True)
class Band:
    """Available for less than this share of a period, the service gives this share of the period's price back."""

    below_basis_points: int
    credit_basis_points: int


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """Raises ServiceLevelImpossible. `slow_credit_basis_points` goes back beside the band's, if the time in which
    answers were promised was not kept; `cap_basis_points` of the whole price go back at most."""

    period_days: int
    availability_basis_points: int
    bands: tuple[Band, ...]
    cap_basis_points: int
    response_milliseconds: int | None = None
    slow_credit_basis_points: int = 0

    def __post_init__(self) -> None:
        shares = [self.availability_basis_points, self.cap_basis_points]
        shares += [share for band in self.bands for share in (band.below_basis_points, band.credit_basis_points)]
        if not all(1 <= share <= WHOLE for share in shares) or not 1 <= self.period_days <= PERIOD_DAYS_MAX:
            raise ServiceLevelImpossible(period_days_max=PERIOD_DAYS_MAX, basis_points_max=WHOLE)
        if not 1 <= len(self.bands) <= BANDS_MAX or not self._bands_fall():
            raise ServiceLevelImpossible(bands_max=BANDS_MAX)
        if (self.response_milliseconds is None) != (self.slow_credit_basis_points == 0):
            raise ServiceLevelImpossible(slow_credit_basis_points=self.slow_credit_basis_points)

    def _bands_fall(self) -> bool:
        from_the_promise = self.bands[0].below_basis_points <= self.availability_basis_points
        return from_the_promise and all(
            after.below_basis_points < before.below_basis_points
            and after.credit_basis_points > before.credit_basis_points
            for before, after in zip(self.bands, self.bands[1:], strict=False)
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """What a service was in one period. `response_milliseconds`: the time within which 95 of 100 were answered."""

    unavailable_minutes: int
    response_milliseconds: int | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """One of a right's periods, the first of which is number one, with what of the price is for it."""

    number: int
    starts_at: datetime
    ends_at: datetime
    price: Money

    @property
    def minutes(self) -> int:
        return (self.ends_at - self.starts_at) // timedelta(minutes=1)


def period_of(level: ServiceLevel, price: Money, begins_at: datetime, days: int, number: int) -> Period:
    """A period of a right that lasts so many days, the last one as long as is left; each costs what its days weigh.

    Raises NoSuchPeriod.
    """
    count = -(-days // level.period_days)
    if not 1 <= number <= count:
        raise NoSuchPeriod(periods=count)
    before = (number - 1) * level.period_days
    weights = [min(level.period_days, days - done) for done in range(0, days, level.period_days)]
    starts_at = begins_at + timedelta(days=before)
    ends_at = starts_at + timedelta(days=weights[number - 1])
    return Period(number, starts_at, ends_at, price.split(weights)[number - 1])


def credit(level: ServiceLevel, period: Period, figures: Figures, now: datetime) -> Money:
    """What goes back for a period, before the cap. Raises PeriodNotOver, FiguresImpossible."""
    if now < period.ends_at:
        raise PeriodNotOver(ends_at=period.ends_at)
    if not 0 <= figures.unavailable_minutes <= period.minutes:
        raise FiguresImpossible(minutes=period.minutes)
    if figures.response_milliseconds is not None and level.response_milliseconds is None:
        raise FiguresImpossible(response_milliseconds=None)
    available = period.minutes - figures.unavailable_minutes
    missed = [band for band in level.bands if available * WHOLE < band.below_basis_points * period.minutes]
    share = missed[-1].credit_basis_points if missed else 0
    if is_slow(level, figures):
        share += level.slow_credit_basis_points
    return period.price.portion(min(share, WHOLE))


def is_slow(level: ServiceLevel, figures: Figures) -> bool:
    if level.response_milliseconds is None or figures.response_milliseconds is None:
        return False
    return figures.response_milliseconds > level.response_milliseconds


def within_cap(level: ServiceLevel, price: Money, given: Money, asked: Money) -> Money:
    """As much of a credit as the cap leaves, if so much of the price was given back before for the service."""
    left = price.portion(level.cap_basis_points) - given
    return max(Money(0, price.currency), min(asked, left))
