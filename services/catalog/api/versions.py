"""What can be asked about versions: what was found in their content, and the grade that follows from it."""

from fastapi import Response

from services.catalog.actions import asset as assets
from services.catalog.actions import grading
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.versions import GradeProposal, GradeRaise, GradeView, InspectionReport, VersionView
from shared import web
from shared.idempotency import Keyed
from shared.ids import ParticipantId, VersionId
from shared.permission import BusinessOrRegulator, FileReader, Provider, Service
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.get("/versions/{version_id}")
async def version(
    version_id: VersionId, _: Service, catalog: CatalogService, recipient_id: ParticipantId | None = None
) -> VersionView:  # fmt: skip
    """A version, for a neighbouring service. `recipient_id`: for whom, where consents are to one recipient only."""
    return VersionView.of(await assets.version(catalog, version_id, recipient_id))


@router.get("/versions/{version_id}/reviewers")
async def reviewers(version_id: VersionId, _: Service, catalog: CatalogService) -> list[str]:
    """Whoever graded or registered a version, for a neighbouring service: nobody of them decides a dispute over it."""
    return await grading.reviewers(catalog, version_id)


@router.post("/versions/{version_id}/inspection")
async def report_inspection(
    version_id: VersionId, report: InspectionReport, service: Service, once: Keyed, catalog: CatalogService
) -> VersionView:
    """Report what came of an upload: for the service that inspects content."""
    return VersionView.of(await grading.report_inspection(catalog, service, version_id, report, once))


@router.post("/versions/{version_id}/grade-proposals", status_code=201)
async def propose_grade(
    version_id: VersionId, proposal: GradeProposal, provider: Provider, once: Keyed, catalog: CatalogService,
    response: Response,
) -> GradeView:  # fmt: skip
    """Propose a grade by its impacts; what was found in the content may raise it. Answers with every reason."""
    web.created(response, f"{PREFIX}/versions/{version_id}/grade")
    version, grade = await grading.propose_grade(catalog, provider, version_id, proposal.grounds(), once)
    return GradeView.of(version, grade.reasons)


@router.get("/versions/{version_id}/grade")
async def grade(version_id: VersionId, caller: FileReader, catalog: CatalogService) -> GradeView:
    """The grade and all its reasons: for the provider, the operators and the regulator."""
    version, grade = await grading.grade(catalog, caller, version_id)
    return GradeView.of(version, grade.reasons)


@router.post("/versions/{version_id}/raise-grade")
async def raise_grade(
    version_id: VersionId, new: GradeRaise, raiser: BusinessOrRegulator, once: Keyed, catalog: CatalogService
) -> GradeView:
    """Raise the grade by further impacts. It takes effect at once, wherever the version is listed or delivered."""
    impacts = tuple(impact.impact() for impact in new.impacts)
    version, grade = await grading.raise_grade(catalog, raiser, version_id, impacts, new.reason, once)
    return GradeView.of(version, grade.reasons)
