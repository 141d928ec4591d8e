"""What happens when a provider prices a version and a buyer asks for a quote: one function per act."""

from dataclasses import dataclass

from services.catalog.client import CatalogClient, NoSuchVersion, VersionView
from services.pricing import store
from services.pricing.events import PlanPublished, PlanRevised, QuoteGiven
from services.pricing.rules import fee as fee_rules
from services.pricing.rules import plan as plan_rules
from services.pricing.rules import quote as quote_rules
from services.pricing.rules.fee import FeeSchedule
from services.pricing.rules.plan import NoSuchPlan, Plan, Terms
from services.pricing.rules.quote import NoSuchQuote, Quote, VersionNotOffered
from services.pricing.store import Revisions
from shared.access import Caller, Member, Role, ServiceCaller
from shared.database import Database
from shared.grades import Mode, Visibility, visibility
from shared.idempotency import Once
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId
from shared.outbox import Outbox
from shared.permission import OPERATORS
from shared.standing import StandingMirror

STAFF = frozenset(OPERATORS) | {Role.REGULATOR}
REGISTERED, WITHDRAWN = "registered", "withdrawn"  # states of an asset, as the catalogue tells them


@dataclass(frozen=True, slots=True)
class Pricing:
    """What the acts of this service need."""

    database: Database
    outbox: Outbox
    standing: StandingMirror
    catalog: CatalogClient


async def publish(
    pricing: Pricing, provider: Member, version_id: VersionId, mode: Mode, terms: Terms, once: Once
) -> Plan:
    """Price a version of one's own. Another's is not there."""
    version = await pricing.catalog.version(version_id)
    async with pricing.database.transaction() as tx:
        if earlier := await once.recall(tx, Plan):
            return earlier
        if version.provider_id != provider.participant_id:
            raise NoSuchVersion()
        if version.asset_state == WITHDRAWN:
            raise VersionNotOffered(state=version.asset_state)
        now = await pricing.database.now(tx)
        plan = plan_rules.publish(PlanId.new(), provider.participant_id, version_id, mode, terms, now)
        await store.add_plan(tx, plan)
        await once.remember(tx, plan)
        await pricing.outbox.record(tx, provider.actor, now, PlanPublished.of(plan))
    return plan


async def revise(pricing: Pricing, provider: Member, plan_id: PlanId, terms: Terms, once: Once) -> Plan:
    """Let another revision follow. Quotes that were given before stand as they are."""
    async with pricing.database.transaction() as tx:
        if earlier := await once.recall(tx, Plan):
            return earlier
        newest = (await store.revisions(tx, plan_id))[-1]
        if newest.provider_id != provider.participant_id:
            raise NoSuchPlan()
        now = await pricing.database.now(tx)
        plan = plan_rules.revise(newest, terms, now)
        await store.add_plan(tx, plan)
        await once.remember(tx, plan)
        await pricing.outbox.record(tx, provider.actor, now, PlanRevised.of(plan))
    return plan


async def quote(pricing: Pricing, buyer: Member, plan_id: PlanId, once: Once) -> Quote:
    """One price for this buyer, from the revision in force. Whether they may buy is decided at the order."""
    async with pricing.database.read() as tx:
        plan = (await store.revisions(tx, plan_id))[-1]
    version = await pricing.catalog.version(plan.version_id)
    async with pricing.database.transaction() as tx:
        if earlier := await once.recall(tx, Quote):
            return earlier
        if not _shows(pricing, buyer.caller, version):
            raise NoSuchPlan()
        if version.asset_state != REGISTERED or version.grade is None:
            raise VersionNotOffered(state=version.asset_state)
        pricing.standing.require_fresh(version.grade)
        now = await pricing.database.now(tx)
        in_force = plan_rules.in_force(await store.revisions(tx, plan_id), now)
        given = quote_rules.quote(QuoteId.new(), in_force, buyer.participant_id, now)
        await store.add_quote(tx, given)
        await once.remember(tx, given)
        await pricing.outbox.record(tx, buyer.actor, now, QuoteGiven.of(given))
    return given


async def plan(pricing: Pricing, caller: Caller, plan_id: PlanId) -> Plan:
    """What the plan asks now. Raises NoSuchPlan also where its version does not show to the caller."""
    async with pricing.database.read() as tx:
        revisions, now = await store.revisions(tx, plan_id), await pricing.database.now(tx)
    if not _shows(pricing, caller, await pricing.catalog.version(revisions[0].version_id)):
        raise NoSuchPlan()
    return plan_rules.in_force_or_newest(revisions, now)


async def plans(pricing: Pricing, caller: Caller, version_id: VersionId, limit: int, before: str | None) -> list[Plan]:
    """What the plans of a version ask now, newest first. Looks for one more than `limit`, so that the end is known."""
    if not _shows(pricing, caller, await pricing.catalog.version(version_id)):
        raise NoSuchVersion()
    async with pricing.database.read() as tx:
        found: list[Revisions] = await store.plans_of(tx, version_id, limit + 1, before)
        now = await pricing.database.now(tx)
    return [plan_rules.in_force_or_newest(revisions, now) for revisions in found]


async def quote_of(pricing: Pricing, asker: Member | ServiceCaller, quote_id: QuoteId) -> Quote:
    """A party's own quote; a service that acts for someone sees what they would see."""
    async with pricing.database.read() as tx:
        found = await store.quote(tx, quote_id)
    member = asker.acting_for if isinstance(asker, ServiceCaller) else asker
    if member is not None and not quote_rules.is_party(found, member.participant_id):
        raise NoSuchQuote()
    return found


async def fee_schedule(pricing: Pricing) -> FeeSchedule:
    async with pricing.database.read() as tx:
        return fee_rules.schedule_at(await pricing.database.now(tx))


def _shows(pricing: Pricing, caller: Caller, version: VersionView) -> bool:
    """Whether the catalogue's entry shows to the caller, in part at least; to its provider and the staff, always."""
    if STAFF & caller.roles or _is(caller.participant_id, version.provider_id):
        return True
    if version.certificate_id is None or version.grade is None:
        return False
    clearance = pricing.standing.clearance_of(caller.participant_id)
    return visibility(version.grade, clearance) is not Visibility.NONE


def _is(participant_id: ParticipantId | None, provider_id: ParticipantId) -> bool:
    return participant_id is not None and participant_id == provider_id
