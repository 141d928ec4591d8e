"""What happens when the platform's security operator has checked a transfer abroad: it is recorded, for all to see."""

from services.delivery.actions.depot import Depot
from services.delivery.events.export import ExportClearanceRecorded
from services.delivery.rules.delivery import Entitled, NoSuchEntitlement
from services.delivery.rules.export import ExportClearance, check_clearance
from services.delivery.schemas.exports import NewExportClearance
from services.delivery.store import exports as store
from shared.access import Caller
from shared.idempotency import Once
from shared.ids import EntitlementId, ExportClearanceId
from shared.permission import OPERATORS, Role
from shared.web import Page

STAFF = OPERATORS | {Role.REGULATOR}


async def record_clearance(
    depot: Depot, operator: Caller, entitlement_id: EntitlementId, new: NewExportClearance, once: Once
) -> ExportClearance:
    """Add a clearance to an entitlement; the newest one counts. Raises ClearanceContradicts."""
    _known(depot, entitlement_id)
    async with depot.database.transaction() as tx:
        if earlier := await once.recall(tx, ExportClearance):
            return earlier
        now = await depot.database.now(tx)
        clearance = check_clearance(ExportClearance(
            ExportClearanceId.new(), entitlement_id, new.persons, new.sensitive_persons, new.ground, new.instrument,
            new.number, new.valid_until, new.reason, operator.subject, now, new.covers_persons,
        ))  # fmt: skip
        await store.add_clearance(tx, clearance)
        await once.remember(tx, clearance)
        await depot.outbox.record(tx, operator.actor, now, ExportClearanceRecorded.of(clearance))
    return clearance


async def clearances(
    depot: Depot, caller: Caller, entitlement_id: EntitlementId, page: Page
) -> list[ExportClearance]:  # fmt: skip
    """Those of an entitlement in which the caller's organisation gives or receives; for the staff, of any."""
    known = _known(depot, entitlement_id)
    if not STAFF & caller.roles and caller.participant_id not in {known.buyer_id, known.provider_id}:
        raise NoSuchEntitlement()
    after = page.after_id(ExportClearanceId)
    async with depot.database.read() as tx:
        return await store.clearances(tx, entitlement_id, after, page.limit + 1)


def _known(depot: Depot, entitlement_id: EntitlementId) -> Entitled:
    known = depot.watch.entitled(entitlement_id)
    if known is None:
        raise NoSuchEntitlement()
    return known
