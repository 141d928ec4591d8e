"""What happens when a buyer fetches what it is entitled to: decided, charged and recorded before the first byte.

A part is a delivery of its own under the same use. What happens while the bytes flow stands in `sending`.
"""

from dataclasses import replace
from datetime import datetime

from services.delivery.actions import decision, desensitisation, rendition
from services.delivery.actions.decision import Decided, decided, graded, own_record
from services.delivery.actions.depot import Depot
from services.delivery.actions.inspected import inspected
from services.delivery.actions.sending import Content, Sending
from services.delivery.events.delivery import DeliveryEnded, DeliveryStarted
from services.delivery.rules import byte_range
from services.delivery.rules import delivery as delivery_rules
from services.delivery.rules.byte_range import EVERYTHING, Span, Wanted
from services.delivery.rules.delivery import (
    LASTS_AT_MOST,
    SERVED,
    STARTED,
    ContentMissing,
    Delivery,
    Reason,
    UseRunning,
    UseTaken,
)
from services.delivery.store import deliveries as store
from services.trading.client import UseOfAnother, UseView
from shared import tenancy
from shared.access import Caller, Member, Role
from shared.errors import Conflict, Unavailable
from shared.facts import Fact
from shared.grades import Mode
from shared.ids import DeliveryId, EntitlementId, UseId
from shared.web import Page


class GradedMeanwhile(Conflict):
    """The version was graded anew while its content was prepared; ask again."""


class PlannedMeanwhile(Conflict):
    """Another desensitisation plan was declared meanwhile, and no report on it passes yet; ask again."""


class UseUnconfirmed(Unavailable):
    """Whether your use was charged is not known; ask again with the `Use-Id` in the facts, which charges it once."""


async def deliver(
    depot: Depot, buyer: Member, entitlement_id: EntitlementId, use_id: UseId | None, purpose: str | None = None,
    wanted: Wanted = EVERYTHING,
) -> Sending:  # fmt: skip
    """Requires the buyer's own, active entitlement. Charges one use, unless the use named is one that is tried again.

    What the door may send by itself is handed over to it, where there is such a door.
    """
    checked_at = depot.clock.now()
    allowed, content = await _prepared(depot, buyer, entitlement_id, purpose, names_use=use_id is not None)
    span = byte_range.span(wanted, content.bytes, content.content_hash)
    use_id = use_id or UseId.new()
    revision, hands_over = allowed.version.grade_revision, delivery_rules.is_handed_over(allowed.grade, wanted, span)
    try:
        use = await depot.trading.use(
            entitlement_id, use_id, revision, acting_for=buyer, on_record=allowed.own_record
        )  # fmt: skip
        allowed, delivery = await _start(depot, buyer, use, allowed, content, span, hands_over and depot.hands_over)
    except UseOfAnother as error:
        raise UseTaken() from error
    except Unavailable as error:
        raise UseUnconfirmed(use_id=use_id, retry_after_seconds=1) from error
    allowed.require()
    return Sending(depot, delivery, content, span, allowed, checked_at)


async def look(
    depot: Depot, buyer: Member, entitlement_id: EntitlementId, use_id: UseId | None, purpose: str | None
) -> Content:  # fmt: skip
    """What would be sent, whole: decided as if it were, and charged nothing."""
    _, content = await _prepared(depot, buyer, entitlement_id, purpose, names_use=use_id is not None)
    return content


async def listed(depot: Depot, caller: Caller, entitlement_id: EntitlementId | None, page: Page) -> list[Delivery]:
    """The deliveries in which the caller's organisation gives or receives; all of them for a supervisor."""
    supervises = bool({Role.REGULATOR, Role.OPERATOR_AUDIT} & caller.roles)
    if not supervises and caller.participant_id is None:
        return []
    party = None if supervises else caller.participant_id
    after = page.after_id(DeliveryId)
    async with depot.database.read() as tx:
        return await store.listed_deliveries(tx, party, entitlement_id, after, page.limit + 1)


