"""A price plan: what its provider asks for a version in a mode, from when until when.

Owns: the kinds of plan, their revisions, and which revision is in force.
Promises: a revision never changes; another one follows it instead, and the newest that has begun is in force; a price
is above zero unless the plan is free, and what is free has nothing to discount.
Source: market-rules B3 (effective-dated plans; a free plan is a plan).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.errors import Conflict, Malformed, NotFound
from shared.grades import Mode
from shared.ids import ParticipantId, PlanId, VersionId
from shared.money import Money

DISCOUNTS_MAX = 10


class PlanKind(StrEnum):
    ONE_OFF = "one_off"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Discount:
    """A part of the list price, in basis points of it, that is not asked. Requires 1 to 10 000."""

    description: str
    basis_points: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a revision asks. `valid_from` None means from the moment it is published on."""

    kind: PlanKind
    price: Money
    discounts: tuple[Discount, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One revision of a plan. In force from `valid_from` on, before `valid_until`, unless a newer one has begun."""

    id: PlanId
    revision: int
    provider_id: ParticipantId
    version_id: VersionId
    mode: Mode
    kind: PlanKind
    price: Money
    discounts: tuple[Discount, ...]
    valid_from: datetime
    valid_until: datetime | None
    supersedes: int | None = None


class NoSuchPlan(NotFound):
    """There is no such plan, or you may not see it."""


class PlanNotInForce(Conflict):
    """The plan asks no price at this moment."""


class PriceMissing(Malformed):
    """A plan that is not free asks more than nothing."""


class FreePlanHasPrice(Malformed):
    """A free plan asks nothing, and so discounts nothing."""


class BeginsInThePast(Conflict):
    """A plan begins now or later."""


class EndsBeforeItBegins(Malformed):
    """A plan ends after it begins."""


def publish(
    plan_id: PlanId, provider_id: ParticipantId, version_id: VersionId, mode: Mode, terms: Terms, now: datetime
) -> Plan:
    """The first revision of a plan. Requires that the provider owns the version."""
    return _plan(Plan(plan_id, 1, provider_id, version_id, mode, *_asked(terms, now)))


def revise(newest: Plan, terms: Terms, now: datetime) -> Plan:
    """The revision after the newest."""
    plan = Plan(
        newest.id, newest.revision + 1, newest.provider_id, newest.version_id, newest.mode, *_asked(terms, now),
        supersedes=newest.revision,
    )  # fmt: skip
    return _plan(plan)


def in_force(revisions: Iterable[Plan], now: datetime) -> Plan:
    """The newest revision that has begun. Raises PlanNotInForce if none has, or if that one is over."""
    plans = tuple(revisions)
    begun = [plan for plan in plans if plan.valid_from <= now]
    if not begun:
        raise PlanNotInForce(valid_from=min((plan.valid_from for plan in plans), default=None))
    plan = max(begun, key=lambda plan: plan.revision)
    if plan.valid_until is not None and now >= plan.valid_until:
        raise PlanNotInForce(valid_until=plan.valid_until)
    return plan


def in_force_or_newest(revisions: tuple[Plan, ...], now: datetime) -> Plan:
    """What to show of a plan. Requires its revisions, oldest first."""
    try:
        return in_force(revisions, now)
    except PlanNotInForce:
        return revisions[-1]


def _asked(
    terms: Terms, now: datetime
) -> tuple[PlanKind, Money, tuple[Discount, ...], datetime, datetime | None]:  # fmt: skip
    if terms.valid_from is not None and terms.valid_from < now:
        raise BeginsInThePast(valid_from=terms.valid_from, now=now)
    return terms.kind, terms.price, terms.discounts, terms.valid_from or now, terms.valid_until


def _plan(plan: Plan) -> Plan:
    if plan.kind is PlanKind.FREE and (plan.price.minor != 0 or plan.discounts):
        raise FreePlanHasPrice()
    if plan.kind is not PlanKind.FREE and plan.price.minor <= 0:
        raise PriceMissing()
    if plan.valid_until is not None and plan.valid_until <= plan.valid_from:
        raise EndsBeforeItBegins(valid_from=plan.valid_from, valid_until=plan.valid_until)
    return plan
