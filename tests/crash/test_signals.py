"""What a server does that is told to end, that is stopped dead for a while, or that is replaced under load."""

import asyncio
import json
import os
import random
from collections.abc import AsyncGenerator
from pathlib import Path
from signal import SIGCONT, SIGSTOP, SIGTERM
from time import monotonic
from uuid import uuid4

import pytest

from tests.crash import markets, stage
from tests.crash.program import LEASE_SECONDS
from tests.crash.servers import Servers
from tests.crash.verdict import everything_holds, rows
from tests.crash.workload import Workload

DRAIN_SECONDS_MAX = 20
INSIDE = 12
pytestmark = [
    pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(900),
    pytest.mark.skipif("YAOSU_KILLS" not in os.environ, reason="`make crash` starts whole markets for it"),
]  # fmt: skip


@pytest.fixture
async def replicas(postgres: str, tmp_path: Path) -> AsyncGenerator[Servers]:
    """Two processes of trading, in one market on PostgreSQL."""
    async with markets.on_postgresql(tmp_path / "crash", postgres, replicas=("trading",)) as servers:
        yield servers


class HalfSent:
    """A write of which the server has the head and half of the body."""

    def __init__(self, headers: dict[str, str], port: int) -> None:
        self._body = json.dumps({"amount": {"minor": 1_000, "currency": "CNY"}}).encode()
        told = headers | {
            "Host": f"127.0.0.1:{port}", "Idempotency-Key": uuid4().hex, "Content-Type": "application/json",
            "Content-Length": str(len(self._body)), "Expect": "100-continue",
        }  # fmt: skip
        lines = [f"{name}: {value}\r\n" for name, value in told.items()]
        self._head = ("POST /trading/v1/wallet/pay-ins HTTP/1.1\r\n" + "".join(lines) + "\r\n").encode()
        self._port = port

    async def begin(self) -> "HalfSent":
        """Returns once the server has said that it waits for the body."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(self._head)
        assert await self._reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        self._writer.write(self._body[:10])
        await self._writer.drain()
        return self

    async def end(self) -> bytes:
        """The first line of the answer."""
        self._writer.write(self._body[10:])
        await self._writer.drain()
        line = await self._reader.readline()
        self._writer.close()
        return line


async def test_a_server_that_is_told_to_end_answers_what_it_took_and_takes_nothing_more(tmp_path: Path):
    async with markets.on_sqlite(tmp_path / "crash") as servers, servers.client(is_patient=True) as client:
        market = await stage.set_up(client, servers.folder)
        headers, port = market.people["alpha"].headers(), servers.servers["market"].port
        inside = [await HalfSent(headers, port).begin() for _ in range(INSIDE)]
        since = monotonic()
        servers.send("market", SIGTERM)
        await until_it_takes_nobody(port)
        answers = await asyncio.gather(*(each.end() for each in inside))
        assert answers == [b"HTTP/1.1 201 Created\r\n"] * INSIDE
        assert await servers.ended("market", DRAIN_SECONDS_MAX + 5)
        assert servers.servers["market"].code in {0, -SIGTERM}
        assert monotonic() - since <= DRAIN_SECONDS_MAX
        paid_in = await rows(servers, "trading", "SELECT count(*) FROM instructions WHERE amount_minor = 1000")
        assert paid_in == [(INSIDE,)]


async def until_it_takes_nobody(port: int) -> None:
    for _ in range(DRAIN_SECONDS_MAX * 20):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionError:
            return
        writer.close()
        await asyncio.sleep(0.05)
    raise AssertionError("it takes connections though it was told to end")


async def test_replicas_are_replaced_under_load_and_no_write_fails_for_good(replicas: Servers):
    async with replicas.client() as client, replicas.client(is_patient=True) as patient:
        market = await stage.set_up(patient, replicas.folder)
        workload = Workload(market, client, random.Random(1))
        working = asyncio.create_task(workload.go_on())
        for name in ("trading", "trading2", "trading", "trading2"):
            await asyncio.sleep(2)
            replicas.send(name, SIGTERM)
            assert await replicas.ended(name, DRAIN_SECONDS_MAX + 5)
            await replicas.start(name)
        workload.finish()
        await working
        seen = await everything_holds(replicas, workload)
        assert seen["acknowledged writes"] > 0


async def test_a_process_that_was_stopped_dead_finds_its_stripe_taken_and_writes_nothing_late(replicas: Servers):
    async with replicas.client() as client, replicas.client(is_patient=True) as patient:
        market = await stage.set_up(patient, replicas.folder)
        workload = Workload(market, client, random.Random(2))
        working = asyncio.create_task(workload.go_on())
        await asyncio.sleep(2)
        fences = await rows(replicas, "trading", "SELECT sum(fence) FROM outbox_stripes")
        replicas.send("trading", SIGSTOP)
        await asyncio.sleep(LEASE_SECONDS + 4)
        acknowledged = workload.counts["acknowledged"]
        replicas.send("trading", SIGCONT)
        await asyncio.sleep(4)
        workload.finish()
        await working
        await everything_holds(replicas, workload)
        assert workload.counts["acknowledged"] >= acknowledged > 0
        assert await rows(replicas, "trading", "SELECT sum(fence) FROM outbox_stripes") >= fences
