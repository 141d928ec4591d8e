"""Requests as bytes on a real connection: what a server makes of them before our guard (B-10, B-17, B-18, B-22).

The server is the one that `yaosu serve` runs, before the smallest app. No bytes of one request are ever taken for
another: whatever follows one that could be read two ways asks for the connection to be ended, and gets no answer.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import uvicorn

from shared import guard
from tests.support import smallest
from tests.support.bench import Bench

on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
HOST = b"Host: localhost\r\n"
GET, POST = b"GET /catalog/v1/marks HTTP/1.1\r\n" + HOST, b"POST /catalog/v1/marks HTTP/1.1\r\n" + HOST
JSON = b"Content-Type: application/json\r\n"
CLOSE = b"Connection: close\r\n"
SMUGGLED = b"GET /catalog/v1/secret HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n"


@asynccontextmanager
async def listening(bench: Bench) -> AsyncGenerator[int]:
    app, _ = await smallest.build(bench)
    async with bench.serve(catalog=app):
        server = uvicorn.Server(
            uvicorn.Config(app, port=0, lifespan="off", log_config=None, server_header=False, proxy_headers=False)
        )
        server.config.load()
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup()
        try:
            yield server.servers[0].sockets[0].getsockname()[1]
        finally:
            await server.shutdown()


async def answers_to(port: int, sent: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """All that comes back until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    rest, found = await asyncio.wait_for(reader.read(), 20), list[tuple[int, dict[str, str], bytes]]()
    writer.close()
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        told = {name.lower(): value for name, value in re.findall(r"^([\w-]+): (.*?)\r?$", head.decode(), re.MULTILINE)}
        length = int(told.get("content-length", 0))
        found.append((int(head.split()[1]), told, rest[:length]))
        rest = rest[length:]
    return found


AMBIGUOUS = {
    "two ways to end": POST + JSON + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two ways to end, turned": POST
    + JSON
    + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "two lengths": POST + JSON + b"Content-Length: 2\r\nContent-Length: 50\r\n\r\n{}" + SMUGGLED,
    "a signed length": POST + JSON + b"Content-Length: +2\r\n\r\n{}" + SMUGGLED,
    "a length of two": POST + JSON + b"Content-Length: 2, 2\r\n\r\n{}" + SMUGGLED,
    "a length in hex": POST + JSON + b"Content-Length: 0x2\r\n\r\n{}" + SMUGGLED,
    "an unknown coding": POST + JSON + b"Transfer-Encoding: cow\r\n\r\n" + SMUGGLED,
    "a hidden coding": POST + JSON + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a space before a colon": POST + JSON + b"Content-Length : 2\r\n\r\n{}" + SMUGGLED,
    "a folded header": GET + CLOSE + b"X-A: a\r\n b: c\r\n\r\n",
    "a return in a value": GET + CLOSE + b"X-A: a\rb\r\n\r\n",
    "a NUL in a value": GET + CLOSE + b"X-A: a\x00b\r\n\r\n",
    "a NUL in a name": GET + CLOSE + b"X-\x00A: a\r\n\r\n",
    "no name": GET + CLOSE + b": a\r\n\r\n",
    "no host": b"GET /catalog/v1/marks HTTP/1.1\r\n" + CLOSE + b"\r\n",
    "two hosts": GET + CLOSE + b"Host: evil.example\r\n\r\n",
    "another host": b"GET /catalog/v1/marks HTTP/1.1\r\nHost: evil.example\r\n" + CLOSE + b"\r\n",
    "another host in the target": b"GET http://evil.example/catalog/v1/marks HTTP/1.1\r\nHost: evil.example\r\n"
    + CLOSE
    + b"\r\n",
    "no words": b"\x00\x01\x02\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a later version": b"GET /catalog/v1/marks HTTP/9.9\r\n" + HOST + CLOSE + b"\r\n",
    "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
    "a verb of nobody": b"FROB /catalog/v1/marks HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
    "a small verb": b"get /catalog/v1/marks HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
    "all of the server": b"OPTIONS * HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
    "a bad size of a part": POST + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "an endless header": GET + CLOSE + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n",
    "an endless path": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
}


@on_sqlite
async def test_what_could_be_read_two_ways_is_refused_and_hides_no_second_request(bench: Bench):
    wrong = list[str]()
    async with listening(bench) as port:
        for what, sent in AMBIGUOUS.items():
            answers = await answers_to(port, sent)
            statuses = [status for status, _, _ in answers]
            if len(statuses) != 1 or not 400 <= statuses[0] < 500:
                wrong.append(f"{what}: {statuses}")
    assert not wrong, "\n".join(wrong)


@on_sqlite
async def test_two_requests_in_one_go_are_answered_in_their_order_each_by_itself(bench: Bench):
    async with listening(bench) as port:
        bad = POST + JSON + b"Content-Length: 1\r\n\r\n{"
        answers = await answers_to(port, bad + GET + b"\r\n" + GET + b"Connection: close\r\n\r\n")
    assert [status for status, _, _ in answers] == [400, 200, 200]
    assert json.loads(answers[0][2])["code"] == "bad_json" and json.loads(answers[1][2])["items"] == []
    assert len({told["x-request-id"] for _, told, _ in answers}) == 3


@on_sqlite
@pytest.mark.parametrize("sent", [
    POST + JSON + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n",
    POST + JSON + b"Content-Length: 9\r\n\r\n{",
    POST + JSON + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
], ids=["leave asked for and not used", "a part of the length", "a part of the parts"])  # fmt: skip
async def test_whoever_announces_a_body_and_does_not_send_it_is_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, sent: bytes
):
    monkeypatch.setattr(guard, "BODY_SECONDS_MAX", 0.05)
    async with listening(bench) as port:
        answers = [answer for answer in await answers_to(port, sent) if answer[0] != 100]
    [(status, told, body)] = answers
    assert (status, json.loads(body)["code"], told["connection"]) == (408, "body_too_slow", "close")


@on_sqlite
async def test_a_body_that_is_too_large_is_refused_before_it_comes_and_the_connection_ended(bench: Bench):
    async with listening(bench) as port:
        [(status, told, body)] = await answers_to(port, POST + JSON + b"Content-Length: 2000000\r\n\r\n")
    assert (status, json.loads(body)["code"], told["connection"]) == (413, "body_too_large", "close")


@on_sqlite
async def test_an_answer_on_the_wire_tells_nothing_of_what_serves_it_and_has_each_header_once(bench: Bench):
    async with listening(bench) as port:
        forged = b"X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n"
        [(status, told, _)] = await answers_to(port, GET + forged + b"Connection: close\r\n\r\n")
    assert status == 200 and "server" not in told and "x-powered-by" not in told
    safe = {name.decode(): value.decode() for name, value in guard.SAFE_HEADERS.items()}
    assert {name: told.get(name) for name in safe} == safe and told["ratelimit"].startswith('"anonymous";r=')
