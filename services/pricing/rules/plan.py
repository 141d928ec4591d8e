"""A price plan: what its provider asks for a version in a mode, from when until when.

Owns: the kinds of plan, their revisions, and which revision is in force.
Promises: a revision never changes; another one follows it instead, and the newest that has begun is in force; a price
is above zero unless the plan is free, and what is free has nothing to discount; a plan has what its kind needs, and
nothing else. Prices by tiers are marginal: each unit costs what its own tier says, so that more never costs less.
Source: market-rules B3 (effective-dated plans; a free plan is a plan; all-units tiers break P2).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.pricing.rules.coverage import Grid, checked
from services.pricing.rules.level import BY_MODE, LIVE, Fidelity, Freshness, Level
from services.pricing.rules.tax import Taxation
from shared.errors import Conflict, Malformed, NotFound
from shared.grades import Mode
from shared.ids import AssetId, ParticipantId, PlanId, VersionId
from shared.metering import Tier
from shared.money import MINOR_MAX, Money

DISCOUNTS_MAX = 10
TIERS_MAX = 20
PARTS_MIN, PARTS_MAX = 2, 12
PERIOD_DAYS_MAX = 366
QUANTITY_MAX = 1_000_000  # of units in one quote


class PlanKind(StrEnum):
    ONE_OFF = "one_off"  # 一次性
    FREE = "free"  # 免费
    SUBSCRIPTION = "subscription"  # 订阅
    USAGE = "usage"  # 按量
    TIERED = "tiered"  # 阶梯
    BUNDLE = "bundle"  # 组合
    COVERAGE = "coverage"  # 按查询覆盖


ONE_OFF, FREE, SUBSCRIPTION, USAGE, TIERED, BUNDLE, COVERAGE = PlanKind
NEEDED: Mapping[PlanKind, str | None] = {
    ONE_OFF:      None,
    FREE:         None,
    SUBSCRIPTION: "period_days",
    USAGE:        None,
    TIERED:       "tiers",
    BUNDLE:       "parts",
    COVERAGE:     "grid",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Discount:
    """A part of the list price, in basis points of it, that is not asked. Requires 1 to 10 000."""

    description: str
    basis_points: int


@dataclass(frozen=True, slots=True)
class Part:
    """One of the things that a bundle gives."""

    version_id: VersionId
    mode: Mode


@dataclass(frozen=True, slots=True)
class Terms:
    """What a revision asks. `valid_from` None means from the moment it is published on.

    `price` is for all of it, for a period, or for a unit, as the kind says; None where tiers or a grid say it.
    `fidelity` None means what the mode gives by nature.
    """

    kind: PlanKind
    price: Money | None
    discounts: tuple[Discount, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    period_days: int | None = None
    tiers: tuple[Tier, ...] = ()
    all_units: bool = False
    parts: tuple[Part, ...] = ()
    grid: Grid | None = None
    fidelity: Fidelity | None = None
    freshness: Freshness = LIVE
    tax: Taxation = Taxation()


@dataclass(frozen=True, slots=True)
class Plan:
    """One revision of a plan. In force from `valid_from` on, before `valid_until`, unless a newer one has begun.

    `price` is that of a unit of the first tier where there are tiers, and of everything where there is a grid.
    """

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
    asset_id: AssetId | None = None  # of a version that was priced before plans were compared by asset
    period_days: int | None = None
    tiers: tuple[Tier, ...] = ()
    parts: tuple[Part, ...] = ()
    grid_digest: str | None = None
    fidelity: Fidelity | None = None
    freshness: Freshness = LIVE
    tax: Taxation = Taxation()

    @property
    def level(self) -> Level:
        return Level(self.fidelity or BY_MODE[self.mode], self.freshness)

    @property
    def is_level_declared(self) -> bool:
        return self.fidelity is not None or self.freshness is not LIVE

    @property
    def unit_tiers(self) -> tuple[Tier, ...]:
        """What units cost: one price for all of them is a tier without end."""
        return self.tiers or (Tier(None, self.price.minor),)


class NoSuchPlan(NotFound):
    """There is no such plan, or you may not see it."""


class PlanNotInForce(Conflict):
    """The plan asks no price at this moment."""


class PriceMissing(Malformed):
    """A plan that is not free asks more than nothing."""


class PriceDiffers(Malformed):
    """What tiers or a grid cost follows from them; the price that is told beside them is another."""


class PriceTooHigh(Malformed):
    """A plan asks more than can be paid."""


class FreePlanHasPrice(Malformed):
    """A free plan asks nothing, and so discounts nothing."""


class PlanIncomplete(Malformed):
    """A plan has what its kind needs and nothing else; the facts say what that is, and what was told."""


class TiersOutOfOrder(Malformed):
    """Tiers end one after the other, each later than the one before, and the last has no end."""


class AllUnitsTiers(Malformed):
    """A price for all units by the tier of the last one can let more cost less, or pay whoever splits what they buy;
    the facts show where. Ask marginal tiers: `tiering` "graduated"."""


class BundleMalformed(Malformed):
    """A bundle has two to twelve parts, each once, and the version and mode that it is published for is one of them."""


class CoverageKeptWhole(Malformed):
    """Prices by coverage add up only if nothing is rounded: take discounts and tax into the weights."""


class LevelAboveMode(Malformed):
    """What a plan lets its buyer know is at most what its mode gives."""


class BeginsInThePast(Conflict):
    """A plan begins now or later."""


class EndsBeforeItBegins(Malformed):
    """A plan ends after it begins."""


def publish(
    plan_id: PlanId, provider_id: ParticipantId, version_id: VersionId, mode: Mode, terms: Terms, now: datetime,
    asset_id: AssetId | None = None,
) -> Plan:  # fmt: skip
    """The first revision of a plan. Requires that the provider owns the version."""
    return _plan(plan_id, 1, provider_id, version_id, mode, terms, now, None, asset_id)


def revise(newest: Plan, terms: Terms, now: datetime) -> Plan:
    """The revision after the newest."""
    return _plan(
        newest.id, newest.revision + 1, newest.provider_id, newest.version_id, newest.mode, terms, now,
        newest.revision, newest.asset_id,
    )  # fmt: skip


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


def all_units_minor(tiers: tuple[Tier, ...], quantity: int) -> int:
    """What so many units would cost if the tier of the last one priced all of them."""
    return quantity * next(tier.unit_minor for tier in tiers if tier.up_to is None or quantity <= tier.up_to)


def _plan(
    plan_id: PlanId, revision: int, provider_id: ParticipantId, version_id: VersionId, mode: Mode, terms: Terms,
    now: datetime, supersedes: int | None, asset_id: AssetId | None,
) -> Plan:  # fmt: skip
    _require_complete(terms)
    if terms.valid_from is not None and terms.valid_from < now:
        raise BeginsInThePast(valid_from=terms.valid_from, now=now)
    valid_from = terms.valid_from or now
    if terms.valid_until is not None and terms.valid_until <= valid_from:
        raise EndsBeforeItBegins(valid_from=valid_from, valid_until=terms.valid_until)
    if terms.kind is BUNDLE:
        _require_bundle(terms.parts, Part(version_id, mode))
    by_nature = Level(BY_MODE[mode])
    if terms.fidelity is not None and not by_nature.determines(Level(terms.fidelity)):
        raise LevelAboveMode(fidelity=terms.fidelity, finest=by_nature.fidelity)
    return Plan(
        plan_id, revision, provider_id, version_id, mode, terms.kind, _price(terms), terms.discounts, valid_from,
        terms.valid_until, supersedes, asset_id, terms.period_days, terms.tiers, terms.parts,
        terms.grid and terms.grid.digest, terms.fidelity, terms.freshness, terms.tax,
    )  # fmt: skip


def _require_complete(terms: Terms) -> None:
    told = {"period_days": terms.period_days, "tiers": terms.tiers, "parts": terms.parts, "grid": terms.grid}
    has = [name for name, value in told.items() if value]
    needs = [name for name in (NEEDED[terms.kind],) if name]
    if has != needs:
        raise PlanIncomplete(kind=terms.kind, needs=needs, told=has)
    if terms.tiers:
        _require_tiers(terms.tiers, terms.all_units)
    if terms.grid is not None:
        checked(terms.grid)
        if terms.discounts or not terms.tax.inclusive:
            raise CoverageKeptWhole(discounts=len(terms.discounts), tax_inclusive=terms.tax.inclusive)


def _require_tiers(tiers: tuple[Tier, ...], all_units: bool) -> None:
    ends = [tier.up_to for tier in tiers if tier.up_to is not None]
    if tiers[-1].up_to is not None or len(ends) < len(tiers) - 1 or ends != sorted(set(ends)):
        raise TiersOutOfOrder(up_to=[tier.up_to for tier in tiers])
    if all_units:
        raise AllUnitsTiers(**_counterexample(tiers))


def _counterexample(tiers: tuple[Tier, ...]) -> dict[str, object]:
    """Where all-units tiers let more units cost less, or as two purchases less than as one; nothing where they do not,
    because the change of price at every end is too small to tell."""
    for tier in tiers[:-1]:
        assert tier.up_to is not None
        fewer, more = tier.up_to, tier.up_to + 1
        costs, cheaper = all_units_minor(tiers, fewer), all_units_minor(tiers, more)
        if cheaper < costs:
            return {"units": more, "cost_minor": cheaper, "fewer_units": fewer, "fewer_cost_minor": costs}
        split = costs + all_units_minor(tiers, 1)
        if split < cheaper:
            return {"units": more, "cost_minor": cheaper, "split_units": [fewer, 1], "split_cost_minor": split}
    return {}


def _require_bundle(parts: tuple[Part, ...], own: Part) -> None:
    if not PARTS_MIN <= len(parts) <= PARTS_MAX or len(set(parts)) < len(parts) or own not in parts:
        raise BundleMalformed(parts=len(parts), parts_min=PARTS_MIN, parts_max=PARTS_MAX)


def _price(terms: Terms) -> Money:
    """Raises what is wrong with the price of the kind."""
    told = terms.price
    if terms.kind is FREE:
        if (told is not None and told.minor != 0) or terms.discounts:
            raise FreePlanHasPrice()
        return Money(0)
    price = told
    if terms.grid is not None:
        price = Money(terms.grid.full_minor)
    elif terms.tiers:
        price = Money(terms.tiers[0].unit_minor)
    if price is None or price.minor <= 0:
        raise PriceMissing()
    if price.minor > MINOR_MAX:
        raise PriceTooHigh(price_minor=price.minor, price_minor_max=MINOR_MAX)
    if told is not None and told != price:
        raise PriceDiffers(price=price, told=told)
    return price
