"""What can be asked about reviews of results: which there are, what would go out, and whether it may."""

from services.delivery.actions import result_review as actions
from services.delivery.api.service import PREFIX, DeliveryService
from services.delivery.schemas.result_reviews import ResultDecision, ResultReviewView
from shared import web
from shared.idempotency import Keyed
from shared.ids import ResultReviewId, VersionId
from shared.permission import CubeReader, OperatorBusiness
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.get("/versions/{version_id}/result-reviews")
async def listed(
    version_id: VersionId, caller: CubeReader, depot: DeliveryService, page: web.PageQuery
) -> web.Listing[ResultReviewView]:
    """The reviews of results over a version, oldest first: those of your own deals, or all that you oversee."""
    found = await actions.listed(depot, caller, version_id, page)
    return web.Listing[ResultReviewView].of([ResultReviewView.of(one) for one in found], page, lambda one: one.id)


@router.get("/result-reviews/{result_review_id}")
async def review(result_review_id: ResultReviewId, caller: CubeReader, depot: DeliveryService) -> ResultReviewView:
    """One review: where it is, and, for whoever is named for the data, the result that would go out."""
    looked = await actions.review(depot, caller, result_review_id)
    return ResultReviewView.of(looked.review, looked.result)


@router.post("/result-reviews/{result_review_id}/release")
async def release(
    result_review_id: ResultReviewId, decision: ResultDecision, operator: OperatorBusiness, once: Keyed,
    depot: DeliveryService,
) -> ResultReviewView:  # fmt: skip
    """Let a result over important data (G5) out, after you have looked at it. The buyer gets it by asking again."""
    decided = await actions.decide(depot, operator, result_review_id, decision.reason, once, releases=True)
    return ResultReviewView.of(decided)


@router.post("/result-reviews/{result_review_id}/withhold")
async def withhold(
    result_review_id: ResultReviewId, decision: ResultDecision, operator: OperatorBusiness, once: Keyed,
    depot: DeliveryService,
) -> ResultReviewView:  # fmt: skip
    """Do not let a result over important data (G5) out, and say why."""
    decided = await actions.decide(depot, operator, result_review_id, decision.reason, once, releases=False)
    return ResultReviewView.of(decided)
