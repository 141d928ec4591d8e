"""What a source says of itself is held against what the log has of it, at the door and by who verifies the bundle."""

import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import MetaData, delete, select, update

from shared import outbox
from shared.core import Core
from shared.facts import GENESIS, Actor, Category, Fact, link
from shared.heartbeats import Pulse
from shared.outbox import facts_table, stripes_table
from tests.audit.conftest import AuditBench
from verifier import yaosu_verify
from verifier.yaosu_verify import TAMPERED, VERIFIED

METADATA = MetaData()
outbox.tables(METADATA)
ANA = Actor("user", "ana")


@dataclass(frozen=True, slots=True)
class StepTaken(Fact):
    category: ClassVar = Category.SYSTEM
    number: int


@dataclass
class Trading:
    """A service that reports to the log with an outbox, a relay and a pulse of its own."""

    log: AuditBench
    core: Core
    pulse: Pulse

    async def record(self, *numbers: int) -> None:
        async with self.core.database.transaction() as tx:
            now = await self.core.database.now(tx)
            await self.core.outbox.record(tx, ANA, now, *map(StepTaken, numbers))

    async def report(self) -> None:
        await self.core.relay.tick()
        await self.log.bench.cores["audit"].relay.tick()

    async def told(self, act: str) -> list[dict[str, Any]]:
        found = await self.log.read("/entries?limit=100")
        events = [json.loads(each["event"]) for each in found["items"]]
        return [event["data"] for event in events if event["act"] == f"audit.{act}"]

    async def alerts(self) -> list[tuple[str, int]]:
        return [(each["kind"], each["seq"]) for each in await self.told("alert_raised")]

    async def without(self, seq: int) -> None:
        """One fact less, and all behind it renumbered and chained anew, as whoever owns the database can."""
        async with self.core.database.transaction() as tx:
            query = select(facts_table).order_by(facts_table.c.seq)
            rows = [row for row in await tx.execute(query) if row.seq != seq]
            await tx.execute(delete(facts_table))
            reached = GENESIS
            for number, row in enumerate(rows, start=1):
                reached = link(reached, number, row.line)
                values = {"stripe": 0, "seq": number, "id": row.id, "act": row.act, "line": row.line, "hash": reached}
                await tx.execute(facts_table.insert().values(values))
            await tx.execute(
                update(stripes_table).where(stripes_table.c.number == 0).values(seq=len(rows), hash=reached)
            )


@pytest.fixture
async def trading(log: AuditBench) -> AsyncGenerator[Trading]:
    core = await log.bench.core("trading", METADATA)
    await core.outbox.lease()
    yield Trading(log, core, Pulse(core.outbox, core.database, core.clock))
    await core.database.close()


async def bundle(trading: Trading, folder: Path) -> yaosu_verify.Report:
    await trading.log.sign()
    content = (await trading.log.get("/bundle", trading.log.regulator)).content
    (folder / "bundle.tar").write_bytes(content)
    return yaosu_verify.verify(str(folder / "bundle.tar"), trading.log.verifier_key.text())


async def test_an_honest_source_is_counted_and_nothing_is_said_but_that(trading: Trading, tmp_path: Path):
    await trading.pulse.beat()
    await trading.record(1, 2)
    await trading.report()
    await trading.pulse.beat()
    await trading.pulse.count()
    await trading.report()
    [told] = await trading.told("source_reconciled")
    numbers = (told["verdict"], told["first_seq"], told["last_seq"], told["told_count"], told["log_count"])
    assert (numbers, await trading.alerts()) == (("ok", 1, 4, 4, 4), [])
    assert (await bundle(trading, tmp_path)).exit_code() == VERIFIED


async def test_a_fact_taken_out_before_it_was_sent_contradicts_the_next_sign_of_life(trading: Trading, tmp_path: Path):
    await trading.record(1, 2, 3)
    await trading.pulse.beat()
    await trading.without(2)
    await trading.report()
    assert await trading.alerts() == [("source_contradicts_itself", 3)]
    report = await bundle(trading, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.check, first.index) == (TAMPERED, "chains", 2)


async def test_what_a_source_no_longer_has_is_missed_at_the_count(trading: Trading):
    await trading.pulse.beat()
    await trading.record(1, 2, 3)
    await trading.report()
    async with trading.core.database.transaction() as tx:
        await tx.execute(delete(facts_table).where(facts_table.c.seq == 3))
    await trading.pulse.count()
    await trading.report()
    [told] = await trading.told("source_reconciled")
    assert (told["verdict"], told["told_count"], told["log_count"]) == ("mismatch", 3, 4)
    assert await trading.alerts() == [("counts_differ", 5)]


def counting(**changes: object) -> bytes:
    told = {"stripe": 0, "first_seq": 1, "last_seq": 1, "count": 1, "ids_hash": "0" * 64} | changes
    return json.dumps({name: value for name, value in told.items() if value != ""}, separators=(",", ":")).encode()


NONSENSE: dict[str, Callable[[], bytes]] = {
    "another stripe": lambda: counting(stripe=1), "itself": lambda: counting(last_seq=2),
    "nothing": lambda: counting(first_seq=0), "backwards": lambda: counting(first_seq=2),
    "a word for a number": lambda: counting(count="many"), "a truth for a number": lambda: counting(count=True),
    "a member too few": lambda: counting(count=""), "a member too many": lambda: counting(more=1),
    "no hash": lambda: counting(ids_hash=0),
}  # fmt: skip


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
async def test_a_count_that_counts_nothing_of_the_stripe_is_a_contradiction(
    log: AuditBench, nonsense: Callable[[], bytes]
):
    source = log.source().tell(2)
    head, _, tail = source.lines[1].partition(b'"data":')
    _, _, tail = tail.partition(b"},")
    source.lines[1] = (head + b'"data":' + b"".join([nonsense(), b",", tail])).replace(
        b"trading.contract_signed", b"trading.source_counted"
    )
    source.lines[1] = json.dumps(
        json.loads(source.lines[1]), separators=(",", ":"), sort_keys=True, ensure_ascii=False
    ).encode()
    answer = await source.send()
    assert answer.status_code == 200, answer.text
    await log.bench.cores["audit"].relay.tick()
    found = await log.read("/entries?limit=100")
    assert '"kind":"source_contradicts_itself"' in found["items"][-1]["event"]


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
async def test_a_batch_that_is_sent_again_is_placed_once_and_judged_the_same(trading: Trading):
    await trading.record(1)
    await trading.pulse.beat()
    await trading.without(1)
    await trading.report()
    async with trading.core.database.transaction() as tx:
        await tx.execute(update(facts_table).values(log_index=None))
    await trading.report()
    assert set(await trading.alerts()) == {("source_contradicts_itself", 1)}
