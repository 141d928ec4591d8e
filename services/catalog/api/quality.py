"""What can be asked about the quality of a version."""

from services.catalog.actions import quality as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.quality import AssessmentView, NewQualityDeclaration, QualityReportView
from shared.idempotency import Keyed
from shared.ids import VersionId
from shared.permission import Provider, Reader, Service
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.post("/versions/{version_id}/quality-declaration")
async def declare(
    version_id: VersionId, new: NewQualityDeclaration, provider: Provider, once: Keyed, catalog: CatalogService
) -> QualityReportView:
    """Say what your data should hold: what is required, what is unique, how many rows, up to which day. Answers with
    the report that follows from it and from what was measured."""
    report = await actions.declare(catalog, provider, version_id, new.declaration(), once)
    return QualityReportView.of(version_id, report)


@router.get("/versions/{version_id}/quality-report")
async def report(version_id: VersionId, caller: Reader, catalog: CatalogService) -> QualityReportView:
    """The quality report by GB/T 36344-2018: what was assessed, how, and what could not be."""
    return QualityReportView.of(version_id, await actions.report(catalog, caller, version_id))


@router.get("/versions/{version_id}/assessment")
async def assessment(version_id: VersionId, _: Service, catalog: CatalogService) -> AssessmentView:
    """The quality report with its digest, for a neighbouring service: evidence in a dispute over the version."""
    return AssessmentView.of(await actions.assessment(catalog, version_id))
