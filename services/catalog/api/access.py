"""What can be asked about access: a buyer asks, the provider decides, and from G4 an operator after it."""

from typing import Annotated

from fastapi import Query, Response

from services.catalog.actions import access as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.access import (
    AccessApproval,
    AccessRefusal,
    AccessRequestView,
    ApprovedAccess,
    NewAccessRequest,
    State,
)
from shared.idempotency import Keyed
from shared.ids import AccessRequestId, ParticipantId, VersionId
from shared.permission import Buyer, Provider, RequestReader, SecondBusiness, Service
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=PREFIX)


@router.post("/access-requests", status_code=201)
async def ask(
    new: NewAccessRequest, buyer: Buyer, once: Keyed, catalog: CatalogService, response: Response
) -> AccessRequestView:
    """Ask for a version: in which mode, what for, how long, and why. The provider has 15 days, then an operator too."""
    asked = await actions.request(catalog, buyer, new.version_id, new.form(), once)
    created(response, f"{PREFIX}/access-requests/{asked.id}")
    return AccessRequestView.of(asked)


@router.get("/access-requests")
async def listed(
    caller: RequestReader, catalog: CatalogService, page: PageQuery, state: Annotated[State | None, Query()] = None
) -> Listing[AccessRequestView]:
    """What your organisation asks for or is asked for, oldest first; all of them for the platform's staff."""
    found = await actions.listed(catalog, caller, state, page)
    return Listing[AccessRequestView].of([AccessRequestView.of(one) for one in found], page, lambda one: one.id)


@router.get("/access-requests/{access_request_id}")
async def seen(access_request_id: AccessRequestId, caller: RequestReader, catalog: CatalogService) -> AccessRequestView:
    """One request with every step of it, for its two sides and the platform's staff."""
    return AccessRequestView.of(await actions.seen(catalog, caller, access_request_id))


@router.post("/access-requests/{access_request_id}/approval")
async def approve(
    access_request_id: AccessRequestId, yes: AccessApproval, provider: Provider, once: Keyed, catalog: CatalogService
) -> AccessRequestView:
    """The provider's yes. Below G4 the access stands from then on; from G4 an operator decides next."""
    return AccessRequestView.of(
        await actions.approve_as_provider(catalog, provider, access_request_id, yes.reason, once)
    )


@router.post("/access-requests/{access_request_id}/refusal")
async def refuse(
    access_request_id: AccessRequestId, no: AccessRefusal, provider: Provider, once: Keyed, catalog: CatalogService
) -> AccessRequestView:
    """The provider's no."""
    return AccessRequestView.of(
        await actions.refuse_as_provider(catalog, provider, access_request_id, no.reason_code, no.reason, once)
    )


@router.post("/access-requests/{access_request_id}/second-approval")
async def approve_second(
    access_request_id: AccessRequestId, yes: AccessApproval, operator: SecondBusiness, once: Keyed,
    catalog: CatalogService,
) -> AccessRequestView:  # fmt: skip
    """The operator's yes, from G4, after the provider's."""
    return AccessRequestView.of(
        await actions.approve_as_operator(catalog, operator, access_request_id, yes.reason, once)
    )


@router.post("/access-requests/{access_request_id}/second-refusal")
async def refuse_second(
    access_request_id: AccessRequestId, no: AccessRefusal, operator: SecondBusiness, once: Keyed,
    catalog: CatalogService,
) -> AccessRequestView:  # fmt: skip
    """The operator's no, from G4, after the provider's yes."""
    return AccessRequestView.of(
        await actions.refuse_as_operator(catalog, operator, access_request_id, no.reason_code, no.reason, once)
    )


@router.post("/access-requests/{access_request_id}/withdrawal")
async def withdraw(
    access_request_id: AccessRequestId, buyer: Buyer, once: Keyed, catalog: CatalogService
) -> AccessRequestView:
    """Take your request back, while nobody has decided on it."""
    return AccessRequestView.of(await actions.withdraw(catalog, buyer, access_request_id, once))


@router.post("/access-requests/{access_request_id}/revocation")
async def revoke(
    access_request_id: AccessRequestId, no: AccessRefusal, provider: Provider, once: Keyed, catalog: CatalogService
) -> AccessRequestView:
    """Take an approval back. What was bought under a contract is not touched by it, except important data (G5), which
    nobody has without an approval: an unpaid order of them ends, and a right to them rests."""
    return AccessRequestView.of(
        await actions.revoke(catalog, provider, access_request_id, no.reason_code, no.reason, once)
    )


@router.get("/versions/{version_id}/access")
async def standing(
    version_id: VersionId, participant_id: ParticipantId, _: Service, catalog: CatalogService
) -> list[ApprovedAccess]:
    """What stands approved for a participant now, for a neighbouring service."""
    return [
        ApprovedAccess(request_id=one.id, mode=one.form.mode, purpose=one.form.purpose, until=one.deadline)
        for one in await actions.standing(catalog, version_id, participant_id)
        if one.deadline
    ]
