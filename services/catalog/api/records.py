"""What can be asked about legal records: by the provider whose they are, the operators and the regulator."""

from fastapi import Response

from services.catalog.actions import records as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.records import NewAssessment, NewConsent, RecordView, RecordWithdrawal
from shared import web
from shared.idempotency import Keyed
from shared.ids import AssetId, RecordId
from shared.permission import FileReader, Provider
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/assets/{asset_id}/consents", status_code=201)
async def add_consent(
    asset_id: AssetId, new: NewConsent, provider: Provider, once: Keyed, catalog: CatalogService, response: Response
) -> RecordView:
    """Put on record that persons, or their guardians, consented. It counts from now on."""
    record = await actions.add(catalog, provider, asset_id, new.version_id, new.evidence(), once)
    web.created(response, f"{PREFIX}/records/{record.id}")
    return RecordView.of(record)


@router.post("/assets/{asset_id}/assessments", status_code=201)
async def add_assessment(
    asset_id: AssetId, new: NewAssessment, provider: Provider, once: Keyed, catalog: CatalogService, response: Response
) -> RecordView:
    """Put an impact assessment or a report on the effect of de-identification on record. It counts from now on."""
    record = await actions.add(catalog, provider, asset_id, new.version_id, new.evidence(), once)
    web.created(response, f"{PREFIX}/records/{record.id}")
    return RecordView.of(record)


@router.get("/records")
async def listed(
    caller: FileReader, catalog: CatalogService, page: PageQuery, asset_id: AssetId | None = None
) -> Listing[RecordView]:
    """Your records, or, for the operators and the regulator, everyone's; newest first."""
    found = await actions.records(catalog, caller, asset_id, page)
    return Listing[RecordView].of([RecordView.of(record) for record in found], page, key=lambda view: view.id)


@router.get("/records/{record_id}")
async def record(record_id: RecordId, caller: FileReader, catalog: CatalogService) -> RecordView:
    """One record."""
    return RecordView.of(await actions.record(catalog, caller, record_id))


@router.post("/records/{record_id}/withdraw")
async def withdraw(
    record_id: RecordId, why: RecordWithdrawal, provider: Provider, once: Keyed, catalog: CatalogService
) -> RecordView:
    """Withdraw it. What rests on it stops at once; running deliveries within five seconds."""
    return RecordView.of(await actions.withdraw(catalog, provider, record_id, why.reason_code, once))
