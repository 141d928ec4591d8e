"""What happens in a Dutch auction: it is opened, the first acceptance takes the right, or it ends unsold.

Promises: of acceptances that arrive together one wins, at the price of the moment taken after the auction is locked;
that commit makes the winner's order and frees every other deposit.
"""

from datetime import datetime

from services.trading.actions.auction import Wanted, free_deposits
from services.trading.actions.award import place_order
from services.trading.actions.bidder import offered
from services.trading.actions.permission import decide_for
from services.trading.actions.restraint import require_may_deal
from services.trading.actions.trading import Trading, fees_of_today
from services.trading.actions.turn import take_to_close
from services.trading.events.dutch import DutchAuctionEnded, DutchAuctionOpened, DutchPriceAccepted
from services.trading.rules import dutch as rules
from services.trading.rules.any_auction import of_kind
from services.trading.rules.auction import OPEN
from services.trading.rules.award import Award, FromAuction, FrozenFees
from services.trading.rules.dutch import DutchAuction, DutchTerms, Taken, dutch_terms_of
from services.trading.rules.listing import require_open
from services.trading.rules.price_cap import require_filed, require_within
from services.trading.store import auction as store
from services.trading.store import listing as listing_store
from shared.access import Member
from shared.idempotency import Once
from shared.ids import AuctionId
from shared.money import Money


async def open_auction(
    trading: Trading, caller: Member, wanted: Wanted, price_cap: Money | None, once: Once
) -> DutchAuction:
    """Offer a listing of one's own at a falling price. Requires a schedule."""
    fees = await fees_of_today(trading)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, DutchAuction):
            return earlier
        listing = await listing_store.own_listing(tx, wanted.listing_id, caller.participant_id)
        now = await trading.database.now(tx)
        require_open(listing, now)
        require_filed(listing.flags, price_cap)
        require_within(price_cap, wanted.start_price)
        terms = _terms(trading, wanted, fees, now)
        await require_may_deal(tx, caller.participant_id, now)
        auction = rules.open_dutch(AuctionId.new(), listing.id, caller.participant_id, terms, now)
        await store.add_auction(tx, auction, None)
        await once.remember(tx, auction)
        await trading.outbox.record(tx, caller.actor, now, DutchAuctionOpened.of(auction))
    return auction


async def accept(trading: Trading, caller: Member, auction_id: AuctionId, maximum: Money, once: Once) -> Taken:
    """Take the right at the price of now, if that is no more than `maximum`, before anyone else does."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Taken):
            return earlier
        auction = of_kind(await store.auction_for_update(tx, auction_id), DutchAuction)
        await offered(trading, tx, caller, auction)
        listing = await listing_store.listing(tx, auction.listing_id, lock=True)
        now = await trading.database.now(tx)
        decision = decide_for(trading, caller.standing, listing)
        bidder = await store.registration(tx, auction_id, caller.participant_id)
        await require_may_deal(tx, caller.participant_id, now)
        sold = rules.accept(auction, caller.participant_id, maximum, now)
        assert sold.price is not None
        await store.save_auction(tx, sold)
        origin = FromAuction(auction_id, sold.terms.deposit)
        award = Award(
            listing.id, listing.provider_id, caller.participant_id, sold.price, origin, sold.terms.fees, sold.last_at
        )
        grounds = (caller.standing.clearance, decision)
        order, placed = await place_order(tx, trading.standing, award, listing, *grounds, sold.terms.windows)
        freed = await free_deposits(tx, sold, now, but=caller.participant_id)
        taken = Taken(auction_id, bidder.bidder_number, sold.price, maximum, sold.last_at, order.id)
        await once.remember(tx, taken)
        accepted = DutchPriceAccepted.of(sold, bidder.bidder_number)
        await trading.outbox.record(tx, caller.actor, now, accepted, *placed, *freed)
    return taken


async def close(trading: Trading, auction_id: AuctionId) -> None:
    """End an auction that nobody accepted, if nobody has yet. Every deposit is free in the same commit."""
    async with trading.database.transaction() as tx:
        if not await take_to_close(trading, tx, auction_id):
            return
        auction = of_kind(await store.auction_for_update(tx, auction_id), DutchAuction)
        now = await trading.database.now(tx)
        if auction.state is not OPEN or now < auction.decided_at:
            return
        auction = rules.close(auction, now)
        await store.save_auction(tx, auction)
        freed = await free_deposits(tx, auction, now, but=None)
        await trading.outbox.record(tx, trading.outbox.itself, now, DutchAuctionEnded.of(auction), *freed)


def _terms(trading: Trading, wanted: Wanted, fees: FrozenFees, now: datetime) -> DutchTerms:
    assert wanted.schedule is not None
    return dutch_terms_of(
        start_price=wanted.start_price, schedule=wanted.schedule, deposit=wanted.deposit, opens_at=wanted.opens_at,
        closes_at=wanted.closes_at, fees=fees, rules=trading.rules, now=now,
    )  # fmt: skip
