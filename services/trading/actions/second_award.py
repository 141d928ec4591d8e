"""What happens when the second bidder is asked to take what the winner did not pay for."""

from dataclasses import replace

from services.trading.actions import money
from services.trading.actions.auction import ANY, award
from services.trading.actions.bidder import offered
from services.trading.actions.permission import decide_for
from services.trading.actions.trading import Trading
from services.trading.events.award_queue import AwardFailed, SecondAccepted
from services.trading.rules import award_queue as rules
from services.trading.rules.any_auction import AnyAuction, awardable
from services.trading.rules.order import Order
from services.trading.store import auction as store
from services.trading.store import listing as listing_store
from shared.access import Member
from shared.idempotency import Once
from shared.ids import AuctionId


async def accept(trading: Trading, caller: Member, auction_id: AuctionId, once: Once) -> Order:
    """Take it at the price that was asked. Requires that the grade of now allows it; the order follows as for a
    winner."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Order):
            return earlier
        before = awardable(await store.auction_for_update(tx, auction_id))
        await offered(trading, tx, caller, before)
        sold = await listing_store.listing(tx, before.listing_id, lock=True)
        listing = await listing_store.as_graded_now(tx, sold)
        now = await trading.database.now(tx)
        auction = rules.accept(before, caller.participant_id, now)
        decision = decide_for(trading, caller.standing, listing)
        registration = await store.registration(tx, auction_id, caller.participant_id)
        winner = replace(registration, clearance=caller.standing.clearance, decision=decision)
        await store.save_auction(tx, auction)
        order, placed = await award(trading, tx, auction, listing, winner, now)
        await once.remember(tx, order)
        await trading.outbox.record(tx, caller.actor, now, SecondAccepted.of(auction), *placed)
    return order


async def decline(trading: Trading, caller: Member, auction_id: AuctionId, once: Once) -> AnyAuction:
    """A no costs nothing: the deposit is free in the same commit."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, ANY):
            return earlier
        before = awardable(await store.auction_for_update(tx, auction_id))
        await offered(trading, tx, caller, before)
        now = await trading.database.now(tx)
        auction = rules.decline(before, caller.participant_id, now)
        await store.save_auction(tx, auction)
        freed = await money.void_holds(tx, await money.holds_of(tx, auction_id), now)
        await once.remember(tx, auction)
        await trading.outbox.record(tx, caller.actor, now, AwardFailed.of(auction), *freed)
    return auction


async def pass_deadline(trading: Trading, auction_id: AuctionId) -> None:
    """End an auction whose second has said nothing in time, if nobody has yet."""
    async with trading.database.transaction() as tx:
        before = awardable(await store.auction_for_update(tx, auction_id))
        now = await trading.database.now(tx)
        if not rules.answer_is_overdue(before, now):
            return
        auction = rules.pass_deadline(before)
        await store.save_auction(tx, auction)
        freed = await money.void_holds(tx, await money.holds_of(tx, auction_id), now)
        await trading.outbox.record(tx, trading.outbox.itself, now, AwardFailed.of(auction), *freed)
