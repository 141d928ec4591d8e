"""What can be asked about credits for what a service was (服务抵扣)."""

from fastapi import Response

from services.trading.actions import credit as actions
from services.trading.actions.trading import party_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.credits import CreditView, NewContestation, NewCredit
from shared import web
from shared.idempotency import Keyed
from shared.ids import CreditId, OrderId
from shared.permission import BuyerInDeal, DealReader, ProviderInDeal
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/orders/{order_id}/credits", status_code=201)
async def claim(
    order_id: OrderId, new: NewCredit, caller: BuyerInDeal, once: Keyed, trading: TradingService, response: Response
) -> CreditView:
    """Say what the service was in a period that is over; by the contract that says what goes back."""
    credit = await actions.claim(trading, caller, order_id, new.period, new.figures(), once)
    web.created(response, f"{PREFIX}/credits/{credit.id}")
    return CreditView.of(credit)


@router.get("/orders/{order_id}/credits")
async def see_credits(
    order_id: OrderId, caller: DealReader, page: PageQuery, trading: TradingService
) -> Listing[CreditView]:
    """What was claimed for the service of an order of yours, newest first."""
    found = await actions.credits(trading, party_of(caller), order_id, page)
    return Listing[CreditView].of([CreditView.of(each) for each in found], page, lambda view: view.id)


@router.get("/credits/{credit_id}")
async def see_credit(credit_id: CreditId, caller: DealReader, trading: TradingService) -> CreditView:
    """One of them: who must answer, and by when."""
    return CreditView.of(await actions.credit(trading, party_of(caller), credit_id))


@router.post("/credits/{credit_id}/confirmation")
async def confirm(credit_id: CreditId, caller: ProviderInDeal, once: Keyed, trading: TradingService) -> CreditView:
    """Agree to the figures. So does whoever says nothing until the deadline."""
    return CreditView.of(await actions.confirm(trading, caller, credit_id, once))


@router.post("/credits/{credit_id}/contestation")
async def contest(
    credit_id: CreditId, new: NewContestation, caller: ProviderInDeal, once: Keyed, trading: TradingService
) -> CreditView:
    """Say why the figures are wrong."""
    return CreditView.of(await actions.contest(trading, caller, credit_id, new.reason, once))
