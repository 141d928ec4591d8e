"""What happens when a provider prices a version: one function per act."""

from datetime import datetime

from services.catalog.client import NoSuchVersion, VersionView
from services.pricing.actions.pricing import WITHDRAWN, Pricing, is_public, shows
from services.pricing.events.plan import PlanPublished, PlanRevised
from services.pricing.rules import plan as rules
from services.pricing.rules.arbitrage import require_none
from services.pricing.rules.cap import require_within
from services.pricing.rules.coverage import Grid, NoSuchGrid, require_columns
from services.pricing.rules.plan import NoSuchPlan, Plan, Terms
from services.pricing.rules.quote import VersionNotOffered
from services.pricing.store import cap as cap_store
from services.pricing.store import plan as store
from services.pricing.store.plan import Revisions
from shared.access import Caller, Member
from shared.database import Transaction
from shared.grades import Mode
from shared.idempotency import Once
from shared.ids import PlanId, VersionId


async def publish(
    pricing: Pricing, provider: Member, version_id: VersionId, mode: Mode, terms: Terms, once: Once
) -> Plan:
    """Price a version of one's own. Another's is not there."""
    version = await pricing.catalog.version(version_id)
    versions = [version, *await _own_parts(pricing, provider, terms)]
    async with pricing.database.transaction() as tx:
        if earlier := await once.recall(tx, Plan):
            return earlier
        if version.provider_id != provider.participant_id:
            raise NoSuchVersion()
        if version.asset_state == WITHDRAWN:
            raise VersionNotOffered(state=version.asset_state)
        price_list = await store.price_list(tx, provider.participant_id)
        now = await pricing.database.now(tx)
        new = PlanId.new(), provider.participant_id, version_id, mode
        plan = rules.publish(*new, terms, now, version.asset_id)
        await _require_priceable(tx, plan, terms, versions, price_list, now)
        await store.add_plan(tx, plan, terms.grid)
        await once.remember(tx, plan)
        await pricing.outbox.record(tx, provider.actor, now, PlanPublished.of(plan))
    return plan


async def revise(pricing: Pricing, provider: Member, plan_id: PlanId, terms: Terms, once: Once) -> Plan:
    """Let another revision follow. Quotes that were given before stand as they are."""
    async with pricing.database.read() as tx:
        first = (await store.revisions(tx, plan_id))[0]
    if first.provider_id != provider.participant_id:
        raise NoSuchPlan()
    version = await pricing.catalog.version(first.version_id)
    versions = [version, *await _own_parts(pricing, provider, terms)]
    async with pricing.database.transaction() as tx:
        if earlier := await once.recall(tx, Plan):
            return earlier
        price_list = await store.price_list(tx, provider.participant_id)
        newest = (await store.revisions(tx, plan_id))[-1]
        now = await pricing.database.now(tx)
        plan = rules.revise(newest, terms, now)
        await _require_priceable(tx, plan, terms, versions, price_list, now)
        await store.add_plan(tx, plan, terms.grid)
        await once.remember(tx, plan)
        await pricing.outbox.record(tx, provider.actor, now, PlanRevised.of(plan))
    return plan


async def plan(pricing: Pricing, caller: Caller, plan_id: PlanId) -> Plan:
    """What the plan asks now. Raises NoSuchPlan also where its version does not show to the caller."""
    async with pricing.database.read() as tx:
        revisions, now = await store.revisions(tx, plan_id), await pricing.database.now(tx)
    if not await shows(pricing, caller, await pricing.catalog.version(revisions[0].version_id)):
        raise NoSuchPlan()
    return rules.in_force_or_newest(revisions, now)


async def plans(pricing: Pricing, caller: Caller, version_id: VersionId, limit: int, before: str | None) -> list[Plan]:
    """What the plans of a version ask now, newest first. Looks for one more than `limit`, so that the end is known."""
    if not await shows(pricing, caller, await pricing.catalog.version(version_id)):
        raise NoSuchVersion()
    async with pricing.database.read() as tx:
        found: list[Revisions] = await store.plans_of(tx, version_id, limit + 1, before)
        now = await pricing.database.now(tx)
    return [rules.in_force_or_newest(revisions, now) for revisions in found]


async def grid(pricing: Pricing, caller: Caller, plan_id: PlanId) -> tuple[Plan, Grid]:
    """What the plan's queries are priced by, to whom the plan shows."""
    shown = await plan(pricing, caller, plan_id)
    if shown.grid_digest is None:
        raise NoSuchGrid()
    async with pricing.database.read() as tx:
        return shown, await store.grid(tx, shown)


async def _own_parts(pricing: Pricing, provider: Member, terms: Terms) -> list[VersionView]:
    """Raises NoSuchVersion for a part that is another's."""
    versions = [await pricing.catalog.version(each) for each in sorted({part.version_id for part in terms.parts})]
    if any(version.provider_id != provider.participant_id for version in versions):
        raise NoSuchVersion()
    return versions


async def _require_priceable(
    tx: Transaction, plan: Plan, terms: Terms, versions: list[VersionView], price_list: list[Revisions], now: datetime
) -> None:
    """Raises what keeps the new revision from standing beside the rest of its provider's prices. The first of the
    versions is the plan's own, the others its parts'."""
    own = versions[0]
    if terms.grid is not None and own.fields:
        require_columns(terms.grid, [field.name for field in own.fields])
    if any(is_public(version) for version in versions):
        require_within(plan, await cap_store.caps_of(tx, plan.version_id), plan.valid_from)
    before = next((revisions for revisions in price_list if revisions[0].id == plan.id), ())
    others = [revisions for revisions in price_list if revisions[0].id != plan.id]
    require_none(plan.id, [*others, (*before, plan)], now)
