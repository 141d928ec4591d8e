"""What happens in an auction, from its opening to the award.

Promises: the moment of a bid decides, never when the closing job runs. The job only notices: each auction is closed in
a commit of its own, which also frees the losers' deposits and makes the winner's order.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from services.trading.actions import money
from services.trading.actions.award import place_order
from services.trading.actions.permission import Sight, decide_for, sight_of
from services.trading.actions.trading import Trading, fees_of_today
from services.trading.events.auction import AuctionCancelled, AuctionOpened, BidderRegistered, facts_of_close
from services.trading.rules import auction as rules
from services.trading.rules.auction import Auction, NoSuchAuction, State
from services.trading.rules.auction_terms import Increment, terms_of
from services.trading.rules.award import Award, FromAuction
from services.trading.rules.bid import AlreadyRegistered, Bid, Registration, opening_of
from services.trading.rules.listing import Listing, ListingNotOpen, require_open
from services.trading.rules.mechanism import Pricing
from services.trading.store import auction as store
from services.trading.store import listing as listing_store
from services.trading.store.auction import ShownAuction
from shared.access import Member
from shared.database import Transaction
from shared.facts import SALT_BYTES, Fact
from shared.grades import decide
from shared.idempotency import Once
from shared.ids import AuctionId, ListingId, ParticipantId, RegistrationId
from shared.money import Money
from shared.web import Page

LOCK_SECONDS_MAX = 0.25  # one auction that is stuck must not keep the others waiting


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a provider asks for."""

    listing_id: ListingId
    start_price: Money
    increments: tuple[Increment, ...]
    reserve_price: Money | None
    deposit: Money
    opens_at: datetime | None
    closes_at: datetime


async def open_auction(trading: Trading, caller: Member, wanted: Wanted, once: Once) -> Auction:
    """Call for bids on a listing of one's own. The fee schedule of today stays with the auction."""
    fees = await fees_of_today(trading)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Auction):
            return earlier
        listing = await listing_store.own_listing(tx, wanted.listing_id, caller.participant_id)
        now = await trading.database.now(tx)
        require_open(listing, now)
        if listing.pricing is not Pricing.AUCTION:
            raise ListingNotOpen(pricing=listing.pricing)
        terms = terms_of(
            start_price=wanted.start_price, increments=wanted.increments, reserve_price=wanted.reserve_price,
            deposit=wanted.deposit, opens_at=wanted.opens_at, closes_at=wanted.closes_at, fees=fees,
            rules=trading.rules, now=now,
        )  # fmt: skip
        auction = rules.open_auction(AuctionId.new(), listing.id, caller.participant_id, terms, now)
        reserve_salt = secrets.token_hex(SALT_BYTES) if terms.reserve_price else None
        await store.add_auction(tx, auction, reserve_salt)
        await once.remember(tx, auction)
        await trading.outbox.record(tx, caller.actor, now, AuctionOpened.of(auction, reserve_salt))
    return auction


async def register(trading: Trading, caller: Member, auction_id: AuctionId, once: Once) -> Registration:
    """Become a bidder: related to nobody who sells, cleared for the grade, and with the deposit held."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Registration):
            return earlier
        auction = await store.auction_for_update(tx, auction_id)
        listing = await _offered(trading, tx, caller, auction)
        now = await trading.database.now(tx)
        decision = decide_for(trading, caller.standing, listing)
        rules.require_takes_bidders(auction, now)
        if await store.is_registered(tx, auction_id, caller.participant_id):
            raise AlreadyRegistered()
        registration = Registration(
            RegistrationId.new(), auction_id, caller.participant_id, await store.next_bidder_number(tx, auction_id),
            auction.terms.deposit, caller.standing.clearance, decision, now,
        )  # fmt: skip
        await store.add_registration(tx, registration)
        _, held = await money.hold_deposit(tx, auction_id, caller.participant_id, auction.terms.deposit, now)
        await once.remember(tx, registration)
        await trading.outbox.record(tx, caller.actor, now, held, BidderRegistered.of(registration))
    return registration


async def place_bid(trading: Trading, caller: Member, auction_id: AuctionId, maximum: Money, once: Once) -> Bid:
    """Enter a bid by a bidder whose deposit is held, with whatever else arrived while the last commit ran."""
    return await trading.bidding.place(caller, auction_id, maximum, once)


async def cancel(trading: Trading, caller: Member, auction_id: AuctionId, once: Once) -> Auction:
    """Call the auction off, before anyone has bid. Every deposit is free in the same commit."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Auction):
            return earlier
        auction = await store.auction_for_update(tx, auction_id)
        if auction.provider_id != caller.participant_id:
            raise NoSuchAuction()
        now = await trading.database.now(tx)
        auction = rules.cancel(auction, now)
        await store.save_auction(tx, auction)
        freed = await free_deposits(tx, auction, now, but=None)
        await once.remember(tx, auction)
        await trading.outbox.record(tx, caller.actor, now, AuctionCancelled.of(auction), *freed)
    return auction


