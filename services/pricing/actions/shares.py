"""What happens when the providers of a combined product ask how its price is shared."""

from dataclasses import replace

from services.pricing.actions.pricing import STAFF, Pricing
from services.pricing.events.results import RevenueShared
from services.pricing.rules import fee as fee_rules
from services.pricing.rules import shares as rules
from services.pricing.rules.affiliation import groups
from services.pricing.rules.document import sealed
from services.pricing.rules.shares import (
    METHOD_VERSION,
    Coverage,
    Fee,
    NoSuchRevenueShares,
    NotAParty,
    PartyNotAdmitted,
    RevenueShares,
    Utility,
)
from services.pricing.store import shares as store
from shared.access import Caller, Member
from shared.errors import NotAdmitted
from shared.idempotency import Once
from shared.ids import ParticipantId, RevenueShareId
from shared.money import Money
from shared.standing import StandingMirror


async def share(
    pricing: Pricing, member: Member, price: Money, fees: tuple[Fee, ...] | None, named: tuple[ParticipantId, ...],
    utility: Utility, once: Once,
) -> RevenueShares:  # fmt: skip
    """Requires a party. Without fees, those of the schedule in force are taken off."""
    if member.participant_id not in named:
        raise NotAParty()
    order = rules.places(named)
    parties = tuple(named[place] for place in order)
    pricing.standing.require_fresh()
    for party in parties:
        if not _is_admitted(pricing.standing, party):
            raise PartyNotAdmitted(participant_id=party)
    asked = rules.in_order(utility, order)
    if isinstance(asked, Coverage):
        asked = replace(asked, groups=groups(parties, lambda party: pricing.standing.of(party).affiliates))
    values = rules.values(asked, len(parties))  # long for twelve parties, so that nobody waits for it with a lock
    async with pricing.database.transaction() as tx:
        if earlier := await once.recall(tx, RevenueShares):
            return earlier
        now = await pricing.database.now(tx)
        schedule = fee_rules.schedule_at(now) if fees is None else None
        if fees is None and schedule:
            fees = rules.platform_fees(price, schedule.provider_fee_basis_points, schedule.tax_basis_points)
        schedule_id = schedule and schedule.id
        found = rules.share(price, fees or (), parties, values)
        text, digest = sealed(rules.document(parties, price, fees or (), schedule_id, asked, found))
        shares = RevenueShares(
            RevenueShareId.new(), rules.method_of(asked), METHOD_VERSION, member.participant_id, price, fees or (),
            schedule_id, found, text, digest, now,
        )  # fmt: skip
        await store.add(tx, shares)
        await once.remember(tx, shares)
        await pricing.outbox.record(tx, member.actor, now, RevenueShared.of(shares))
    return shares


async def seen(pricing: Pricing, caller: Caller, share_id: RevenueShareId) -> RevenueShares:
    """For its parties and the staff. Raises NoSuchRevenueShares alike for all others."""
    async with pricing.database.read() as tx:
        found = await store.shares(tx, share_id)
    if not (STAFF & caller.roles or rules.is_party(found, caller.participant_id)):
        raise NoSuchRevenueShares()
    return found


def _is_admitted(standing: StandingMirror, party: ParticipantId) -> bool:
    try:
        return standing.of(party).is_admitted
    except NotAdmitted:  # nobody has heard of it
        return False
