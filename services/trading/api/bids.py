"""The one endpoint that many ask at once, and so by the quick way: a bid."""

from fastapi import Request as HttpRequest
from fastapi import Response

from services.trading.actions import auction as actions
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.auctions import BidView, NewBid
from shared import web
from shared.access import Member
from shared.idempotency import Keyed
from shared.ids import AuctionId
from shared.permission import BuyerOrAgent
from shared.quick import QuickRoute, keyed
from shared.routing import Router

CREATED = 201


class BidRoute(QuickRoute[tuple[AuctionId, NewBid]]):
    async def read(self, request: HttpRequest) -> tuple[AuctionId, NewBid]:
        return AuctionId(request.path_params["auction_id"]), NewBid.model_validate_json(await request.body())

    async def answer(self, request: HttpRequest, caller: Member, asked: tuple[AuctionId, NewBid]) -> Response:
        (auction_id, new), trading = asked, await web.service(request)
        with await keyed(request, caller) as once:
            bid = await actions.place_bid(trading, caller, auction_id, new.maximum.money(), once)
        response = Response(
            BidView.of(bid, seen_by=caller.participant_id).model_dump_json(), CREATED, media_type="application/json"
        )
        web.created(response, _bids_of(auction_id))
        return response


def add_to(router: Router) -> None:
    """Where it stands, routes are looked for in their order; of all of them this one is asked most."""
    path = _bids_of("{auction_id}")
    router.add_api_route(path, place_bid, methods=["POST"], status_code=CREATED, route_class_override=BidRoute)


async def place_bid(
    auction_id: AuctionId, new: NewBid, caller: BuyerOrAgent, once: Keyed, trading: TradingService, response: Response
) -> BidView:
    """Bid up to a maximum, which stays between you and the exchange. A bid cannot be withdrawn.

    Name a delegation in `Under-Delegation` to bid for your principal.
    """
    bid = await actions.place_bid(trading, caller, auction_id, new.maximum.money(), once)
    web.created(response, _bids_of(auction_id))
    return BidView.of(bid, seen_by=caller.participant_id)


def _bids_of(auction_id: str) -> str:
    return f"{PREFIX}/auctions/{auction_id}/bids"
