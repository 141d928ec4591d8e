"""What happens in a double auction: it is opened on a listing, prices are sealed and opened, and one price decides.

Promises: until its side opens it, a price is a hash here too; the listing is locked before the double auction, as
everywhere, and one commit decides and makes the order; whether the buyer may have what is listed is asked anew when
they seal and when it is decided.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from services.trading.actions.award import place_order
from services.trading.actions.permission import decide_for, sight_of
from services.trading.actions.restraint import require_may_buy, require_may_deal
from services.trading.actions.trading import Trading, fees_of_today, party_of
from services.trading.events.double_auction import (
    DoubleAuctionDecided,
    DoubleAuctionDeclined,
    DoubleAuctionOpened,
    PriceRevealed,
    PriceSealed,
)
from services.trading.rules import double_auction as rules
from services.trading.rules.award import Award, FromDoubleAuction
from services.trading.rules.double_auction import DoubleAuction, State, double_terms_of
from services.trading.rules.listing import Listing, ListingNotOpen, NoSuchListing, require_open
from services.trading.rules.mechanism import Pricing
from services.trading.rules.negotiation_terms import Side
from services.trading.rules.scope import Scope, require_within
from services.trading.store import double_auction as store
from services.trading.store import listing as listing_store
from shared.access import Caller, Member
from shared.database import Transaction
from shared.errors import Conflict, Forbidden
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import DoubleAuctionId, ListingId
from shared.money import Money
from shared.standing import NotAdmitted
from shared.web import Page


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a buyer proposes that both seal a price for: a part, or the whole, of what is listed."""

    listing_id: ListingId
    field: str
    territory: str
    period_days: int
    purposes: tuple[str, ...]
    quota_uses: int
    bid_weight_percent: int
    seal_by: datetime
    reveal_by: datetime

    def scope(self, listing: Listing) -> Scope:
        """Of a right of the listing's own kind."""
        right = replace(listing.right, field=self.field, territory=self.territory, period_days=self.period_days)
        return Scope(right, self.purposes, self.quota_uses)


async def open_double(trading: Trading, caller: Member, wanted: Wanted, once: Once) -> DoubleAuction:
    """Propose to the provider of a listing that both seal a price. The fee schedule of today stays with it."""
    fees = await fees_of_today(trading)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, DoubleAuction):
            return earlier
        listing = await listing_store.listing(tx, wanted.listing_id)
        if not sight_of(trading, caller.caller).includes(listing.grade, listing.provider_id, listing.asset_id):
            raise NoSuchListing()
        now = await trading.database.now(tx)
        decide_for(trading, caller.standing, listing)
        require_open(listing, now)
        if listing.pricing is not Pricing.NEGOTIATION:
            raise ListingNotOpen(pricing=listing.pricing)
        scope = wanted.scope(listing)
        require_within(scope, listing)
        terms = double_terms_of(
            scope=scope, bid_weight_percent=wanted.bid_weight_percent, seal_by=wanted.seal_by,
            reveal_by=wanted.reveal_by, fees=fees, rules=trading.rules, now=now,
        )  # fmt: skip
        await require_may_deal(tx, caller.participant_id, now)
        who = listing.provider_id, caller.participant_id
        auction = rules.open_double(DoubleAuctionId.new(), listing.id, *who, terms, now)
        await store.add_double_auction(tx, auction)
        await once.remember(tx, auction)
        await trading.outbox.record(tx, caller.actor, now, DoubleAuctionOpened.of(auction))
    return auction


async def seal(
    trading: Trading, caller: Member, double_auction_id: DoubleAuctionId, commitment: str, once: Once
) -> DoubleAuction:
    """Seal one's own price. It binds, and nobody can read it."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, DoubleAuction):
            return earlier
        auction, side = await _own(tx, caller, double_auction_id)
        listing = await listing_store.listing(tx, auction.listing_id)
        now = await trading.database.now(tx)
        auction = rules.seal(auction, side, commitment, now)
        require_open(listing, now)
        if side is Side.BUYER:
            decide_for(trading, caller.standing, listing)
        await require_may_deal(tx, caller.participant_id, now)
        await store.save_double_auction(tx, auction)
        await once.remember(tx, auction)
        await trading.outbox.record(tx, caller.actor, now, PriceSealed.of(auction, side))
    return auction


async def decline(
    trading: Trading, caller: Member, double_auction_id: DoubleAuctionId, once: Once
) -> DoubleAuction:  # fmt: skip
    """End it, as long as one has sealed nothing oneself."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, DoubleAuction):
            return earlier
        before, side = await _own(tx, caller, double_auction_id)
        now = await trading.database.now(tx)
        auction, facts = rules.decline(before, side, now), list[Fact]()
        if auction is not before:
            await store.save_double_auction(tx, auction)
            facts.append(DoubleAuctionDeclined.of(auction, side))
        await once.remember(tx, auction)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return auction


