"""The facts of an inquiry. They carry the accepted commands, so that folding them again gives the award again.

Promises: before the close, nothing that is told reveals an offer, or a budget that is not open; after it, everything
that was opened is told with its salt, so that anyone with the log can recompute every score, the winner, and what it is
paid. What failed for want of offers, or was called off, stays sealed. Kept for fifteen years: 政府采购法 art. 42.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.trading.rules.award import FrozenFees
from services.trading.rules.inquiry import Inquiry, Opened, Sealed, State
from services.trading.rules.inquiry_terms import Asked
from services.trading.rules.market_rules import Windows
from services.trading.rules.scoring import Judged, Proposal, ScoringRule
from shared.facts import Category, Commitment, Fact, Retention, commit
from shared.ids import InquiryId, ListingId, NeedId, ParticipantId
from shared.money import Money

OPENINGS_MAX = 5  # of one fact, so that it stays within the bytes that an event may have


@dataclass(frozen=True, slots=True)
class InquiryPublished(Fact):
    """A buyer asks these providers, by this rule; a budget that is not open is sealed."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.INQUIRY
    inquiry_id: InquiryId
    buyer_id: ParticipantId
    need_id: NeedId | None
    invited: tuple[ParticipantId, ...]
    title: str
    description: str
    asked: Asked
    scoring: ScoringRule
    open_budget: Money | None
    budget: Commitment | None
    offers_until: datetime
    opened_until: datetime
    fees: FrozenFees
    windows: Windows
    rules_name: str
    published_at: datetime

    @classmethod
    def of(cls, inquiry: Inquiry, budget_salt: str | None) -> Self:
        terms = inquiry.terms
        return cls(
            inquiry.id, inquiry.buyer_id, inquiry.need_id, inquiry.invited, terms.title, terms.description, terms.asked,
            terms.scoring, terms.budget if terms.budget_is_open else None, sealed_budget(terms.budget, budget_salt),
            terms.offers_until, terms.opened_until, terms.fees, terms.windows, terms.rules_name, inquiry.published_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OfferSealed(Fact):
    """A provider has offered, and nobody can read what."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.INQUIRY
    inquiry_id: InquiryId
    provider_id: ParticipantId
    sequence: int
    offer: Commitment
    sealed_at: datetime
    revision: int

    @classmethod
    def of(cls, inquiry: Inquiry, sealed: Sealed) -> Self:
        commitment = Commitment(sealed.commitment)
        return cls(
            inquiry.id, sealed.provider_id, sealed.sequence, commitment, sealed.sealed_at, inquiry.revision
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OffersEnded(Fact):
    """No more offers are taken; those that were made may be opened now."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.INQUIRY
    inquiry_id: InquiryId
    offers: int
    opened_until: datetime
    ended_at: datetime
    revision: int

    @classmethod
    def of(cls, inquiry: Inquiry) -> Self:
        return cls(
            inquiry.id, len(inquiry.sealed), inquiry.terms.opened_until, inquiry.last_at, inquiry.revision
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SealOpened(Fact):
    """A provider has opened its offer, as it was sealed. What it says is told when all are opened together."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.INQUIRY
    inquiry_id: InquiryId
    provider_id: ParticipantId
    opened_at: datetime
    revision: int

    @classmethod
    def of(cls, inquiry: Inquiry, opened: Opened) -> Self:
        return cls(inquiry.id, opened.provider_id, opened.opened_at, inquiry.revision)


@dataclass(frozen=True, slots=True)
class OfferTold:
    """An offer as it was sealed and opened, and what came of it."""

    provider_id: ParticipantId
    sequence: int
    proposal: Proposal
    salt: str
    opened_at: datetime
    reason_code: str
    attribute: str | None
    points_minor: int | None
    score_minor: int | None


@dataclass(frozen=True, slots=True)
class InquiryClosed(Fact):
    """`openings` are those of the first offers; `OffersOpened` has the rest, in the same commit. `unopened` says whose
    offers count for nothing."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.INQUIRY
    inquiry_id: InquiryId
    buyer_id: ParticipantId
    outcome_state: State
    reason_code: str | None
    winner_id: ParticipantId | None
    listing_id: ListingId | None
    amount: Money | None
    offers: int
    valid_offers: int
    unopened: tuple[ParticipantId, ...]
    openings: tuple[OfferTold, ...]
    budget: Money | None
    budget_salt: str | None
    closed_at: datetime
    revision: int

    @classmethod
    def of(cls, inquiry: Inquiry, openings: Sequence[OfferTold], budget_salt: str | None) -> Self:
        """Requires a closed inquiry."""
        judgement, won = inquiry.judgement, inquiry.won
        unopened = tuple(each.provider_id for each in inquiry.sealed if not inquiry.opened_by(each.provider_id))
        return cls(
            inquiry.id, inquiry.buyer_id, inquiry.state, inquiry.reason_code, won and won.provider_id,
            won and won.listing_id, won and won.price, len(inquiry.sealed),
            judgement.valid_offers if judgement else 0, unopened, tuple(openings[:OPENINGS_MAX]),
            inquiry.terms.budget if judgement else None, budget_salt if judgement else None, inquiry.last_at,
            inquiry.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OffersOpened(Fact):
    """Further offers to a closed inquiry, opened."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.INQUIRY
    inquiry_id: InquiryId
    openings: tuple[OfferTold, ...]


@dataclass(frozen=True, slots=True)
class InquiryCancelled(Fact):
    """An inquiry is called off by its buyer, before anyone has offered."""

    category: ClassVar[Category] = Category.TRADE
    retention: ClassVar[Retention] = Retention.INQUIRY
    inquiry_id: InquiryId
    buyer_id: ParticipantId
    reason_code: str | None
    revision: int

    @classmethod
    def of(cls, inquiry: Inquiry) -> Self:
        return cls(inquiry.id, inquiry.buyer_id, inquiry.reason_code, inquiry.revision)


def sealed_budget(budget: Money | None, salt: str | None) -> Commitment | None:
    """The commitment to a budget that is not open."""
    return commit("budget", str(budget.minor), bytes.fromhex(salt)) if budget and salt else None


def facts_of_close(inquiry: Inquiry, budget_salt: str | None) -> Iterator[Fact]:
    """The close, with every offer opened that could be judged."""
    judged = inquiry.judgement.judged if inquiry.judgement else ()
    openings = [_told(inquiry, each) for each in judged]
    yield InquiryClosed.of(inquiry, openings, budget_salt)
    for first in range(OPENINGS_MAX, len(openings), OPENINGS_MAX):
        yield OffersOpened(inquiry.id, tuple(openings[first : first + OPENINGS_MAX]))


def _told(inquiry: Inquiry, judged: Judged) -> OfferTold:
    opened = inquiry.opened_by(judged.provider_id)
    assert opened is not None
    return OfferTold(
        judged.provider_id, judged.sequence, opened.proposal, opened.salt, opened.opened_at, judged.reason_code,
        judged.attribute, judged.points_minor, judged.score_minor,
    )  # fmt: skip
