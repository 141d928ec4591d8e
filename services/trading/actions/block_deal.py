"""What happens in a block deal: offered, taken as a whole, approved or refused, and ordered part by part in one commit.

Promises: the listings are locked by their ids, before the deal, as everywhere; whether the buyer may have each of them
is asked anew at the yes and at the approval; if one part cannot be ordered, none is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.trading.actions.award import place_order
from services.trading.actions.negotiation import permitted
from services.trading.actions.restraint import require_may_deal
from services.trading.actions.trading import Trading, fees_of_today, party_of
from services.trading.events.block_deal import (
    BlockDealAccepted,
    BlockDealApproved,
    BlockDealTerminated,
    facts_of_offer,
)
from services.trading.rules import block_deal as rules
from services.trading.rules.award import Award, FromBlockDeal
from services.trading.rules.block_deal import BlockDeal, BlockPartRefused, Part, Reference, State
from services.trading.rules.listing import Listing, ListingNotOpen, require_open
from services.trading.rules.mechanism import Pricing
from services.trading.rules.negotiation import Objection, Withdrawal
from services.trading.rules.negotiation_terms import Proposal, terms_of
from services.trading.store import block_deal as store
from services.trading.store import listing as listing_store
from services.trading.store import need as need_store
from shared.access import Caller, Member, Role
from shared.database import Transaction
from shared.errors import Conflict, Forbidden
from shared.facts import Fact
from shared.grades import Clearance, Decision
from shared.idempotency import Once
from shared.ids import BlockDealId, ListingId, OrderId, ParticipantId, VersionId
from shared.web import Page


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a provider offers whom, and on which grounds, if a price needs any."""

    buyer_id: ParticipantId
    parts: Sequence[tuple[ListingId, Proposal]]
    grounds: str | None
    expires_at: datetime


async def offer(trading: Trading, caller: Member, wanted: Wanted, once: Once) -> BlockDeal:
    """Offer several listings of one's own to one buyer, whom nobody else sees. Requires that the buyer may have all."""
    fees, references = await fees_of_today(trading), await _references(trading, wanted)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, BlockDeal):
            return earlier
        now, parts = await trading.database.now(tx), list[Part]()
        for listing_id, proposal in sorted(wanted.parts, key=lambda part: part[0]):
            listing = await listing_store.own_listing(tx, listing_id, caller.participant_id)
            _permitted(trading, wanted.buyer_id, listing, now)
            if listing.pricing is not Pricing.NEGOTIATION:
                raise ListingNotOpen(pricing=listing.pricing)
            parts.append(Part(terms_of(listing, proposal), references.get(listing.version_id, {}).get(listing.mode)))
        who = caller.participant_id, wanted.buyer_id
        deal = rules.offer(
            BlockDealId.new(), *who, parts, wanted.grounds, wanted.expires_at, fees, trading.rules, now
        )  # fmt: skip
        await require_may_deal(tx, caller.participant_id, now)
        await store.add_block_deal(tx, deal)
        await once.remember(tx, deal)
        await trading.outbox.record(tx, caller.actor, now, *facts_of_offer(deal))
    return deal


async def accept(
    trading: Trading, caller: Member, block_deal_id: BlockDealId, terms_hash: str, once: Once
) -> BlockDeal:  # fmt: skip
    """The buyer's yes to all parts. It binds, and waits for an operator's approval."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, BlockDeal):
            return earlier
        before = await _own(tx, caller, block_deal_id)
        if before.buyer_id != caller.participant_id:
            raise rules.NoSuchBlockDeal()
        now = await trading.database.now(tx)
        deal, facts = rules.accept(before, terms_hash, now), list[Fact]()
        if deal is not before:
            for listing_id in deal.listing_ids:
                _permitted(trading, deal.buyer_id, await listing_store.listing(tx, listing_id), now)
            await require_may_deal(tx, caller.participant_id, now)
            await store.save_block_deal(tx, deal)
            facts.append(BlockDealAccepted.of(deal))
        await once.remember(tx, deal)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return deal


async def terminate(
    trading: Trading, caller: Member, block_deal_id: BlockDealId, reason_code: Withdrawal, reason: str, once: Once
) -> BlockDeal:
    """End it before the yes: the provider withdraws its offer, or the buyer declines it."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, BlockDeal):
            return earlier
        before = await _own(tx, caller, block_deal_id)
        now = await trading.database.now(tx)
        side = before.side_of(caller.participant_id)
        deal = rules.terminate(before, side, reason_code, reason, now)
        facts = await _ended(tx, before, deal)
        await once.remember(tx, deal)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return deal


