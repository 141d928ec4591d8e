"""What happens in an auction by sealed bids: it is opened, bids are committed to, revealed, and judged at the close.

Promises: until its bidder reveals it, a bid is a hash here too, so nobody who reads the database or the log can know
it; a bid is decided by the moment taken after the auction is locked. One commit closes: the outcome, every award, the
losers' deposits freed, those of bids that stayed closed forfeited, and all that was revealed told.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.trading.actions import money
from services.trading.actions.auction import Wanted
from services.trading.actions.award import place_order
from services.trading.actions.bidder import decided_anew, offered
from services.trading.actions.order import NO_COSTS
from services.trading.actions.permission import Sight, decide_for
from services.trading.actions.restraint import require_may_bid, require_may_deal, unless_frozen
from services.trading.actions.trading import Trading, fees_of_today
from services.trading.actions.turn import take_to_close
from services.trading.events.sealed import SealedAuctionOpened, SealedBidPlaced, SealedBidRevealed, facts_of_close
from services.trading.rules import sealed as rules
from services.trading.rules.any_auction import of_kind
from services.trading.rules.auction import OPEN, NoSuchAuction
from services.trading.rules.award import Award, FromAuction, FrozenFees
from services.trading.rules.bid import Registration
from services.trading.rules.listing import Listing, copies_left, require_open
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.sealed import NotSealedYet, SealedAlready, SealedAuction, SealedBid
from services.trading.rules.sealed_terms import SealedTerms, sealed_terms_of
from services.trading.rules.settlement import forfeiture
from services.trading.store import auction as store
from services.trading.store import listing as listing_store
from services.trading.store import order as order_store
from services.trading.store import sealed as sealed_store
from shared.access import Member
from shared.database import Transaction
from shared.facts import SALT_BYTES, Fact
from shared.idempotency import Once
from shared.ids import AuctionId, BidId, ParticipantId
from shared.money import Money
from shared.web import Page


async def open_auction(trading: Trading, caller: Member, wanted: Wanted, once: Once) -> SealedAuction:
    """Call for sealed bids on a listing of one's own, for every copy of it that has no buyer yet. The seed of the
    coins is fixed, and committed to, before anyone can bid."""
    fees = await fees_of_today(trading)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, SealedAuction):
            return earlier
        listing = await listing_store.own_listing(tx, wanted.listing_id, caller.participant_id)
        now = await trading.database.now(tx)
        require_open(listing, now)
        await require_may_deal(tx, caller.participant_id, now)
        copies = copies_left(listing, await order_store.orders_standing(tx, listing.id))
        terms = _terms(trading, listing, wanted, copies, fees, now)
        auction = rules.open_sealed(AuctionId.new(), listing.id, caller.participant_id, terms, now)
        reserve_salt = secrets.token_hex(SALT_BYTES) if terms.reserve_price else None
        await store.add_auction(tx, auction, reserve_salt)
        await once.remember(tx, auction)
        await trading.outbox.record(tx, caller.actor, now, SealedAuctionOpened.of(auction, reserve_salt))
    return auction


async def commit(trading: Trading, caller: Member, auction_id: AuctionId, commitment: str, once: Once) -> SealedBid:
    """Enter a sealed bid by a bidder whose deposit is held. It binds, and nobody can read it."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, SealedBid):
            return earlier
        auction = of_kind(await store.auction_for_update(tx, auction_id), SealedAuction)
        listing = await offered(trading, tx, caller, auction)
        now = await trading.database.now(tx)
        decide_for(trading, caller.standing, listing)
        await require_may_bid(tx, caller.participant_id, now)
        bidder = await store.registration(tx, auction_id, caller.participant_id)
        if await sealed_store.sealed_bid(tx, auction_id, caller.participant_id):
            raise SealedAlready()
        who = (caller.participant_id, bidder.bidder_number)
        auction, bid = rules.commit(auction, BidId.new(), *who, commitment, now)
        await store.save_auction(tx, auction)
        await sealed_store.add_sealed_bid(tx, bid, auction.terms.start_price.currency)
        await once.remember(tx, bid)
        await trading.outbox.record(tx, caller.actor, now, SealedBidPlaced.of(bid, auction))
    return bid


