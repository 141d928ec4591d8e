"""What crosses the wire about inquiries. Before all offers are opened together, an offer shows to its provider alone.

Promises: an inquiry shows whom it asks to its buyer and to supervisors alone until it is closed, so that those who
compete do not know one another; a budget that is not open shows to its buyer alone until then.
"""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits
from pydantic import StringConstraints

from services.trading.rules.inquiry import OPEN, Inquiry, State
from services.trading.rules.inquiry_terms import INVITED_MAX, Asked
from services.trading.rules.right import RightKind
from services.trading.rules.scoring import (
    BANDS_MAX,
    CRITERIA_MAX,
    REQUIREMENTS_MAX,
    VALUE_MAX,
    Answer,
    AwardBy,
    Band,
    ByBand,
    FewOffers,
    Judged,
    PerUnit,
    Proposal,
    Requirement,
    ScoringRule,
)
from services.trading.schemas.money import Amount
from services.trading.schemas.words import ChosenMode, ChosenRight, Minor, Territory, TotalAmount, Word
from shared.grades import Grade, Mode
from shared.ids import InquiryId, ListingId, NeedId, ParticipantId
from shared.money import MINOR_MAX, Money
from shared.web import Moment, Request, View

InquiryState = State
ChosenGrade = Annotated[Grade, Limits(strict=False)]
ChosenAward = Annotated[AwardBy, Limits(strict=False)]
ChosenFew = Annotated[FewOffers, Limits(strict=False)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Value = Annotated[int, Limits(ge=0, le=VALUE_MAX)]
PositiveMinor = Annotated[int, Limits(ge=1, le=MINOR_MAX)]
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Uses = Annotated[int, Limits(ge=1, le=1_000_000)]
Days = Annotated[int, Limits(ge=1, le=3650)]


class NewBand(Request):
    from_value: Value
    points_minor: Minor


class NewByBand(Request):
    """The points of the highest band that the value reaches."""

    attribute: Word
    bands: Annotated[list[NewBand], Limits(min_length=1, max_length=BANDS_MAX)]

    def criterion(self) -> ByBand:
        return ByBand(self.attribute, tuple(Band(band.from_value, band.points_minor) for band in self.bands))


class NewPerUnit(Request):
    """So much for each unit from one value to another; less is better where it counts downwards."""

    attribute: Word
    minor_per_unit: PositiveMinor
    counts_from: Value
    counts_to: Value

    def criterion(self) -> PerUnit:
        return PerUnit(self.attribute, self.minor_per_unit, self.counts_from, self.counts_to)


class NewRequirement(Request):
    """At least, at most, or both."""

    attribute: Word
    at_least: Value | None = None
    at_most: Value | None = None

    def requirement(self) -> Requirement:
        return Requirement(self.attribute, self.at_least, self.at_most)


class NewScoring(Request):
    """S = points − price, in minor units, by at least one criterion. Nobody wins below the reserve score; by second
    score, it stands for the runner-up where there is none."""

    award_by: ChosenAward
    by_band: Annotated[list[NewByBand], Limits(max_length=CRITERIA_MAX)] = []
    per_unit: Annotated[list[NewPerUnit], Limits(max_length=CRITERIA_MAX)] = []
    requirements: Annotated[list[NewRequirement], Limits(max_length=REQUIREMENTS_MAX)] = []
    reserve_score_minor: Minor = 0
    few_offers: ChosenFew = FewOffers.FAILS

    def rule(self) -> ScoringRule:
        by_band = tuple(each.criterion() for each in self.by_band)
        per_unit = tuple(each.criterion() for each in self.per_unit)
        requirements = tuple(each.requirement() for each in self.requirements)
        return ScoringRule(
            self.award_by, by_band, per_unit, requirements, self.reserve_score_minor, self.few_offers
        )  # fmt: skip


class NewAskedRight(Request):
    kind: ChosenRight
    field: Word
    territory: Territory
    period_days: Days


class NewInquiry(Request):
    """`invited`: at least three providers, strangers to you and to one another."""

    title: Title
    description: Prose
    purpose: Word
    mode: ChosenMode
    grade_ceiling: ChosenGrade
    right: NewAskedRight
    quota_uses: Uses
    scoring: NewScoring
    budget: Amount | None = None
    budget_is_open: bool = False
    offers_until: Moment
    invited: Annotated[list[ParticipantId], Limits(min_length=1, max_length=INVITED_MAX)]

    def asked(self) -> Asked:
        right = self.right
        return Asked(
            self.purpose, self.mode, self.grade_ceiling, right.kind, right.field, right.territory, right.period_days,
            self.quota_uses,
        )  # fmt: skip


class NewSealedOffer(Request):
    """HMAC-SHA256 in hex, under 32 random bytes that you keep, of: a byte 0x11, `offer`, a byte 0x00, and the canonical
    JSON (RFC 8785) of `{"answers": [{"attribute", "value"}, …], "inquiry_id", "listing_id", "price": {"currency",
    "minor"}, "provider_id"}`, answers in the order of their attributes."""

    commitment: Hex


class NewAnswer(Request):
    attribute: Word
    value: Value


class NewOpening(Request):
    """Exactly what was sealed. Every attribute of the scoring rule is answered once."""

    listing_id: ListingId
    price: TotalAmount
    answers: Annotated[list[NewAnswer], Limits(min_length=1, max_length=CRITERIA_MAX + REQUIREMENTS_MAX)]
    salt: Hex

    def proposal(self) -> Proposal:
        answers = sorted((answer.attribute, answer.value) for answer in self.answers)
        return Proposal(self.listing_id, self.price.money(), tuple(Answer(*answer) for answer in answers))


class BandView(View):
    from_value: int
    points_minor: int


class ByBandView(View):
    attribute: str
    bands: list[BandView]


class PerUnitView(View):
    attribute: str
    minor_per_unit: int
    counts_from: int
    counts_to: int


class RequirementView(View):
    attribute: str
    at_least: int | None
    at_most: int | None


class ScoringView(View):
    award_by: AwardBy
    by_band: list[ByBandView]
    per_unit: list[PerUnitView]
    requirements: list[RequirementView]
    reserve_score_minor: int
    few_offers: FewOffers
    points_max: int


class AskedView(View):
    purpose: str
    mode: Mode
    grade_ceiling: Grade
    right_kind: RightKind
    right_field: str
    territory: str
    period_days: int
    quota_uses: int


class AnswerView(View):
    attribute: str
    value: int


class ProposalView(View):
    listing_id: ListingId
    price: Money
    answers: list[AnswerView]


class OwnOfferView(View):
    """What one has sealed oneself, and, once one has opened it, what it says."""

    commitment: str
    sealed_at: datetime
    opened: ProposalView | None


class JudgedOfferView(View):
    """An offer after the opening, and why it won or lost. One that was not opened counts for nothing, and says so."""

    provider_id: ParticipantId
    sequence: int
    offer: ProposalView | None
    points_minor: int | None
    score_minor: int | None
    reason_code: str
    attribute: str | None


class InquiryView(View):
    """`offers` is null until all are opened together; `offers_sealed` until no more are taken. `winner` and `price`
    are those of the award, which is an order by then."""

    id: InquiryId
    buyer_id: ParticipantId
    need_id: NeedId | None
    state: State
    title: str
    description: str
    asked: AskedView
    scoring: ScoringView
    budget: Money | None
    budget_is_open: bool
    offers_until: datetime
    opened_until: datetime
    invited: list[ParticipantId] | None
    offers_sealed: int | None
    own_offer: OwnOfferView | None
    offers: list[JudgedOfferView] | None
    valid_offers: int | None
    winner: ParticipantId | None
    price: Money | None
    rules_version: str
    published_at: datetime
    next_actor: str | None
    deadline: datetime | None
    reason_code: str | None

    @classmethod
    def of(cls, inquiry: Inquiry, seen_by: ParticipantId | None) -> Self:
        """Requires someone who may see it: a party, or, for None, a supervisor."""
        terms, won, judgement = inquiry.terms, inquiry.won, inquiry.judgement
        is_buyer, is_over = seen_by == inquiry.buyer_id, inquiry.deadline is None
        shows_budget = terms.budget_is_open or is_buyer or judgement is not None
        return cls(
            id=inquiry.id, buyer_id=inquiry.buyer_id, need_id=inquiry.need_id, state=inquiry.state, title=terms.title,
            description=terms.description, asked=AskedView.model_validate(terms.asked),
            scoring=ScoringView.model_validate(terms.scoring), budget=terms.budget if shows_budget else None,
            budget_is_open=terms.budget_is_open, offers_until=terms.offers_until, opened_until=terms.opened_until,
            invited=list(inquiry.invited) if is_over or is_buyer or seen_by is None else None,
            offers_sealed=None if inquiry.state is OPEN else len(inquiry.sealed),
            own_offer=_own(inquiry, seen_by), offers=_judged(inquiry) if judgement else None,
            valid_offers=judgement and judgement.valid_offers, winner=won and won.provider_id, price=won and won.price,
            rules_version=terms.rules_name, published_at=inquiry.published_at, next_actor=inquiry.next_actor,
            deadline=inquiry.deadline, reason_code=inquiry.reason_code,
        )  # fmt: skip


def _own(inquiry: Inquiry, seen_by: ParticipantId | None) -> OwnOfferView | None:
    sealed = inquiry.sealed_by(seen_by) if seen_by else None
    if sealed is None:
        return None
    opened = inquiry.opened_by(sealed.provider_id)
    said = opened and ProposalView.model_validate(opened.proposal)
    return OwnOfferView(commitment=sealed.commitment, sealed_at=sealed.sealed_at, opened=said)


def _judged(inquiry: Inquiry) -> list[JudgedOfferView]:
    """Every sealed offer of a judged inquiry, in the order of sealing."""
    assert inquiry.judgement
    found = {each.provider_id: each for each in inquiry.judgement.judged}
    return [
        _told(inquiry, found.get(sealed.provider_id) or Judged(sealed.sequence, sealed.provider_id, "not_opened"))
        for sealed in inquiry.sealed
    ]


def _told(inquiry: Inquiry, judged: Judged) -> JudgedOfferView:
    opened = inquiry.opened_by(judged.provider_id)
    return JudgedOfferView(
        provider_id=judged.provider_id, sequence=judged.sequence,
        offer=opened and ProposalView.model_validate(opened.proposal), points_minor=judged.points_minor,
        score_minor=judged.score_minor, reason_code=judged.reason_code, attribute=judged.attribute,
    )  # fmt: skip
