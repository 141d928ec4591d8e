"""A server that is asked to end (F-06): not ready any more, nobody whom it let in is left without an answer."""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.ports import free_port

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(60)]
LEAVING_SECONDS = 3
SERVER = """
import asyncio, sys
from services import serving

async def app(scope, receive, send):
    if scope["type"] != "http":
        await receive()
        return await send({"type": "lifespan.startup.complete"}) or await receive()
    if scope["path"] == "/slow":
        print("slow is here", flush=True)
        await asyncio.sleep(float(scope["query_string"]))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

serving.LEAVING_SECONDS = float(sys.argv[2])
serving.run(app, "127.0.0.1", int(sys.argv[1]), "critical")
"""


class Connection:
    """One connection that stays open, as a door keeps them."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def ask(self, target: str) -> None:
        self.writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    async def answer(self) -> tuple[int, bool]:
        """Its status, and whether it is the last of this connection."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        await self.reader.readexactly(length)
        return int(head.split(b" ")[1]), b"connection: close" in head

    async def until_not_ready(self) -> tuple[int, bool]:
        while True:
            self.ask("/health/ready")
            status, is_last = await self.answer()
            if status != 200:
                return status, is_last

    async def close(self) -> None:
        self.writer.close()


class Running:
    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process, self.port = process, port

    async def connected(self) -> Connection:
        for _ in range(600):
            try:
                return Connection(*await asyncio.open_connection("127.0.0.1", self.port))
            except OSError:
                await asyncio.sleep(0.05)
        raise AssertionError("the server does not listen")

    async def somebody_waits(self) -> None:
        assert self.process.stdout and await self.process.stdout.readline() == b"slow is here\n"

    async def ended(self) -> int:
        return await self.process.wait()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Running]:
    program, port = tmp_path / "server.py", free_port()
    program.write_text(SERVER)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        program,
        str(port),
        str(LEAVING_SECONDS),
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    yield Running(process, port)
    if process.returncode is None:
        process.kill()
    await process.wait()


async def test_who_was_let_in_is_answered_and_who_comes_then_is_sent_elsewhere(server: Running):
    waiting, asking, door = [await server.connected() for _ in range(3)]
    door.ask("/quick")
    assert await door.answer() == (200, False)
    waiting.ask(f"/slow?{LEAVING_SECONDS + 1}")
    await server.somebody_waits()
    server.process.send_signal(signal.SIGTERM)
    assert await asking.until_not_ready() == (503, True)
    door.ask("/quick")
    assert await door.answer() == (200, True)
    assert await waiting.answer() == (200, True)
    assert await server.ended() == -signal.SIGTERM
    for connection in (waiting, door, asking):
        await connection.close()


async def test_a_second_signal_does_not_wait_and_still_answers(server: Running):
    waiting = await server.connected()
    waiting.ask("/slow?0.5")
    await server.somebody_waits()
    began = asyncio.get_running_loop().time()
    server.process.send_signal(signal.SIGTERM)
    server.process.send_signal(signal.SIGINT)
    assert await waiting.answer() == (200, True)
    assert await server.ended() < 0
    assert asyncio.get_running_loop().time() - began < 20
    await waiting.close()


async def test_where_nobody_is_connected_there_is_nothing_to_wait_for(server: Running):
    first = await server.connected()
    await first.close()
    process = server.process
    process.send_signal(signal.SIGTERM)
    assert await server.ended() == -signal.SIGTERM
