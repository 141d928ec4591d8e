"""An outbox whose tables were set back: nobody of before writes, nothing is sent twice or never, no chain has a gap."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from sqlalchemy import MetaData, func, insert, select

from shared import changes, outbox, recovery
from shared.changes import inbox_table
from shared.database import Database
from shared.facts import GENESIS, Actor, Category, Fact, link
from shared.ids import FactId
from shared.outbox import Outbox, StripeHead, StripeLost, facts_table
from shared.recovery import Lost, NotAChain
from tests.conftest import MakeDatabase

METADATA, FOLLOWING = MetaData(), MetaData()
outbox.tables(METADATA)
changes.tables(FOLLOWING)
ANA = Actor("user", "user_1", "participant_1")


@dataclass(frozen=True, slots=True)
class StepTaken(Fact):
    category: ClassVar = Category.SYSTEM
    number: int


async def record(database: Database, writer: Outbox, *numbers: int) -> None:
    async with database.transaction() as tx:
        await writer.record(tx, ANA, await database.now(tx), *map(StepTaken, numbers))


def lost_after(head: StripeHead, count: int) -> list[Lost]:
    """What a log could have of a stripe after its head."""
    reached, lost = head.hash, list[Lost]()
    for seq in range(head.seq + 1, head.seq + 1 + count):
        line = b'{"act":"trading.step_taken","data":{"number":%d}}' % seq
        reached = link(reached, seq, line)
        lost.append(Lost(seq, FactId.new(), "trading.step_taken", line, reached, 100 + seq))
    return lost


async def test_a_process_of_before_is_fenced_and_the_next_takes_the_same_stripe(database: MakeDatabase):
    trading = await database("trading", METADATA)
    before, after = Outbox("trading", trading), Outbox("trading", trading)
    lease = await before.lease()
    await record(trading, before, 1)
    async with trading.transaction() as tx:
        await recovery.void_leases(tx)
    with pytest.raises(StripeLost):
        await record(trading, before, 2)
    again = await after.lease()
    assert again.stripe == lease.stripe and again.fence > lease.fence + recovery.FENCE_STEP - 1
    await record(trading, after, 2)


async def test_what_the_log_has_is_put_back_and_the_chain_goes_on(database: MakeDatabase):
    trading = await database("trading", METADATA)
    writer = Outbox("trading", trading)
    stripe = (await writer.lease()).stripe
    await record(trading, writer, 1, 2)
    async with trading.transaction() as tx:
        await recovery.put_back(tx, stripe, lost := lost_after((await recovery.heads(tx))[stripe], 3))
    await writer.lease()
    await record(trading, writer, 6)
    async with trading.read() as tx:
        rows = (await tx.execute(select(facts_table).order_by(facts_table.c.seq))).all()
        head = (await recovery.heads(tx))[stripe]
    reached = GENESIS
    for seq, row in enumerate(rows, 1):
        reached = link(reached, seq, row.line)
        assert (row.seq, row.hash) == (seq, reached)
    assert [row.log_index for row in rows] == [None, None, *(each.log_index for each in lost), None]
    assert head == StripeHead(stripe, 6, reached)


SPOILT: dict[str, Callable[[list[Lost]], list[Lost]]] = {
    "not the next": lambda lost: lost[1:],
    "a gap": lambda lost: [lost[0], lost[2]],
    "another order": lambda lost: [lost[1], lost[0]],
    "another line": lambda lost: [replace(lost[0], line=b"{}")],
    "another hash": lambda lost: [replace(lost[0], hash=bytes(32))],
}


@pytest.mark.parametrize("spoilt", SPOILT)
async def test_what_is_no_chain_is_not_put_back(database: MakeDatabase, spoilt: str):
    trading = await database("trading", METADATA)
    stripe = (await Outbox("trading", trading).lease()).stripe
    with pytest.raises(NotAChain):
        async with trading.transaction() as tx:
            head = (await recovery.heads(tx))[stripe]
            await recovery.put_back(tx, stripe, SPOILT[spoilt](lost_after(head, 3)))
    async with trading.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(facts_table)) == 0


async def test_a_log_that_forgot_is_sent_exactly_what_comes_after(database: MakeDatabase):
    trading = await database("trading", METADATA)
    writer = Outbox("trading", trading)
    stripe = (await writer.lease()).stripe
    await record(trading, writer, 1, 2, 3)
    async with trading.transaction() as tx:
        await tx.execute(facts_table.update().values(log_index=1))
        assert await recovery.send_again(tx, stripe, 2) == 1
        assert await recovery.send_again(tx, stripe + 1, 0) == 0
    async with trading.read() as tx:
        assert list(await tx.scalars(select(facts_table.c.seq).where(facts_table.c.log_index.is_(None)))) == [3]


async def test_a_follower_that_was_beyond_its_source_goes_on_from_its_end(database: MakeDatabase):
    catalog = await database("catalog", FOLLOWING)
    end = StripeHead(0, 5, b"five")
    async with catalog.transaction() as tx:
        for source, stripe, seq in (("trading", 0, 7), ("trading", 1, 7), ("identity", 0, 7)):
            await tx.execute(insert(inbox_table).values(source=source, stripe=stripe, seq=seq, hash=b"seven"))
        assert await recovery.set_back(tx, "trading", {0: end, 1: StripeHead(1, 7, b"other")}) == 1
    async with catalog.read() as tx:
        rows = await tx.execute(select(*inbox_table.c).order_by(inbox_table.c.source, inbox_table.c.stripe))
        assert [tuple(row) for row in rows] == [
            ("identity", 0, 7, b"seven"), ("trading", 0, 5, b"five"), ("trading", 1, 7, b"seven"),
        ]  # fmt: skip
    assert recovery.follows(FOLLOWING) and not recovery.follows(METADATA)
