"""The register of those who may be drawn to decide disputes."""

from collections.abc import Sequence

from services.trading.actions.trading import Trading
from services.trading.events.dispute import ArbiterRegistered, ArbiterRetired
from services.trading.rules import arbiter_draw as rules
from services.trading.rules.arbiter_draw import Arbiter
from services.trading.store import arbiter as store
from shared.access import Caller
from shared.idempotency import Once
from shared.ids import ParticipantId, UserId
from shared.web import Page


async def register(
    trading: Trading, operator: Caller, arbiter_id: UserId, ties: Sequence[ParticipantId], once: Once
) -> Arbiter:
    """Let somebody be drawn, except where one of the organisations that they are tied to is a party."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Arbiter):
            return earlier
        now = await trading.database.now(tx)
        arbiter = Arbiter(arbiter_id, tuple(sorted(set(ties))), now)
        await store.add_arbiter(tx, arbiter)
        await once.remember(tx, arbiter)
        await trading.outbox.record(tx, operator.actor, now, ArbiterRegistered.of(arbiter))
    return arbiter


async def retire(trading: Trading, operator: Caller, arbiter_id: UserId, once: Once) -> Arbiter:
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Arbiter):
            return earlier
        arbiter = rules.retire(await store.arbiter_for_update(tx, arbiter_id))
        now = await trading.database.now(tx)
        await store.save_arbiter(tx, arbiter)
        await once.remember(tx, arbiter)
        await trading.outbox.record(tx, operator.actor, now, ArbiterRetired.of(arbiter))
    return arbiter


async def arbiters(trading: Trading, page: Page) -> list[Arbiter]:
    async with trading.database.read() as tx:
        return await store.page_of_arbiters(tx, page)
