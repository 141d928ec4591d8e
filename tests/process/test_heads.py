"""What comes before the guard, over real sockets: heads that are endless, slow, or can be read in two ways."""

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from services import heads, serving
from services.heads import HEAD_BYTES_MAX, BoundedHeads
from tests.support.ports import free_port

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(60)]
HOST = b"Host: localhost\r\n"
ANSWERED = b"1\r\n0\r\n0\r\n\r\n"  # a body of no size, in chunks
HALF = b"GET / HTTP/1.1\r\nHost: lo"
WHOLE = b"GET /quick HTTP/1.1\r\n" + HOST + b"\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the size of the body; `/slow` for longer than is waited for a head."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/slow":
        await send({"type": "http.response.body", "body": b"first ", "more_body": True})
        await asyncio.sleep(3 * heads.HEAD_SECONDS_MAX)
    await send({"type": "http.response.body", "body": str(size).encode()})


@pytest.fixture
async def port() -> AsyncGenerator[int]:
    port = free_port()
    server = uvicorn.Server(serving._config(serving.Place(app, "127.0.0.1", port), "off"))  # pyright: ignore[reportPrivateUsage]
    task = asyncio.create_task(server._serve())  # pyright: ignore[reportPrivateUsage]
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield port
    server.should_exit = True
    await task


async def told(port: int, *parts: bytes) -> bytes:
    """All that comes until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.01)  # so that it comes by itself
    answer = await reader.read()
    writer.close()
    return answer


def refusal(answer: bytes) -> tuple[int, str]:
    """Requires one answer, which is a refusal as any other."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.count(b"HTTP/1.1") == 1 and b"application/problem+json" in head and b"nosniff" in head, answer
    problem = json.loads(body)
    assert problem["request_id"].encode() in head
    return problem["status"], problem["code"]


class Recorded(asyncio.Transport):
    """A connection of which is kept what was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.answer, self.is_closed = b"", False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.answer += data

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


@pytest.mark.parametrize("line", [b"a", b"\r\nX: a"], ids=["one", "many"])
async def test_a_head_that_does_not_end_is_not_kept(line: bytes):
    config = uvicorn.Config(app, log_config=None)
    transport, protocol = Recorded(), BoundedHeads(config, uvicorn.Server(config).server_state, {})
    protocol.connection_made(transport)
    head = b"GET / HTTP/1.1\r\nX: "
    endless = (head + line * HEAD_BYTES_MAX)[:HEAD_BYTES_MAX]
    for first in range(0, HEAD_BYTES_MAX, 1000):
        protocol.data_received(endless[first : first + 1000])
    assert not transport.is_closed
    protocol.data_received(b"a")
    assert transport.is_closed and refusal(transport.answer) == (431, "headers_too_large")
    protocol.connection_lost(None)


@pytest.mark.parametrize(
    "begun", [b"", b"\r\n", HALF, WHOLE + HALF], ids=["nothing", "a line", "a half", "a half of the next"]
)
async def test_a_head_that_does_not_come_is_not_waited_for(port: int, monkeypatch: pytest.MonkeyPatch, begun: bytes):
    monkeypatch.setattr(heads, "HEAD_SECONDS_MAX", 0.2)
    whole, half = begun[: -len(HALF)], begun[-len(HALF) :]
    answer = await told(port, whole, half)
    assert refusal(answer[answer.rindex(b"HTTP/1.1") :]) == (408, "head_too_slow")
    assert (ANSWERED in answer) is begun.startswith(WHOLE)


async def test_what_is_no_head_is_neither_counted_nor_hurried(port: int, monkeypatch: pytest.MonkeyPatch):
    """A large body, and the next head while an answer takes long."""
    monkeypatch.setattr(heads, "HEAD_SECONDS_MAX", 0.2)
    body = b"a" * (4 * HEAD_BYTES_MAX)
    put = b"PUT /slow HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body)
    answer = await told(
        port, put, body[:-1], body[-1:] + b"GET /qui", b"ck HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"
    )
    assert answer.count(b"HTTP/1.1 200") == 2 and b"%d" % len(body) in answer and answer.endswith(ANSWERED), answer


@pytest.mark.parametrize(
    "request_line",
    [b"GET http://evil.example/quick HTTP/1.1", b"get /quick HTTP/1.1", b"GET /quick HTTP/1.1\r\nX: a\rY: b",
     b"GET /quick HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3"],
    ids=["another server", "small letters", "half a line's end", "two lengths"],
)  # fmt: skip
async def test_what_others_may_read_otherwise_is_refused_like_anything_else(port: int, request_line: bytes):
    assert refusal(await told(port, request_line + b"\r\n" + HOST + b"\r\n")) == (400, "not_http")
