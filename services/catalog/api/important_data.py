"""What can be asked about important data: by their provider, who files them, and by those who keep the catalogue."""

from fastapi import APIRouter, Response

from services.catalog.actions import important_data as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.important_data import FilingView, ImportantDataView, NewFiling
from shared import web
from shared.idempotency import Keyed
from shared.ids import VersionId
from shared.permission import ImportantDataReader, Provider
from shared.web import Listing, PageQuery

router = APIRouter(prefix=PREFIX)


@router.post("/versions/{version_id}/authority-filings", status_code=201)
async def file(
    version_id: VersionId, new: NewFiling, provider: Provider, once: Keyed, catalog: CatalogService, response: Response
) -> FilingView:
    """Tell where your important data are filed, and under which number. A later filing replaces an earlier one."""
    web.created(response, f"{PREFIX}/important-data")
    return FilingView.of(await actions.file(catalog, provider, version_id, new.declaration(), once))


@router.get("/important-data")
async def catalogue(
    _: ImportantDataReader, catalog: CatalogService, page: PageQuery, filed: bool | None = None
) -> Listing[ImportantDataView]:
    """The catalogue of important data (重要数据目录), core data in it too; newest first."""
    found = await actions.catalogue(catalog, filed, page)
    views = [
        ImportantDataView(
            version_id=one.version_id, asset_id=one.asset_id, provider_id=one.provider_id, title=one.title,
            theme=one.theme, grade=one.grade, grade_state=one.grade_state, is_registered=one.is_registered,
            content_rows=one.content_rows, filing=one.filing and FilingView.of(one.filing),
            assessed_until=one.assessed_until,
        )
        for one in found
    ]  # fmt: skip
    return Listing[ImportantDataView].of(views, page, key=lambda view: view.version_id)
