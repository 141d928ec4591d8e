"""A writer of the log that is stopped dead (F-04): another takes its place, and what it wakes to it does not change."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from services.audit.actions.sequencer import LEASE, Sequencer
from services.audit.rules.tree import Edge, leaf_hashes
from services.audit.tables import entries, log, metadata
from shared.database import Database
from tests.conftest import MakeDatabase
from tests.support.clock import ToldClock
from tests.support.stopped_sequencer import batch

SECONDS_MAX = 60
IDLE = "state = 'idle in transaction' AND datname = current_database()"
pytestmark = [
    pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(180),
    pytest.mark.parametrize("server", ["postgresql"], indirect=True),
]  # fmt: skip


@pytest.mark.parametrize("point", [
    "log.grown",
    pytest.param("log.committed", marks=pytest.mark.skipif("YAOSU_OUTAGES" not in os.environ, reason="`make outages`")),
])  # fmt: skip
async def test_the_log_grows_by_another_while_its_writer_is_stopped_and_by_that_one_no_more(
    database: MakeDatabase, clock: ToldClock, point: str
):
    kept = await database("audit", metadata)
    stopped = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.stopped_sequencer", kept.url, clock.now().isoformat(), point,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await until_stopped(stopped)
        was_committed = point == "log.committed"
        before = await grown(kept)
        assert before == (6 if was_committed else 3, 1)
        if not was_committed:
            await give_up(kept)
        clock.advance(seconds=LEASE.total_seconds() + 1)
        other = Sequencer(kept)
        placed = [await other.append(batch(number)) for number in (1, 2)]
        assert [(each.first_index, each.last_index) for each in placed] == [(3, 5), (6, 8)]
        after = await grown(kept)
        assert after == (9, 2), "each entry once, by the next epoch"

        stopped.send_signal(signal.SIGCONT)
        said = await asyncio.wait_for(stopped.communicate(), SECONDS_MAX)
        first, interrupted, *again = map(json.loads, said[0].splitlines())
        assert first == {"batch": 0, "placed": [0, 2]}
        assert interrupted == ({"batch": 1, "placed": [3, 5]} if was_committed else refused(1, "database_busy"))
        assert again == [refused(1, "not_the_sequencer"), refused(3, "not_the_sequencer")]
        assert await grown(kept) == after
        await other.append(batch(3))
        assert await grown(kept) == (12, 2)
    finally:
        if stopped.returncode is None:
            stopped.kill()
            await stopped.wait()


def refused(number: int, code: str) -> dict[str, Any]:
    return {"batch": number, "refused": code}


async def until_stopped(process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert process.returncode is None
            await asyncio.sleep(0.05)


async def give_up(kept: Database) -> None:
    """What the database does by itself with a transaction that says nothing for half a minute."""
    async with kept.transaction() as tx:
        ended = await tx.execute(text(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {IDLE}"))
        assert ended.all() == [(True,)]


async def grown(kept: Database) -> tuple[int, int]:
    """The size and the epoch of a log that is whole: its root is that of its entries, of which each is there once."""
    async with kept.read() as tx:
        head = (await tx.execute(select(log.c.size, log.c.root, log.c.epoch))).one()
        rows = (await tx.execute(select(entries.c.seq, entries.c.leaf).order_by(entries.c.log_index))).all()
    assert [row.seq for row in rows] == list(range(1, head.size + 1))
    assert head.root == Edge().append(leaf_hashes(row.leaf for row in rows)).root()
    return head.size, head.epoch
