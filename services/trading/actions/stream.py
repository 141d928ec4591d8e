"""What can be heard of an auction while it runs: its bids by number, each move of its end, and its close.

Promises: every accepted bid once, in its sequence, from wherever the listener was; whoever may not see the auction any
more, or whose token is over, hears nothing more of it within seconds; a look, after each commit, costs two statements
at most.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime

from services.trading.actions.auction import auction
from services.trading.actions.permission import sight_of
from services.trading.actions.trading import Trading
from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.auction import OPEN, NoSuchAuction
from services.trading.rules.bid import Bid
from services.trading.store import auction as store
from services.trading.store.auction import ShownAuction
from shared.access import Caller
from shared.errors import Failure
from shared.ids import AuctionId

LOOK_AGAIN_SECONDS = 5.0
LISTENED_SECONDS_MAX = 600.0  # whoever still may comes again, from where they were


@dataclass(frozen=True, slots=True)
class BidHeard:
    """`moved_end` says whether the auction closes later because of it."""

    bid: Bid
    moved_end: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """`leader_number` is the number of whoever leads, if anyone does."""

    auction: AnyAuction
    leader_number: int | None


async def listen(
    trading: Trading, caller: Caller | None, auction_id: AuctionId, after: int
) -> AsyncGenerator[BidHeard | Closed]:
    """What follows on the bid with this sequence, until the close. Requires that the caller saw the auction."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _seconds_to_listen(trading, caller)
    while (left := until - loop.time()) > 0:
        commit = trading.commits.next
        try:
            shown, bids = await _look(trading, caller, auction_id, after)
        except Failure:
            return
        for heard in bids:
            after = heard.bid.sequence
            yield heard
        if bids and after < shown.auction.bid_count:
            continue
        if shown.auction.state is not OPEN:
            yield Closed(shown.auction, shown.leader_number)
            return
        await trading.commits.wait(commit, min(left, LOOK_AGAIN_SECONDS))


def _seconds_to_listen(trading: Trading, caller: Caller | None) -> float:
    """Never longer than the token is good that was brought."""
    if caller is None or caller.good_until is None:
        return LISTENED_SECONDS_MAX
    return min(LISTENED_SECONDS_MAX, (caller.good_until - trading.clock.now()).total_seconds())


async def _look(
    trading: Trading, caller: Caller | None, auction_id: AuctionId, after: int
) -> tuple[ShownAuction, list[BidHeard]]:
    """Raises NoSuchAuction for whoever may not see it now."""
    if caller and trading.standing.is_disabled(caller.subject):
        raise NoSuchAuction()
    shown = await auction(trading, sight_of(trading, caller), auction_id)
    if shown.auction.bid_count <= after:
        return shown, []
    async with trading.database.read() as tx:
        bids = await store.bids_from(tx, auction_id, after)
    ends = _ends(shown, bids, after)
    return shown, [
        BidHeard(bid, bid.closes_at > end) for bid, end in zip(bids, ends, strict=True) if bid.sequence > after
    ]


def _ends(shown: ShownAuction, bids: list[Bid], after: int) -> list[datetime]:
    """When the auction would have closed before each of these bids; the one before them, if any, stands first."""
    first = shown.auction.terms.closes_at if after == 0 else bids[0].closes_at
    return [first, *(bid.closes_at for bid in bids[:-1])]
