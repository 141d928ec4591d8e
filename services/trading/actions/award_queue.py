"""What an auction does when its winner has paid, or has failed to: in the commit of the order that tells it.

Requires, everywhere, that the auction is locked before the order, as at its close.
Promises: the second's deposit is free in the paying commit; after a default the second is asked in the commit that
forfeits the winner's; nobody's deposit outlives the last that could be asked of them.
"""

from datetime import datetime

from services.trading.actions import money
from services.trading.events.award_queue import AwardConfirmed, AwardFailed, SecondAsked
from services.trading.rules import award_queue as rules
from services.trading.rules import sealed as sealed_rules
from services.trading.rules.any_auction import Awardable
from services.trading.rules.auction import AWARDED, Auction
from services.trading.rules.order import DEFAULTED, LAPSED, Order
from services.trading.rules.proxy import Lead
from services.trading.store import auction as store
from services.trading.store import sealed as sealed_store
from shared.database import Transaction
from shared.facts import Fact
from shared.ids import ParticipantId


async def follow_payment(tx: Transaction, order: Order, now: datetime) -> list[Fact]:
    """Sold for good, with the second's deposit free. Nothing for an order of another origin, or without a second."""
    if order.auction_id is None:
        return []
    auction = await store.auction_for_update(tx, order.auction_id)
    if not isinstance(auction, Awardable) or auction.state is not AWARDED:
        return []
    freed = await free(tx, order, auction.second_id, now)
    confirmed = rules.confirm(auction, now)
    await store.save_auction(tx, confirmed)
    return [AwardConfirmed.of(confirmed), *freed]


async def follow_failure(tx: Transaction, order: Order, now: datetime) -> list[Fact]:
    """After a default the second is asked, or the auction has failed; an award that lapsed ends it for both."""
    if order.auction_id is None or order.state not in {DEFAULTED, LAPSED}:
        return []
    auction = await store.auction_for_update(tx, order.auction_id)
    if not isinstance(auction, Awardable):
        return []
    if order.state is DEFAULTED and auction.state is AWARDED:
        second = await _second_of(tx, auction, order.buyer_id)
        assert second is not None  # or it would have been sold at its close
        asked = rules.ask_second(auction, second, now)
        await store.save_auction(tx, asked)
        return [SecondAsked.of(asked)]
    if order.state is DEFAULTED and auction.winner_id == order.buyer_id:
        failed = rules.fail(auction, now)
        await store.save_auction(tx, failed)
        return [AwardFailed.of(failed)]
    if auction.state is not AWARDED:
        return []
    freed = await free(tx, order, auction.second_id, now)
    lapsed = rules.lapse(auction, str(order.reason_code), now)
    await store.save_auction(tx, lapsed)
    return [AwardFailed.of(lapsed), *freed]


async def free(tx: Transaction, order: Order, second_id: ParticipantId | None, now: datetime) -> money.Facts:
    """The second's deposit."""
    assert order.auction_id is not None and second_id is not None
    return await money.void_holds(tx, [await money.hold_of(tx, order.auction_id, second_id)], now)


async def _second_of(tx: Transaction, auction: Awardable, winner_id: ParticipantId) -> Lead | None:
    if isinstance(auction, Auction):
        return rules.second_of(auction.terms, await store.bids_on(tx, auction.id), winner_id)
    return sealed_rules.second_of(auction.terms, await sealed_store.sealed_bids_on(tx, auction.id))
