"""What happens while the bytes flow: the decision is taken again, and the end is recorded whatever ends it."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from services.catalog.client import NoSuchVersion
from services.delivery.actions.decision import Decided, requested_now
from services.delivery.actions.depot import Depot
from services.delivery.events.delivery import DeliveryEnded
from services.delivery.rules import delivery as delivery_rules
from services.delivery.rules.byte_range import Span
from services.delivery.rules.delivery import CHECKED_EVERY, WATCHED_EVERY, Cut, Delivery, DeliveryCut, Reason
from services.delivery.rules.upload import Upload
from services.delivery.store import deliveries as store
from shared.errors import Unavailable
from shared.grades import G3
from shared.ids import ContentId, VersionId


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent: the upload as it came, or a rendition of it."""

    upload: Upload
    version_id: VersionId
    content_id: ContentId
    bytes: int
    content_hash: str


class Sending:
    """A delivery under way: iterate it once for the bytes, watch it meanwhile, and close it whatever happens."""

    def __init__(
        self, depot: Depot, delivery: Delivery, content: Content, span: Span, decided: Decided, checked_at: datetime
    ) -> None:
        self.delivery, self.content, self.span = delivery, content, span
        self._depot, self._decided, self._version = depot, decided, decided.version
        self._checked_at, self._checking = checked_at, asyncio.Lock()
        self._bytes_sent = 0  # handed over: an upper bound of what has arrived
        self._reason, self._cut = Reason.ABORTED, None
        self._closed = False

    @property
    def is_handed_over(self) -> bool:
        """Whether the door sends it: then there is nothing to iterate, and its end is recorded already."""
        return self.delivery.reason_code is Reason.HANDED_OVER

    async def __aiter__(self) -> AsyncGenerator[memoryview]:
        """The span. Raises DeliveryCut where it may not go on, so that nobody takes a part for the whole."""
        async for chunk in self._depot.content.part(self.content.content_id, self.span.first, self.span.bytes):
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
                self._version = await depot.catalog.version_for(delivery.version_id, delivery.buyer_id)
            except NoSuchVersion:
                return Cut.REGRADED
            except Unavailable:
                if binding:
                    return Cut.UNCONFIRMED
            self._checked_at = now
        requested = requested_now(depot, self._decided, self._version)
        return delivery_rules.reason_to_cut(delivery, requested, self._version.grade_revision)