async def reveal(
    trading: Trading, caller: Member, auction_id: AuctionId, amount: Money, nonce: str, once: Once
) -> SealedBid:
    """Open one's own bid. Whoever may no longer have the data may open it all the same: it saves their deposit."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, SealedBid):
            return earlier
        auction = of_kind(await store.auction_for_update(tx, auction_id), SealedAuction)
        bid = await sealed_store.sealed_bid(tx, auction_id, caller.participant_id)
        if bid is None:
            await offered(trading, tx, caller, auction)
            raise NotSealedYet()
        now = await trading.database.now(tx)
        auction, bid = rules.reveal(auction, bid, amount, nonce, now)
        await store.save_auction(tx, auction)
        await sealed_store.save_reveal(tx, bid)
        await once.remember(tx, bid)
        await trading.outbox.record(tx, caller.actor, now, SealedBidRevealed.of(bid, auction))
    return bid


async def close(trading: Trading, auction_id: AuctionId) -> None:
    """Close an auction whose time is up, if nobody has yet."""
    async with trading.database.transaction() as tx:
        if not await take_to_close(trading, tx, auction_id):
            return
        auction = of_kind(await store.auction_for_update(tx, auction_id), SealedAuction)
        listing = await listing_store.listing(tx, auction.listing_id, lock=True)
        now = await trading.database.now(tx)
        if auction.state is not OPEN or now < auction.decided_at:
            return
        bidders = await _bidders(trading, tx, auction, listing, now)
        bids = await sealed_store.sealed_bids_on(tx, auction_id)
        denied = {who: _why_denied(trading, bidder) for who, bidder in bidders.items()}
        auction, bids = rules.close(auction, bids, {who: why for who, why in denied.items() if why}, now)
        await store.save_auction(tx, auction)
        await sealed_store.save_judged(tx, bids)
        facts: list[Fact] = [*facts_of_close(auction, bids, await store.reserve_salt(tx, auction_id))]
        facts += await _award(trading, tx, auction, bids, bidders, now)
        facts += await _end_deposits(tx, auction, bids, now)
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def sealed_bids(
    trading: Trading, sight: Sight, auction_id: AuctionId, page: Page
) -> tuple[SealedAuction, list[SealedBid]]:
    """The sealed bids in their sequence. Whoever presents them shows what a bid was to its owner alone, until the
    close."""
    async with trading.database.read() as tx:
        found = await store.shown_auction(tx, auction_id, await trading.database.now(tx))
        if not sight.includes(found.grade, found.auction.provider_id, found.asset_id):
            raise NoSuchAuction()
        auction = of_kind(found.auction, SealedAuction)
        return auction, await sealed_store.page_of_sealed_bids(tx, auction_id, page)


def _terms(
    trading: Trading, listing: Listing, wanted: Wanted, copies: int | None, fees: FrozenFees, now: datetime
) -> SealedTerms:
    mechanism = listing.mechanism
    assert mechanism is not None and wanted.reveal_closes_at is not None
    return sealed_terms_of(
        mechanism=mechanism, copies=copies, start_price=wanted.start_price, reserve_price=wanted.reserve_price,
        deposit=wanted.deposit, opens_at=wanted.opens_at, closes_at=wanted.closes_at,
        reveal_closes_at=wanted.reveal_closes_at, fees=fees, rules=trading.rules,
        seed=secrets.token_hex(SALT_BYTES) if mechanism is Mechanism.RSOP else None, now=now,
        keeps_second=wanted.keeps_second,
    )  # fmt: skip


async def _bidders(
    trading: Trading, tx: Transaction, auction: SealedAuction, listing: Listing, now: datetime
) -> dict[ParticipantId, Registration]:
    """Everyone who registered, decided anew by the grade and the freeze orders of now."""
    registered = await store.registrations_on(tx, auction.id)
    decided = [decided_anew(trading, bidder, listing) for bidder in registered]
    return {bidder.participant_id: bidder for bidder in await unless_frozen(tx, decided, now)}


def _why_denied(trading: Trading, bidder: Registration) -> str | None:
    if not trading.standing.of(bidder.participant_id).is_admitted:
        return "not_admitted"
    return bidder.decision.reason_code


async def _award(
    trading: Trading, tx: Transaction, auction: SealedAuction, bids: Sequence[SealedBid],
    bidders: Mapping[ParticipantId, Registration], now: datetime,
) -> list[Fact]:  # fmt: skip
    """An order for each bid that won, drafted on the decision that was taken at the close."""
    facts, terms = list[Fact](), auction.terms
    for bid in bids:
        if bid.price is None:
            continue
        winner, origin = bidders[bid.participant_id], FromAuction(auction.id, terms.deposit)
        award = Award(
            auction.listing_id, auction.provider_id, bid.participant_id, bid.price, origin, terms.fees, now
        )  # fmt: skip
        listing = await listing_store.listing(tx, auction.listing_id)  # one more copy may have gone
        grounds = (winner.clearance, winner.decision)
        _, placed = await place_order(tx, trading.standing, award, listing, *grounds, terms.windows)
        facts += placed
    return facts


async def _end_deposits(
    tx: Transaction, auction: SealedAuction, bids: Sequence[SealedBid], now: datetime
) -> list[Fact]:  # fmt: skip
    """The winners' stay until they pay, and the second's where that is kept; whoever left a bid closed forfeits theirs,
    as far as the start price, the least that the bid can have been, goes to the provider; all others are free."""
    by_bidder = {bid.participant_id: bid for bid in bids}
    holds = await money.holds_of(tx, auction.id)
    await money.lock_holds(tx, holds, auction.provider_id)
    forfeited = [hold for hold in holds if (bid := by_bidder.get(hold.participant_id)) and bid.forfeits_deposit]
    kept = {bid.participant_id for bid in bids if bid.won or bid.forfeits_deposit} | {auction.second_id}
    facts: list[Fact] = [*await money.void_holds(tx, [each for each in holds if each.participant_id not in kept], now)]
    for hold in forfeited:
        shares = forfeiture(hold.amount, NO_COSTS, loss=auction.terms.start_price)
        facts += await money.forfeit(tx, hold, auction.provider_id, shares, now)
    return facts
