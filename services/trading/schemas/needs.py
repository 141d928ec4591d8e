"""What crosses the wire about needs and what meets them. A budget that is not open shows to its buyer alone."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits
from pydantic import StringConstraints

from services.trading.rules.inquiry_terms import INVITED_MAX, INVITED_MIN
from services.trading.rules.matching import Match, Wish
from services.trading.rules.need import Need, State, Wanted
from services.trading.schemas.inquiries import ChosenGrade, NewAskedRight, NewScoring, Prose, Title, Uses
from services.trading.schemas.listings import ListingView
from services.trading.schemas.money import Amount
from services.trading.schemas.words import ChosenMode, Territory, Word
from shared.grades import Grade, Mode
from shared.ids import InquiryId, ListingId, NeedId, ParticipantId
from shared.money import Money
from shared.web import BadCursor, Moment, Page, Request, View

FIELDS_MAX, THEMES_MAX = 20, 5
FieldName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class NewNeed(Request):
    """`fields` are found by their words and synonyms, in Chinese or English. At least a field or a theme is named."""

    title: Title
    description: Prose
    purpose: Word
    mode: ChosenMode
    grade_ceiling: ChosenGrade
    fields: Annotated[list[FieldName], Limits(max_length=FIELDS_MAX)] = []
    themes: Annotated[list[Word], Limits(max_length=THEMES_MAX)] = []
    territory: Territory | None = None
    rows_min: Annotated[int | None, Limits(ge=1, le=10**12)] = None
    update_days_max: Annotated[int | None, Limits(ge=0, le=3650)] = None
    budget: Amount | None = None
    budget_is_open: bool = False
    valid_until: Moment

    def wanted(self) -> Wanted:
        return Wanted(
            self.title, self.description, self.purpose, self.mode, self.grade_ceiling,
            tuple(dict.fromkeys(self.fields)), tuple(dict.fromkeys(self.themes)), self.territory, self.rows_min,
            self.update_days_max, self.budget.money() if self.budget else None, self.budget_is_open,
        )  # fmt: skip


class NewNeedInquiry(Request):
    """What the need does not say: the right that is asked for, how offers are compared, and until when they come."""

    right: NewAskedRight
    quota_uses: Uses
    scoring: NewScoring
    offers_until: Moment
    invited_max: Annotated[int, Limits(ge=INVITED_MIN, le=INVITED_MAX)] = 10


class NeedView(View):
    id: NeedId
    buyer_id: ParticipantId
    state: State
    title: str
    description: str
    purpose: str
    mode: Mode
    grade_ceiling: Grade
    fields: list[str]
    themes: list[str]
    territory: str | None
    rows_min: int | None
    update_days_max: int | None
    budget: Money | None
    budget_is_open: bool
    published_at: datetime
    inquiry_id: InquiryId | None
    next_actor: str | None
    deadline: datetime | None
    reason_code: str | None

    @classmethod
    def of(cls, need: Need, seen_by: ParticipantId | None) -> Self:
        wanted = need.wanted
        return cls(
            id=need.id, buyer_id=need.buyer_id, state=need.state, title=wanted.title, description=wanted.description,
            purpose=wanted.purpose, mode=wanted.mode, grade_ceiling=wanted.grade_ceiling, fields=list(wanted.fields),
            themes=list(wanted.themes), territory=wanted.territory, rows_min=wanted.rows_min,
            update_days_max=wanted.update_days_max,
            budget=wanted.budget if wanted.budget_is_open or seen_by == need.buyer_id else None,
            budget_is_open=wanted.budget_is_open, published_at=need.published_at, inquiry_id=need.inquiry_id,
            next_actor=need.next_actor, deadline=need.deadline, reason_code=need.reason_code,
        )  # fmt: skip


class FindView(View):
    wanted: str
    field: str | None


class GroundView(View):
    """What one wish of the need gave, and why, 中文 · English."""

    wish: Wish
    points: int
    points_max: int
    words: str
    finds: list[FindView]


class MatchView(View):
    """`score` in basis points of all that the need asks for."""

    listing: ListingView
    score: int
    grounds: list[GroundView]

    @classmethod
    def of(cls, match: Match) -> Self:
        grounds = [GroundView.model_validate(ground) for ground in match.grounds]
        return cls(listing=ListingView.of(match.listing), score=match.score, grounds=grounds)

    @property
    def place(self) -> str:
        return f"{self.score}.{self.listing.id}"


def place_in_ranking(page: Page) -> tuple[int, str] | None:
    """Where the page begins. Raises BadCursor."""
    if page.after is None:
        return None
    score, _, listing_id = page.after.partition(".")
    try:
        if not score.isdigit() or len(score) > 5:
            raise ValueError
        return int(score), ListingId(listing_id)
    except ValueError as error:
        raise BadCursor() from error
