"""A connection's way through a network that can fail: a TCP proxy that can be told to.

`delay`, `blackhole` (takes everything and gives nothing), `trickle` (a byte now and then), `half_close` (what comes
back ends at once), `reset`. And once, on demand: what is sent with these bytes in it arrives, its answer never comes.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

CHUNK_BYTES = 64 * 1024
RESET_AT_ONCE = struct.pack("ii", 1, 0)
Mode = Literal["pass", "delay", "blackhole", "trickle", "half_close", "reset"]


@dataclass
class Proxy:
    """Requires that something listens on the port `behind`."""

    behind: int
    mode: Mode = "pass"
    delay_seconds: float = 0.3
    swallow_answer_to: bytes | None = None  # and then the connection is reset; once
    after: bytes = b""  # only where this was sent before, on the same connection
    swallowed: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])
    _serving: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _deaf: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])  # told nothing any more

    @asynccontextmanager
    async def listen(self) -> AsyncGenerator["Proxy"]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()
            await asyncio.gather(*self._serving, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection that is open."""
        for writer in list(self._open):
            _reset(writer)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "reset":
            _reset(writer)
            return
        try:
            behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self.behind)
        except OSError:
            _reset(writer)
            return
        self._open |= {writer, behind_writer}
        there, back = self._carry(reader, behind_writer, writer), self._bring(behind_reader, writer)
        try:
            await asyncio.gather(there, back)
        finally:
            self._open -= {writer, behind_writer}
            for each in (writer, behind_writer):
                each.close()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asker: asyncio.StreamWriter
    ) -> None:
        """What is asked, to the one behind."""
        is_armed = False
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if self.mode == "blackhole":
                    continue
                is_armed |= self.after in chunk
                if is_armed and self.swallow_answer_to and self.swallow_answer_to in chunk:
                    self.swallow_answer_to = None
                    self._deaf.add(asker)
                    writer.write(chunk)
                    await writer.drain()
                    await asyncio.sleep(self.delay_seconds)  # it takes effect; its answer stays here
                    self.swallowed.set()
                    _reset(asker)
                    return
                writer.write(chunk)
                await writer.drain()
            writer.close()

    async def _bring(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What is answered, back."""
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if self.mode == "delay":
                    await asyncio.sleep(self.delay_seconds)
                if self.mode == "half_close":
                    break
                if self.mode == "blackhole" or writer in self._deaf:
                    continue
                if self.mode == "trickle":
                    for byte in chunk:
                        writer.write(bytes([byte]))
                        await asyncio.sleep(self.delay_seconds)
                    continue
                writer.write(chunk)
                await writer.drain()
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    endpoint: socket.socket | None = writer.get_extra_info("socket")
    with suppress(OSError):
        if endpoint is not None:
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
    writer.transport.abort()
