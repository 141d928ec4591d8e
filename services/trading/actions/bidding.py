"""Bids: what arrives while the last commit ran is decided together in the next, in the order of its arrival.

Promises: a bid is decided inside its own transaction, by a moment taken after its auction is locked; a refused bid
changes nothing and fails alone; nobody is asked and no money moves; whoever has an answer has it after the commit.
"""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import TypeAdapter

from services.trading.actions.permission import decide_for, sight_of
from services.trading.events.auction import BidPlaced
from services.trading.rules import auction as rules
from services.trading.rules.any_auction import AnyAuction, of_kind
from services.trading.rules.auction import Auction, NoSuchAuction, NotRegistered
from services.trading.rules.bid import Bid, bid_of
from services.trading.rules.freeze import Frozen, Scope
from services.trading.rules.listing import Listing
from services.trading.rules.sanction import Sanctioned
from services.trading.store import auction as auction_store
from services.trading.store import bids as store
from services.trading.store.bids import Found
from services.trading.store.rows import ChangedMeanwhile
from shared import log
from shared.access import Member
from shared.batching import Batcher
from shared.database import Database, Transaction
from shared.delegation import Act
from shared.errors import Failure
from shared.facts import SALT_BYTES
from shared.faultpoint import faultpoint
from shared.idempotency import Once, kept
from shared.ids import AuctionId, BidId, ParticipantId
from shared.money import Money
from shared.outbox import Outbox, Said
from shared.standing import StandingMirror
from shared.turn import write_all

_answer = TypeAdapter(Bid)


@dataclass(frozen=True, slots=True)
class Asked:
    """A bid as it was sent."""

    caller: Member
    auction_id: AuctionId
    maximum: Money
    once: Once
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Bidder:
    participant_id: ParticipantId
    bidder_number: int


@dataclass(slots=True)
class Round:
    """The auctions that a batch bids in, as they are read and as its bids change them."""

    now: datetime
    auctions: dict[AuctionId, AnyAuction]
    listings: Mapping[AuctionId, Listing]
    placed: list[tuple[Asked, Bid, BidPlaced]] = field(default_factory=list[tuple[Asked, Bid, BidPlaced]])


class Bidding:
    """The one place of a process that takes bids."""

    def __init__(self, database: Database, outbox: Outbox, standing: StandingMirror) -> None:
        self._database, self._outbox, self.standing = database, outbox, standing
        self._batcher = Batcher(self._place_all, name="bids")

    async def place(self, caller: Member, auction_id: AuctionId, maximum: Money, once: Once) -> Bid:
        """Enter a bid by a bidder whose deposit is held."""
        return await self._batcher.submit(Asked(caller, auction_id, maximum, once, log.request_id()))

    async def _place_all(self, batch: Sequence[Asked]) -> Sequence[Bid | Failure]:
        asked = [(each.auction_id, each.caller.participant_id, each.once) for each in batch]
        async with self._database.transaction() as tx:
            offers = await store.offers(tx, {each.auction_id for each in batch})
            faultpoint("bids.before_claim")
            found = await store.look(tx, self._database, asked)
            faultpoint("bids.claimed")
            opened = Round(
                await self._database.now(tx),
                {auction_id: auction for auction_id, (auction, _) in offers.items()},
                {auction_id: listing for auction_id, (_, listing) in offers.items()},
            )
            outcomes = [self._place(opened, *pair) for pair in zip(batch, found, strict=True)]
            if opened.placed:
                await self._keep(tx, opened)
        return outcomes

    def _place(self, opened: Round, asked: Asked, found: Found) -> Bid | Failure:
        earlier = asked.once.judged(Bid, found.is_claimed, found.request_digest, found.answer)
        if earlier is not None:
            return earlier
        try:
            bid, after = self._decide(opened, asked, found)
        except Failure as refused:
            return refused
        opened.auctions[after.id] = after
        opened.placed.append((asked, bid, BidPlaced.of(bid, after)))
        return bid

    def _decide(self, opened: Round, asked: Asked, found: Found) -> tuple[Bid, Auction]:
        present = opened.auctions.get(asked.auction_id)
        if present is None:
            raise NoSuchAuction()
        before, listing = of_kind(present, Auction), opened.listings[present.id]
        if not sight_of(self, asked.caller.caller).includes(listing.grade, listing.provider_id, listing.asset_id):
            raise NoSuchAuction()
        decide_for(self, asked.caller.standing, listing)
        asked.caller.require_within(Act.PLACE_BIDS, opened.now, listing.asset_id, listing.id, asked.maximum)
        if found.bidder_number is None:
            raise NotRegistered()
        if found.frozen_until and opened.now < found.frozen_until:
            raise Frozen(scope=Scope.PARTICIPANT)
        if found.sanctioned_until and opened.now < found.sanctioned_until:
            raise Sanctioned(until=found.sanctioned_until)
        bidder = Bidder(asked.caller.participant_id, found.bidder_number)
        after = rules.place_bid(before, bidder.participant_id, asked.maximum, opened.now)
        return bid_of(BidId.new(), before, after, bidder, asked.maximum, secrets.token_hex(SALT_BYTES)), after

    async def _keep(self, tx: Transaction, opened: Round) -> None:
        """Everything in one turn: the auctions, the bids, the answers, and last the facts. Raises ChangedMeanwhile."""
        acts = Counter(bid.auction_id for _, bid, _ in opened.placed)
        changed = [auction_store.saving(opened.auctions[auction_id], acts[auction_id]) for auction_id in sorted(acts)]
        added = auction_store.adding(bid for _, bid, _ in opened.placed)
        answers = kept([(asked.once, _answer.dump_json(bid)) for asked, bid, _ in opened.placed], opened.now)
        said = [Said(asked.caller.actor, fact, asked.request_id) for asked, _, fact in opened.placed]
        chained = await self._outbox.chain(tx, opened.now, said, from_memory=self._database.is_sqlite)
        reached = await write_all(tx, *changed, added, answers, *chained.writes)
        faultpoint("bids.written")
        if reached[: len(changed)] != [1] * len(changed):
            raise ChangedMeanwhile()
        if not reached[-1]:
            await self._outbox.give_up(tx)
