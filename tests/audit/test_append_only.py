"""What the log has taken stays as it is: the database itself refuses to change it, whoever asks by accident."""

import pytest
from sqlalchemy import Executable, Table, delete, text, update
from sqlalchemy.exc import DBAPIError

from services.audit.rules.checkpoint import COSIGNATURE, VerifierKey
from services.audit.rules.cosignature import Cosignature
from services.audit.rules.handover import Handover
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import handover as handover_store
from services.audit.store import log as log_store
from services.audit.tables import APPEND_ONLY
from tests.audit.conftest import AuditBench
from tests.support.migrated import by_administrator


async def witness(log: AuditBench) -> None:
    word = Cosignature(VerifierKey("witness.example/w1", bytes(32), COSIGNATURE), 1, bytes(64))
    async with log.audit.database.transaction() as tx:
        await checkpoint_store.add_cosignatures(tx, 2, [word])
        await checkpoint_store.add_witnessed(tx, 2, log.bench.clock.now())
        following = VerifierKey(log.audit.origin, bytes(32))
        announced = Handover(log.verifier_key, following, log.bench.clock.now(), bytes(64), bytes(64))
        assert await handover_store.add_handover(tx, announced)


@pytest.mark.parametrize("table", APPEND_ONLY, ids=lambda table: table.name)
async def test_what_was_written_is_neither_changed_nor_taken_away(log: AuditBench, table: Table):
    await log.source().tell(2).send()
    await log.source().tell(2).send()  # another past: the evidence of it is kept
    await log.sign()
    await witness(log)
    async with log.audit.database.transaction() as tx:
        await log_store.prune(tx, 0, "of nothing", log.bench.clock.now())
    column = next(iter(table.c))
    statements: list[Executable] = [update(table).values({column.name: column}), delete(table)]
    if not log.audit.database.is_sqlite:
        statements.append(text(f"TRUNCATE {table.name}"))
    for statement in statements:
        with pytest.raises(DBAPIError, match=f"{table.name} is append-only"):
            async with by_administrator(log.audit.database) as tx:
                await tx.execute(statement)
