"""What crosses the wire of price plans."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field as Limits

from services.pricing.rules.coverage import ATOMS_MAX, Atom, ColumnGroup, Grid
from services.pricing.rules.level import LIVE, Fidelity, Freshness
from services.pricing.rules.plan import (
    DISCOUNTS_MAX,
    PARTS_MAX,
    PERIOD_DAYS_MAX,
    QUANTITY_MAX,
    TIERS_MAX,
    Discount,
    Part,
    Plan,
    PlanKind,
    Terms,
    Tier,
)
from services.pricing.rules.tax import Category, Taxation
from services.pricing.schemas.words import Amount, ChosenMode, Name, Sentence
from shared.grades import Mode
from shared.ids import AssetId, ParticipantId, PlanId, VersionId
from shared.money import MINOR_MAX, Money
from shared.web import Moment, Request, View

ChosenKind = Annotated[PlanKind, Limits(strict=False)]
ChosenFidelity = Annotated[Fidelity, Limits(strict=False)]
ChosenFreshness = Annotated[Freshness, Limits(strict=False)]
ChosenCategory = Annotated[Category, Limits(strict=False)]
Names = Annotated[list[Name], Limits(min_length=1, max_length=ATOMS_MAX)]


class NewDiscount(Request):
    """A part of the list price, in hundredths of a percent of it."""

    description: Sentence
    basis_points: Annotated[int, Limits(ge=1, le=10_000)]


class NewTier(Request):
    """What each unit costs up to and with number `up_to`; the last tier has no end."""

    up_to: Annotated[int | None, Limits(ge=1, le=QUANTITY_MAX)] = None
    unit_price: Amount


class NewPart(Request):
    version_id: VersionId
    mode: ChosenMode


class NewColumnGroup(Request):
    name: Name
    columns: Names


class NewAtom(Request):
    """What a block of rows costs in a group of columns, in minor units (分)."""

    row_block: Name
    column_group: Name
    weight_minor: Annotated[int, Limits(ge=0, le=MINOR_MAX)]


class NewTaxation(Request):
    """How the price is taxed (增值税). `inclusive`: the price is what the buyer pays, tax and all."""

    category: ChosenCategory = Category.GENERAL
    inclusive: bool = True


class NewTerms(Request):
    """What a revision of a plan asks. Without `valid_from`, from now on.

    `price` is for everything (one_off, bundle), for a period of `period_days` (subscription) or for a unit (usage).
    What `tiers` (tiered) or `atoms` (coverage) cost follows from them. `fidelity` and `freshness` say what the
    plan lets its buyer know, where that is less than its mode gives.
    """

    kind: ChosenKind
    price: Amount | None = None
    discounts: Annotated[list[NewDiscount], Limits(max_length=DISCOUNTS_MAX)] = []
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    period_days: Annotated[int | None, Limits(ge=1, le=PERIOD_DAYS_MAX)] = None
    tiers: Annotated[list[NewTier], Limits(max_length=TIERS_MAX)] = []
    tiering: Literal["graduated", "all_units"] = "graduated"
    parts: Annotated[list[NewPart], Limits(max_length=PARTS_MAX)] = []
    column_groups: Annotated[list[NewColumnGroup], Limits(max_length=ATOMS_MAX)] = []
    atoms: Annotated[list[NewAtom], Limits(max_length=ATOMS_MAX)] = []
    fidelity: ChosenFidelity | None = None
    freshness: ChosenFreshness = LIVE
    tax: NewTaxation = NewTaxation()

    def terms(self) -> Terms:
        return Terms(
            self.kind, self.price and self.price.money(),
            tuple(Discount(one.description, one.basis_points) for one in self.discounts),
            self.valid_from, self.valid_until, self.period_days,
            tuple(Tier(tier.up_to, tier.unit_price.minor) for tier in self.tiers), self.tiering == "all_units",
            tuple(Part(part.version_id, part.mode) for part in self.parts), self._grid(), self.fidelity,
            self.freshness, Taxation(self.tax.category, self.tax.inclusive),
        )  # fmt: skip

    def _grid(self) -> Grid | None:
        if not self.column_groups and not self.atoms:
            return None
        groups = tuple(ColumnGroup(group.name, tuple(group.columns)) for group in self.column_groups)
        return Grid(groups, tuple(Atom(one.row_block, one.column_group, one.weight_minor) for one in self.atoms))


class NewPlan(NewTerms):
    version_id: VersionId
    mode: ChosenMode


class DiscountView(View):
    description: str
    basis_points: int


class TierView(View):
    up_to: int | None
    unit_price: Money


class PartView(View):
    version_id: VersionId
    mode: Mode


class TaxationView(View):
    category: Category
    inclusive: bool


class PlanView(View):
    """One revision of a plan: the one in force, or where none is, the newest. `supersedes` is a revision.

    `price` is of everything, of a period, or of a unit (of the first tier), as the kind says. `grid_digest` names the
    atoms of a price by coverage, which are read by themselves.
    """

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
    asset_id: AssetId | None
    period_days: int | None
    tiers: list[TierView]
    parts: list[PartView]
    grid_digest: str | None
    fidelity: Fidelity | None
    freshness: Freshness
    tax: TaxationView

    @classmethod
    def of(cls, plan: Plan) -> Self:
        return cls.model_validate(plan)


class ColumnGroupView(View):
    name: str
    columns: list[str]


class AtomView(View):
    row_block: str
    column_group: str
    weight_minor: int


class GridView(View):
    """What a plan's queries are priced by: each atom is a block of rows by a group of columns."""

    plan_id: PlanId
    plan_revision: int
    digest: str
    column_groups: list[ColumnGroupView]
    atoms: list[AtomView]

    @classmethod
    def of(cls, plan: Plan, grid: Grid) -> Self:
        return cls(
            plan_id=plan.id, plan_revision=plan.revision, digest=grid.digest,
            column_groups=[ColumnGroupView.model_validate(group) for group in grid.groups],
            atoms=[AtomView.model_validate(atom) for atom in grid.atoms],
        )  # fmt: skip
