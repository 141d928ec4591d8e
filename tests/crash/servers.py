"""A market of servers that may be killed, together or one by one, and started again on the same data."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGSTOP, Signals
from typing import Any

from httpx2 import AsyncBaseTransport, AsyncClient, AsyncHTTPTransport, ConnectError, HTTPError, Request, Response

from tests.support.ports import free_port

READY_SECONDS_MAX = 180  # of a machine that does much else; how long it took is measured
ASK_SECONDS_MAX, TRIES_MAX = 60, 100


@dataclass
class Server:
    """One process of the market, and what it is told."""

    name: str
    settings: dict[str, str]
    port: int = field(default_factory=free_port)
    pid: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    code: int | None = None
    is_stopped: bool = False  # by a signal: whoever asked it would wait for ever

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self.pid is not None and not self.ended.is_set()


class Servers:
    """Requires a folder of their own. Each is a fork of one program that has loaded everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: dict[str, Server] = {}
        self.dsn: str | None = None  # of PostgreSQL, by its administrator
        self._began: asyncio.Queue[int] = asyncio.Queue()
        self._by_pid: dict[int, Server] = {}
        self._one_at_a_time = asyncio.Lock()
        self._program: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Servers"]:
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("YAOSU_")}
        self._program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.crash.program", env=kept, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._listening = asyncio.create_task(self._listen())
        try:
            yield self
        finally:
            for server in self.servers.values():
                if server.is_running:
                    self._signal(server, SIGKILL)
            self._program.terminate()
            await self._program.wait()
            self._listening.cancel()

    def add(self, name: str, settings: Mapping[str, str]) -> Server:
        own = {"YAOSU_LOG_LEVEL": "warning", "CRASH_STRIKE": str(self._strike_file(name)), **settings}
        server = Server(name, own)
        self.servers[name] = server
        return server

    async def begin(self, name: str) -> None:
        """Start it, and wait for nothing."""
        server = self.servers[name]
        assert not server.is_running, f"{name} runs already"
        async with self._one_at_a_time:
            told = {"name": name, "what": name.removesuffix("2"), "log": str(self.folder / f"{name}.log")}
            environment = server.settings | {"YAOSU_PORT": str(server.port)}
            assert self._program and self._program.stdin
            server.ended.clear()
            self._program.stdin.write((json.dumps(told | {"environment": environment}) + "\n").encode())
            server.pid = await self._began.get()
            self._by_pid[server.pid] = server

    async def start(self, *names: str) -> None:
        """Returns once they are ready."""
        for name in names:
            await self.begin(name)
        await asyncio.gather(*(self.until_ready(name) for name in names))

    async def until_ready(self, name: str) -> None:
        server = self.servers[name]
        async with AsyncClient(base_url=server.url) as client:
            for _ in range(READY_SECONDS_MAX * 50):
                if not server.is_running:
                    break
                try:
                    if (await client.get("/health/ready", timeout=2)).status_code in {200, 404}:
                        return
                except HTTPError:
                    pass
                await asyncio.sleep(0.02)
        raise AssertionError(f"{name} did not get ready: {self.said(name)[-3000:]}")

    async def run(self, name: str) -> None:
        """Something that ends by itself, and well."""
        await self.begin(name)
        await self.servers[name].ended.wait()
        assert self.servers[name].code == 0, self.said(name)

    def kill(self, name: str) -> None:
        self._signal(self.servers[name], SIGKILL)

    def send(self, name: str, number: Signals) -> None:
        self.servers[name].is_stopped = number is SIGSTOP
        self._signal(self.servers[name], number)

    async def ended(self, name: str, seconds: float = READY_SECONDS_MAX) -> bool:
        """Whether it ended within that time."""
        try:
            async with asyncio.timeout(seconds):
                await self.servers[name].ended.wait()
        except TimeoutError:
            return False
        return True

    def strike(self, name: str, point: str, times: int) -> None:
        """Have it die where it passes that point for that time."""
        file = self._strike_file(name)
        fresh = file.with_suffix(".new")
        fresh.write_text(f"{point} {times}")
        fresh.rename(file)

    def call_off(self, name: str) -> bool:
        """Whether the strike had not come yet, and so will not."""
        try:
            self._strike_file(name).unlink()
        except FileNotFoundError:
            return False
        return True

    def said(self, name: str) -> str:
        file = self.folder / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def client(self, *, is_patient: bool = False) -> AsyncClient:
        """One client for the whole market: each path goes to whom it belongs to, as at nginx. A patient one sends the
        same again, with its key, as long as it is told to come back."""
        return AsyncClient(transport=Doors(self, is_patient), base_url="http://127.0.0.1", timeout=ASK_SECONDS_MAX)

    def _strike_file(self, name: str) -> Path:
        return self.folder / f"strike-{name}"

    def _signal(self, server: Server, number: Signals) -> None:
        if server.is_running and server.pid:
            try:
                os.kill(server.pid, number)
            except ProcessLookupError:
                pass

    async def _listen(self) -> None:
        assert self._program and self._program.stdout
        async for line in self._program.stdout:
            told: dict[str, Any] = json.loads(line)
            if "pid" in told:
                await self._began.put(told["pid"])
                continue
            server = self._by_pid.get(told["ended"])
            if server is None:  # it ended before its beginning was noted
                asyncio.get_running_loop().call_later(0.05, self._note_end, told)
            else:
                self._note_end(told)

    def _note_end(self, told: dict[str, Any]) -> None:
        server = self._by_pid.get(told["ended"])
        if server and server.pid == told["ended"]:
            server.code = told["code"]
            server.ended.set()


class Doors(AsyncBaseTransport):
    """Sends each request to the server that its path begins with, or to the one that is the whole market. Where a
    service has two processes, to whichever takes the connection, as nginx does."""

    def __init__(self, servers: Servers, is_patient: bool) -> None:
        self._servers, self._is_patient, self._transport = servers, is_patient, AsyncHTTPTransport()

    async def handle_async_request(self, request: Request) -> Response:
        response = await self._asked(request)
        for _ in range(TRIES_MAX if self._is_patient else 0):
            if response.status_code != 503:
                break
            await response.aclose()
            await asyncio.sleep(0.5)
            response = await self._asked(request)
        return response

    async def _asked(self, request: Request) -> Response:
        *others, last = self._behind(request.url.path.split("/")[1])
        for server in others:
            try:
                return await self._ask(server, request)
            except ConnectError:
                continue
        return await self._ask(last, request)

    async def aclose(self) -> None:
        await self._transport.aclose()

    def _behind(self, service: str) -> list[Server]:
        servers = self._servers.servers
        if market := servers.get("market"):
            return [market]
        found = [servers[name] for name in (service, f"{service}2") if name in servers]
        return [server for server in found if not server.is_stopped] or found

    async def _ask(self, server: Server, request: Request) -> Response:
        request.url = request.url.copy_with(port=server.port)
        return await self._transport.handle_async_request(request)
