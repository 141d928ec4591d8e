"""Bids: what arrives while the last commit ran is decided together in the next, in the order of its arrival.

Promises: a bid is decided inside its own transaction, by a moment taken after its auction is locked; a refused bid
changes nothing and fails alone; nobody is asked and no money moves; whoever has an answer has it after the commit.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.trading.actions.permission import decide_for, sight_of
from services.trading.events.auction import BidPlaced
from services.trading.rules import auction as rules
from services.trading.rules.any_auction import AnyAuction, of_kind
from services.trading.rules.auction import Auction, NoSuchAuction, NotRegistered
from services.trading.rules.bid import Bid, Registration, bid_of
from services.trading.rules.freeze import Frozen, Scope
from services.trading.rules.listing import Listing
from services.trading.rules.sanction import Sanctioned
from services.trading.store import auction as store
from services.trading.store import freeze as freeze_store
from services.trading.store import listing as listing_store
from services.trading.store import sanction as sanction_store
from services.trading.store.auction import Bidder
from shared import log
from shared.access import Member
from shared.batching import Batcher
from shared.database import Database, Transaction
from shared.errors import Failure
from shared.facts import SALT_BYTES
from shared.idempotency import Once, recall_all, remember_all
from shared.ids import AuctionId, BidId, ListingId, ParticipantId
from shared.money import Money
from shared.outbox import Outbox, Said
from shared.standing import StandingMirror


@dataclass(frozen=True, slots=True)
class Asked:
    """A bid as it was sent."""

    caller: Member
    auction_id: AuctionId
    maximum: Money
    once: Once
    request_id: str | None

    @property
    def bidder(self) -> Bidder:
        return self.auction_id, self.caller.participant_id


@dataclass(slots=True)
class Round:
    """The auctions that a batch bids in, as they are read and as its bids change them."""

    now: datetime
    auctions: dict[AuctionId, AnyAuction]
    listings: Mapping[ListingId, Listing]
    registrations: Mapping[Bidder, Registration]
    frozen: Collection[ParticipantId] = ()
    sanctioned: Mapping[ParticipantId, datetime] = field(default_factory=dict[ParticipantId, datetime])
    placed: list[tuple[Asked, Bid, BidPlaced]] = field(default_factory=list[tuple[Asked, Bid, BidPlaced]])


class Bidding:
    """The one place of a process that takes bids."""

    def __init__(self, database: Database, outbox: Outbox, standing: StandingMirror) -> None:
        self._database, self._outbox, self.standing = database, outbox, standing
        self._batcher = Batcher(self._place_all)

    async def place(self, caller: Member, auction_id: AuctionId, maximum: Money, once: Once) -> Bid:
        """Enter a bid by a bidder whose deposit is held."""
        return await self._batcher.submit(Asked(caller, auction_id, maximum, once, log.request_id()))

    async def _place_all(self, batch: Sequence[Asked]) -> Sequence[Bid | Failure]:
        async with self._database.transaction() as tx:
            recalled = await recall_all(tx, [asked.once for asked in batch], Bid)
            new = [asked for asked, earlier in zip(batch, recalled, strict=True) if earlier is None]
            opened = await self._open_round(tx, new)
            outcomes = [earlier or self._place(opened, asked) for asked, earlier in zip(batch, recalled, strict=True)]
            await self._keep(tx, opened)
        return outcomes

    async def _open_round(self, tx: Transaction, batch: Sequence[Asked]) -> Round:
        auctions = await store.auctions_for_update(tx, {asked.auction_id for asked in batch})
        listings = await listing_store.listings_of(tx, {auction.listing_id for auction in auctions.values()})
        registrations = await store.registrations_of(tx, {asked.bidder for asked in batch})
        now = await self._database.now(tx)
        bidders = {asked.caller.participant_id for asked in batch}
        frozen = await freeze_store.frozen_among(tx, bidders, now)
        sanctioned = await sanction_store.bound_until(tx, bidders, now)
        return Round(now, auctions, listings, registrations, frozen, sanctioned)

    def _place(self, opened: Round, asked: Asked) -> Bid | Failure:
        try:
            bid, after = self._decide(opened, asked)
        except Failure as refused:
            return refused
        opened.auctions[after.id] = after
        opened.placed.append((asked, bid, BidPlaced.of(bid, after)))
        return bid

    def _decide(self, opened: Round, asked: Asked) -> tuple[Bid, Auction]:
        found = opened.auctions.get(asked.auction_id)
        if found is None:
            raise NoSuchAuction()
        before = of_kind(found, Auction)
        listing = opened.listings[before.listing_id]
        if not sight_of(self, asked.caller.caller).includes(listing.grade, listing.provider_id):
            raise NoSuchAuction()
        decide_for(self, asked.caller.standing, listing)
        registration = opened.registrations.get(asked.bidder)
        if registration is None:
            raise NotRegistered()
        if asked.caller.participant_id in opened.frozen:
            raise Frozen(scope=Scope.PARTICIPANT)
        if until := opened.sanctioned.get(asked.caller.participant_id):
            raise Sanctioned(until=until)
        after = rules.place_bid(before, asked.caller.participant_id, asked.maximum, opened.now)
        return bid_of(BidId.new(), before, after, registration, asked.maximum, secrets.token_hex(SALT_BYTES)), after

    async def _keep(self, tx: Transaction, opened: Round) -> None:
        if not opened.placed:
            return
        for auction_id in sorted({bid.auction_id for _, bid, _ in opened.placed}):
            acts = sum(bid.auction_id == auction_id for _, bid, _ in opened.placed)
            await store.save_auction(tx, opened.auctions[auction_id], acts)
        await store.add_bids(tx, [bid for _, bid, _ in opened.placed])
        await remember_all(tx, [(asked.once, bid) for asked, bid, _ in opened.placed], opened.now)
        said = [Said(asked.caller.actor, fact, asked.request_id) for asked, _, fact in opened.placed]
        await self._outbox.record_all(tx, opened.now, said)