async def reveal(
    trading: Trading, caller: Member, double_auction_id: DoubleAuctionId, amount: Money, nonce: str, once: Once
) -> DoubleAuction:
    """Open one's own price. The other side is not shown it."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, DoubleAuction):
            return earlier
        auction, side = await _own(tx, caller, double_auction_id)
        now = await trading.database.now(tx)
        auction = rules.reveal(auction, side, amount, nonce, now)
        await store.save_double_auction(tx, auction)
        await once.remember(tx, auction)
        await trading.outbox.record(tx, caller.actor, now, PriceRevealed.of(auction, side))
    return auction


async def decide(trading: Trading, double_auction_id: DoubleAuctionId) -> None:
    """End one of which both prices are open or the time is up, if nobody has yet: one commit for the price and the
    order."""
    async with trading.database.transaction() as tx:
        seen = await store.double_auction(tx, double_auction_id, None)
        listing = await listing_store.listing(tx, seen.listing_id, lock=True)
        auction = await store.double_auction_for_update(tx, double_auction_id)
        now = await trading.database.now(tx)
        if not rules.is_due(auction, now):
            return
        denied = None if auction.missing else await _why_denied(trading, tx, auction, listing, now)
        auction = rules.decide(auction, denied, now)
        made = list[Fact]()
        if auction.state is rules.TRADED:
            auction, made = await _order(trading, tx, auction, listing, now)
        await store.save_double_auction(tx, auction)
        await trading.outbox.record(tx, trading.outbox.itself, now, DoubleAuctionDecided.of(auction), *made)


async def double_auction(trading: Trading, caller: Caller, double_auction_id: DoubleAuctionId) -> DoubleAuction:
    """What one may not see is not there."""
    async with trading.database.read() as tx:
        return await store.double_auction(tx, double_auction_id, party_of(caller))


async def double_auctions(trading: Trading, caller: Caller, page: Page, state: State | None) -> list[DoubleAuction]:
    async with trading.database.read() as tx:
        return await store.page_of_double_auctions(tx, page, party_of(caller), state)


async def _own(
    tx: Transaction, caller: Member, double_auction_id: DoubleAuctionId
) -> tuple[DoubleAuction, Side]:  # fmt: skip
    """Locked, with the caller's side. Raises NoSuchDoubleAuction for whoever is not one of the two."""
    await store.double_auction(tx, double_auction_id, caller.participant_id)
    auction = await store.double_auction_for_update(tx, double_auction_id)
    return auction, auction.side_of(caller.participant_id)


async def _why_denied(
    trading: Trading, tx: Transaction, auction: DoubleAuction, listing: Listing, now: datetime
) -> str | None:
    """What the listing, the grade, the standing or a freeze order has against a deal by now."""
    try:
        require_open(listing, now)
        buyer = trading.standing.of(auction.buyer_id)
        if not buyer.is_admitted:
            raise NotAdmitted(standing=buyer.status)
        decide_for(trading, buyer, listing)
        await require_may_buy(tx, listing, auction.buyer_id, now)
    except (Conflict, Forbidden) as denied:
        return denied.told_code
    return None


async def _order(
    trading: Trading, tx: Transaction, auction: DoubleAuction, listing: Listing, now: datetime
) -> tuple[DoubleAuction, list[Fact]]:
    """The order of a deal. Requires the locked listing, and that the buyer may have what it offers."""
    assert auction.price
    terms = auction.terms
    award = Award(
        listing.id, listing.provider_id, auction.buyer_id, auction.price, FromDoubleAuction(auction.id), terms.fees,
        now, scope=terms.scope,
    )  # fmt: skip
    clearance = trading.standing.clearance_of(auction.buyer_id)
    decision = decide_for(trading, trading.standing.of(auction.buyer_id), listing)
    order, facts = await place_order(tx, trading.standing, award, listing, clearance, decision, terms.windows)
    return replace(auction, order_id=order.id), facts
