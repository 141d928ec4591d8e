"""What a plan asks for what a buyer wants of it, line by line.

Owns: what can be asked of each kind of plan, and its price before tax. Does not: promise it to anyone; a quote does.
Promises: the lines add up exactly; discounts are taken line by line, in order, off the list price, and stop where
nothing is left to take; more units or days never cost less; the days of a period add up to its price (P6).
Source: market-rules B3, P2, P3, P6 and P7.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.pricing.rules.coverage import Atom, Cell, Grid, cells_of, covered, not_bought, price_minor, whole_columns
from services.pricing.rules.plan import COVERAGE, SUBSCRIPTION, TIERED, USAGE, Discount, Plan, PlanKind
from shared.errors import Conflict, Malformed
from shared.metering import discounts_of
from shared.money import MINOR_MAX, Money

LIST_PRICE = "价目 · list price"


@dataclass(frozen=True, slots=True)
class Line:
    """Below zero for what is taken off."""

    description: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Ask:
    """What a buyer wants: units; or whole periods, and days of one more; or columns of blocks of rows."""

    quantity: int | None = None
    periods: int | None = None
    days: int | None = None
    columns: tuple[str, ...] = ()
    row_blocks: tuple[str, ...] | None = None
    metered: bool = False  # the quantity is the most that is used: what is used is paid


EVERYTHING = Ask()
ASKED: Mapping[PlanKind, frozenset[str]] = {
    USAGE:        frozenset({"quantity", "metered"}),
    TIERED:       frozenset({"quantity", "metered"}),
    SUBSCRIPTION: frozenset({"periods", "days"}),
    COVERAGE:     frozenset({"columns", "row_blocks"}),
}  # fmt: skip
NEEDED_ONE_OF: Mapping[PlanKind, frozenset[str]] = ASKED | {
    USAGE:    frozenset({"quantity"}),
    TIERED:   frozenset({"quantity"}),
    COVERAGE: frozenset({"columns"}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """What a buyer asks of a grid, and the part of it that they have not bought."""

    grid: Grid
    atoms: tuple[Atom, ...]
    bought: frozenset[Cell]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the buyer knows in every row once they have this too."""
        return whole_columns(self.grid, self.bought | cells_of(self.grid, self.atoms))


class AskDoesNotFit(Malformed):
    """This is not what can be asked of a plan of this kind; the facts say what can."""


class DaysMakeAPeriod(Malformed):
    """Days are of one more period, which is not whole: ask for fewer days, or for a period more."""


class TooMuchAsked(Conflict):
    """So much costs more than can be paid at once."""


def require_fit(kind: PlanKind, ask: Ask) -> None:
    """Raises AskDoesNotFit for what cannot be asked of this kind of plan."""
    told = {
        "quantity": ask.quantity, "periods": ask.periods, "days": ask.days, "columns": ask.columns or None,
        "row_blocks": ask.row_blocks, "metered": ask.metered or None,
    }  # fmt: skip
    has = {name for name, value in told.items() if value is not None}
    can, one_of = ASKED.get(kind, frozenset()), NEEDED_ONE_OF.get(kind, frozenset())
    if not has <= can or (one_of and not has & one_of):
        raise AskDoesNotFit(kind=kind, can=sorted(can), needs_one_of=sorted(one_of), told=sorted(has))


def query(grid: Grid, ask: Ask, bought: frozenset[Cell]) -> Query:
    """What of the grid the ask would newly let its buyer know."""
    atoms = not_bought(grid, covered(grid, ask.columns, ask.row_blocks), bought)
    return Query(grid, atoms, bought)


def listed(plan: Plan, ask: Ask, query: Query | None = None) -> tuple[Line, ...]:
    """The list price, in the parts that it is made of. Requires `query` where the plan prices by coverage."""
    require_fit(plan.kind, ask)
    match plan.kind:
        case PlanKind.USAGE | PlanKind.TIERED:
            parts = _units(plan, ask.quantity or 0)
        case PlanKind.SUBSCRIPTION:
            parts = _time(plan, ask.periods or 0, ask.days or 0)
        case PlanKind.COVERAGE:
            assert query is not None
            parts = [(f"覆盖 · {len(query.atoms)} atoms", price_minor(query.atoms))]
        case _:
            parts = [(LIST_PRICE, plan.price.minor)]
    if sum(minor for _, minor in parts) > MINOR_MAX:
        raise TooMuchAsked(minor_max=MINOR_MAX)
    return tuple(Line(description, Money(minor, plan.price.currency)) for description, minor in parts)


def discounted(price: Money, discounts: tuple[Discount, ...]) -> tuple[Line, ...]:
    """What each discount takes off: its share of the list price, at most what is left."""
    taken = discounts_of(price, [discount.basis_points for discount in discounts])
    nothing = Money(0, price.currency)
    return tuple(Line(each.description, nothing - off) for each, off in zip(discounts, taken, strict=True))


def prorated_minor(price_minor: int, period_days: int, days: int) -> int:
    """The first days of a period whose price is split over its days by largest remainder, ties to the earlier day.
    Requires 0 <= days <= period_days."""
    each, odd = divmod(price_minor, period_days)
    return each * days + min(days, odd)


def _units(plan: Plan, quantity: int) -> list[tuple[str, int]]:
    lines, begun = list[tuple[str, int]](), 0
    for tier in plan.unit_tiers:
        end = quantity if tier.up_to is None else min(quantity, tier.up_to)
        if end > begun:
            lines.append((f"按量 · units {begun + 1} to {end}", (end - begun) * tier.unit_minor))
            begun = end
    return lines


def _time(plan: Plan, periods: int, days: int) -> list[tuple[str, int]]:
    assert plan.period_days is not None
    if days >= plan.period_days:
        raise DaysMakeAPeriod(days=days, period_days=plan.period_days)
    lines = list[tuple[str, int]]()
    if periods:
        lines.append((f"订阅 · {periods} periods of {plan.period_days} days", periods * plan.price.minor))
    if days:
        part = prorated_minor(plan.price.minor, plan.period_days, days)
        lines.append((f"订阅 · {days} of {plan.period_days} days", part))
    return lines
