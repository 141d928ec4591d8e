"""The part of trading's and pricing's news that the catalogue reads: what is on offer, and at what price."""

from pydantic import BaseModel

from services.catalog.rules.offer import Asked
from shared.changes import Microseconds
from shared.grades import Mode
from shared.ids import ListingId, PlanId, VersionId
from shared.money import Money


class OpenedListing(BaseModel):
    """What we need of the fact that a version was put on offer. `plan_id` where its price is fixed."""

    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    pricing: str
    plan_id: PlanId | None = None
    revision: int


class ChangedListing(BaseModel):
    """What we need of any later fact of a listing."""

    listing_id: ListingId
    version_id: VersionId
    state: str
    revision: int


class RevisedPlan(BaseModel):
    """What we need of the fact that a price plan was published or revised. `amount` is the list price."""

    plan_id: PlanId
    revision: int
    version_id: VersionId
    mode: Mode
    amount: Money
    valid_from: Microseconds
    valid_until: Microseconds | None = None

    def asked(self) -> Asked:
        return Asked(
            self.plan_id, self.revision, self.version_id, self.mode, self.amount, self.valid_from, self.valid_until
        )
