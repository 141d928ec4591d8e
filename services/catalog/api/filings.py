"""What can be asked about filings: by holders and providers, by the other parties, by operators; and of notices."""

from typing import Annotated

from fastapi import Query, Response

from services.catalog.actions import filing as actions
from services.catalog.actions.filing import Filing, Particulars, Type, WantedFilings
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.assets import Refusal
from services.catalog.schemas.filings import (
    Because,
    ChangeRequest,
    FilingState,
    FilingView,
    NewLicence,
    NewTransfer,
    Note,
    NoticeView,
)
from shared import web
from shared.idempotency import Keyed
from shared.ids import AssetId, FilingId
from shared.permission import OperatorBusiness, Party, Reader
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/assets/{asset_id}/filings/licence", status_code=201)
async def file_licence(
    asset_id: AssetId, new: NewLicence, holder: Party, once: Keyed, catalog: CatalogService, response: Response
) -> FilingView:
    """File a licence of the rights (许可). The licensee consents first, then it is reviewed, then under notice."""
    return _made(response, await actions.file(catalog, holder, asset_id, Type.LICENCE, new.particulars(), once))


@router.post("/assets/{asset_id}/filings/transfer", status_code=201)
async def file_transfer(
    asset_id: AssetId, new: NewTransfer, holder: Party, once: Keyed, catalog: CatalogService, response: Response
) -> FilingView:
    """File a transfer of the rights (转移). The new holder consents first, then it is reviewed, then under notice."""
    return _made(response, await actions.file(catalog, holder, asset_id, Type.TRANSFER, new.particulars(), once))


@router.post("/assets/{asset_id}/filings/change", status_code=201)
async def file_change(
    asset_id: AssetId, new: ChangeRequest, provider: Party, once: Keyed, catalog: CatalogService, response: Response
) -> FilingView:
    """File a change (变更) of the description or the rights. The asset stays registered meanwhile."""
    return _made(response, await actions.file(catalog, provider, asset_id, Type.CHANGE, new, once))


@router.post("/assets/{asset_id}/filings/renewal", status_code=201)
async def file_renewal(
    asset_id: AssetId, provider: Party, once: Keyed, catalog: CatalogService, response: Response
) -> FilingView:
    """File a renewal (续展), in the last 180 days of the registration's term."""
    return _made(response, await actions.file(catalog, provider, asset_id, Type.RENEWAL, Particulars(), once))


@router.post("/assets/{asset_id}/filings/revocation", status_code=201)
async def file_revocation(
    asset_id: AssetId, no: Refusal, operator: OperatorBusiness, once: Keyed, catalog: CatalogService, response: Response
) -> FilingView:
    """Begin to revoke a registration (撤销). Nothing of it is newly offered until a second operator has decided."""
    return _made(response, await actions.revoke(catalog, operator, asset_id, no.reason_code, no.reason, once))


@router.get("/filings")
async def listed(
    caller: Reader,
    catalog: CatalogService,
    page: PageQuery,
    asset_id: AssetId | None = None,
    state: Annotated[FilingState | None, Query()] = None,
) -> Listing[FilingView]:
    """The filings that you are a party to, newest first; all of them for the platform's staff."""
    wanted = WantedFilings(asset_id, state)
    found = await actions.filings(catalog, caller, wanted, page.limit, page.after_id(FilingId))
    return Listing[FilingView].of([FilingView.of(each) for each in found], page, key=lambda view: view.id)


@router.get("/filings/{filing_id}")
async def filing(filing_id: FilingId, caller: Reader, catalog: CatalogService) -> FilingView:
    """One filing, for its parties, the asset's provider and the platform's staff."""
    return FilingView.of(await actions.filing(catalog, caller, filing_id))


@router.get("/notices")
async def notices(caller: Reader, catalog: CatalogService, page: PageQuery) -> Listing[NoticeView]:
    """What is under public notice (公示), newest first: whoever has an objection raises it to the asset."""
    found = await actions.notices(catalog, caller, page.limit, page.after_id(FilingId))
    views = [NoticeView.of(one.filing, one.title, one.theme, one.content_hash) for one in found]
    return Listing[NoticeView].of(views, page, key=lambda view: view.id)


@router.post("/filings/{filing_id}/consent")
async def consent(filing_id: FilingId, party: Party, once: Keyed, catalog: CatalogService) -> FilingView:
    """Consent to a licence or a transfer to you."""
    return FilingView.of(await actions.consent(catalog, party, filing_id, once))


@router.post("/filings/{filing_id}/decline")
async def decline(
    filing_id: FilingId, no: Because, party: Party, once: Keyed, catalog: CatalogService
) -> FilingView:  # fmt: skip
    """Decline a licence or a transfer to you."""
    return FilingView.of(await actions.decline(catalog, party, filing_id, no.reason, once))


@router.post("/filings/{filing_id}/withdraw")
async def withdraw(filing_id: FilingId, applicant: Party, once: Keyed, catalog: CatalogService) -> FilingView:
    """Take your filing back, before it is entered."""
    return FilingView.of(await actions.withdraw(catalog, applicant, filing_id, once))


@router.post("/filings/{filing_id}/agree")
async def agree(
    filing_id: FilingId, yes: Note, operator: OperatorBusiness, once: Keyed, catalog: CatalogService
) -> FilingView:
    """Agree to what was filed. From G4, and to a revocation, two operators agree. First registrations: `register`."""
    return FilingView.of(await actions.agree(catalog, operator, filing_id, yes.note, once))


@router.post("/filings/{filing_id}/refuse")
async def refuse(
    filing_id: FilingId, no: Refusal, operator: OperatorBusiness, once: Keyed, catalog: CatalogService
) -> FilingView:
    """Refuse what was filed. Of first registrations: see `refuse` of the asset."""
    return FilingView.of(await actions.refuse(catalog, operator, filing_id, no.reason_code, no.reason, once))


def _made(response: Response, filing: Filing) -> FilingView:
    web.created(response, f"{PREFIX}/filings/{filing.id}")
    return FilingView.of(filing)
