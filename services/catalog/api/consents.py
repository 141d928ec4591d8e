"""What can be asked about single consents: by who enters them, and by whoever gave one and shows its receipt."""

from typing import Annotated

from fastapi import Header, Response

from services.catalog.actions import consent as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.persons import ConsentsView, ConsentView, MyConsentView, NewConsents, ShownReceipt
from shared import tenancy, web
from shared.idempotency import Keyed
from shared.ids import VersionId
from shared.permission import LedgerReader, Provider, Public
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)
Receipt = Annotated[str, Header(alias="Consent-Receipt", max_length=100)]


@router.post("/versions/{version_id}/consents", status_code=201)
async def give(
    version_id: VersionId, new: NewConsents, provider: Provider, once: Keyed, catalog: CatalogService,
    response: Response,
) -> ConsentsView:  # fmt: skip
    """Enter who agreed to one text (同意台账). We are never told who they are."""
    given = await actions.give(catalog, provider, version_id, new.text(), new.signatures(), once)
    web.created(response, f"{PREFIX}/versions/{version_id}/consents")
    return ConsentsView(items=[ConsentView.of(each) for each in given])


@router.get("/versions/{version_id}/consents")
async def listed(
    version_id: VersionId, caller: LedgerReader, catalog: CatalogService, page: PageQuery
) -> Listing[ConsentView]:
    """The consents to a version of yours, or, for the operators and the regulator, of anyone's; newest first."""
    found = await actions.consents(catalog, caller, version_id, page)
    return Listing[ConsentView].of([ConsentView.of(each) for each in found], page, key=lambda view: view.id)


@router.get("/my-consent")
async def mine(_: Public, catalog: CatalogService, receipt: Receipt = "") -> MyConsentView:
    """What you agreed to, by its receipt in the header `Consent-Receipt`. You need no account."""
    tenancy.work_for_everyone()  # whoever has a receipt is of no organisation
    return MyConsentView.of(await actions.mine(catalog, receipt))


@router.post("/my-consent/withdrawal")
async def withdraw(shown: ShownReceipt, _: Public, once: Keyed, catalog: CatalogService) -> MyConsentView:
    """Withdraw it (撤回同意). It takes effect at once; you need no account, and need not say why."""
    tenancy.work_for_everyone()  # whoever has a receipt is of no organisation
    return MyConsentView.of(await actions.withdraw(catalog, shown.receipt, once))
