"""What persons can ask for by the receipt of a consent, and how it is answered."""

from typing import Annotated

from fastapi import Header, Response

from services.catalog.actions import personal_request as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.persons import (
    NewPersonalRequest,
    PersonalRequestFileView,
    PersonalRequestView,
    RequestGrant,
    RequestRefusal,
)
from shared import tenancy, web
from shared.idempotency import Keyed
from shared.ids import PersonalRequestId
from shared.permission import LedgerReader, OperatorSecurity, Provider, Public
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)
Receipt = Annotated[str, Header(alias="Consent-Receipt", max_length=100)]


@router.post("/my-consent/requests", status_code=201)
async def ask(
    new: NewPersonalRequest, _: Public, once: Keyed, catalog: CatalogService, response: Response
) -> PersonalRequestView:
    """Ask to see, correct, delete or take along what the provider has of you, or to have its rules explained. You need
    no account; it is answered within 15 working days."""
    tenancy.work_for_everyone()  # whoever has a receipt is of no organisation
    request = await actions.ask(catalog, new.receipt, new.kind, new.details, once)
    web.created(response, f"{PREFIX}/my-consent/requests")
    return PersonalRequestView.of(request)


@router.get("/my-consent/requests")
async def mine(
    _: Public, catalog: CatalogService, page: PageQuery, receipt: Receipt = ""
) -> Listing[PersonalRequestFileView]:
    """What you asked for and were answered, by the receipt in the header `Consent-Receipt`; oldest first."""
    tenancy.work_for_everyone()  # whoever has a receipt is of no organisation
    found = await actions.mine(catalog, receipt, page)
    shown = [PersonalRequestFileView.with_words(*each) for each in found]
    return Listing[PersonalRequestFileView].of(shown, page, key=lambda view: view.id)


@router.get("/personal-requests")
async def listed(caller: LedgerReader, catalog: CatalogService, page: PageQuery) -> Listing[PersonalRequestView]:
    """What persons ask of you, or, for operators and the regulator, of anyone; newest first, without words."""
    found = await actions.requests(catalog, caller, page)
    shown = [PersonalRequestView.of(each) for each in found]
    return Listing[PersonalRequestView].of(shown, page, key=lambda view: view.id)


@router.get("/personal-requests/{personal_request_id}")
async def seen(
    personal_request_id: PersonalRequestId, caller: LedgerReader, catalog: CatalogService
) -> PersonalRequestFileView:
    """One request, with its words."""
    return PersonalRequestFileView.with_words(*await actions.request(catalog, caller, personal_request_id))


@router.post("/personal-requests/{personal_request_id}/grant")
async def grant(
    personal_request_id: PersonalRequestId, yes: RequestGrant, provider: Provider, once: Keyed, catalog: CatalogService
) -> PersonalRequestView:
    """Done as asked. A deletion ends the consent in the same moment."""
    told = (yes.answer, yes.answer_hash, once)
    return PersonalRequestView.of(await actions.grant(catalog, provider, personal_request_id, *told))


@router.post("/personal-requests/{personal_request_id}/refusal")
async def refuse(
    personal_request_id: PersonalRequestId, no: RequestRefusal, provider: Provider, once: Keyed,
    catalog: CatalogService,
) -> PersonalRequestView:  # fmt: skip
    """Not done, and why: the person reads the reason."""
    told = (no.reason_code, no.reason, once)
    return PersonalRequestView.of(await actions.refuse(catalog, provider, personal_request_id, *told))


@router.post("/personal-requests/{personal_request_id}/operator-grant")
async def grant_as_operator(
    personal_request_id: PersonalRequestId, yes: RequestGrant, operator: OperatorSecurity, once: Keyed,
    catalog: CatalogService,
) -> PersonalRequestView:  # fmt: skip
    """The operator's yes to what the provider left undone until its term had passed."""
    told = (yes.answer, yes.answer_hash, once)
    return PersonalRequestView.of(await actions.grant(catalog, operator, personal_request_id, *told))


@router.post("/personal-requests/{personal_request_id}/operator-refusal")
async def refuse_as_operator(
    personal_request_id: PersonalRequestId, no: RequestRefusal, operator: OperatorSecurity, once: Keyed,
    catalog: CatalogService,
) -> PersonalRequestView:  # fmt: skip
    """The operator's no to what the provider left undone until its term had passed."""
    told = (no.reason_code, no.reason, once)
    return PersonalRequestView.of(await actions.refuse(catalog, operator, personal_request_id, *told))
