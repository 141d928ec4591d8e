"""What can be asked of `pricing`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.pricing import actions
from services.pricing.actions import Pricing
from services.pricing.schemas import FeeScheduleView, NewPlan, NewQuote, NewTerms, PlanView, QuoteView
from shared import web
from shared.access import InvalidToken, Member, Role, ServiceCaller
from shared.idempotency import Keyed
from shared.ids import PlanId, QuoteId, VersionId
from shared.permission import Authenticated, Buyer, Internal, Membership, Permission, Provider, Public, authenticated
from shared.web import Listing, PageQuery

router = APIRouter(prefix="/pricing/v1", tags=["pricing"])
PricingService = Annotated[Pricing, Depends(web.service)]


@dataclass(frozen=True)
class PartyOrNeighbour(Permission):
    """Someone of an admitted organisation, or a neighbouring service with or without one that it acts for."""

    async def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, request: Request
    ) -> Member | ServiceCaller:
        try:
            return await Internal()(request)
        except InvalidToken:  # not a token for this service, so it must be a member's
            party = Membership(frozenset({Role.BUYER, Role.PROVIDER}))
            return await party(request, await authenticated(request))


Asker = Annotated[Member | ServiceCaller, Depends(PartyOrNeighbour())]


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
async def plans(
    version_id: VersionId, caller: Authenticated, pricing: PricingService, page: PageQuery
) -> Listing[PlanView]:
    """The plans of a version that shows to you, newest first."""
    found = await actions.plans(pricing, caller, version_id, page.limit, page.after_id(PlanId))
    return Listing[PlanView].of([PlanView.of(plan) for plan in found], page, key=lambda view: view.id)


@router.get("/plans/{plan_id}")
async def plan(plan_id: PlanId, caller: Authenticated, pricing: PricingService) -> PlanView:
    """A plan of a version that shows to you: the revision in force, or where none is, the newest."""
    return PlanView.of(await actions.plan(pricing, caller, plan_id))


@router.post("/quotes", status_code=201)
async def quote(new: NewQuote, buyer: Buyer, once: Keyed, pricing: PricingService, response: Response) -> QuoteView:
    """Ask for a quote: one price for you, which stands for a day."""
    given = await actions.quote(pricing, buyer, new.plan_id, once)
    web.created(response, f"/pricing/v1/quotes/{given.id}")
    return QuoteView.of(given)


@router.get("/quotes/{quote_id}")
async def quote_of(quote_id: QuoteId, asker: Asker, pricing: PricingService) -> QuoteView:
    """A quote that you asked for or that was asked of you."""
    return QuoteView.of(await actions.quote_of(pricing, asker, quote_id))


@router.get("/fee-schedules/current")
async def fee_schedule(_: Public, pricing: PricingService) -> FeeScheduleView:
    """What the platform takes, as published."""
    return FeeScheduleView.of(await actions.fee_schedule(pricing))
