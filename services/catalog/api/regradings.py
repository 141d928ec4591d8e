"""What can be asked about duties to grade again: by provider, operators and regulator, who also report what changed."""

from fastapi import Response

from services.catalog.actions import regrading as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.regradings import NewRegrading, RegradingConfirmation, RegradingView, State
from services.catalog.schemas.versions import GradeProposal
from shared import web
from shared.idempotency import Keyed
from shared.ids import RegradingId, VersionId
from shared.permission import FileReader, OperatorBusiness, Provider, Reporter
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/versions/{version_id}/regradings", status_code=201)
async def report(
    version_id: VersionId, new: NewRegrading, reporter: Reporter, once: Keyed, catalog: CatalogService,
    response: Response,
) -> RegradingView:  # fmt: skip
    """Report what changed about a registered version: it has to be graded again within thirty days."""
    regrading = await actions.report(catalog, reporter, version_id, new.trigger, new.note, once)
    web.created(response, f"{PREFIX}/regradings/{regrading.id}")
    return RegradingView.model_validate(regrading)


@router.get("/regradings")
async def listed(
    caller: FileReader, catalog: CatalogService, page: PageQuery, version_id: VersionId | None = None,
    state: State | None = None,
) -> Listing[RegradingView]:  # fmt: skip
    """The duties of your versions, or, for the operators and the regulator, of all; newest first."""
    found = await actions.regradings(catalog, caller, version_id, state, page)
    views = [RegradingView.model_validate(regrading) for regrading in found]
    return Listing[RegradingView].of(views, page, key=lambda view: view.id)


@router.get("/regradings/{regrading_id}")
async def regrading(regrading_id: RegradingId, caller: FileReader, catalog: CatalogService) -> RegradingView:
    """One duty."""
    return RegradingView.model_validate(await actions.regrading(catalog, caller, regrading_id))


@router.post("/regradings/{regrading_id}/assess")
async def assess(
    regrading_id: RegradingId, proposal: GradeProposal, provider: Provider, once: Keyed, catalog: CatalogService
) -> RegradingView:
    """Assess your version afresh. A higher grade takes effect at once and ends the duty; if the grade stays, an
    operator has to confirm it. For a lower one, hand in a petition."""
    done = await actions.assess(catalog, provider, regrading_id, proposal.grounds(), once)
    return RegradingView.model_validate(done)


@router.post("/regradings/{regrading_id}/confirm")
async def confirm(
    regrading_id: RegradingId, why: RegradingConfirmation, operator: OperatorBusiness, once: Keyed,
    catalog: CatalogService,
) -> RegradingView:  # fmt: skip
    """Confirm that the grade stands, and why."""
    return RegradingView.model_validate(await actions.confirm(catalog, operator, regrading_id, why.reason, once))
