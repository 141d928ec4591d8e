"""How plans are kept.

Promises: they are only added to; a revision that someone else published meanwhile is not published again.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Row, insert, select, true
from sqlalchemy.exc import IntegrityError

from services.pricing.rules.coverage import Grid
from services.pricing.rules.level import Fidelity, Freshness
from services.pricing.rules.plan import Discount, NoSuchPlan, Part, Plan, PlanKind, Tier
from services.pricing.rules.tax import Category, Taxation
from services.pricing.tables.plans import grids, plans, price_lists
from shared.database import Transaction, insert_into
from shared.errors import Conflict
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, VersionId
from shared.money import Money

DISCOUNTS = TypeAdapter(tuple[Discount, ...])
TIERS = TypeAdapter(tuple[Tier, ...])
PARTS = TypeAdapter(tuple[Part, ...])
GRID = TypeAdapter(Grid)

Revisions = tuple[Plan, ...]


class RevisedMeanwhile(Conflict):
    """Someone else revised this plan; look again."""


async def revisions(tx: Transaction, plan_id: PlanId) -> Revisions:
    """All of a plan, oldest first. Raises NoSuchPlan if there are none."""
    found = await _revisions(tx, plans.c.id == plan_id)
    if not found:
        raise NoSuchPlan()
    return found


async def plans_of(tx: Transaction, version_id: VersionId, limit: int, before: str | None) -> list[Revisions]:
    """The plans of a version with all their revisions, newest first, at most `limit`, with ids below `before`."""
    older = plans.c.id < before if before else true()
    query = select(plans.c.id).distinct().where(plans.c.version_id == version_id, older)
    ids = list(await tx.scalars(query.order_by(plans.c.id.desc()).limit(limit)))
    found = await _revisions(tx, plans.c.id.in_(ids))
    return [tuple(plan for plan in found if plan.id == plan_id) for plan_id in ids]


async def plans_of_parts(tx: Transaction, parts: Iterable[Part]) -> list[Revisions]:
    """Every plan of the versions of these parts with all its revisions."""
    found = await _revisions(tx, plans.c.version_id.in_(sorted({part.version_id for part in parts})))
    return _by_plan(found)


async def price_list(tx: Transaction, provider_id: ParticipantId) -> list[Revisions]:
    """Every plan of a provider with all its revisions, and the provider's alone until the end of the transaction:
    nobody else publishes one meanwhile."""
    taken = insert_into(tx, price_lists).values(provider_id=provider_id, revision=1)
    raised = {"revision": price_lists.c.revision + 1}
    await tx.execute(taken.on_conflict_do_update(index_elements=["provider_id"], set_=raised))
    found = await _revisions(tx, plans.c.provider_id == provider_id)
    return _by_plan(found)


async def add_plan(tx: Transaction, plan: Plan, grid: Grid | None = None) -> None:
    """Requires the grid whose digest the plan has, if it has one."""
    row = {
        "id": plan.id, "revision": plan.revision, "provider_id": plan.provider_id, "version_id": plan.version_id,
        "mode": plan.mode, "kind": plan.kind, "price_minor": plan.price.minor, "price_currency": plan.price.currency,
        "discounts": DISCOUNTS.dump_python(plan.discounts, mode="json"), "valid_from": plan.valid_from,
        "valid_until": plan.valid_until, "supersedes": plan.supersedes, "asset_id": plan.asset_id,
        "period_days": plan.period_days, "tiers": TIERS.dump_python(plan.tiers, mode="json"),
        "parts": PARTS.dump_python(plan.parts, mode="json"), "grid_digest": plan.grid_digest,
        "fidelity": plan.fidelity, "freshness": plan.freshness, "tax_category": plan.tax.category,
        "tax_inclusive": plan.tax.inclusive,
    }  # fmt: skip
    try:
        await tx.execute(insert(plans).values(row))
    except IntegrityError as error:
        raise RevisedMeanwhile() from error
    if grid is not None:
        kept = {"plan_id": plan.id, "plan_revision": plan.revision, "grid": GRID.dump_python(grid, mode="json")}
        await tx.execute(insert(grids).values(kept))


async def grid(tx: Transaction, plan: Plan) -> Grid:
    """Requires a plan that prices by coverage."""
    here = (grids.c.plan_id == plan.id, grids.c.plan_revision == plan.revision)
    return GRID.validate_python((await tx.execute(select(grids.c.grid).where(*here))).scalar_one())


def _by_plan(found: Revisions) -> list[Revisions]:
    by_plan: dict[PlanId, list[Plan]] = {}
    for plan in found:
        by_plan.setdefault(plan.id, []).append(plan)
    return [tuple(each) for each in by_plan.values()]


async def _revisions(tx: Transaction, which: ColumnElement[bool]) -> Revisions:
    rows: Sequence[Row[Any]] = (await tx.execute(select(*plans.c).where(which).order_by(plans.c.revision))).all()
    return tuple(
        Plan(
            row.id, row.revision, row.provider_id, row.version_id, Mode(row.mode), PlanKind(row.kind),
            Money(row.price_minor, row.price_currency), DISCOUNTS.validate_python(row.discounts), row.valid_from,
            row.valid_until, row.supersedes, row.asset_id, row.period_days, TIERS.validate_python(row.tiers),
            PARTS.validate_python(row.parts), row.grid_digest, row.fidelity and Fidelity(row.fidelity),
            Freshness(row.freshness), Taxation(Category(row.tax_category), row.tax_inclusive),
        )
        for row in rows
    )  # fmt: skip
