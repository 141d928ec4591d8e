"""What crosses the wire of `pricing`."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field as Limits

from services.pricing.rules.fee import FeeSchedule
from services.pricing.rules.plan import DISCOUNTS_MAX, Discount, Plan, PlanKind, Terms
from services.pricing.rules.quote import Quote
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId
from shared.money import MINOR_MAX, Money
from shared.web import Moment, Request, View

# A body arrives as text and numbers; what is text by nature is read as what it says, and nothing else is.
ChosenMode = Annotated[Mode, Limits(strict=False)]
ChosenKind = Annotated[PlanKind, Limits(strict=False)]
Sentence = Annotated[str, Limits(min_length=1, max_length=200, pattern=r"\S")]


class Amount(Request):
    """Whole minor units (分)."""

    minor: Annotated[int, Limits(ge=0, le=MINOR_MAX)]
    currency: Literal["CNY"]


class NewDiscount(Request):
    """A part of the list price, in hundredths of a percent of it."""

    description: Sentence
    basis_points: Annotated[int, Limits(ge=1, le=10_000)]


class NewTerms(Request):
    """What a revision of a plan asks. Without `valid_from`, from now on."""

    kind: ChosenKind
    price: Amount
    discounts: Annotated[list[NewDiscount], Limits(max_length=DISCOUNTS_MAX)] = []
    valid_from: Moment | None = None
    valid_until: Moment | None = None

    def terms(self) -> Terms:
        discounts = tuple(Discount(one.description, one.basis_points) for one in self.discounts)
        price = Money(self.price.minor, self.price.currency)
        return Terms(self.kind, price, discounts, self.valid_from, self.valid_until)


class NewPlan(NewTerms):
    version_id: VersionId
    mode: ChosenMode


class NewQuote(Request):
    plan_id: PlanId


class DiscountView(View):
    description: str
    basis_points: int


class PlanView(View):
    """One revision of a plan: the one in force, or where none is, the newest. `supersedes` is a revision."""

    id: PlanId
    provider_id: ParticipantId
    version_id: VersionId
    mode: Mode
    kind: PlanKind
    price: Money
    discounts: list[DiscountView]
    valid_from: datetime
    valid_until: datetime | None
    revision: int
    supersedes: int | None

    @classmethod
    def of(cls, plan: Plan) -> Self:
        return cls.model_validate(plan)


class LineView(View):
    description: str
    amount: Money


class QuoteView(View):
    """Never changes. To accept it, name its id, version and total before `expires_at`."""

    id: QuoteId
    plan_id: PlanId
    plan_revision: int
    version: int
    buyer_id: ParticipantId
    provider_id: ParticipantId
    version_id: VersionId
    mode: Mode
    lines: list[LineView]
    total: Money
    given_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, quote: Quote) -> Self:
        return cls.model_validate(quote)


class FeeScheduleView(View):
    """The fee is of the price and paid from the provider's side; the tax is of the fee."""

    id: str
    provider_fee_basis_points: int
    tax_basis_points: int
    effective_from: datetime

    @classmethod
    def of(cls, schedule: FeeSchedule) -> Self:
        return cls.model_validate(schedule)
