"""The part of trading's news that the catalogue reads: what is on offer, for filters, counts and sorting."""

from pydantic import BaseModel

from shared.grades import Mode
from shared.ids import ListingId, VersionId
from shared.money import Money


class OpenedListing(BaseModel):
    """What we need of the fact that a version was put on offer. `price` where the fact tells a fixed one."""

    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    pricing: str
    revision: int
    price: Money | None = None


class ChangedListing(BaseModel):
    """What we need of any later fact of a listing."""

    listing_id: ListingId
    version_id: VersionId
    state: str
    revision: int
