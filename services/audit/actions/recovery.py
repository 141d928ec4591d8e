"""What happens to the log's one writer when the tables were set back to a backup: it is nobody's any more."""

from dataclasses import replace

from services.audit.store import log as log_store
from shared.database import Transaction
from shared.recovery import FENCE_STEP


async def void_lease(tx: Transaction) -> None:
    """No process of before lets the log grow: the epoch is beyond any that it can have had."""
    if not await log_store.has_begun(tx):
        return
    log = await log_store.head_for_update(tx)
    await log_store.move_head(tx, log, replace(log, epoch=log.epoch + FENCE_STEP, holder=None, leased_until=None))
