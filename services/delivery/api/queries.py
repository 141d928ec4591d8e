"""What can be asked of a version's content by who is entitled: rows of it, and computations over it."""

from services.delivery.actions import rows as rows_actions
from services.delivery.actions import statement as statement_actions
from services.delivery.api.service import PREFIX, DeliveryService
from services.delivery.schemas.queries import AnswerView, CertificateView, NewRows, NewStatement, RowsView
from shared import web
from shared.idempotency import Keyed
from shared.ids import EntitlementId
from shared.permission import Buyer, DealReader
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.post("/entitlements/{entitlement_id}/rows")
async def rows(
    entitlement_id: EntitlementId, new: NewRows, buyer: Buyer, once: Keyed, depot: DeliveryService
) -> RowsView:
    """A page of rows, for an entitlement in mode api. Each call is a use; the same key again is not another.

    From G4 on only a point query is answered: `eq` on a field that tells rows apart, at most ten rows, and a purpose.
    """
    return await rows_actions.rows(depot, buyer, entitlement_id, new, once)


@router.post("/entitlements/{entitlement_id}/queries")
async def compute(
    entitlement_id: EntitlementId, new: NewStatement, buyer: Buyer, once: Keyed, depot: DeliveryService
) -> AnswerView:
    """The result of your own SELECT, for an entitlement in mode compute whose contract names `free_queries`.

    For G1 and G2 without personal information, if you could have the rows themselves. One use for each statement that
    is taken, also if it then exceeds its limits; the same key again is not another.
    """
    return await statement_actions.compute(depot, buyer, entitlement_id, new, once)


@router.get("/queries")
async def listed(
    caller: DealReader, depot: DeliveryService, page: web.PageQuery, entitlement_id: EntitlementId | None = None
) -> web.Listing[CertificateView]:
    """Certificates of the answers to and from your organisation, oldest first; all of them for a supervisor."""
    found = await statement_actions.listed(depot, caller, entitlement_id, page)
    return web.Listing[CertificateView].of([CertificateView.of(one) for one in found], page, lambda one: one.id)
