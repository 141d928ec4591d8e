"""What can be asked about desensitisation: the plan of a version, and the report on its effect."""

from fastapi import Response

from services.delivery.actions import desensitisation as actions
from services.delivery.api.service import PREFIX, DeliveryService
from services.delivery.schemas.desensitisation import EffectReportView, NewPlan, PlanView
from shared import web
from shared.idempotency import Keyed
from shared.ids import VersionId
from shared.permission import ContentReader, Provider
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.post("/versions/{version_id}/desensitisation-plan", status_code=201)
async def declare(
    version_id: VersionId, new: NewPlan, provider: Provider, once: Keyed, depot: DeliveryService, response: Response
) -> PlanView:
    """Say how the fields of your version are desensitised: as the platform does, or more strictly. Answers with what is
    done to each field. Deliveries from now on use it; what was delivered stays as it was."""
    plan, treatment = await actions.declare(depot, provider, version_id, new.wishes(), once)
    web.created(response, f"{PREFIX}/versions/{version_id}/desensitisation-plan")
    return PlanView.of(version_id, plan, treatment)


@router.get("/versions/{version_id}/desensitisation-plan")
async def plan(version_id: VersionId, caller: ContentReader, depot: DeliveryService) -> PlanView:
    """What is done to each field: for the provider, a buyer with an entitlement, operators and the regulator."""
    return PlanView.of(version_id, *await actions.plan(depot, caller, version_id))


@router.get("/versions/{version_id}/effect-report", response_model_exclude_none=True)
async def effect_report(version_id: VersionId, caller: ContentReader, depot: DeliveryService) -> EffectReportView:
    """The risk that somebody is found, before and after, and what was lost: for the same as the plan.

    The first to ask waits until the content is desensitised. From G4 on, nothing is delivered before a report passes.
    """
    return EffectReportView.of(await actions.effect_report(depot, caller, version_id))
