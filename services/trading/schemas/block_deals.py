"""What crosses the wire about block deals. Both sides, and whoever decides on them, are shown the same."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.trading.rules.block_deal import BlockDeal, Part, State
from services.trading.rules.negotiation import Ender
from services.trading.rules.negotiation_terms import Proposal
from services.trading.schemas.money import Amount, Reason
from services.trading.schemas.negotiations import ApprovalView, Hash, TermsView
from services.trading.schemas.words import Territory, Word
from shared.ids import BlockDealId, ListingId, OrderId, ParticipantId
from shared.money import Money
from shared.web import Moment, Request, View

BlockDealState = State


class NewBlockPart(Request):
    """Whole terms for one listing; none may go beyond the listing's own."""

    listing_id: ListingId
    price: Amount
    field: Word
    territory: Territory
    period_days: Annotated[int, Limits(ge=1, le=3650)]
    purposes: Annotated[list[Word], Limits(min_length=1, max_length=20)]
    quota_uses: Annotated[int, Limits(ge=1, le=1_000_000)]

    def proposal(self, expires_at: datetime) -> Proposal:
        purposes = tuple(sorted(set(self.purposes)))
        return Proposal(
            self.price.money(), self.field, self.territory, self.period_days, purposes, self.quota_uses, expires_at
        )  # fmt: skip


class NewBlockDeal(Request):
    """`grounds`: why a price lies outside the band about its reference price, if one does."""

    buyer_id: ParticipantId
    parts: Annotated[list[NewBlockPart], Limits(min_length=1, max_length=100)]
    grounds: Reason | None = None
    expires_at: Moment


class NewBlockAcceptance(Request):
    """Your yes to all parts: they are named by the hash of their terms, so that nothing is agreed unseen."""

    terms_hash: Hash


class ReferenceView(View):
    theme: str
    month: str
    median: Money


class BlockPartView(View):
    """`is_within_band` is null where no reference price was published that tells anything."""

    terms: TermsView
    reference: ReferenceView | None
    is_within_band: bool | None

    @classmethod
    def of(cls, part: Part, band_basis_points: int) -> Self:
        reference = part.reference
        return cls(
            terms=TermsView.model_validate(part.terms), reference=reference and ReferenceView.model_validate(reference),
            is_within_band=None if reference is None else part.is_within(band_basis_points),
        )  # fmt: skip


class BlockDealView(View):
    """`parts` are in the order of their listings' ids, `order_ids` in that of the parts. `terms_hash` is SHA-256 over
    the canonical JSON (RFC 8785) of the terms of all of them."""

    id: BlockDealId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    parts: list[BlockPartView]
    total: Money
    terms_hash: str
    band_basis_points: int
    grounds: str | None
    state: State
    next_actor: str | None
    offered_at: datetime
    deadline: datetime | None
    accepted_at: datetime | None
    approval: ApprovalView | None
    order_ids: list[OrderId]
    ended_by: Ender | None
    reason_code: str | None
    reason: str | None

    @classmethod
    def of(cls, deal: BlockDeal) -> Self:
        approval, ending = deal.approval, deal.ending
        return cls(
            id=deal.id, provider_id=deal.provider_id, buyer_id=deal.buyer_id,
            parts=[BlockPartView.of(part, deal.band_basis_points) for part in deal.parts], total=deal.total,
            terms_hash=deal.terms_hash, band_basis_points=deal.band_basis_points, grounds=deal.grounds,
            state=deal.state, next_actor=deal.next_actor, offered_at=deal.offered_at, deadline=deal.deadline,
            accepted_at=deal.accepted_at, approval=approval and ApprovalView.model_validate(approval),
            order_ids=list(deal.order_ids), ended_by=ending and ending.by, reason_code=deal.reason_code,
            reason=ending and ending.reason,
        )  # fmt: skip