async def approve(
    trading: Trading, caller: Caller, block_deal_id: BlockDealId, reason: str, once: Once
) -> BlockDeal:  # fmt: skip
    """Let it be made: the same commit makes an order of each part, or of none."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, BlockDeal):
            return earlier
        seen = await store.block_deal(tx, block_deal_id, None)
        listings = [await listing_store.listing(tx, each, lock=True) for each in seen.listing_ids]
        before = await store.block_deal_for_update(tx, block_deal_id)
        now = await trading.database.now(tx)
        deal, facts = rules.approve(before, caller.subject, caller.participant_id, reason, now), list[Fact]()
        if deal is not before:
            await store.save_block_deal(tx, deal)
            deal, facts = await _order(trading, tx, deal, listings, now)
        await once.remember(tx, deal)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return deal


async def refuse(
    trading: Trading, caller: Caller, block_deal_id: BlockDealId, reason_code: Objection, reason: str, once: Once
) -> BlockDeal:
    """End a deal that both sides want, in place of its approval."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, BlockDeal):
            return earlier
        before = await store.block_deal_for_update(tx, block_deal_id)
        now = await trading.database.now(tx)
        deal = rules.refuse(before, caller.participant_id, reason_code, reason, now)
        facts = await _ended(tx, before, deal)
        await once.remember(tx, deal)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return deal


async def block_deal(trading: Trading, caller: Caller, block_deal_id: BlockDealId) -> BlockDeal:
    """What one may not see is not there."""
    async with trading.database.read() as tx:
        return await store.block_deal(tx, block_deal_id, _seen_by(caller))


async def block_deals(trading: Trading, caller: Caller, page: Page, state: State | None) -> list[BlockDeal]:
    async with trading.database.read() as tx:
        return await store.page_of_block_deals(tx, page, _seen_by(caller), state)


async def pass_deadline(trading: Trading, block_deal_id: BlockDealId) -> None:
    """End one whose offer has expired or whose approval is overdue, if nobody has yet."""
    async with trading.database.transaction() as tx:
        before = await store.block_deal_for_update(tx, block_deal_id)
        now = await trading.database.now(tx)
        if not rules.deadline_has_passed(before, now):
            return
        facts = await _ended(tx, before, rules.pass_deadline(before, now))
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


def _seen_by(caller: Caller) -> ParticipantId | None:
    """Whose someone may see: their own, or, for whoever decides on them or supervises them (None), everyone's."""
    return None if Role.OPERATOR_BUSINESS in caller.roles else party_of(caller)


async def _references(
    trading: Trading, wanted: Wanted
) -> Mapping[VersionId, Mapping[str, Reference]]:  # fmt: skip
    """The last reference prices that tell anything, by version and mode. Asked before the transaction."""
    async with trading.database.read() as tx:
        listings = [await listing_store.listing(tx, listing_id) for listing_id, _ in wanted.parts]
        themes = await need_store.themes_of(tx, {listing.version_id for listing in listings})
    told = dict[str, dict[str, Reference]]()
    for theme in sorted(set(themes.values())):
        for each in reversed(await trading.pricing.reference_prices(theme)):
            if each.median is not None:
                told.setdefault(theme, {})[each.mode] = Reference(theme, each.month, each.median)
    return {version_id: told.get(theme, {}) for version_id, theme in themes.items()}


async def _own(tx: Transaction, caller: Member, block_deal_id: BlockDealId) -> BlockDeal:
    """Locked. Raises NoSuchBlockDeal for whoever is not one of the two."""
    await store.block_deal(tx, block_deal_id, caller.participant_id)
    return await store.block_deal_for_update(tx, block_deal_id)


def _permitted(
    trading: Trading, buyer_id: ParticipantId, listing: Listing, now: datetime
) -> tuple[Clearance | None, Decision]:  # fmt: skip
    require_open(listing, now)
    return permitted(trading, buyer_id, listing)


async def _order(
    trading: Trading, tx: Transaction, deal: BlockDeal, listings: Sequence[Listing], now: datetime
) -> tuple[BlockDeal, list[Fact]]:
    """An order of each part. Requires the locked listings, in the order of the parts, and that the deal is saved."""
    order_ids, made = list[OrderId](), list[Fact]()
    for part, listing in zip(deal.parts, listings, strict=True):
        award = Award(
            listing.id, deal.provider_id, deal.buyer_id, part.terms.price, FromBlockDeal(deal.id), deal.fees, now,
            scope=part.terms.scope,
        )  # fmt: skip
        try:
            grounds = _permitted(trading, deal.buyer_id, listing, now)
            order, facts = await place_order(
                tx, trading.standing, award, listing, *grounds, trading.rules.windows
            )  # fmt: skip
        except (Conflict, Forbidden) as refused:
            raise BlockPartRefused(listing_id=listing.id, reason_code=refused.told_code) from refused
        order_ids.append(order.id)
        made += facts
    agreed = rules.ordered(deal, order_ids)
    return agreed, [*made, BlockDealApproved.of(agreed)]


async def _ended(tx: Transaction, before: BlockDeal, after: BlockDeal) -> list[Fact]:
    """Nothing, if it had ended so already."""
    if after is before:
        return []
    await store.save_block_deal(tx, after)
    return [BlockDealTerminated.of(after)]