async def close(trading: Trading, auction_id: AuctionId) -> None:
    """Close an auction whose time is up, if nobody has yet: one commit for outcome, order and the losers' deposits.

    An auction that another process is closing is left to it. A bid that is being decided is waited for, but not long.
    """
    async with trading.database.transaction() as tx:
        if not await trading.database.claim(tx, f"close {auction_id}"):
            return
        await trading.database.wait_at_most(tx, LOCK_SECONDS_MAX)
        auction = await store.auction_for_update(tx, auction_id)
        listing = await listing_store.listing(tx, auction.listing_id, lock=True)
        now = await trading.database.now(tx)
        if auction.state is not rules.OPEN or now < auction.closes_at:
            return
        leader = await _leader(trading, tx, auction, listing)
        auction = rules.close(auction, now, denied=leader and leader.decision.reason_code)
        await store.save_auction(tx, auction)
        openings = [opening_of(bid) for bid in await store.bids_on(tx, auction_id)]
        facts: list[Fact] = [*facts_of_close(auction, openings, await store.reserve_salt(tx, auction_id))]
        if leader and auction.winner_id:
            facts += await _award(tx, auction, listing, leader, now)
        facts += await free_deposits(tx, auction, now, but=auction.winner_id)
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def auction(trading: Trading, sight: Sight, auction_id: AuctionId) -> ShownAuction:
    """What one may not see is not there."""
    async with trading.database.read() as tx:
        found = await store.shown_auction(tx, auction_id)
    if not sight.includes(found.grade, found.auction.provider_id):
        raise NoSuchAuction()
    return found


async def auctions(trading: Trading, sight: Sight, page: Page, state: State | None) -> list[ShownAuction]:
    async with trading.database.read() as tx:
        return await store.page_of_auctions(tx, page, sight.grades, sight.own, state)


async def bids(trading: Trading, sight: Sight, auction_id: AuctionId, page: Page) -> list[Bid]:
    """The bids in their sequence. Whoever presents them shows a maximum to its owner alone."""
    await auction(trading, sight, auction_id)
    async with trading.database.read() as tx:
        return await store.page_of_bids(tx, auction_id, page)


async def free_deposits(
    tx: Transaction, auction: Auction, now: datetime, *, but: ParticipantId | None
) -> money.Facts:  # fmt: skip
    """Void every deposit that is held for the auction, but the winner's."""
    holds = [hold for hold in await money.holds_of(tx, auction.id) if hold.participant_id != but]
    return await money.void_holds(tx, holds, now)


async def _offered(trading: Trading, tx: Transaction, caller: Member, auction: Auction) -> Listing:
    """What is auctioned. Raises NoSuchAuction for whoever may not see it."""
    listing = await listing_store.listing(tx, auction.listing_id)
    if not sight_of(trading, caller.caller).includes(listing.grade, listing.provider_id):
        raise NoSuchAuction()
    return listing


async def _leader(trading: Trading, tx: Transaction, auction: Auction, listing: Listing) -> Registration | None:
    """Whoever leads, decided anew by the grade of now: with the clearance that they registered with, or, if that has
    become too little, the one that they have by now."""
    if auction.leader_id is None:
        return None
    leader = await store.registration(tx, auction.id, auction.leader_id)
    clearance = leader.clearance
    decision = decide(listing.grade, listing.mode, clearance, listing.flags, listing.conditions)
    if not decision.allowed:
        trading.standing.require_fresh()
        clearance = trading.standing.clearance_of(auction.leader_id)
        decision = decide(listing.grade, listing.mode, clearance, listing.flags, listing.conditions)
    return replace(leader, clearance=clearance, decision=decision)


async def _award(
    tx: Transaction, auction: Auction, listing: Listing, winner: Registration, now: datetime
) -> list[Fact]:  # fmt: skip
    """The winner's order, drafted on the decision that was taken at the close. Requires a sold auction."""
    assert auction.price is not None
    origin = FromAuction(auction.id, auction.terms.deposit)
    award = Award(
        listing.id, listing.provider_id, winner.participant_id, auction.price, origin, auction.terms.fees, now
    )  # fmt: skip
    grounds = (winner.clearance, winner.decision)
    _, facts = await place_order(tx, award, listing, *grounds, auction.terms.windows)
    return facts
