"""What happens in an auction, from its opening to the award.

Promises: the moment of a bid decides, never when the closing job runs. The job only notices: each auction is closed in
a commit of its own, which also frees the losers' deposits and makes the winner's order.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from services.trading.actions import money
from services.trading.actions.agency import require_single_interest
from services.trading.actions.award import place_order
from services.trading.actions.bidder import decided_anew, offered
from services.trading.actions.permission import Sight, decide_for
from services.trading.actions.restraint import require_may_deal, require_may_register, unless_frozen
from services.trading.actions.trading import Trading, fees_of_today
from services.trading.actions.turn import take_to_close
from services.trading.events.auction import AuctionCancelled, AuctionOpened, BidderRegistered, facts_of_close
from services.trading.rules import auction as rules
from services.trading.rules.any_auction import AnyAuction, Awardable, of_kind
from services.trading.rules.auction import Auction, NoSuchAuction, State
from services.trading.rules.auction_terms import AS_THE_MARKET, Increment, SoftClose, terms_of
from services.trading.rules.award import Award, FromAuction
from services.trading.rules.award_queue import second_of
from services.trading.rules.bid import AlreadyRegistered, Bid, Registration, opening_of
from services.trading.rules.dutch import Schedule
from services.trading.rules.listing import Listing, ListingNotOpen, require_open
from services.trading.rules.mechanism import Pricing
from services.trading.rules.order import Order
from services.trading.rules.price_cap import require_filed
from services.trading.rules.reoffer import barred_from, require_not_barred, require_reofferable
from services.trading.store import auction as store
from services.trading.store import listing as listing_store
from services.trading.store.auction import ShownAuction
from shared.access import Member
from shared.database import Transaction
from shared.facts import SALT_BYTES, Fact
from shared.idempotency import Once
from shared.ids import AuctionId, ListingId, ParticipantId, RegistrationId
from shared.money import Money
from shared.web import Page

ANY = cast(type[AnyAuction], AnyAuction)  # an answer of whichever kind, as it is kept


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
    schedule: Schedule | None = None
    reveal_closes_at: datetime | None = None
    reserve_is_open: bool = False
    soft_close: SoftClose = AS_THE_MARKET
    priority_ids: tuple[ParticipantId, ...] = ()
    buy_now_price: Money | None = None
    keeps_second: bool = False
    reoffer_of: AuctionId | None = None


async def open_auction(
    trading: Trading, caller: Member, wanted: Wanted, price_cap: Money | None, once: Once
) -> Auction:
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
        require_filed(listing.flags, price_cap)
        await require_may_deal(tx, caller.participant_id, now)
        terms = terms_of(
            start_price=wanted.start_price, increments=wanted.increments, reserve_price=wanted.reserve_price,
            deposit=wanted.deposit, opens_at=wanted.opens_at, closes_at=wanted.closes_at, fees=fees,
            rules=trading.rules, now=now, price_cap=price_cap, reserve_is_open=wanted.reserve_is_open,
            soft_close=wanted.soft_close, priority_ids=wanted.priority_ids, buy_now_price=wanted.buy_now_price,
            keeps_second=wanted.keeps_second,
        )  # fmt: skip
        barred_ids = await _barred(tx, wanted, listing, now)
        auction = rules.open_auction(
            AuctionId.new(), listing.id, caller.participant_id, terms, now, wanted.reoffer_of, barred_ids
        )  # fmt: skip
        is_secret = terms.reserve_price is not None and not terms.reserve_is_open
        reserve_salt = secrets.token_hex(SALT_BYTES) if is_secret else None
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
        listing = await offered(trading, tx, caller, auction)
        now = await trading.database.now(tx)
        decision = decide_for(trading, caller.standing, listing)
        rules.require_takes_bidders(auction, now)
        if isinstance(auction, Auction):
            require_not_barred(auction, caller.participant_id)
        if await store.is_registered(tx, auction_id, caller.participant_id):
            raise AlreadyRegistered()
        await require_may_register(tx, caller.participant_id, now)
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
    """Enter a bid by a bidder whose deposit is held, with whatever else arrived while the last commit ran.

    Raises AgentOfRival where an agent bids beside its principal, for itself or for another.
    """
    if caller.delegation:
        await require_single_interest(trading, caller.delegation, auction_id)
    return await trading.bidding.place(caller, auction_id, maximum, once)


async def cancel(trading: Trading, caller: Member, auction_id: AuctionId, once: Once) -> AnyAuction:
    """Call the auction off, before anyone has bid. Every deposit is free in the same commit."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, ANY):
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
    """Close an auction whose time is up, if nobody has yet: one commit for outcome, order and the losers' deposits."""
    async with trading.database.transaction() as tx:
        if not await take_to_close(trading, tx, auction_id):
            return
        auction = of_kind(await store.auction_for_update(tx, auction_id), Auction)
        listing = await listing_store.listing(tx, auction.listing_id, lock=True)
        now = await trading.database.now(tx)
        if auction.state is not rules.OPEN or now < auction.closes_at:
            return
        leader = await _leader(trading, tx, auction, listing, now)
        placed = await store.bids_on(tx, auction_id)
        second = second_of(auction.terms, placed, leader.participant_id) if leader else None
        denied = leader and leader.decision.reason_code
        auction = rules.close(auction, now, denied, second and second.bidder_id)
        await store.save_auction(tx, auction)
        openings = [opening_of(bid) for bid in placed]
        facts: list[Fact] = [*facts_of_close(auction, openings, await store.reserve_salt(tx, auction_id))]
        if leader and auction.winner_id:
            _, awarded = await award(trading, tx, auction, listing, leader, now)
            facts += awarded
        facts += await free_deposits(tx, auction, now, but=auction.winner_id, second=auction.second_id)
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def auction(trading: Trading, sight: Sight, auction_id: AuctionId) -> ShownAuction:
    """What one may not see is not there."""
    async with trading.database.read() as tx:
        found = await store.shown_auction(tx, auction_id, await trading.database.now(tx))
    if not sight.includes(found.grade, found.auction.provider_id, found.asset_id):
        raise NoSuchAuction()
    return found


