"""What can be asked about orders and their contracts."""

from fastapi import APIRouter, Response

from services.trading.actions import contract as contract_actions
from services.trading.actions import order as actions
from services.trading.actions.order import Wanted
from services.trading.actions.trading import party_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.orders import ContractView, NewOrder, NewSignature, OrderView
from shared import web
from shared.idempotency import Keyed
from shared.ids import ContractId, OrderId
from shared.permission import Authenticated, Buyer, Party
from shared.web import Listing, PageQuery

router = APIRouter(prefix=PREFIX)


@router.post("/orders", status_code=201)
async def place_order(
    new: NewOrder, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> OrderView:
    """Order at a posted price, by a quote of yours that still stands."""
    order = await actions.place(trading, caller, Wanted(new.listing_id, new.acceptance()), once)
    web.created(response, f"{PREFIX}/orders/{order.id}")
    return OrderView.of(order)


@router.get("/orders")
async def see_orders(caller: Authenticated, page: PageQuery, trading: TradingService) -> Listing[OrderView]:
    """Your orders, on either side, newest first; everyone's for supervisors."""
    found = await actions.orders(trading, party_of(caller), page)
    return Listing[OrderView].of([OrderView.of(each) for each in found], page, lambda view: view.id)


@router.get("/orders/{order_id}")
async def see_order(order_id: OrderId, caller: Authenticated, trading: TradingService) -> OrderView:
    """One of your orders: who must act, and by when."""
    return OrderView.of(await actions.order(trading, party_of(caller), order_id))


@router.post("/orders/{order_id}/payment")
async def pay(order_id: OrderId, caller: Buyer, once: Keyed, trading: TradingService) -> OrderView:
    """Pay into escrow: the deposit first, the rest from your wallet. You may receive from then on."""
    return OrderView.of(await actions.pay(trading, caller, order_id, once))


@router.post("/orders/{order_id}/acceptance")
async def accept(order_id: OrderId, caller: Buyer, once: Keyed, trading: TradingService) -> OrderView:
    """Accept what was delivered: everyone gets their share."""
    return OrderView.of(await actions.accept(trading, caller, order_id, once))


@router.get("/contracts/{contract_id}")
async def see_contract(contract_id: ContractId, caller: Authenticated, trading: TradingService) -> ContractView:
    """A contract of yours, with its terms, their hash, and who has signed."""
    return ContractView.of(await contract_actions.contract(trading, party_of(caller), contract_id))


@router.post("/contracts/{contract_id}/signatures", status_code=201)
async def sign(
    contract_id: ContractId, new: NewSignature, caller: Party, once: Keyed, trading: TradingService, response: Response
) -> ContractView:
    """Sign the terms with a key of your organisation. With both signatures the contract binds."""
    contract = await contract_actions.sign(trading, caller, contract_id, new.key_id, new.signature, once)
    web.created(response, f"{PREFIX}/contracts/{contract_id}")
    return ContractView.of(contract)
