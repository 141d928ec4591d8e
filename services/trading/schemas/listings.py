"""What crosses the wire about listings."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.trading.rules.co_owner import CO_OWNERS_MAX, WHOLE, CoOwner, Named
from services.trading.rules.listing import COPIES_MAX, Listing, Offer, State
from services.trading.rules.mechanism import Mechanism, Pricing
from services.trading.rules.right import Right, RightKind
from services.trading.schemas.acceptance import AcceptanceView, NewAcceptanceTerms
from services.trading.schemas.words import ChosenMechanism, ChosenMode, ChosenPricing, ChosenRight, Territory, Word
from shared.grades import Flag, Grade, Mode
from shared.ids import AssetId, ListingId, ParticipantId, PlanId, RevenueShareId, VersionId
from shared.web import Moment, Request, View


class NewRight(Request):
    kind: ChosenRight
    field: Word
    territory: Territory
    period_days: Annotated[int, Limits(ge=1, le=3650)]
    copies: Annotated[int | None, Limits(ge=2, le=COPIES_MAX)] = None
    starts_at: Moment | None = None


class NewCoOwner(Request):
    participant_id: ParticipantId
    basis_points: Annotated[int, Limits(ge=1, le=WHOLE)]


class NewListing(Request):
    """A fixed price needs a plan; an auction a mechanism that fits the right, English if none is named. Without
    terms of acceptance the market's own hold: its inspection period, and no clauses.

    Where several own what is sold, `co_owners` (yourself among them) or a `revenue_share_id` that pricing computed says
    who gets what of your part.
    """

    version_id: VersionId
    mode: ChosenMode
    right: NewRight
    purposes: Annotated[list[Word], Limits(min_length=1, max_length=20)]
    quota_uses: Annotated[int, Limits(ge=1, le=1_000_000)]
    pricing: ChosenPricing
    plan_id: PlanId | None = None
    mechanism: ChosenMechanism | None = None
    acceptance: NewAcceptanceTerms | None = None
    co_owners: Annotated[list[NewCoOwner] | None, Limits(max_length=CO_OWNERS_MAX)] = None
    revenue_share_id: RevenueShareId | None = None

    def named(self) -> Named | None:
        if self.co_owners is None and self.revenue_share_id is None:
            return None
        owners = tuple(CoOwner(owner.participant_id, owner.basis_points) for owner in self.co_owners or ())
        return Named(owners, self.revenue_share_id)

    def offer(self) -> Offer:
        asked = self.right
        right = Right(asked.kind, asked.field, asked.territory, asked.period_days, asked.copies, asked.starts_at)
        purposes = tuple(sorted(set(self.purposes)))
        mechanism = self.mechanism or (Mechanism.ENGLISH if self.pricing is Pricing.AUCTION else None)
        return Offer(
            self.version_id, self.mode, right, purposes, self.quota_uses, self.pricing, self.plan_id, mechanism,
            self.acceptance and self.acceptance.terms(),
        )  # fmt: skip


class RightView(View):
    kind: RightKind
    field: str
    territory: str
    period_days: int
    copies: int | None
    starts_at: datetime | None


class CoOwnerView(View):
    """`weight` is a part of the sum of all weights."""

    participant_id: ParticipantId
    weight: int


class ComputedView(View):
    revenue_share_id: RevenueShareId
    document_hash: str


class OwnershipView(View):
    """Who shares the provider's part of the price; `computed` is the computation that the weights are of."""

    owners: list[CoOwnerView]
    computed: ComputedView | None


class ListingView(View):
    id: ListingId
    provider_id: ParticipantId
    asset_id: AssetId
    version_id: VersionId
    title: str
    grade: Grade
    flags: list[Flag]
    grade_revision: int
    mode: Mode
    right: RightView
    purposes: list[str]
    quota_uses: int
    pricing: Pricing
    mechanism: Mechanism | None
    plan_id: PlanId | None
    acceptance: AcceptanceView | None
    ownership: OwnershipView | None
    state: State
    next_actor: str | None
    deadline: datetime | None
    reason_code: str | None
    listed_at: datetime

    @classmethod
    def of(cls, listing: Listing) -> Self:
        return cls.model_validate(listing)
