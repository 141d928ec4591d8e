"""An inquiry (询价): a buyer asks at least three providers, each offers once and sealed, all are opened together.

Owns: the states of an inquiry, the sealing of offers, and when which act counts.
Promises: until offers are no longer taken there is nothing that anyone, the operator included, could read: what is kept
of an offer is a commitment (commit–reveal, the only sealing here); an offer cannot be changed, copied or withdrawn, but
one that its provider does not open counts for nothing; nothing is judged before all are opened together; the same
offers give the same award in whatever order they are opened; every inquiry ends by itself at its deadline.
Does not: know who may have what is offered. Whoever closes says that, anew, by the grades of then.
Sources: 政府采购法 art. 40; design 8. How offers are compared: `rules/scoring.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.trading.rules import scoring
from services.trading.rules.inquiry_terms import CURRENCY, Terms
from services.trading.rules.scoring import OFFERS_WANTED, Candidate, FewOffers, Judgement, Proposal, Won
from shared import canonical
from shared.errors import Conflict, NotFound
from shared.facts import Commitment, commit, plain
from shared.ids import InquiryId, NeedId, ParticipantId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    OPEN = "open"  # 报价中
    OPENING = "opening"  # 开启中
    AWARDED = "awarded"  # 成交
    FAILED = "failed"  # 流标
    CANCELLED = "cancelled"  # 终止


OPEN, OPENING, AWARDED, FAILED, CANCELLED = State

INQUIRY = Lifecycle(start=OPEN, moves={
    OPEN:      {OPENING, FAILED, CANCELLED},
    OPENING:   {AWARDED, FAILED},
    AWARDED:   set(),
    FAILED:    set(),
    CANCELLED: set(),
})  # fmt: skip
NEXT_ACTOR = {OPEN: "provider", OPENING: "provider"}


class Reason(StrEnum):
    BEST_SCORE = "best_score"
    NO_OFFERS = "no_offers"
    TOO_FEW_OFFERS = "too_few_offers"
    TOO_FEW_VALID_OFFERS = "too_few_valid_offers"
    NO_VALID_OFFERS = "no_valid_offers"
    BUYER_NOT_ADMITTED = "buyer_not_admitted"
    BY_BUYER = "by_buyer"


@dataclass(frozen=True, slots=True)
class Sealed:
    """An offer as nobody can read it. `commitment` in hex; the sequence counts from 1."""

    provider_id: ParticipantId
    sequence: int
    commitment: str
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """What a sealed offer says, with the salt in hex that shows it always did."""

    provider_id: ParticipantId
    proposal: Proposal
    salt: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Inquiry:
    """`judgement` once it is closed; `last_at` the latest moment seen."""

    id: InquiryId
    buyer_id: ParticipantId
    need_id: NeedId | None
    terms: Terms
    invited: tuple[ParticipantId, ...]
    state: State
    published_at: datetime
    last_at: datetime
    sealed: tuple[Sealed, ...] = ()
    opened: tuple[Opened, ...] = ()
    judgement: Judgement | None = None
    reason_code: str | None = None
    revision: int = 1

    @property
    def deadline(self) -> datetime | None:
        return {OPEN: self.terms.offers_until, OPENING: self.terms.opened_until}.get(self.state)

    @property
    def next_actor(self) -> str | None:
        return NEXT_ACTOR.get(self.state)

    @property
    def won(self) -> Won | None:
        return self.judgement.won if self.judgement else None

    def sealed_by(self, provider_id: ParticipantId) -> Sealed | None:
        return next((each for each in self.sealed if each.provider_id == provider_id), None)

    def opened_by(self, provider_id: ParticipantId) -> Opened | None:
        return next((each for each in self.opened if each.provider_id == provider_id), None)


class NoSuchInquiry(NotFound):
    """There is no such inquiry, or you may not see it."""


class OffersClosed(Conflict):
    """Offers are taken no more."""


class OffersStillTaken(Conflict):
    """Offers are still taken, so none is opened yet."""


class OfferIsFinal(Conflict):
    """You have made your offer; it cannot be changed."""


class OpeningOver(Conflict):
    """The time to open offers is up."""


class OpeningNotOver(Conflict):
    """Offers may still be opened, so none is judged yet."""


class OfferNotSealed(Conflict):
    """You sealed no offer in time, so there is none to open."""


class SealBroken(Conflict):
    """This is not what you sealed: the commitment to it, with this salt, is another."""


class OffersWereMade(Conflict):
    """After the first offer the buyer cannot call the inquiry off."""


def publish(
    inquiry_id: InquiryId, buyer_id: ParticipantId, need_id: NeedId | None, terms: Terms,
    invited: tuple[ParticipantId, ...], now: datetime,
) -> Inquiry:  # fmt: skip
    """Requires that those who are invited may be."""
    return Inquiry(inquiry_id, buyer_id, need_id, terms, tuple(sorted(invited)), INQUIRY.start, now, last_at=now)


def commitment_to(inquiry_id: InquiryId, provider_id: ParticipantId, proposal: Proposal, salt: str) -> Commitment:
    """What seals an offer: HMAC-SHA256 under the salt of `offer` and its canonical JSON (RFC 8785).

    It names inquiry and provider, so that another's commitment, copied, opens to nothing.
    """
    told = {
        "inquiry_id": inquiry_id, "provider_id": provider_id, "listing_id": proposal.listing_id,
        "price": proposal.price, "answers": proposal.answers,
    }  # fmt: skip
    return commit("offer", canonical.encode(plain(told)).decode(), bytes.fromhex(salt))


def seal(inquiry: Inquiry, provider_id: ParticipantId, commitment: str, now: datetime) -> Inquiry:
    """The inquiry with one more sealed offer. Requires an admitted provider."""
    at = max(now, inquiry.last_at)
    _require_invited(inquiry, provider_id)
    if inquiry.state is not OPEN or at >= inquiry.terms.offers_until:
        raise OffersClosed(state=inquiry.state, closed_at=inquiry.terms.offers_until)
    if made := inquiry.sealed_by(provider_id):
        raise OfferIsFinal(sealed_at=made.sealed_at)
    sealed = Sealed(provider_id, len(inquiry.sealed) + 1, commitment, at)
    return _change(inquiry, sealed=(*inquiry.sealed, sealed), last_at=at)


def end_offers(inquiry: Inquiry, now: datetime) -> Inquiry:
    """The inquiry once its time for offers is up: they may be opened now, or it has failed for want of them."""
    at = max(now, inquiry.last_at)
    if inquiry.state is not OPEN:
        raise OffersClosed(state=inquiry.state, closed_at=inquiry.terms.offers_until)
    if at < inquiry.terms.offers_until:
        raise OffersStillTaken(offers_until=inquiry.terms.offers_until)
    if not inquiry.sealed:
        return _move(inquiry, FAILED, reason_code=Reason.NO_OFFERS, last_at=at)
    if len(inquiry.sealed) < OFFERS_WANTED and inquiry.terms.scoring.few_offers is FewOffers.FAILS:
        return _move(inquiry, FAILED, reason_code=Reason.TOO_FEW_OFFERS, last_at=at)
    return _move(inquiry, OPENING, last_at=at)


def open_offer(inquiry: Inquiry, provider_id: ParticipantId, proposal: Proposal, salt: str, now: datetime) -> Inquiry:
    """The inquiry with one more offer opened: exactly as it was sealed. It shows to nobody else before the close."""
    at = max(now, inquiry.last_at)
    _require_invited(inquiry, provider_id)
    if inquiry.state is OPEN:
        raise OffersStillTaken(offers_until=inquiry.terms.offers_until)
    if inquiry.state is not OPENING or at >= inquiry.terms.opened_until:
        raise OpeningOver(state=inquiry.state, closed_at=inquiry.terms.opened_until)
    sealed = inquiry.sealed_by(provider_id)
    if sealed is None:
        raise OfferNotSealed()
    if inquiry.opened_by(provider_id):
        raise OfferIsFinal(sealed_at=sealed.sealed_at)
    if commitment_to(inquiry.id, provider_id, proposal, salt).hex != sealed.commitment:
        raise SealBroken(commitment=sealed.commitment)
    opened = Opened(provider_id, proposal, salt, at)
    return _change(inquiry, opened=(*inquiry.opened, opened), last_at=at)


def close(
    inquiry: Inquiry, now: datetime, denied: Mapping[ParticipantId, str], *, buyer_is_admitted: bool = True
) -> Inquiry:
    """The inquiry once the time to open is up: awarded to the best of what was opened, or failed.

    `denied` says why the buyer may not have what a provider offered, by the listings and grades of now.
    """
    at = max(now, inquiry.last_at)
    if inquiry.state is not OPENING:
        raise OpeningOver(state=inquiry.state, closed_at=inquiry.terms.opened_until)
    if at < inquiry.terms.opened_until:
        raise OpeningNotOver(opened_until=inquiry.terms.opened_until)
    if not buyer_is_admitted:
        return _move(inquiry, FAILED, reason_code=Reason.BUYER_NOT_ADMITTED, last_at=at)
    terms = inquiry.terms
    judgement = scoring.judge(terms.scoring, terms.budget, CURRENCY, candidates(inquiry, denied))
    if judgement.won:
        return _move(inquiry, AWARDED, judgement=judgement, reason_code=Reason.BEST_SCORE, last_at=at)
    reason = Reason.TOO_FEW_VALID_OFFERS if judgement.valid_offers else Reason.NO_VALID_OFFERS
    return _move(inquiry, FAILED, judgement=judgement, reason_code=reason, last_at=at)


def cancel(inquiry: Inquiry, now: datetime) -> Inquiry:
    """Called off by the buyer, before anyone has offered. An offer binds its provider, so it binds the buyer too."""
    at = max(now, inquiry.last_at)
    if inquiry.sealed:
        raise OffersWereMade(offers=len(inquiry.sealed))
    if inquiry.state is OPEN and at >= inquiry.terms.offers_until:
        raise OffersClosed(state=inquiry.state, closed_at=inquiry.terms.offers_until)
    return _move(inquiry, CANCELLED, reason_code=Reason.BY_BUYER, last_at=at)


def is_due(inquiry: Inquiry, now: datetime) -> bool:
    return inquiry.deadline is not None and max(now, inquiry.last_at) >= inquiry.deadline


def candidates(inquiry: Inquiry, denied: Mapping[ParticipantId, str]) -> list[Candidate]:
    """What was opened, by the sequence of sealing."""
    return [
        Candidate(sealed.sequence, sealed.provider_id, opened.proposal, denied.get(sealed.provider_id))
        for sealed in inquiry.sealed
        if (opened := inquiry.opened_by(sealed.provider_id))
    ]


def _require_invited(inquiry: Inquiry, provider_id: ParticipantId) -> None:
    if provider_id not in inquiry.invited:
        raise NoSuchInquiry()


def _move(inquiry: Inquiry, to: State, **changes: Any) -> Inquiry:
    return _change(inquiry, state=INQUIRY.move(inquiry.state, to), **changes)


def _change(inquiry: Inquiry, **changes: Any) -> Inquiry:
    return replace(inquiry, revision=inquiry.revision + 1, **changes)
