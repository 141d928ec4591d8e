"""What happens when a buyer fetches what it is entitled to: decided, charged and recorded before the first byte.

While the bytes flow the decision is taken again; the end is recorded whatever ends it.
"""

import asyncio
from collections.abc import AsyncGenerator, Set
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from services.catalog.client import NoSuchVersion, VersionView
from services.delivery.actions import rendition
from services.delivery.actions.depot import Depot
from services.delivery.events.delivery import DeliveryEnded, DeliveryRefused, DeliveryStarted
from services.delivery.rules import delivery as delivery_rules
from services.delivery.rules.delivery import (
    CHECKED_EVERY,
    LASTS_AT_MOST,
    SERVED,
    STARTED,
    WATCHED_EVERY,
    ContentMissing,
    Cut,
    Delivery,
    DeliveryCut,
    Entitled,
    EntitlementNotActive,
    ModeNotServed,
    NoSuchEntitlement,
    NotPermitted,
    Reason,
    UseRunning,
)
from services.delivery.rules.masking import masks_for
from services.delivery.rules.upload import Upload
from services.delivery.store import deliveries as store
from services.delivery.store import uploads
from services.trading.client import UseView
from shared.access import Caller, Member, Role
from shared.errors import Conflict, Unavailable
from shared.grades import G3, Decision, Grade, Mode
from shared.ids import ContentId, DeliveryId, EntitlementId, UseId
from shared.web import Page


class GradedMeanwhile(Conflict):
    """The version was graded anew while its content was prepared; ask again."""


class UseUnconfirmed(Unavailable):
    """Whether your use was charged is not known; ask again with the `Use-Id` in the facts, which charges it once."""


class EntitlementsUnknown(Unavailable):
    """Who is entitled to what cannot be confirmed at the moment."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent: the upload as it came, or a rendition of it."""

    upload: Upload
    content_id: ContentId
    bytes: int
    content_hash: str


async def deliver(depot: Depot, buyer: Member, entitlement_id: EntitlementId, use_id: UseId | None) -> "Sending":
    """Requires the buyer's own, active entitlement. Charges one use, unless the use named is one that is retried."""
    entitled = await entitled_to(depot, buyer, entitlement_id)
    version, grade = await graded(depot, entitled)
    depot.standing.require_fresh(grade)
    clearance = buyer.standing.clearance
    decision = delivery_rules.permission(grade, entitled.mode, clearance, frozenset(version.flags))
    if not decision.allowed:
        await _refuse(depot, buyer, entitled, version, grade, decision)
        raise NotPermitted(reason_code=decision.reason_code, rules=decision.rules, grade=grade, mode=entitled.mode)
    content = await _content(depot, entitled, grade)
    checked_at = depot.clock.now()
    if (await graded(depot, entitled))[0].grade_revision != version.grade_revision:
        raise GradedMeanwhile()  # to prepare content may take minutes
    use_id = use_id or UseId.new()
    await _check_use(depot, entitlement_id, use_id)
    try:
        use = await depot.trading.use(entitlement_id, use_id, version.grade_revision, acting_for=buyer)
        delivery = await _start(depot, buyer, use, version, grade, decision, content)
    except Unavailable as error:
        raise UseUnconfirmed(use_id=use_id, retry_after_seconds=1) from error
    return Sending(depot, delivery, content, version, checked_at)


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


class Sending:
    """A delivery under way: iterate it once for the bytes, watch it meanwhile, and close it whatever happens."""

    def __init__(
        self, depot: Depot, delivery: Delivery, content: Content, version: VersionView, checked_at: datetime
    ) -> None:
        self.delivery, self.upload = delivery, content.upload
        self._depot, self._content_id, self._version = depot, content.content_id, version
        self._checked_at, self._checking = checked_at, asyncio.Lock()
        self._bytes_sent = 0  # handed over: an upper bound of what has arrived
        self._reason, self._cut = Reason.ABORTED, None
        self._closed = False

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        """The content. Raises DeliveryCut where it may not go on, so that nobody takes a part for the whole."""
        async for chunk in self._depot.content.chunks(self._content_id):
            await self._check()
            self._bytes_sent += len(chunk)
            yield chunk
        self._reason = Reason.COMPLETED

    async def watch(self) -> NoReturn:
        """Raises DeliveryCut once it may not go on, also while a slow receiver asks for nothing more."""
        while True:
            await self._depot.clock.sleep(WATCHED_EVERY.total_seconds())
            await self._check()

    async def close(self) -> None:
        """Record the end, once. Goes on even if the request that asked for it is cancelled."""
        if self._closed:
            return
        self._closed = True
        task = asyncio.create_task(self._end())
        self._depot.endings.add(task)
        task.add_done_callback(self._depot.endings.discard)
        await asyncio.shield(task)

    async def _end(self) -> None:
        depot = self._depot
        async with depot.database.transaction() as tx:
            now = await depot.database.now(tx)
            if running := await store.running_delivery(tx, self.delivery.id):
                ended = delivery_rules.end(running, self._reason, self._bytes_sent, now, self._cut)
                await store.save_delivery(tx, ended)
                await depot.outbox.record(tx, depot.outbox.itself, now, DeliveryEnded.of(ended))

    async def _check(self) -> None:
        async with self._checking:
            cut = await self._reason_to_cut()
        if cut:
            self._reason, self._cut = Reason.CUT, cut
            raise DeliveryCut(cut=cut)

    async def _reason_to_cut(self) -> Cut | None:
        depot, delivery, now = self._depot, self.delivery, self._depot.clock.now()
        binding = delivery.grade >= G3
        if binding and (depot.watch.is_stale or depot.standing.is_stale):
            return Cut.UNCONFIRMED
        if now - self._checked_at >= CHECKED_EVERY:
            try:
                self._version = await depot.catalog.version(delivery.version_id)
            except NoSuchVersion:
                return Cut.REGRADED
            except Unavailable:
                if binding:
                    return Cut.UNCONFIRMED
            self._checked_at = now
        entitled = depot.watch.entitled(delivery.entitlement_id)
        return delivery_rules.reason_to_cut(
            delivery, grade=self._version.grade or delivery.grade, grade_revision=self._version.grade_revision,
            flags=frozenset(self._version.flags), clearance=depot.standing.clearance_of(delivery.buyer_id),
            entitlement_active=entitled is not None and entitled.active, now=now,
        )  # fmt: skip


