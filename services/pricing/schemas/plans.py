"""What crosses the wire of price plans."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.pricing.rules.plan import DISCOUNTS_MAX, Discount, Plan, PlanKind, Terms
from services.pricing.schemas.words import Amount, ChosenMode, Sentence
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, VersionId
from shared.money import Money
from shared.web import Moment, Request, View

ChosenKind = Annotated[PlanKind, Limits(strict=False)]


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
        return Terms(self.kind, self.price.money(), discounts, self.valid_from, self.valid_until)


class NewPlan(NewTerms):
    version_id: VersionId
    mode: ChosenMode


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
