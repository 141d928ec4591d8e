"""What can be asked about cubes: declaring what may be computed, approving it, and computing it."""

from fastapi import Response

from services.delivery.actions import cube as actions
from services.delivery.actions import cube_query
from services.delivery.api.service import PREFIX, DeliveryService
from services.delivery.schemas.cubes import CubeAnswerView, CubeDecision, CubeView, NewCube, NewCubeQuery
from shared import web
from shared.idempotency import Keyed
from shared.ids import CubeId, EntitlementId, VersionId
from shared.permission import Buyer, CubeReader, OperatorBusiness, Provider
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.post("/versions/{version_id}/cubes", status_code=201)
async def declare(
    version_id: VersionId, new: NewCube, provider: Provider, once: Keyed, depot: DeliveryService, response: Response
) -> CubeView:
    """Declare what may be computed from a version of your own. From G4 on an operator approves it first.

    Another declaration takes its place only as long as nobody has an answer. Over a large content it takes longer than
    a request may: 409 `still_in_the_making` says how far it is, and the same request with the same key waits on.
    """
    cube = await actions.declare(depot, provider, version_id, new.declaration(), once)
    web.created(response, f"{PREFIX}/cubes/{cube.id}")
    return CubeView.of(cube, provider.participant_id)


@router.get("/versions/{version_id}/cubes")
async def listed(
    version_id: VersionId, caller: CubeReader, depot: DeliveryService, page: web.PageQuery
) -> web.Listing[CubeView]:
    """The cubes of a version, oldest first: for its provider, buyers entitled to compute, operators and regulators."""
    found = await actions.listed(depot, caller, version_id, page)
    return web.Listing[CubeView].of(
        [CubeView.of(one, caller.participant_id) for one in found], page, lambda one: one.id
    )


@router.get("/cubes/{cube_id}")
async def cube(cube_id: CubeId, caller: CubeReader, depot: DeliveryService) -> CubeView:
    """One cube: what it declares, who acts next, and why it is where it is."""
    return CubeView.of(await actions.cube(depot, caller, cube_id), caller.participant_id)


@router.post("/cubes/{cube_id}/approve")
async def approve(
    cube_id: CubeId, decision: CubeDecision, operator: OperatorBusiness, once: Keyed, depot: DeliveryService
) -> CubeView:
    """Approve a cube that waits, or one in force whose version was graded G4 or above meanwhile."""
    return CubeView.of(
        await actions.decide(depot, operator, cube_id, decision.reason, once, approves=True), operator.participant_id
    )


@router.post("/cubes/{cube_id}/refuse")
async def refuse(
    cube_id: CubeId, decision: CubeDecision, operator: OperatorBusiness, once: Keyed, depot: DeliveryService
) -> CubeView:
    """Refuse a cube that waits; the provider may declare another."""
    return CubeView.of(
        await actions.decide(depot, operator, cube_id, decision.reason, once, approves=False), operator.participant_id
    )


@router.post("/entitlements/{entitlement_id}/cube-queries")
async def ask(
    entitlement_id: EntitlementId, new: NewCubeQuery, buyer: Buyer, once: Keyed, depot: DeliveryService
) -> CubeAnswerView:
    """Compute over the version's cube. Charges one use for each question, however often it is asked.

    403 `privacy` where the answer would tell too much of too few, whichever rule it is that says so.
    """
    return await cube_query.ask(depot, buyer, entitlement_id, new, once)
