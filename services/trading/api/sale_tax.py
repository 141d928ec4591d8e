"""What can be said of the tax in a price that no quote told."""

from services.trading.actions import sale_tax as actions
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.sale_tax import NewSaleTax, SaleTaxView
from shared.idempotency import Keyed
from shared.ids import OrderId
from shared.permission import Provider
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.post("/orders/{order_id}/sale-tax")
async def state(
    order_id: OrderId, new: NewSaleTax, caller: Provider, once: Keyed, trading: TradingService
) -> SaleTaxView:
    """Say how your sale is taxed, once, where no quote did: its invoices tell net and tax from then on."""
    return SaleTaxView.of(await actions.state(trading, caller, order_id, new.category, once))
