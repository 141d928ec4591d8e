"""What happens when a buyer asks for a quote: one function per act."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.catalog.client import VersionView
from services.pricing.actions.pricing import REGISTERED, Pricing, is_opened, is_public, shows_by_grade
from services.pricing.events.quote import QuoteGiven
from services.pricing.rules import plan as plan_rules
from services.pricing.rules import quote as rules
from services.pricing.rules.arbitrage import in_force_together
from services.pricing.rules.cap import require_within
from services.pricing.rules.coverage import Cell
from services.pricing.rules.level import BY_MODE, Level
from services.pricing.rules.plan import BUNDLE, NoSuchPlan, Plan
from services.pricing.rules.price import Ask, query
from services.pricing.rules.quote import NoSuchQuote, Quote, QuoteOrdered, VersionNotOffered
from services.pricing.store import cap as cap_store
from services.pricing.store import plan as plan_store
from services.pricing.store import quote as store
from services.pricing.store.plan import RevisedMeanwhile
from shared.access import Member, ServiceCaller
from shared.database import Transaction
from shared.grades import Mode
from shared.idempotency import Once
from shared.ids import ParticipantId, PlanId, QuoteId, VersionId


@dataclass(frozen=True, slots=True)
class Told:
    """What the catalogue says of the versions of a plan, and which of them are open to the buyer by an approval."""

    versions: Mapping[VersionId, VersionView]
    opened: frozenset[VersionId]


async def quote(pricing: Pricing, buyer: Member, plan_id: PlanId, ask: Ask, once: Once) -> Quote:
    """One price for this buyer, from the revision in force. Whether they may buy is decided at the order."""
    told = await _told(pricing, buyer, plan_id)
    async with pricing.database.transaction() as tx:
        if earlier := await once.recall(tx, Quote):
            return earlier
        now = await pricing.database.now(tx)
        plan = await _quotable(pricing, tx, buyer, told, plan_id, now)
        given = await _priced(tx, plan, QuoteId.new(), buyer.participant_id, ask, now)
        await store.add_quote(tx, given)
        await once.remember(tx, given)
        await pricing.outbox.record(tx, buyer.actor, now, QuoteGiven.of(given))
    return given


async def renew(pricing: Pricing, buyer: Member, quote_id: QuoteId, once: Once) -> Quote:
    """The quote as it would be given now: the next version, unless it stands and nothing of it has changed."""
    async with pricing.database.read() as tx:
        seen = await store.quote(tx, quote_id)
    if seen.buyer_id != buyer.participant_id:
        raise NoSuchQuote()
    told = await _told(pricing, buyer, seen.plan_id)
    async with pricing.database.transaction() as tx:
        if earlier := await once.recall(tx, Quote):
            return earlier
        before = await store.quote(tx, quote_id)
        if await store.is_ordered(tx, quote_id):
            raise QuoteOrdered(quote_id=quote_id)
        now = await pricing.database.now(tx)
        plan = await _quotable(pricing, tx, buyer, told, before.plan_id, now)
        present = await _priced(tx, plan, quote_id, before.buyer_id, before.ask, now)
        given = rules.renewed(before, present)
        await once.remember(tx, given)
        if given is not before:
            await store.add_quote(tx, given)
            await pricing.outbox.record(tx, buyer.actor, now, QuoteGiven.of(given))
    return given


async def quote_of(pricing: Pricing, asker: Member | ServiceCaller, quote_id: QuoteId) -> Quote:
    """A party's own quote; a service sees what the member that it acts for would see, and nothing for itself."""
    async with pricing.database.read() as tx:
        found = await store.quote(tx, quote_id)
    member = asker.acting_for if isinstance(asker, ServiceCaller) else asker
    if member is None or not rules.is_party(found, member.participant_id):
        raise NoSuchQuote()
    return found


async def overlapping(pricing: Pricing, asker: ServiceCaller, quote_id: QuoteId) -> list[QuoteId]:
    """The buyer's other quotes that charge for something that this one charges for. For a member that is no party to
    it there is none."""
    async with pricing.database.read() as tx:
        found = await store.quote(tx, quote_id)
        if asker.acting_for is not None and not rules.is_party(found, asker.acting_for.participant_id):
            raise NoSuchQuote()
        theirs = await store.quotes_by_coverage(tx, found.buyer_id, found.version_id)
    return sorted({other.id for other in theirs if other.id != found.id and other.cells & found.cells})


async def _told(pricing: Pricing, buyer: Member, plan_id: PlanId) -> Told:
    """What the catalogue says of every version that a plan gives or gave. Asked before the transaction."""
    async with pricing.database.read() as tx:
        revisions = await plan_store.revisions(tx, plan_id)
    wanted = {revisions[0].version_id, *(part.version_id for plan in revisions for part in plan.parts)}
    versions = {version_id: await pricing.catalog.version(version_id) for version_id in sorted(wanted)}
    opened = [each.id for each in versions.values() if await is_opened(pricing, buyer.caller, each)]
    return Told(versions, frozenset(opened))


async def _quotable(
    pricing: Pricing, tx: Transaction, buyer: Member, told: Told, plan_id: PlanId, now: datetime
) -> Plan:
    """The revision in force. Raises what keeps it, or one of its parts, from being quoted to this buyer."""
    revisions = await plan_store.revisions(tx, plan_id)
    _require_quotable(pricing, buyer, told, revisions[0].version_id)
    plan = plan_rules.in_force(revisions, now)
    given = {plan.version_id, *(part.version_id for part in plan.parts)}
    if not given <= told.versions.keys():
        raise RevisedMeanwhile()
    for version_id in sorted(given - {plan.version_id}):
        _require_quotable(pricing, buyer, told, version_id)
    if any(is_public(told.versions[version_id]) for version_id in given):
        require_within(plan, await cap_store.caps_of(tx, plan.version_id), now)
    return plan


def _require_quotable(pricing: Pricing, buyer: Member, told: Told, version_id: VersionId) -> None:
    version = told.versions[version_id]
    if version_id not in told.opened and not shows_by_grade(pricing, buyer.caller, version):
        raise NoSuchPlan()
    if version.asset_state != REGISTERED or version.grade is None:
        raise VersionNotOffered(state=version.asset_state)
    pricing.standing.require_fresh(version.grade)


async def _priced(
    tx: Transaction, plan: Plan, quote_id: QuoteId, buyer_id: ParticipantId, ask: Ask, now: datetime
) -> Quote:
    if plan.kind is BUNDLE:
        beside = in_force_together(await plan_store.plans_of_parts(tx, plan.parts), now)
        return rules.quote(quote_id, plan, buyer_id, now, ask, beside=beside)
    if plan.grid_digest is None:
        return rules.quote(quote_id, plan, buyer_id, now, ask)
    bought = await _bought(tx, buyer_id, plan.version_id, plan.mode)
    return rules.quote(quote_id, plan, buyer_id, now, ask, query(await plan_store.grid(tx, plan), ask, bought))


async def _bought(tx: Transaction, buyer_id: ParticipantId, version_id: VersionId, mode: Mode) -> frozenset[Cell]:
    """What the buyer knows already: cells bought in this mode, or in one that gives more."""
    by_mode = await store.bought(tx, buyer_id, version_id)
    wanted = Level(BY_MODE[mode])
    known = [cells for held, cells in by_mode.items() if Level(BY_MODE[held]).determines(wanted)]
    return frozenset[Cell]().union(*known)
