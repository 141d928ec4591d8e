"""What can be asked of `catalog`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from services.catalog.actions import asset as assets
from services.catalog.actions import grading
from services.catalog.actions import registration as reviews
from services.catalog.actions.asset import Seen, Wanted
from services.catalog.actions.catalog import Catalog, viewer
from services.catalog.schemas.assets import (
    AssetChange,
    AssetView,
    CertificateView,
    Confirmation,
    NewAsset,
    NewSource,
    Refusal,
)
from services.catalog.schemas.versions import GradeProposal, GradeRaise, GradeView, InspectionReport, VersionView
from shared import web
from shared.access import Caller, Role
from shared.grades import Grade
from shared.idempotency import Keyed
from shared.ids import AssetId, CertificateId, ParticipantId, VersionId
from shared.permission import Authenticated, OperatorBusiness, Permission, Provider, Public, Service, Visitor
from shared.web import Listing, PageQuery

router = APIRouter(prefix="/catalog/v1", tags=["catalog"])
CatalogService = Annotated[Catalog, Depends(web.service)]
Raiser = Annotated[Caller, Depends(Permission(frozenset({Role.OPERATOR_BUSINESS, Role.REGULATOR})))]


@router.post("/assets", status_code=201)
async def draft(
    new: NewAsset, provider: Provider, once: Keyed, catalog: CatalogService, response: Response
) -> AssetView:
    """Draft an asset, with the version that its first content goes to."""
    entry = await assets.draft(catalog, provider, new.about(), once)
    web.created(response, f"/catalog/v1/assets/{entry.asset.id}")
    return AssetView.of(entry, viewer(catalog, provider))


@router.get("/assets")
async def listed(
    visitor: Visitor,
    catalog: CatalogService,
    page: PageQuery,
    q: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    theme: Annotated[str | None, Query(max_length=40)] = None,
    grade: Grade | None = None,
    provider_id: ParticipantId | None = None,
) -> Listing[AssetView]:
    """The catalogue as it shows to you, newest first. `q` is sought as it is written."""
    wanted = Wanted(q, theme, grade, provider_id)
    found = await assets.entries(catalog, visitor, wanted, page.limit, page.after_id(AssetId))
    return Listing[AssetView].of([_shown(seen) for seen in found], page, key=lambda view: view.id)


@router.get("/assets/{asset_id}")
async def entry(asset_id: AssetId, visitor: Visitor, catalog: CatalogService) -> AssetView:
    """One entry, as far as it shows to you; your own in full."""
    return _shown(await assets.entry(catalog, visitor, asset_id))


@router.patch("/assets/{asset_id}")
async def describe(asset_id: AssetId, change: AssetChange, provider: Provider, catalog: CatalogService) -> AssetView:
    """Describe your draft anew."""
    entry = await assets.describe(catalog, provider, asset_id, change)
    return AssetView.of(entry, viewer(catalog, provider))


@router.post("/assets/{asset_id}/versions", status_code=201)
async def add_version(
    asset_id: AssetId, provider: Provider, once: Keyed, catalog: CatalogService, response: Response
) -> AssetView:
    """Add a version for new content. An unfinished one gives way to it."""
    web.created(response, f"/catalog/v1/assets/{asset_id}")
    return AssetView.of(await assets.add_version(catalog, provider, asset_id, once), viewer(catalog, provider))


@router.post("/assets/{asset_id}/source-declaration")
async def declare_source(
    asset_id: AssetId, source: NewSource, provider: Provider, once: Keyed, catalog: CatalogService
) -> AssetView:
    """Declare where the data come from and by what right: required by Data Security Law art. 33."""
    entry = await assets.declare_source(catalog, provider, asset_id, source.declaration(), once)
    return AssetView.of(entry, viewer(catalog, provider))


@router.post("/assets/{asset_id}/submit")
async def submit(asset_id: AssetId, provider: Provider, once: Keyed, catalog: CatalogService) -> AssetView:
    """Submit the version that is inspected and graded for registration."""
    return AssetView.of(await reviews.submit(catalog, provider, asset_id, once), viewer(catalog, provider))


@router.post("/assets/{asset_id}/withdraw")
async def withdraw(asset_id: AssetId, provider: Provider, once: Keyed, catalog: CatalogService) -> AssetView:
    """Withdraw the asset for good: its offers are taken off and auctions without a bid called off. Deals stand."""
    return AssetView.of(await assets.withdraw(catalog, provider, asset_id, once), viewer(catalog, provider))


@router.post("/assets/{asset_id}/register")
async def register(
    asset_id: AssetId, yes: Confirmation, operator: OperatorBusiness, once: Keyed, catalog: CatalogService
) -> AssetView:
    """Register what is under review. From G4, the first of two operators only agrees: the state stays as it was."""
    entry = await reviews.register(catalog, operator, asset_id, yes.grade, yes.note, once)
    return AssetView.of(entry, viewer(catalog, operator))


@router.post("/assets/{asset_id}/refuse")
async def refuse(
    asset_id: AssetId, no: Refusal, operator: OperatorBusiness, once: Keyed, catalog: CatalogService
) -> AssetView:
    """Refuse what is under review."""
    entry = await reviews.refuse(catalog, operator, asset_id, no.reason_code, no.reason, once)
    return AssetView.of(entry, viewer(catalog, operator))


@router.get("/versions/{version_id}")
async def version(version_id: VersionId, _: Service, catalog: CatalogService) -> VersionView:
    """A version, for a neighbouring service."""
    return VersionView.of(*await assets.version(catalog, version_id))


@router.post("/versions/{version_id}/inspection")
async def report_inspection(
    version_id: VersionId, report: InspectionReport, service: Service, once: Keyed, catalog: CatalogService
) -> VersionView:
    """Report what came of an upload: for the service that inspects content."""
    return VersionView.of(*await grading.report_inspection(catalog, service, version_id, report, once))


@router.post("/versions/{version_id}/grade-proposals", status_code=201)
async def propose_grade(
    version_id: VersionId, proposal: GradeProposal, provider: Provider, once: Keyed, catalog: CatalogService,
    response: Response,
) -> GradeView:  # fmt: skip
    """Propose a grade by its impacts; what was found in the content may raise it. Answers with every reason."""
    web.created(response, f"/catalog/v1/versions/{version_id}/grade")
    version, grade = await grading.propose_grade(catalog, provider, version_id, proposal.grounds(), once)
    return GradeView.of(version, grade.reasons)


@router.get("/versions/{version_id}/grade")
async def grade(version_id: VersionId, caller: Authenticated, catalog: CatalogService) -> GradeView:
    """The grade and all its reasons: for the provider, the operators and the regulator."""
    version, grade = await grading.grade(catalog, caller, version_id)
    return GradeView.of(version, grade.reasons)


@router.post("/versions/{version_id}/raise-grade")
async def raise_grade(
    version_id: VersionId, new: GradeRaise, raiser: Raiser, once: Keyed, catalog: CatalogService
) -> GradeView:
    """Raise the grade by further impacts. It takes effect at once, wherever the version is listed or delivered."""
    impacts = tuple(impact.impact() for impact in new.impacts)
    version, grade = await grading.raise_grade(catalog, raiser, version_id, impacts, new.reason, once)
    return GradeView.of(version, grade.reasons)


@router.get("/certificates")
async def certificate_by_code(
    query_code: Annotated[str, Query(min_length=14, max_length=14)], _: Public, catalog: CatalogService
) -> CertificateView:
    """The certificate with this query code."""
    return CertificateView.of(*await assets.certificate_by_code(catalog, query_code))


@router.get("/certificates/{certificate_id}")
async def certificate(certificate_id: CertificateId, _: Public, catalog: CatalogService) -> CertificateView:
    """A registration certificate."""
    return CertificateView.of(*await assets.certificate(catalog, certificate_id))


def _shown(seen: Seen) -> AssetView:
    return AssetView.of(seen.entry, seen.viewer, seen.fields)
