"""How plans are kept.

Promises: they are only added to; a revision that someone else published meanwhile is not published again.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Row, insert, select, true
from sqlalchemy.exc import IntegrityError

from services.pricing.rules.plan import Discount, NoSuchPlan, Plan, PlanKind
from services.pricing.tables.plans import plans
from shared.database import Transaction
from shared.errors import Conflict
from shared.grades import Mode
from shared.ids import PlanId, VersionId
from shared.money import Money

DISCOUNTS = TypeAdapter(tuple[Discount, ...])

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


async def add_plan(tx: Transaction, plan: Plan) -> None:
    row = {
        "id": plan.id, "revision": plan.revision, "provider_id": plan.provider_id, "version_id": plan.version_id,
        "mode": plan.mode, "kind": plan.kind, "price_minor": plan.price.minor, "price_currency": plan.price.currency,
        "discounts": DISCOUNTS.dump_python(plan.discounts, mode="json"), "valid_from": plan.valid_from,
        "valid_until": plan.valid_until, "supersedes": plan.supersedes,
    }  # fmt: skip
    try:
        await tx.execute(insert(plans).values(row))
    except IntegrityError as error:
        raise RevisedMeanwhile() from error


async def _revisions(tx: Transaction, which: ColumnElement[bool]) -> Revisions:
    rows: Sequence[Row[Any]] = (await tx.execute(select(*plans.c).where(which).order_by(plans.c.revision))).all()
    return tuple(
        Plan(
            row.id, row.revision, row.provider_id, row.version_id, Mode(row.mode), PlanKind(row.kind),
            Money(row.price_minor, row.price_currency), DISCOUNTS.validate_python(row.discounts), row.valid_from,
            row.valid_until, row.supersedes,
        )
        for row in rows
    )  # fmt: skip
