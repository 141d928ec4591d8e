"""A claim: what a right takes up of an asset, in a field of use, a territory and a period.

Promises: an exclusive right overlaps no other claim on its asset, whichever version or mode either is of; one that
ends before the other begins, or lies in another field or territory, is no overlap.
The field `all` holds every other, and a country its subdivisions (ISO 3166-2). A period includes its beginning, not its
end; one without an end runs until the right itself is over.
Source: exclusive grants of data do not overlap in (field, territory, time), market-rules B0, X1 and X3.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.trading.rules.right import Right
from shared.ids import AssetId, ListingId

ALL_FIELDS = "all"


@dataclass(frozen=True, slots=True)
class Claim:
    """`ends_at` is None as long as it is open when the right will end."""

    listing_id: ListingId
    asset_id: AssetId
    field: str
    territory: str
    exclusive: bool
    starts_at: datetime
    ends_at: datetime | None = None


def claim_of(listing_id: ListingId, asset_id: AssetId, right: Right, now: datetime) -> Claim:
    """What the right takes up from its listing on: until its period is over if it says when that begins."""
    starts_at, ends_at = now, None
    if right.starts_at is not None:
        starts_at, ends_at = right.starts_at, right.starts_at + timedelta(days=right.period_days)
    return Claim(listing_id, asset_id, right.field, right.territory, right.is_exclusive, starts_at, ends_at)


def conflict(one: Claim, other: Claim) -> bool:
    """Whether the two cannot stand beside each other."""
    return (
        one.asset_id == other.asset_id
        and (one.exclusive or other.exclusive)
        and _share_field(one.field, other.field)
        and _share_territory(one.territory, other.territory)
        and _share_time(one, other)
    )


def _share_field(one: str, other: str) -> bool:
    return one == other or ALL_FIELDS in (one, other)


def _share_territory(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-")


def _share_time(one: Claim, other: Claim) -> bool:
    return _begins_before_the_end(one, other) and _begins_before_the_end(other, one)


def _begins_before_the_end(one: Claim, of: Claim) -> bool:
    return of.ends_at is None or one.starts_at < of.ends_at
