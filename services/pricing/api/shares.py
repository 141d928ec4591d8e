"""What can be asked of shares of a combined product."""

from fastapi import Response

from services.pricing.actions import shares as actions
from services.pricing.api.service import PREFIX, PricingService
from services.pricing.schemas.shares import NewRevenueShares, RevenueSharesView
from shared import web
from shared.idempotency import Keyed
from shared.ids import RevenueShareId
from shared.permission import Party, ShareReader
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.post("/revenue-shares", status_code=201)
async def share(
    new: NewRevenueShares, party: Party, once: Keyed, pricing: PricingService, response: Response
) -> RevenueSharesView:
    """Share a price among the providers of a combined product, of whom you are one."""
    found = await actions.share(pricing, party, new.price.money(), new.lines(), tuple(new.parties), new.utility(), once)
    web.created(response, f"{PREFIX}/revenue-shares/{found.id}")
    return RevenueSharesView.of(found)


@router.get("/revenue-shares/{revenue_share_id}")
async def seen(revenue_share_id: RevenueShareId, caller: ShareReader, pricing: PricingService) -> RevenueSharesView:
    """Shares that you are a party to, as they were computed."""
    return RevenueSharesView.of(await actions.seen(pricing, caller, revenue_share_id))
