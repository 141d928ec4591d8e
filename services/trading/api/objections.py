"""What can be asked about objections to what was delivered (验收异议)."""

from typing import Annotated

from fastapi import Path, Response

from services.trading.actions import objection as actions
from services.trading.actions.trading import party_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.objections import NewConcession, NewCure, NewObjection, NewRejection, ObjectionView
from shared import web
from shared.idempotency import Keyed
from shared.ids import OrderId
from shared.permission import BuyerInDeal, DealReader, ProviderInDeal
from shared.routing import Router
from shared.web import Listing, PageQuery, Whole

router = Router(prefix=PREFIX)
Number = Annotated[Whole, Path(ge=1, le=1_000)]


@router.post("/orders/{order_id}/objections", status_code=201)
async def object_to(
    order_id: OrderId, new: NewObjection, caller: BuyerInDeal, once: Keyed, trading: TradingService, response: Response
) -> ObjectionView:
    """Do not accept, or only for a part of the price: say what is wrong, by the clauses of the contract where they
    say so. The inspection period stands still until the provider has answered."""
    objection = await actions.object_to(trading, caller, order_id, new.said(), once)
    web.created(response, f"{PREFIX}/orders/{order_id}/objections/{objection.number}")
    return ObjectionView.of(objection)


@router.get("/orders/{order_id}/objections")
async def see_objections(
    order_id: OrderId, caller: DealReader, page: PageQuery, trading: TradingService
) -> Listing[ObjectionView]:
    """What was objected to an order of yours, the first first."""
    found = await actions.objections(trading, party_of(caller), order_id, page)
    views = [ObjectionView.of(each) for each in found]
    return Listing[ObjectionView].of(views, page, lambda view: str(view.number))


@router.get("/orders/{order_id}/objections/{number}")
async def see_objection(
    order_id: OrderId, number: Number, caller: DealReader, trading: TradingService
) -> ObjectionView:
    """One of them: who must answer, and by when."""
    return ObjectionView.of(await actions.objection(trading, party_of(caller), order_id, number))


@router.post("/orders/{order_id}/objections/{number}/cure")
async def cure(
    order_id: OrderId, number: Number, new: NewCure, caller: ProviderInDeal, once: Keyed, trading: TradingService
) -> ObjectionView:
    """Deliver anew: the buyer may receive the version once more, and the inspection period begins again."""
    return ObjectionView.of(await actions.cure(trading, caller, order_id, number, new.reason, once))


@router.post("/orders/{order_id}/objections/{number}/concession")
async def concede(
    order_id: OrderId, number: Number, new: NewConcession, caller: ProviderInDeal, once: Keyed, trading: TradingService
) -> ObjectionView:
    """Give back what is claimed; or offer a part of it, for the buyer to take."""
    refund = new.refund and new.refund.money()
    return ObjectionView.of(await actions.concede(trading, caller, order_id, number, refund, new.reason, once))


@router.post("/orders/{order_id}/objections/{number}/rejection")
async def reject(
    order_id: OrderId, number: Number, new: NewRejection, caller: ProviderInDeal, once: Keyed, trading: TradingService
) -> ObjectionView:
    """Say why nothing is wrong: unless the buyer takes it further in time, the order is accepted."""
    return ObjectionView.of(await actions.reject(trading, caller, order_id, number, new.reason, once))


@router.post("/orders/{order_id}/objections/{number}/acceptance")
async def take(
    order_id: OrderId, number: Number, caller: BuyerInDeal, once: Keyed, trading: TradingService
) -> ObjectionView:
    """Take the part that the provider offers, and accept the rest."""
    return ObjectionView.of(await actions.take(trading, caller, order_id, number, once))


@router.post("/orders/{order_id}/objections/{number}/refusal")
async def decline(
    order_id: OrderId, number: Number, caller: BuyerInDeal, once: Keyed, trading: TradingService
) -> ObjectionView:
    """Decline the part that the provider offers: it lapses."""
    return ObjectionView.of(await actions.decline(trading, caller, order_id, number, once))


@router.post("/orders/{order_id}/objections/{number}/withdrawal")
async def withdraw(
    order_id: OrderId, number: Number, caller: BuyerInDeal, once: Keyed, trading: TradingService
) -> ObjectionView:
    """Accept the whole order after all."""
    return ObjectionView.of(await actions.withdraw(trading, caller, order_id, number, once))
