"""What the log tells of itself in numbers: how long it is, how far it is signed and witnessed, and since when not.

Promises: three rows of the database each time, however long the log is, and nothing that stops or changes anything.
"""

from datetime import timedelta

from services.audit.actions.audit import Audit
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import log as log_store
from shared.metrics import Metrics


class LogNumbers:
    def __init__(self, audit: Audit, metrics: Metrics) -> None:
        self.audit = audit
        self._entries = metrics.gauge("log_entries", "Entries of the log.")
        self._signed = metrics.gauge("log_signed_entries", "Entries under the newest checkpoint.")
        self._witnessed = metrics.gauge(
            "log_witnessed_entries", "Entries under the newest checkpoint that is witnessed."
        )
        self._unsigned_age = metrics.gauge(
            "log_unsigned_age_seconds", "Age of the newest checkpoint, where the log has grown since."
        )
        self._unwitnessed_age = metrics.gauge(
            "log_unwitnessed_age_seconds", "Age of the oldest checkpoint that its witnesses have not confirmed."
        )
        self._epoch = metrics.gauge(
            "log_sequencer_epoch", "How often the one writer of the log was another than before."
        )
        metrics.measure(
            "log_frozen", "1 where the log takes nothing until a person has looked at it.",
            lambda: float(audit.sequencer.frozen_because is not None),
        )  # fmt: skip

    async def tell(self) -> None:
        await self.audit.sequencer.begin()
        async with self.audit.database.read() as tx:
            now, log = await self.audit.database.now(tx), await log_store.head(tx)
            newest = await checkpoint_store.newest_checkpoint(tx)
            witnessed = await checkpoint_store.witnessed_size(tx)
            unwitnessed_at = await checkpoint_store.first_signed_beyond(tx, witnessed)
        signed = newest.size if newest else 0
        is_witnessed = self.audit.witnessing.policy is not None
        unsigned_for = now - newest.signed_at if newest and log.size > signed else timedelta()
        unwitnessed_for = now - unwitnessed_at if is_witnessed and unwitnessed_at else timedelta()
        self._entries.set(log.size)
        self._signed.set(signed)
        self._witnessed.set(witnessed)
        self._epoch.set(log.epoch)
        self._unsigned_age.set(unsigned_for.total_seconds())
        self._unwitnessed_age.set(unwitnessed_for.total_seconds())
