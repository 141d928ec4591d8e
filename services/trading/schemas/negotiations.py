"""What crosses the wire about negotiations. Both sides are shown the same; neither is asked what it would accept."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits
from pydantic import StringConstraints

from services.trading.rules.negotiation import Ender, Negotiation, Objection, State, Withdrawal
from services.trading.rules.negotiation_terms import Offer, Proposal, Side
from services.trading.schemas.listings import RightView
from services.trading.schemas.money import Amount, Reason
from services.trading.schemas.words import Territory, Word
from shared.grades import Mode
from shared.ids import ContractId, ListingId, NegotiationId, OfferId, OrderId, ParticipantId, VersionId
from shared.money import Money
from shared.web import Moment, Request, View

NegotiationState = State
ChosenWithdrawal = Annotated[Withdrawal, Limits(strict=False)]
ChosenObjection = Annotated[Objection, Limits(strict=False)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class NewOffer(Request):
    """Whole terms: nothing of an earlier offer stays in force beside them. None may go beyond the listing's own."""

    price: Amount
    field: Word
    territory: Territory
    period_days: Annotated[int, Limits(ge=1, le=3650)]
    purposes: Annotated[list[Word], Limits(min_length=1, max_length=20)]
    quota_uses: Annotated[int, Limits(ge=1, le=1_000_000)]
    expires_at: Moment

    def proposal(self) -> Proposal:
        purposes = tuple(sorted(set(self.purposes)))
        return Proposal(
            self.price.money(), self.field, self.territory, self.period_days, purposes, self.quota_uses,
            self.expires_at,
        )  # fmt: skip


class NewNegotiation(Request):
    """`concession`: nobody may go back behind a price of their own. `rounds_max`: of offers, of both sides."""

    listing_id: ListingId
    offer: NewOffer
    concession: bool = False
    rounds_max: Annotated[int | None, Limits(ge=2, le=1_000)] = None


class NewDirectedNegotiation(NewNegotiation):
    buyer_id: ParticipantId


class NewAcceptance(Request):
    """Your yes to an offer: it is named with the hash of its terms, so that nothing is agreed unseen."""

    offer_id: OfferId
    terms_hash: Hash


class NewTermination(Request):
    reason_code: ChosenWithdrawal
    reason: Reason


class NewApproval(Request):
    reason: Reason


class NewRefusal(Request):
    reason_code: ChosenObjection
    reason: Reason


class TermsView(View):
    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    price: Money
    right: RightView
    purposes: list[str]
    quota_uses: int


class OfferView(View):
    """`terms_hash` is the SHA-256 of `terms_text`, the canonical JSON (RFC 8785) of `terms`."""

    id: OfferId
    number: int
    side: Side
    terms: TermsView
    terms_text: str
    terms_hash: str
    made_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, offer: Offer) -> Self:
        return cls(
            id=offer.id, number=offer.number, side=offer.side, terms=TermsView.model_validate(offer.terms),
            terms_text=offer.terms.text, terms_hash=offer.terms_hash, made_at=offer.made_at,
            expires_at=offer.expires_at,
        )  # fmt: skip


class YesView(View):
    side: Side
    offer_id: OfferId
    terms_hash: str
    said_at: datetime


class ApprovalView(View):
    reason: str
    given_at: datetime


class NegotiationView(View):
    """`offers` is the whole history; the last one is open while the state is `requested` (the buyer's) or `offered`
    (the provider's). `protocol_state` is the state as the Dataspace Protocol has it."""

    id: NegotiationId
    listing_id: ListingId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    directed: bool
    concession: bool
    rounds_max: int
    needs_approval: bool
    state: State
    protocol_state: str
    next_actor: str | None
    deadline: datetime | None
    offers: list[OfferView]
    accepted: YesView | None
    approval: ApprovalView | None
    order_id: OrderId | None
    contract_id: ContractId | None
    ended_by: Ender | None
    reason_code: str | None
    reason: str | None

    @classmethod
    def of(cls, negotiation: Negotiation) -> Self:
        yes, approval, ending = negotiation.yes, negotiation.approval, negotiation.ending
        return cls(
            id=negotiation.id, listing_id=negotiation.listing_id, provider_id=negotiation.provider_id,
            buyer_id=negotiation.buyer_id, directed=negotiation.manner.directed,
            concession=negotiation.manner.concession, rounds_max=negotiation.manner.rounds_max,
            needs_approval=negotiation.needs_approval, state=negotiation.state,
            protocol_state=negotiation.protocol_state.upper(), next_actor=negotiation.next_actor,
            deadline=negotiation.deadline, offers=[OfferView.of(offer) for offer in negotiation.offers],
            accepted=yes and YesView.model_validate(yes),
            approval=approval and ApprovalView.model_validate(approval), order_id=negotiation.order_id,
            contract_id=negotiation.contract_id, ended_by=ending and ending.by, reason_code=negotiation.reason_code,
            reason=ending and ending.reason,
        )  # fmt: skip
