"""What can be asked of price caps."""

from fastapi import Response

from services.pricing.actions import cap as actions
from services.pricing.api.service import PREFIX, PricingService
from services.pricing.schemas.caps import NewPriceCap, PriceCapView
from shared import web
from shared.idempotency import Keyed
from shared.ids import PriceCapId, VersionId
from shared.permission import Provider, Reader, Service
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/price-caps", status_code=201)
async def file(
    new: NewPriceCap, provider: Provider, once: Keyed, pricing: PricingService, response: Response
) -> PriceCapView:
    """Put the price cap that was filed for public data of yours on record."""
    cap = await actions.file(pricing, provider, new.version_id, new.filing(), once)
    web.created(response, f"{PREFIX}/price-caps/{cap.id}")
    return PriceCapView.of(cap)


@router.get("/price-caps")
async def caps(
    version_id: VersionId, caller: Reader, pricing: PricingService, page: PageQuery
) -> Listing[PriceCapView]:
    """The price caps of a version that shows to you, newest first."""
    found = await actions.caps(pricing, caller, version_id, page.limit, page.after_id(PriceCapId))
    return Listing[PriceCapView].of([PriceCapView.of(cap) for cap in found], page, key=lambda view: view.id)


@router.get("/price-caps/{price_cap_id}")
async def cap(price_cap_id: PriceCapId, caller: Reader, pricing: PricingService) -> PriceCapView:
    """A price cap of a version that shows to you."""
    return PriceCapView.of(await actions.cap(pricing, caller, price_cap_id))


@router.get("/versions/{version_id}/price-cap")
async def current(version_id: VersionId, _: Service, pricing: PricingService) -> PriceCapView:
    """The price cap of a version that holds now; for trading, before an auction opens."""
    return PriceCapView.of(await actions.current(pricing, version_id))