async def pass_deadlines(depot: Depot) -> None:
    """Notice the deliveries whose process did not live to end them."""
    async with depot.database.transaction() as tx:
        now = await depot.database.now(tx)
        lost = await store.deliveries_past_deadline(tx, now)
        over = [delivery_rules.end(delivery, Reason.ABORTED, delivery.bytes_sent, now) for delivery in lost]
        for delivery in over:
            await store.save_delivery(tx, delivery)
        await depot.outbox.record(tx, depot.outbox.itself, now, *map(DeliveryEnded.of, over))


async def _prepared(
    depot: Depot, buyer: Member, entitlement_id: EntitlementId, purpose: str | None, *, names_use: bool
) -> tuple[Decided, Content]:
    allowed = await decided(depot, buyer, entitlement_id, SERVED, purpose, names_use=names_use)
    content = await _content(depot, allowed)
    if allowed.entitled.mode is Mode.RAW:
        return allowed, content
    if (await graded(depot, allowed.entitled))[0].grade_revision != allowed.version.grade_revision:
        raise GradedMeanwhile()  # to prepare content may take minutes
    if not allowed.own_record <= await own_record(depot, allowed.entitled.mode, allowed.version):
        raise PlannedMeanwhile()
    return allowed, content


async def _content(depot: Depot, allowed: Decided) -> Content:
    upload = await inspected(depot, allowed.entitled.version_id)
    # Looked for before a use is charged: nobody pays for what is not there.
    if upload.content_id is None or not await depot.content.has(upload.content_id):
        raise ContentMissing()
    if allowed.entitled.mode is Mode.RAW:
        return Content(upload, allowed.version.id, upload.content_id, upload.bytes, upload.content_hash)
    with tenancy.for_everyone():
        async with depot.database.read() as tx:
            _, inspection = await desensitisation.content(tx, upload.version_id)
    treatment = await desensitisation.treatment_of(depot, allowed.version, allowed.grade, inspection)
    made = await rendition.desensitised(depot, upload, inspection, treatment)
    if not await depot.content.has(made.content_id):
        raise ContentMissing()
    return Content(upload, allowed.version.id, made.content_id, made.bytes, made.content_hash)


async def _start(
    depot: Depot, buyer: Member, use: UseView, allowed: Decided, content: Content, span: Span, hands_over: bool
) -> tuple[Decided, Delivery]:
    async with depot.database.transaction() as tx:
        if not await depot.database.claim(tx, f"use {use.use_id}"):
            raise UseRunning(use_id=use.use_id, retry_after_seconds=1)
        now = await depot.database.now(tx)
        delivery_rules.check_use(use.entitlement_id, await store.use_so_far(tx, use.use_id), span, now)
        allowed = await decision.confirmed(depot, tx, allowed, now)
        delivery = _delivery(use, allowed, content, span, now)
        facts: list[Fact] = [DeliveryStarted.of(delivery, allowed.requested, allowed.decision)]
        if hands_over:
            delivery = delivery_rules.end(delivery, Reason.HANDED_OVER, span.bytes, now)
            facts.append(DeliveryEnded.of(delivery))
        if allowed.decision.allowed:
            await depot.outbox.record(tx, buyer.actor, now, *facts, beside=[store.adding(delivery)])
        else:
            await depot.outbox.record(tx, buyer.actor, now, allowed.refused())
    return allowed, delivery


def _delivery(use: UseView, allowed: Decided, content: Content, span: Span, now: datetime) -> Delivery:
    started = Delivery(
        DeliveryId.new(), use.entitlement_id, use.contract_id, use.use_id, use.version_id, allowed.version.provider_id,
        use.buyer_id, Mode(use.mode), allowed.grade, allowed.version.grade_revision, content.content_hash,
        content.bytes, STARTED, started_at=now, deadline=now + LASTS_AT_MOST, purpose=allowed.requested.purpose,
    )  # fmt: skip
    bytes_counted = delivery_rules.counted(span.bytes, span.size)
    return replace(started, first_byte=span.first, last_byte=span.last, bytes_counted=bytes_counted)