async def auctions(trading: Trading, sight: Sight, page: Page, state: State | None) -> list[ShownAuction]:
    async with trading.database.read() as tx:
        now = await trading.database.now(tx)
        return await store.page_of_auctions(tx, page, sight, state, now)


async def bids(trading: Trading, sight: Sight, auction_id: AuctionId, page: Page) -> list[Bid]:
    """The bids in their sequence. Whoever presents them shows a maximum to its owner alone."""
    await auction(trading, sight, auction_id)
    async with trading.database.read() as tx:
        return await store.page_of_bids(tx, auction_id, page)


async def free_deposits(
    tx: Transaction, auction: AnyAuction, now: datetime, *, but: ParticipantId | None,
    second: ParticipantId | None = None,
) -> money.Facts:  # fmt: skip
    """Void every deposit that is held for the auction, but the winner's, and the second's where that is kept."""
    holds = [hold for hold in await money.holds_of(tx, auction.id) if hold.participant_id not in {but, second}]
    return await money.void_holds(tx, holds, now)


async def award(
    trading: Trading, tx: Transaction, auction: Awardable, listing: Listing, winner: Registration, now: datetime
) -> tuple[Order, list[Fact]]:
    """The winner's order, drafted on the decision that was taken for them now. Requires an auction with a winner."""
    assert auction.price is not None
    origin = FromAuction(auction.id, auction.terms.deposit)
    made = Award(
        listing.id, listing.provider_id, winner.participant_id, auction.price, origin, auction.terms.fees, now
    )  # fmt: skip
    grounds = (winner.clearance, winner.decision)
    return await place_order(tx, trading.standing, made, listing, *grounds, auction.terms.windows)


async def _leader(
    trading: Trading, tx: Transaction, auction: Auction, listing: Listing, now: datetime
) -> Registration | None:
    """Whoever leads, decided anew by the grade of now."""
    if auction.leader_id is None:
        return None
    leader = decided_anew(trading, await store.registration(tx, auction.id, auction.leader_id), listing)
    return (await unless_frozen(tx, [leader], now))[0]


async def _barred(tx: Transaction, wanted: Wanted, listing: Listing, now: datetime) -> tuple[ParticipantId, ...]:
    """Who may not bid, because they did not pay for what is offered again. Raises unless it may be, at this price."""
    if wanted.reoffer_of is None:
        return ()
    earlier = of_kind((await store.shown_auction(tx, wanted.reoffer_of, now)).auction, Auction)
    of = await listing_store.listing(tx, earlier.listing_id)
    require_reofferable(earlier, of, listing, wanted.start_price, now)
    return barred_from(earlier)
