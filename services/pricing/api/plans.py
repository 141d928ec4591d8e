"""What can be asked of price plans."""

from fastapi import Response

from services.pricing.actions import plan as actions
from services.pricing.api.service import PREFIX, PricingService
from services.pricing.schemas.plans import GridView, NewPlan, NewTerms, PlanView
from shared import web
from shared.idempotency import Keyed
from shared.ids import PlanId, VersionId
from shared.permission import Provider, Reader
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/plans", status_code=201)
async def publish(
    new: NewPlan, provider: Provider, once: Keyed, pricing: PricingService, response: Response
) -> PlanView:
    """Price a version of your own in a mode."""
    plan = await actions.publish(pricing, provider, new.version_id, new.mode, new.terms(), once)
    web.created(response, f"/pricing/v1/plans/{plan.id}")
    return PlanView.of(plan)


@router.post("/plans/{plan_id}/revisions", status_code=201)
async def revise(
    plan_id: PlanId, new: NewTerms, provider: Provider, once: Keyed, pricing: PricingService, response: Response
) -> PlanView:
    """Let another revision of your plan follow. Quotes that were given before stand as they are."""
    web.created(response, f"/pricing/v1/plans/{plan_id}")
    return PlanView.of(await actions.revise(pricing, provider, plan_id, new.terms(), once))


@router.get("/plans")
async def plans(version_id: VersionId, caller: Reader, pricing: PricingService, page: PageQuery) -> Listing[PlanView]:
    """The plans of a version that shows to you, newest first."""
    found = await actions.plans(pricing, caller, version_id, page.limit, page.after_id(PlanId))
    return Listing[PlanView].of([PlanView.of(plan) for plan in found], page, key=lambda view: view.id)


@router.get("/plans/{plan_id}")
async def plan(plan_id: PlanId, caller: Reader, pricing: PricingService) -> PlanView:
    """A plan of a version that shows to you: the revision in force, or where none is, the newest."""
    return PlanView.of(await actions.plan(pricing, caller, plan_id))


@router.get("/plans/{plan_id}/grid")
async def grid(plan_id: PlanId, caller: Reader, pricing: PricingService) -> GridView:
    """What the queries of a plan that shows to you are priced by."""
    return GridView.of(*await actions.grid(pricing, caller, plan_id))
