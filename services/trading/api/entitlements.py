"""What can be asked about the right to receive."""

from fastapi import Response

from services.trading.actions import entitlement as actions
from services.trading.actions.trading import party_of, receiver_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.orders import EntitlementView, NewUse, UseView
from shared import web
from shared.idempotency import Keyed
from shared.ids import EntitlementId
from shared.permission import DealReader, Service
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.get("/entitlements")
async def see_entitlements(caller: DealReader, page: PageQuery, trading: TradingService) -> Listing[EntitlementView]:
    """What you may receive, or have granted; newest first."""
    found = await actions.entitlements(trading, party_of(caller), page)
    return Listing[EntitlementView].of([EntitlementView.of(each) for each in found], page, lambda view: view.id)


@router.get("/entitlements/{entitlement_id}")
async def see_entitlement(
    entitlement_id: EntitlementId, caller: DealReader, trading: TradingService
) -> EntitlementView:
    """One of them: its state, its end, and how many uses are left."""
    return EntitlementView.of(await actions.entitlement(trading, party_of(caller), entitlement_id))


@router.post("/entitlements/{entitlement_id}/uses", status_code=201)
async def use(
    entitlement_id: EntitlementId, new: NewUse, caller: Service, once: Keyed, trading: TradingService,
    response: Response,
) -> UseView:  # fmt: skip
    """Charge one use, before delivery sends anything. For delivery, on behalf of the buyer."""
    buyer = receiver_of(caller)
    made = await actions.use(trading, buyer, entitlement_id, new, once)
    web.created(response, f"{PREFIX}/entitlements/{entitlement_id}")
    return UseView.of(made)
