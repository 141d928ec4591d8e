"""What can be asked about important data: by their provider, who files them, and by those who keep the catalogue."""

from fastapi import Response

from services.catalog.actions import important_data as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.important_data import (
    ChangesView,
    ChangeView,
    ExportView,
    FilingView,
    ImportantDataView,
    NewFiling,
    SnapshotView,
)
from shared import web
from shared.idempotency import Keyed
from shared.ids import CatalogueSnapshotId, VersionId
from shared.permission import ImportantDataReader, OperatorSecurity, Provider
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/versions/{version_id}/authority-filings", status_code=201)
async def file(
    version_id: VersionId, new: NewFiling, provider: Provider, once: Keyed, catalog: CatalogService, response: Response
) -> FilingView:
    """Tell where your important data are filed, and under which number. A later filing replaces an earlier one."""
    web.created(response, f"{PREFIX}/important-data")
    return FilingView.of(await actions.file(catalog, provider, version_id, new.declaration(), once))


@router.get("/important-data")
async def catalogue(
    caller: ImportantDataReader, catalog: CatalogService, page: PageQuery, filed: bool | None = None
) -> Listing[ImportantDataView]:
    """The catalogue of important data (重要数据目录), core data in it too, as far as you are named for it."""
    found = await actions.catalogue(catalog, caller, filed, page)
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


@router.post("/important-data/snapshots", status_code=201)
async def take_snapshot(
    operator: OperatorSecurity, once: Keyed, catalog: CatalogService, response: Response
) -> SnapshotView:
    """Keep the catalogue as it stands now (目录快照): its digest stands in the log."""
    taken = await actions.take_snapshot(catalog, operator, once)
    web.created(response, f"{PREFIX}/important-data/snapshots/{taken.id}")
    return SnapshotView.of(taken)


@router.get("/important-data/snapshots")
async def snapshots(_: ImportantDataReader, catalog: CatalogService, page: PageQuery) -> Listing[SnapshotView]:
    """The catalogues that were kept, with the figures of a yearly report; newest first."""
    found = await actions.snapshots(catalog, page)
    return Listing[SnapshotView].of([SnapshotView.of(each) for each in found], page, key=lambda view: view.id)


@router.get("/important-data/snapshots/{catalogue_snapshot_id}")
async def snapshot(
    catalogue_snapshot_id: CatalogueSnapshotId, _: ImportantDataReader, catalog: CatalogService
) -> ExportView:
    """A catalogue with every row, as it is handed to the authority."""
    return ExportView.of(await actions.snapshot(catalog, catalogue_snapshot_id))


@router.get("/important-data/snapshots/{catalogue_snapshot_id}/changes")
async def changes(
    catalogue_snapshot_id: CatalogueSnapshotId, _: ImportantDataReader, catalog: CatalogService,
    since_id: CatalogueSnapshotId | None = None,
) -> ChangesView:  # fmt: skip
    """What differs from an earlier catalogue, or from the last one before it."""
    since, found = await actions.changes_since(catalog, catalogue_snapshot_id, since_id)
    return ChangesView(since_id=since.id, items=[ChangeView.model_validate(each) for each in found])
