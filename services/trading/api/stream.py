"""What can be heard of an auction as it happens, as server-sent events."""

from collections.abc import AsyncGenerator, AsyncIterable
from typing import Annotated

from fastapi import Depends, Header, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.trading.actions import auction as auctions
from services.trading.actions import stream as actions
from services.trading.actions.permission import sight_of
from services.trading.actions.stream import BidHeard, Closed
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.stream import HeardBid, HeardClose, HeardExtension
from shared.ids import AuctionId
from shared.network import Network
from shared.permission import Visitor
from shared.routing import Router

router = Router(prefix=PREFIX)
NOTHING_MORE = 204  # which tells a listener not to come again
END = ".end"
Position = Annotated[str | None, Header(alias="Last-Event-ID", pattern=r"^[0-9]{1,9}(\.end)?$")]
Heard = AsyncGenerator[BidHeard | Closed]


async def listening(
    auction_id: AuctionId, caller: Visitor, trading: TradingService, network: Network, response: Response,
    last_event_id: Position = None,
) -> AsyncGenerator[Heard | None]:  # fmt: skip
    """What a listener has not heard, who has a seat meanwhile. None if they have heard the close. Raises NoSuchAuction,
    TooManyStreams and Overloaded before the first byte."""
    shown = await auctions.auction(trading, sight_of(trading, caller), auction_id)
    sequence, _, closed = (last_event_id or "0").partition(".")
    if closed:
        response.status_code = NOTHING_MORE
        yield None
        return
    with trading.listeners.seat((caller.participant_id or caller.subject) if caller else network):
        yield actions.listen(trading, caller, shown.auction.id, int(sequence))


@router.get("/auctions/{auction_id}/stream", response_class=EventSourceResponse)
async def stream(heard: Annotated[Heard | None, Depends(listening)]) -> AsyncIterable[ServerSentEvent]:
    """Hear each accepted `bid` as it happens, by bidders' numbers; each time the end has moved (`extended`, before the
    bid that moved it); and the end (`closed`), after which nothing follows.

    Of one organisation or network twenty at once may listen.
    `Last-Event-ID` is the sequence of the last bid that you heard: you hear those after it. After ten minutes the
    stream ends, to be asked for again from there.
    """
    if heard is None:
        return
    async for each in heard:
        for event in _events(each):
            yield event


def _events(heard: BidHeard | Closed) -> list[ServerSentEvent]:
    """Only what ends a step has an id, so that whoever comes again hears all of a step or nothing of it."""
    if isinstance(heard, Closed):
        told = HeardClose.of(heard.auction, heard.leader_number)
        return [ServerSentEvent(event="closed", id=f"{told.bids}{END}", data=told)]
    bid = heard.bid
    placed = ServerSentEvent(event="bid", id=str(bid.sequence), data=HeardBid.of(bid))
    if not heard.moved_end:
        return [placed]
    moved = HeardExtension(sequence=bid.sequence, closes_at=bid.closes_at)
    return [ServerSentEvent(event="extended", data=moved), placed]
