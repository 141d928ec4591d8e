"""A market in a process of its own, that a test may kill and start again on the same files."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from httpx2 import AsyncClient, HTTPError

from tests.support.ports import free_port

READY_SECONDS_MAX = 40


class ServerProcess:
    """Requires a folder that no other process uses. `program` is what runs: the product's own server by default."""

    def __init__(self, folder: Path, program: tuple[str, ...] = ("-m", "services", "serve"), **settings: str) -> None:
        self.folder, self.settings, self._program = folder, settings, program
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    async def start(self) -> None:
        """Returns once the market is ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {
            "YAOSU_VAR": str(self.folder), "YAOSU_LOG_LEVEL": "warning", "YAOSU_PORT": str(self.port),
            "YAOSU_ISSUER": f"{self.base_url}/identity",
        } | self.settings  # fmt: skip
        with (self.folder / "server.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self._program, env=environment, stdout=log, stderr=log
            )
        await self._until_ready()

    def kill(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)

    async def ended(self) -> int:
        assert self._process
        return await self._process.wait()

    async def stop(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _until_ready(self) -> None:
        async with AsyncClient(base_url=self.base_url) as client:
            for _ in range(READY_SECONDS_MAX * 20):
                if self._process is None or self._process.returncode is not None:
                    break
                try:
                    if (await client.get("/health/ready")).is_success:
                        return
                except HTTPError:
                    pass
                await asyncio.sleep(0.05)
        raise AssertionError("the server did not get ready: " + (self.folder / "server.log").read_text()[-3000:])
