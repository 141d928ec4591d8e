"""What is on offer of a version, as trading and pricing tell it: for filters, counts and sorting, never for a deal.

Promises: an offer is told with the grade of its version, so that nobody finds by it what they may not see; the price
that an entry is sorted by is one that shows to everyone to whom the entry shows in full.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.catalog.rules import viewing
from services.catalog.rules.asset import REGISTERED, Entry
from shared.grades import Clearance, Grade, Mode, Visibility, visibility
from shared.ids import ListingId, PlanId, VersionId
from shared.money import Money

PRICED_IN = "CNY"  # amounts in other currencies have no place in one order
CLEARANCES = (None, *Clearance)


@dataclass(frozen=True, slots=True)
class Offer:
    """An open listing. `pricing` is trading's own word; `price` is the list price that its plan asks now."""

    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    pricing: str
    plan_id: PlanId | None = None
    price: Money | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A revision of a price plan: in force from `valid_from` on, before `valid_until`, unless a newer has begun."""

    plan_id: PlanId
    revision: int
    version_id: VersionId
    mode: Mode
    price: Money
    valid_from: datetime
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class OfferedAs:
    """How something can be had: the grade of the version, the mode, and how its price is made."""

    grade: Grade
    mode: Mode
    pricing: str

    def __str__(self) -> str:
        return f"{self.grade}:{self.mode}:{self.pricing}"

    @classmethod
    def read(cls, text: str) -> "OfferedAs":
        grade, mode, pricing = text.split(":")
        return cls(Grade(grade), Mode(mode), pricing)


def grades(entry: Entry) -> Mapping[VersionId, Grade]:
    """Of the versions that may be dealt in, each by its id; none unless the asset is registered."""
    if entry.asset.state is not REGISTERED:
        return {}
    return {version.id: version.graded.grade for version in viewing.registered(entry) if version.graded}


def offered_as(entry: Entry, offers: Iterable[Offer]) -> list[OfferedAs]:
    """Each way once, in one order."""
    known = grades(entry)
    ways = {OfferedAs(known[offer.version_id], offer.mode, offer.pricing) for offer in _of(known, offers)}
    return sorted(ways, key=str)


def price_now(revisions: Iterable[Asked], now: datetime) -> tuple[Money | None, datetime | None]:
    """What a plan asks, and the next moment at which that may change. Requires the revisions of one plan."""
    known = tuple(revisions)
    ahead = [moment for each in known for moment in (each.valid_from, each.valid_until) if moment and moment > now]
    latest = max((each for each in known if each.valid_from <= now), key=lambda each: each.revision, default=None)
    if latest and latest.valid_until and latest.valid_until <= now:
        latest = None
    return latest and latest.price, min(ahead, default=None)


def lowest_price(entry: Entry, offers: Iterable[Offer]) -> Money | None:
    """Of the offers that show to everyone to whom the entry shows in full."""
    known = grades(entry)
    if not known:
        return None
    prices = [
        offer.price
        for offer in _of(known, offers)
        if offer.price
        and offer.price.currency == PRICED_IN
        and _shows_with(known[offer.version_id], min(known.values()))
    ]
    return min(prices, default=None, key=lambda price: price.minor)


def _of(known: Mapping[VersionId, Grade], offers: Iterable[Offer]) -> Iterator[Offer]:
    return (offer for offer in offers if offer.version_id in known)


def _shows_with(grade: Grade, lowest: Grade) -> bool:
    return all(
        visibility(grade, clearance) is Visibility.FULL
        for clearance in CLEARANCES
        if visibility(lowest, clearance) is Visibility.FULL
    )
