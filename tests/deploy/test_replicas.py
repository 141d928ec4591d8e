"""The door's first process finds the replicas of each service, and tells nginx when they have changed.

With a real nginx on deploy/nginx.conf, and a `getent` of our own for the names; skipped where the machine has no nginx.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from httpx2 import AsyncClient, HTTPError

from tests.support.nginx import NO_NGINX, PROGRAM
from tests.support.ports import free_port

ROOT = Path(__file__).parent.parent.parent
Some = Callable[..., Awaitable[list["Replica"]]]
pytestmark = [
    pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(60),
    pytest.mark.skipif(PROGRAM is None, reason=NO_NGINX),
]  # fmt: skip


class Replica:
    """Answers every request with its own name; or takes it, and hangs up."""

    def __init__(self, name: str, hangs_up: bool) -> None:
        self.name, self.hangs_up, self.port, self.asked = name, hangs_up, free_port(), 0
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)

    async def close(self) -> None:
        assert self._server
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        body = self.name.encode()
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(b"" if self.hangs_up else head + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


class Door:
    """deploy/door, with names that are known from a file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.client = AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=5)
        self.process: asyncio.subprocess.Process | None = None

    def knows(self, **replicas: list[Replica]) -> None:
        lines = [f"{name} 127.0.0.1:{replica.port}" for name, some in replicas.items() for replica in some]
        (self.folder / "names").write_text("".join(f"{line}\n" for line in lines))

    async def open(self) -> None:
        text = (ROOT / "deploy/nginx.conf").read_text()
        text = text.replace("listen 8000;", f"listen 127.0.0.1:{self.port};").replace("listen 8443 ssl;", "")
        text = "\n".join(line for line in text.splitlines() if "ssl_certificate" not in line)
        text = text.replace("/tmp/", f"{self.folder}/").replace("/dev/stderr", f"{self.folder}/error.log")
        (self.folder / "conf").write_text(text)
        getent = self.folder / "getent"
        getent.write_text(f'#!/bin/sh\nsed -n "s/^$2 \\(.*\\)/\\1 STREAM/p" {self.folder}/names\n')
        getent.chmod(0o755)
        assert PROGRAM
        told = {"DOOR_CONF": f"{self.folder}/conf", "DOOR_FOLDER": str(self.folder), "DOOR_SECONDS": "0.1"}
        path = f"{self.folder}:{Path(PROGRAM).parent}:{os.environ['PATH']}"
        self.process = await asyncio.create_subprocess_exec(
            ROOT / "deploy/door", env=os.environ | told | {"PATH": path}, start_new_session=True
        )
        for _ in range(300):
            if await self._answers():
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the door did not open")

    async def close(self) -> int:
        assert self.process
        if self.process.returncode is None:
            self.process.terminate()
        await self.client.aclose()
        return await self.process.wait()

    async def asked(self, times: int = 8) -> Counter[str]:
        return Counter([(await self.client.get("/trading/v1/listings")).text for _ in range(times)])

    async def _answers(self) -> bool:
        try:
            await self.client.get("/health/live")
        except HTTPError:
            return False
        return True

    async def until(self, good: Callable[[Counter[str]], bool]) -> Counter[str]:
        seen = Counter[str]()
        for _ in range(300):
            try:
                seen = await self.asked()
                if good(seen):
                    return seen
            except HTTPError:
                pass
            await asyncio.sleep(0.05)
        raise AssertionError(f"waited in vain, and saw {seen}")


@asynccontextmanager
async def opened(folder: Path, **replicas: list[Replica]) -> AsyncGenerator[Door]:
    door = Door(folder)
    door.knows(**replicas)
    await door.open()
    try:
        yield door
    finally:
        await door.close()


@pytest.fixture
async def some() -> AsyncGenerator[Some]:
    opened: list[Replica] = []

    async def open_some(*names: str, hangs_up: bool = False) -> list[Replica]:
        replicas = [Replica(name, hangs_up) for name in names]
        for replica in replicas:
            await replica.open()
        opened.extend(replicas)
        return replicas

    yield open_some
    for replica in opened:
        await replica.close()


async def test_the_door_spreads_over_replicas_and_takes_new_ones_in(tmp_path: Path, some: Some):
    one, two, three = await some("one", "two", "three")
    async with opened(tmp_path, trading=[one, two]) as door:
        both = await door.asked()
        door.knows(trading=[one, two, three])
        all_three = await door.until(lambda seen: len(seen) == 3)
    assert both == {"one": 4, "two": 4} and set(all_three) == {"one", "two", "three"}


async def test_a_replica_that_died_costs_nobody_an_answer_and_is_then_left_out(tmp_path: Path, some: Some):
    one, two = await some("one", "two")
    async with opened(tmp_path, trading=[one, two]) as door:
        await two.close()
        answered = await door.asked(20)
        posted = [(await door.client.post("/trading/v1/listings", content=b"{}")).text for _ in range(4)]
    assert answered == {"one": 20} and posted == ["one"] * 4


async def test_what_a_replica_took_and_did_not_answer_is_not_sent_to_another(tmp_path: Path, some: Some):
    [one], [silent] = await some("one"), await some("silent", hangs_up=True)
    async with opened(tmp_path, trading=[one, silent]) as door:
        answers = [await door.client.post("/trading/v1/listings", content=b"{}") for _ in range(4)]
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 503]
    assert (silent.asked, one.asked) == (1, 3)
    assert next(answer for answer in answers if answer.is_error).json()["code"] == "unavailable"


async def test_who_is_nowhere_is_refused_alone_until_they_come(tmp_path: Path, some: Some):
    [gateway] = await some("gateway")
    async with opened(tmp_path, gateway=[gateway]) as door:
        assert (await door.client.get("/docs")).text == "gateway"
        answer = await door.client.get("/trading/v1/listings")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        [trading] = await some("trading")
        door.knows(gateway=[gateway], trading=[trading])
        await door.until(lambda seen: set(seen) == {"trading"})


def living(group: int) -> list[str]:
    """The processes of a group. What has ended and was asked after by nobody, as a zombie, does not live."""
    found = list[str]()
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _, rest = each.read_text().rpartition(")")
            state, _, of_group, *_ = rest.split()
            if int(of_group) == group and state != "Z":
                found.append(name)
    return found


async def test_asked_to_end_the_door_ends_and_nothing_of_it_is_left(tmp_path: Path, some: Some):
    [one] = await some("one")
    async with opened(tmp_path, trading=[one]) as door:
        assert door.process
        group = door.process.pid
        assert await door.close() == 0
    assert living(group) == []
