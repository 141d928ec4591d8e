"""What happens to a right to receive: granted, used, ended.

Promises: a use is decided by the grade and the standing of this moment, charged once per use id, and recorded with its
decision before delivery may send a byte; where the contract says that use accepts, the same commit accepts.
"""

from datetime import datetime

from services.trading.actions.settlement import settle
from services.trading.actions.trading import Trading, version_of
from services.trading.events.deals import (
    ContractEnded,
    EntitlementEnded,
    EntitlementGranted,
    EntitlementResumed,
    EntitlementUsed,
    OrderDelivered,
)
from services.trading.rules import acceptance, metered
from services.trading.rules import contract as contract_rules
from services.trading.rules import entitlement as rules
from services.trading.rules import order as order_rules
from services.trading.rules.entitlement import Entitlement, GradeChanged, NoSuchEntitlement, Use
from services.trading.rules.listing import Version
from services.trading.rules.order import Order
from services.trading.rules.scope import narrowed
from services.trading.schemas.orders import NewUse
from services.trading.store import contract as contract_store
from services.trading.store import entitlement as store
from services.trading.store import listing as listing_store
from services.trading.store import order as order_store
from shared.access import Member
from shared.database import Transaction
from shared.facts import Fact
from shared.grades import KEPT_TO, Decision, Grade, decide
from shared.idempotency import Once
from shared.ids import EntitlementId, ParticipantId
from shared.web import Page


async def grant(tx: Transaction, order: Order, now: datetime) -> tuple[Order, EntitlementGranted]:
    """The order with its right, which is added. Requires the commit that pays the order, which saves it."""
    listing = narrowed(await listing_store.listing(tx, order.listing_id), order.scope)
    entitlement = rules.grant(EntitlementId.new(), order, listing, now)
    await store.add_entitlement(tx, entitlement)
    return rules.entitle(order, entitlement), EntitlementGranted.of(entitlement, listing.right.territory)


async def use(trading: Trading, buyer: Member, entitlement_id: EntitlementId, new: NewUse, once: Once) -> Use:
    """Charge one use, on behalf of the buyer who receives. The first one delivers the order.

    The same use again is charged no more, but it is decided anew: what was let through then may be forbidden by now.
    """
    async with trading.database.read() as tx:
        version_id = (await store.entitlement(tx, entitlement_id, buyer.participant_id)).version_id
    version = await version_of(trading, version_id)
    async with trading.database.transaction() as tx:
        earlier = await once.recall(tx, Use)
        seen = await store.entitlement(tx, entitlement_id, buyer.participant_id)
        if seen.buyer_id != buyer.participant_id:
            raise NoSuchEntitlement()
        order = await order_store.order_for_update(tx, seen.order_id)
        entitlement = await store.entitlement_for_update(tx, entitlement_id)
        now = await trading.database.now(tx)
        grade, decision = _decided(trading, buyer, entitlement, version, new)
        rules.require_columns(entitlement, new.columns)
        if charged := earlier or await store.find_use(tx, new.use_id, entitlement):
            rules.require_in_force(entitlement, decision, new.grade_revision, now)
            return charged
        before = entitlement
        entitlement, made = rules.use(entitlement, new.use_id, decision, new.grade_revision, now)
        await store.save_entitlement(tx, entitlement)
        await store.add_use(tx, made)
        facts: list[Fact] = [EntitlementUsed.of(made, entitlement, grade, new.grade_revision, decision)]
        if before.state is not entitlement.state:
            facts.append(EntitlementResumed.of(entitlement))
        facts += await _follow_order(tx, order, made, entitlement.deadline, now)
        await once.remember(tx, made)
        await trading.outbox.record(tx, buyer.actor, now, *facts)
    return made


async def entitlement(trading: Trading, party_id: ParticipantId | None, entitlement_id: EntitlementId) -> Entitlement:
    async with trading.database.read() as tx:
        return await store.entitlement(tx, entitlement_id, party_id)


async def entitlements(trading: Trading, party_id: ParticipantId | None, page: Page) -> list[Entitlement]:
    async with trading.database.read() as tx:
        return await store.page_of_entitlements(tx, page, party_id)


async def pass_deadline(trading: Trading, entitlement_id: EntitlementId) -> None:
    """End a right whose period is over, if nobody has yet, and with it its contract: unless nothing was delivered, or
    a dispute is open, for then the contract ends with its order or with that."""
    async with trading.database.transaction() as tx:
        seen = await store.entitlement(tx, entitlement_id, None)
        order = await order_store.order_for_update(tx, seen.order_id)
        contract = await contract_store.contract_for_update(tx, seen.contract_id)
        entitlement = await store.entitlement_for_update(tx, entitlement_id)
        now = await trading.database.now(tx)
        if entitlement.deadline is None or now < entitlement.deadline:
            return
        entitlement = rules.pass_deadline(entitlement)
        await store.save_entitlement(tx, entitlement)
        facts: list[Fact] = [EntitlementEnded.of(entitlement)]
        if order.state not in {order_rules.AWAITING_DELIVERY, order_rules.DISPUTED}:
            ended = contract_rules.end(contract, rules.Reason.PERIOD_OVER, fulfilled=True)
            await contract_store.save_contract(tx, ended)
            facts.append(ContractEnded.of(ended))
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def _follow_order(
    tx: Transaction, order: Order, made: Use, until: datetime | None, now: datetime
) -> list[Fact]:  # fmt: skip
    """What a use is to its order: the first one delivers it, and as many as the contract says accept it. `until` is the
    end of the right."""
    delivered = order_rules.deliver(order, now)
    if delivered is not order:
        delivered = metered.measured(delivered, until)
        await order_store.save_order(tx, delivered)
        return [OrderDelivered.of(delivered)]
    is_inspected = order.state is order_rules.AWAITING_ACCEPTANCE and not order.runs_meter
    if not is_inspected or order.acceptance.accepting_use is None:
        return []
    uses = await store.uses_since(tx, made.entitlement_id, acceptance.inspected_from(order))
    accepted = acceptance.accept_by_use(order, uses, now)
    if accepted is order:
        return []
    await order_store.save_order(tx, accepted)
    return await settle(tx, accepted, now)


def _decided(
    trading: Trading, buyer: Member, entitlement: Entitlement, version: Version, new: NewUse
) -> tuple[Grade, Decision]:
    """By the catalogue's grade of this moment. Raises GradeChanged if delivery goes by another one."""
    if version.grade is None or version.grade_revision != new.grade_revision:
        raise GradeChanged(grade_revision=version.grade_revision)
    trading.standing.require_fresh(version.grade)
    on_record = version.on_record | KEPT_TO[entitlement.mode] | frozenset(new.on_record)
    return version.grade, decide(version.grade, entitlement.mode, buyer.standing.clearance, version.flags, on_record)
