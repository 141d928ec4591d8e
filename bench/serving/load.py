"""Load: so many connections, each of which sends its next request as soon as its last is answered."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import uvloop

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "


@dataclass(slots=True)
class Answered:
    """How many of the answers had which status, and how long each took."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict[int, int])
    waits: list[float] = field(default_factory=list[float])

    def per_second(self, status: int) -> float:
        return self.statuses.get(status, 0) / self.seconds


class Client(asyncio.Protocol):
    """One connection. `next_request` gives the bytes of its next request, or None once it is time to stop."""

    def __init__(self, next_request: Callable[[], bytes | None], answered: Answered) -> None:
        self._next, self._answered = next_request, answered
        self._buffer, self._sent_at = b"", 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(HEAD_END)
        if not found or len(body) < _length(head):
            return
        self._buffer = b""
        status = int(head[9:12])
        self._answered.statuses[status] = self._answered.statuses.get(status, 0) + 1
        self._answered.waits.append(time.perf_counter() - self._sent_at)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server hung up"))

    def _send(self) -> None:
        request = self._next()
        assert self._transport
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def load(port: int, requests: Callable[[int], Callable[[], bytes]], connections: int, seconds: float) -> Answered:
    """Ask for so long. `requests(number)` makes what gives the requests of a connection."""
    return uvloop.run(_load(port, requests, connections, seconds))


async def _load(
    port: int, requests: Callable[[int], Callable[[], bytes]], connections: int, seconds: float
) -> Answered:  # fmt: skip
    answered, began = Answered(), time.perf_counter()

    def timed(make: Callable[[], bytes]) -> Callable[[], bytes | None]:
        return lambda: make() if time.perf_counter() - began < seconds else None

    loop = asyncio.get_running_loop()
    makers = [timed(requests(number)) for number in range(connections)]
    opened = [
        await loop.create_connection(lambda make=make: Client(make, answered), "127.0.0.1", port) for make in makers
    ]
    await asyncio.gather(*(client.done for _, client in opened))
    answered.seconds = time.perf_counter() - began
    return answered


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.index(LENGTH) + len(LENGTH)
    return int(lower[at:].split(b"\r\n", 1)[0])
