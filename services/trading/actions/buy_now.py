"""What happens when a bidder ends an auction at its price for that."""

from dataclasses import replace

from services.trading.actions.auction import award, free_deposits
from services.trading.actions.bidder import offered
from services.trading.actions.permission import decide_for
from services.trading.actions.restraint import require_may_deal
from services.trading.actions.trading import Trading
from services.trading.events.auction import facts_of_close
from services.trading.events.award_queue import AuctionBoughtNow
from services.trading.rules import auction as rules
from services.trading.rules.any_auction import of_kind
from services.trading.rules.auction import Auction
from services.trading.rules.order import Order
from services.trading.store import auction as store
from services.trading.store import listing as listing_store
from shared.access import Member
from shared.idempotency import Once
from shared.ids import AuctionId


async def buy_now(trading: Trading, caller: Member, auction_id: AuctionId, once: Once) -> Order:
    """By a bidder whose deposit is held: one commit for the close, the order and everyone else's deposit."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Order):
            return earlier
        before = of_kind(await store.auction_for_update(tx, auction_id), Auction)
        await offered(trading, tx, caller, before)
        listing = await listing_store.listing(tx, before.listing_id, lock=True)
        now = await trading.database.now(tx)
        decision = decide_for(trading, caller.standing, listing)
        registration = await store.registration(tx, auction_id, caller.participant_id)
        await require_may_deal(tx, caller.participant_id, now)
        auction = rules.buy_now(before, caller.participant_id, now)
        await store.save_auction(tx, auction)
        winner = replace(registration, clearance=caller.standing.clearance, decision=decision)
        order, placed = await award(trading, tx, auction, listing, winner, now)
        freed = await free_deposits(tx, auction, now, but=caller.participant_id)
        bought = AuctionBoughtNow.of(auction, registration)
        closed = facts_of_close(auction, (), await store.reserve_salt(tx, auction_id))
        await once.remember(tx, order)
        await trading.outbox.record(tx, caller.actor, now, bought, *closed, *placed, *freed)
    return order
