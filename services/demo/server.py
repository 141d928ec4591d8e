"""The demo's market: a server process of its own, on files of its own, with the short windows of the rules `demo`."""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from types import MappingProxyType

from httpx2 import AsyncClient, HTTPError

READY_SECONDS_MAX = 60
SET_BY_OTHERS = ("YAOSU_", "DATABASE_URL")  # of a market of one's own, which the demo leaves alone
AS_USUAL: Mapping[str, str] = MappingProxyType({})


class ServerDied(RuntimeError):
    """The server ended, or did not get ready. The message holds the end of what it said."""


@asynccontextmanager
async def running(folder: Path, settings: Mapping[str, str] = AS_USUAL) -> AsyncGenerator[str]:
    """The base URL of a market in a process of its own, from an empty folder; stopped at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (port,) = free_ports(1)
    ours = {name: value for name, value in os.environ.items() if not name.startswith(SET_BY_OTHERS)}
    environment = ours | {"YAOSU_VAR": str(folder), "YAOSU_MARKET_RULES": "demo", "YAOSU_LOG_LEVEL": "warning"}
    environment |= {"YAOSU_ISSUER": f"http://127.0.0.1:{port}/identity", **settings}
    with (folder / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services", "serve", "--port", str(port), env=environment, stdout=log, stderr=log
        )
        try:
            await _until_ready(f"http://127.0.0.1:{port}", process, folder)
            yield f"http://127.0.0.1:{port}"
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _until_ready(base_url: str, process: asyncio.subprocess.Process, folder: Path) -> None:
    async with AsyncClient(base_url=base_url) as client:
        if not await gets_ready(client, process):
            raise ServerDied("the server did not get ready: " + (folder / "server.log").read_text()[-2000:])


async def gets_ready(client: AsyncClient, process: asyncio.subprocess.Process) -> bool:
    """Waits for it. False if the process ends, or takes too long."""
    for _ in range(READY_SECONDS_MAX * 10):
        if process.returncode is not None:
            return False
        try:
            if (await client.get("/health/ready")).is_success:
                return True
        except HTTPError:
            pass
        await asyncio.sleep(0.1)
    return False


def free_ports(count: int) -> list[int]:
    """So many, all different, on which nothing listens yet."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
