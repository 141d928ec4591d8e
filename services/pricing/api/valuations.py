"""What can be asked of valuations."""

from fastapi import Response

from services.pricing.actions import valuation as actions
from services.pricing.api.service import PREFIX, PricingService
from services.pricing.schemas.valuations import NewValuation, ValuationView
from shared import web
from shared.idempotency import Keyed
from shared.ids import ValuationId
from shared.permission import BookReader, Provider
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/valuations", status_code=201)
async def value(
    new: NewValuation, provider: Provider, once: Keyed, pricing: PricingService, response: Response
) -> ValuationView:
    """Ask what a version of yours is worth by one approach: a reference, never a statutory appraisal. By the market
    fewer than three comparable trades answer `insufficient`."""
    valuation = await actions.value(
        pricing, provider, new.version_id, new.method(), new.rated(), new.spread_basis_points, new.rationale, once
    )
    web.created(response, f"{PREFIX}/valuations/{valuation.id}")
    return ValuationView.of(valuation)


@router.get("/valuations")
async def listed(provider: Provider, pricing: PricingService, page: PageQuery) -> Listing[ValuationView]:
    """Your valuations, newest first."""
    found = await actions.listed(pricing, provider, page)
    return Listing[ValuationView].of([ValuationView.of(each) for each in found], page, key=lambda view: view.id)


@router.get("/valuations/{valuation_id}")
async def seen(valuation_id: ValuationId, caller: BookReader, pricing: PricingService) -> ValuationView:
    """A valuation of yours. Supervisors are told the trades that were compared, too."""
    valuation = await actions.seen(pricing, caller, valuation_id)
    return ValuationView.of(valuation, in_full=actions.is_supervisor(caller))