async def entitled_to(
    depot: Depot, buyer: Member, entitlement_id: EntitlementId, served: Set[Mode] = SERVED
) -> Entitled:
    """The buyer's own, active entitlement in one of these modes."""
    entitled = await depot.watch.heard_of(entitlement_id, buyer.participant_id)
    if entitled is None and depot.watch.is_stale:
        raise EntitlementsUnknown(retry_after_seconds=5)
    if entitled is None:
        raise NoSuchEntitlement()
    if not entitled.active:
        raise EntitlementNotActive()
    if entitled.mode not in served:
        raise ModeNotServed(mode=entitled.mode, served=sorted(served))
    return entitled


async def graded(depot: Depot, entitled: Entitled) -> tuple[VersionView, Grade]:
    """The version as it is now, with its grade."""
    version = await depot.catalog.version(entitled.version_id)
    if version.grade is None:
        raise ContentMissing()
    return version, version.grade


async def _content(depot: Depot, entitled: Entitled, grade: Grade) -> Content:
    async with depot.database.read() as tx:
        found = await uploads.content_of(tx, entitled.version_id)
    if found is None:
        raise ContentMissing()
    upload, inspection = found
    # Looked for before a use is charged: nobody pays for what is not there.
    if upload.content_id is None or not await depot.content.has(upload.content_id):
        raise ContentMissing()
    if entitled.mode is Mode.RAW:
        return Content(upload, upload.content_id, upload.bytes, upload.content_hash)
    made = await rendition.desensitised(depot, upload, masks_for(inspection.detections, grade))
    if not await depot.content.has(made.content_id):
        raise ContentMissing()
    return Content(upload, made.content_id, made.bytes, made.content_hash)


async def _check_use(depot: Depot, entitlement_id: EntitlementId, use_id: UseId) -> None:
    async with depot.database.read() as tx:
        earlier = await store.deliveries_of_use(tx, use_id)
        delivery_rules.check_use(entitlement_id, earlier, await depot.database.now(tx))


async def _start(
    depot: Depot, buyer: Member, use: UseView, version: VersionView, grade: Grade, decision: Decision, content: Content
) -> Delivery:
    async with depot.database.transaction() as tx:
        if not await depot.database.claim(tx, f"use {use.use_id}"):
            raise UseRunning(use_id=use.use_id, retry_after_seconds=1)
        now = await depot.database.now(tx)
        delivery_rules.check_use(use.entitlement_id, await store.deliveries_of_use(tx, use.use_id), now)
        delivery = Delivery(
            DeliveryId.new(), use.entitlement_id, use.contract_id, use.use_id, use.version_id, version.provider_id,
            use.buyer_id, Mode(use.mode), grade, version.grade_revision, content.content_hash, content.bytes, STARTED,
            started_at=now, deadline=now + LASTS_AT_MOST,
        )  # fmt: skip
        await store.add_delivery(tx, delivery)
        await depot.outbox.record(tx, buyer.actor, now, DeliveryStarted.of(delivery, decision))
    return delivery


async def _refuse(
    depot: Depot, buyer: Member, entitled: Entitled, version: VersionView, grade: Grade, decision: Decision
) -> None:
    assert decision.reason_code is not None
    async with depot.database.transaction() as tx:
        refused = DeliveryRefused(
            entitled.entitlement_id, entitled.version_id, entitled.buyer_id, entitled.mode, grade,
            version.grade_revision, decision, decision.reason_code,
        )  # fmt: skip
        await depot.outbox.record(tx, buyer.actor, await depot.database.now(tx), refused)
