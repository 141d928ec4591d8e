"""A network that fails between us and the database, or between two services: every answer comes in its time, and what
happened on the far side happened once."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic
from uuid import uuid4

import pytest
from pydantic import BaseModel
from sqlalchemy import MetaData, make_url, text

from shared.database import Database
from shared.errors import Unavailable
from shared.rest import Directory, Peer, RestClient
from tests.conftest import Server
from tests.support.bench import PATIENT_SECONDS, Bench
from tests.support.clock import ToldClock
from tests.support.postgres import fresh_database
from tests.support.proxy import Mode, Proxy
from tests.trading.market import Market, a_market, code, yuan

IN_FULL = "YAOSU_OUTAGES" in os.environ  # a trickle is slow, and so is seeing it through
DEADLINE_SECONDS = 0.4
MANY = 150  # more than a client has connections


class Word(BaseModel):
    word: str


class Tokens:
    async def token(self, audience: str) -> str:
        return audience


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A service that says yes to everything."""
    body = b'{"word":"yes"}'
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(head + body)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def ask(directory: Directory, service: str, seconds: float = PATIENT_SECONDS) -> str:
    client = RestClient(Peer(directory, service, Tokens()), seconds)
    return (await client.get("/word", Word)).word


@asynccontextmanager
async def two_neighbours() -> AsyncGenerator[tuple[Directory, Proxy]]:
    """`far` is reached through a proxy, `near` is not."""
    answering = set[asyncio.Task[None] | None]()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.current_task())
        await answers(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Proxy(port).listen() as proxy:
        near, far = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{proxy.port}"
        directory = Directory({"near": near, "far": far})
        try:
            yield directory, proxy
        finally:
            await directory.close()
            server.close()
            proxy.cut()
            await asyncio.gather(*filter(None, answering), return_exceptions=True)


@pytest.mark.parametrize("mode", ["blackhole", "half_close", "reset", *(["trickle"] if IN_FULL else [])])
async def test_a_neighbour_behind_a_network_that_fails_takes_nobody_else_along(mode: Mode):
    async with two_neighbours() as (directory, proxy):
        assert await ask(directory, "far") == "yes"
        proxy.mode, since = mode, monotonic()
        proxy.cut()
        asked = [asyncio.create_task(ask(directory, "far", DEADLINE_SECONDS)) for _ in range(MANY)]
        assert await asyncio.gather(*(ask(directory, "near") for _ in range(20))) == ["yes"] * 20
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(each) for each in outcomes} == {Unavailable}, "nobody is told what nobody said"
        assert monotonic() - since < PATIENT_SECONDS / 2
        proxy.mode = "pass"
        proxy.cut()
        assert await ask(directory, "far") == "yes", "no connection stays taken"


async def test_a_neighbour_that_is_late_but_in_time_is_heard():
    async with two_neighbours() as (directory, proxy):
        proxy.mode, proxy.delay_seconds = "delay", DEADLINE_SECONDS / 10
        assert await ask(directory, "far") == "yes"


@asynccontextmanager
async def market_behind(proxy_to: str, clock: ToldClock) -> AsyncGenerator[tuple[Market, Proxy]]:
    """A market whose every word with its database goes through a proxy."""
    url = make_url(proxy_to)
    assert url.port
    async with Proxy(url.port, delay_seconds=0.2).listen() as proxy:
        through = url.set(port=proxy.port).render_as_string(hide_password=False)

        async def database(service: str, _: MetaData) -> Database:
            return Database(through, schema=service, clock=clock, told_time=True)

        async with a_market(Bench(database, clock=clock)) as market:
            yield market, proxy


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
async def test_a_connection_that_is_lost_after_commit_was_sent_leaves_one_effect(server: Server, clock: ToldClock):
    async with fresh_database(server.dsn, server.template) as dsn, market_behind(dsn, clock) as (market, proxy):
        buyer, key, body = await market.buyer(), uuid4().hex, {"amount": yuan(1_000)}
        proxy.swallow_answer_to, proxy.after = b"COMMIT", b"INSERT INTO instructions"
        answer = await market.post(buyer, "/wallet/pay-ins", body, key)
        assert proxy.swallowed.is_set()
        assert code(answer) == (503, "database_busy") and answer.headers["Retry-After"] == "1"
        again = await market.post(buyer, "/wallet/pay-ins", body, key)
        assert again.status_code == 201, again.text
        assert (await market.post(buyer, "/wallet/pay-ins", body, key)).json() == again.json()
        async with market.trading.database.read() as tx:
            assert await tx.scalar(text("SELECT count(*) FROM instructions")) == 1
            assert await tx.scalar(text("SELECT count(*) FROM transfers")) == 1
        assert len(await market.facts("instruction_given")) == 1


@pytest.mark.parametrize("server", ["postgresql"], indirect=True)
async def test_a_database_that_answers_nothing_any_more_is_busy_and_is_back_when_it_is(
    server: Server, clock: ToldClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shared.database.CONNECT_SECONDS_MAX", 0.3)
    async with fresh_database(server.dsn, server.template) as dsn, market_behind(dsn, clock) as (market, proxy):
        buyer = await market.buyer()
        proxy.mode = "reset"
        proxy.cut()
        for _ in range(3):
            answer = await market.post(buyer, "/wallet/pay-ins", {"amount": yuan(1_000)})
            assert code(answer) == (503, "database_busy") and "Retry-After" in answer.headers
        proxy.mode = "pass"
        assert (await market.do(buyer, "/wallet/pay-ins", {"amount": yuan(1_000)}))["state"]
