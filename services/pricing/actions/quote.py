"""What happens when a buyer asks for a quote: one function per act."""

from services.pricing.actions.pricing import REGISTERED, Pricing, shows
from services.pricing.events.quote import QuoteGiven
from services.pricing.rules import plan as plan_rules
from services.pricing.rules import quote as rules
from services.pricing.rules.plan import NoSuchPlan
from services.pricing.rules.quote import NoSuchQuote, Quote, VersionNotOffered
from services.pricing.store import plan as plan_store
from services.pricing.store import quote as store
from shared.access import Member, ServiceCaller
from shared.idempotency import Once
from shared.ids import PlanId, QuoteId


async def quote(pricing: Pricing, buyer: Member, plan_id: PlanId, once: Once) -> Quote:
    """One price for this buyer, from the revision in force. Whether they may buy is decided at the order."""
    async with pricing.database.read() as tx:
        plan = (await plan_store.revisions(tx, plan_id))[-1]
    version = await pricing.catalog.version(plan.version_id)
    async with pricing.database.transaction() as tx:
        if earlier := await once.recall(tx, Quote):
            return earlier
        if not shows(pricing, buyer.caller, version):
            raise NoSuchPlan()
        if version.asset_state != REGISTERED or version.grade is None:
            raise VersionNotOffered(state=version.asset_state)
        pricing.standing.require_fresh(version.grade)
        now = await pricing.database.now(tx)
        in_force = plan_rules.in_force(await plan_store.revisions(tx, plan_id), now)
        given = rules.quote(QuoteId.new(), in_force, buyer.participant_id, now)
        await store.add_quote(tx, given)
        await once.remember(tx, given)
        await pricing.outbox.record(tx, buyer.actor, now, QuoteGiven.of(given))
    return given


async def quote_of(pricing: Pricing, asker: Member | ServiceCaller, quote_id: QuoteId) -> Quote:
    """A party's own quote; a service that acts for someone sees what they would see."""
    async with pricing.database.read() as tx:
        found = await store.quote(tx, quote_id)
    member = asker.acting_for if isinstance(asker, ServiceCaller) else asker
    if member is not None and not rules.is_party(found, member.participant_id):
        raise NoSuchQuote()
    return found
