"""The guard at every door, by the rows of the table of bad input that it answers for (B-01 to B-18)."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from shared import guard, log
from shared.errors import Failure
from shared.guard import BODY_BYTES_MAX, DEPTH_MAX, HEADERS_MAX, MEMBERS_MAX, Doors, Guard, check_json
from shared.rates import Rates
from shared.settings import Settings
from tests.support.clock import ToldClock

HOST = (b"host", b"market.example")
JSON = (b"content-type", b"application/json")
Headers = Sequence[tuple[bytes, bytes]]
DOORS = Doors(
    ("market.example", "[::1]"), streams=("/uploads/[a-z0-9]+/content",), forms=("/token",), larger={"/batches": 4000}
)


@dataclass
class Inside:
    """The app behind the guard: keeps what reaches it."""

    bodies: list[bytes] = field(default_factory=list[bytes])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


@dataclass
class Answer:
    status: int
    headers: dict[bytes, bytes]
    document: dict[str, Any]
    inside: Inside


async def ask(
    *chunks: bytes, method: str = "POST", path: bytes = b"/things", query: bytes = b"",
    headers: Headers = (HOST, JSON), receive: Receive | None = None, inside: Any = None, guarded: Guard | None = None,
) -> Answer:  # fmt: skip
    """What a client gets that sends exactly these bytes."""
    inside, sent = inside or Inside(), list[Message]()
    parts = [*chunks] or [b""]
    messages = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)} for number, part in enumerate(parts, 1)
    ]

    async def receive_all() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path.decode("latin-1"), "raw_path": path, "query_string": query,
        "headers": list(headers),
    }  # fmt: skip
    await (guarded or Guard(inside, DOORS, Rates(Settings().rates, ToldClock())))(scope, receive or receive_all, send)
    return Answer(sent[0]["status"], dict(sent[0]["headers"]), json.loads(sent[1]["body"]), inside)


async def told(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.document.get("code")


async def test_a_good_request_passes_with_its_body_as_it_came():
    answer = await ask(b'{"name": ', b'"\xe8\xa6\x81\xe7\xb4\xa0"}')
    assert (answer.status, answer.inside.bodies) == (200, [b'{"name": "\xe8\xa6\x81\xe7\xb4\xa0"}'])


BAD_JSON: dict[str, bytes] = {
    "broken": b'{"a": ', "trailing": b'{"a": 1} x', "two documents": b"{}{}", "comment": b'{"a": 1 /* one */}',
    "single quotes": b"{'a': 1}", "trailing comma": b'{"a": 1,}', "only space": b"  ",
    "invalid UTF-8": b'{"a": "\xff"}', "overlong UTF-8": b'{"a": "\xc0\xaf"}', "surrogate in UTF-8": b'"\xed\xa0\x80"',
    "UTF-16": '{"a": 1}'.encode("utf-16"), "UTF-32": '{"a": 1}'.encode("utf-32"), "byte order mark": b"\xef\xbb\xbf{}",
    "duplicate key": b'{"a": 1, "a": 2}', "nested duplicate": b'[{"b": {"a": 1, "a": 2}}]',
    "escaped duplicate": b'{"a": 1, "\\u0061": 2}',
    "NaN": b'{"a": NaN}', "Infinity": b"[Infinity]", "-Infinity": b"-Infinity", "1e999": b'{"a": 1e999}',
    "-1e999": b"[-1e999]", "endless integer": b"9" * 5000,
    "too deep": b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), "far too deep": b"[" * 100_000,
    "too many members": json.dumps({str(number): 0 for number in range(MEMBERS_MAX + 1)}).encode(),
}  # fmt: skip


@pytest.mark.parametrize("body", BAD_JSON)
async def test_a_body_that_parsers_read_differently_is_refused(body: str):
    answer = await ask(BAD_JSON[body])
    assert (await told(answer), answer.inside.bodies) == ((400, "bad_json"), [])


def test_the_deepest_and_the_widest_that_is_taken():
    check_json(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)
    check_json(json.dumps({str(number): 0 for number in range(MEMBERS_MAX)}).encode())


@pytest.mark.parametrize("text, code", [
    ("\\u0000", "control_character"), ("\\u001b", "control_character"), ("\\u0085", "control_character"),
    ("\\u202e", "control_character"), ("\\u2066", "control_character"), ("\\ud800", "control_character"),
    ("\u007f", "control_character"), ("e\u0301", "not_normalised"), ("\u212b", "not_normalised"),
])  # fmt: skip
@pytest.mark.parametrize("shape", ['"{}"', '{{"name": "{}"}}', '[["a", "{}"]]', '{{"{}": 1}}'])
async def test_text_that_shows_otherwise_than_it_is_is_refused_wherever_it_stands(shape: str, text: str, code: str):
    assert await told(await ask(shape.format(text).encode())) == (422, code)


@pytest.mark.parametrize("text", ["要素", "é", "line\\nbreak", "tab\\t", "😀", "\\ud83d\\ude00", "ﷺ", "a\\u00e9"])
def test_ordinary_text_in_any_language_is_taken(text: str):
    check_json(f'"{text}"'.encode())


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text("abc要素é", max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=10,
)


@given(value=values)
def test_what_an_honest_encoder_writes_is_taken(value: object):
    check_json(json.dumps(value).encode())
    check_json(json.dumps(value, ensure_ascii=False, indent=2).encode())


@given(body=st.binary(max_size=40) | st.text(alphabet='[]{}",:0123eE+-.truefalsn\\ud8', max_size=40).map(str.encode))
def test_no_bytes_at_all_are_more_than_refused(body: bytes):
    try:
        check_json(body)
    except Failure:
        return
    json.loads(body)


@pytest.mark.parametrize("content_type", [
    b"", b"text/plain", b"text/xml", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x",
    b"application/json; charset=utf-16", b"application/json; charset=latin-1", b"application/json; profile=x",
    b"application/jsonp", b"application/json, text/plain", b"application/ld+json", b"\xff",
])  # fmt: skip
async def test_another_media_type_is_refused(content_type: bytes):
    answer = await ask(b"{}", headers=[HOST, (b"content-type", content_type)])
    assert (await told(answer), answer.inside.bodies) == ((415, "media_type_not_taken"), [])


async def test_a_body_without_a_media_type_or_with_an_encoding_is_refused():
    assert await told(await ask(b"{}", headers=[HOST])) == (415, "media_type_not_taken")
    assert await told(await ask(b"{}", headers=[HOST, JSON, (b"content-encoding", b"gzip")])) == (
        415, "media_type_not_taken",
    )  # fmt: skip


@pytest.mark.parametrize("content_type", [
    b"application/json", b"Application/JSON", b"application/json;charset=utf-8", b'application/json; charset="UTF-8"',
])  # fmt: skip
async def test_json_in_utf_8_may_say_so_in_several_ways(content_type: bytes):
    assert (await ask(b"{}", headers=[HOST, (b"content-type", content_type)])).status == 200


async def test_a_form_is_taken_where_forms_are_and_nowhere_else():
    form = [HOST, (b"content-type", b"application/x-www-form-urlencoded")]
    assert (await ask(b"grant_type=password", path=b"/token", headers=form)).status == 200
    assert (await ask(b"{}", path=b"/token")).status == 415
    assert (await ask(b"grant_type=password", path=b"/token/revoke", headers=form)).status == 415


def length(text: bytes) -> tuple[bytes, bytes]:
    return (b"content-length", text)


async def test_a_body_is_refused_by_its_announced_length_before_it_is_read():
    answer = await ask(b"{}", headers=[HOST, JSON, length(str(BODY_BYTES_MAX + 1).encode())])
    assert (await told(answer), answer.document["bytes_max"]) == ((413, "body_too_large"), BODY_BYTES_MAX)


async def test_a_body_without_a_length_is_cut_at_the_limit():
    chunks = [b'"' + b"x" * (BODY_BYTES_MAX // 2)] + [b"x" * (BODY_BYTES_MAX // 2)] * 2
    answer = await ask(*chunks)
    assert (await told(answer), answer.inside.bodies) == ((413, "body_too_large"), [])


async def test_a_path_with_a_limit_of_its_own_has_that_one():
    assert (await ask(b'"' + b"x" * 3998 + b'"', path=b"/batches")).status == 200
    assert (await ask(b'"' + b"x" * 3999 + b'"', path=b"/batches")).status == 413


@pytest.mark.parametrize("text", [b"-1", b"+1", b"1_0", b"0x10", b"ten", b"", "١".encode(), b"2, 2", b"9" * 5000])
async def test_a_length_that_is_no_number_is_refused(text: bytes):
    for path in (b"/things", b"/uploads/7/content"):
        assert await told(await ask(b"{}", path=path, headers=[HOST, JSON, length(text)])) == (400, "bad_header")


async def test_a_body_that_does_not_come_in_time_is_no_longer_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guard, "BODY_SECONDS_MAX", 0.01)

    async def trickle() -> Message:
        await asyncio.sleep(0.002)
        return {"type": "http.request", "body": b" ", "more_body": True}

    answer = await ask(b"{}", headers=[HOST, JSON], receive=trickle)
    assert (await told(answer), answer.inside.bodies) == ((408, "body_too_slow"), [])


@pytest.mark.parametrize("headers, chunks, closes", [
    ([HOST, JSON, length(b"2000000")], [b"{"],                      True),
    ([HOST, JSON],                     [b" " * BODY_BYTES_MAX] * 2, True),
    ([HOST, JSON],                     [b"{"],                      False),
])  # fmt: skip
async def test_a_connection_on_which_more_was_to_come_is_closed(headers: Headers, chunks: list[bytes], closes: bool):
    assert (b"connection" in (await ask(*chunks, headers=headers)).headers) == closes


async def test_a_stream_passes_unread_whatever_is_in_it():
    headers = [HOST, (b"content-type", b"application/octet-stream")]
    answer = await ask(b"\xff", b"\x00", path=b"/uploads/7/content", headers=headers)
    assert (answer.status, answer.inside.bodies) == (200, [b"\xff\x00"])
    assert (await ask(b"\xff", path=b"/uploads/7/content/x", headers=headers)).status == 415


@pytest.mark.parametrize("headers, status, code", [
    ([(b"x-%d" % number, b"1") for number in range(HEADERS_MAX)], 431, "headers_too_large"),
    ([(b"cookie", b"x" * 8192)],                                  431, "headers_too_large"),
    ([(b"x" * 8193, b"")],                                        431, "headers_too_large"),
    ([(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")], 400, "bad_header"),
    ([(b"acting-for", b"Bearer a"), (b"Acting-For", b"Bearer b")],       400, "bad_header"),
    ([(b"idempotency-key", b"key-key-1"), (b"idempotency-key", b"key-key-2")], 400, "bad_header"),
    ([length(b"2"), length(b"2")],                                400, "bad_header"),
    ([length(b"2"), (b"transfer-encoding", b"chunked")],          400, "bad_header"),
    ([JSON],                                                      400, "bad_header"),
    ([HOST],                                                      400, "bad_header"),
])  # fmt: skip
async def test_headers_that_are_too_many_too_long_or_repeated_are_refused(headers: Headers, status: int, code: str):
    answer = await ask(b"{}", headers=[HOST, JSON, *headers])
    assert (await told(answer), answer.inside.bodies) == ((status, code), [])


@pytest.mark.parametrize("host, status", [
    (b"market.example", 200), (b"market.example:8080", 200), (b"[::1]", 200), (b"[::1]:8000", 200),
    (b"", 400), (b"evil.example", 400), (b"market.example.evil.example", 400), (b"xmarket.example", 400),
    (b"market.example/?x=", 400), (b"market.example@evil.example", 400), (b"market.example:80:80", 400),
    (b"market.example:", 400), (b"MARKET\xff", 400),
])  # fmt: skip
async def test_only_our_own_names_are_answered_to(host: bytes, status: int):
    assert (await ask(b"{}", headers=[(b"host", host), JSON])).status == status


async def test_a_request_without_a_host_is_refused():
    assert await told(await ask(b"{}", headers=[JSON])) == (400, "unknown_host")


@pytest.mark.parametrize("path", [
    b"/things//1", b"/./things", b"/things/../x", b"/things/..", b"/%2e%2e/x", b"/things%2f%2fx", b"/things/%2E/",
    b"/things/%00", b"/things/a;b", b"/things\\x", b"/things/%5cx", b"/things/%ff", b"/things/%c0%af",
    b"/things/%0d%0a", b"/things/\x7f", "/\u8981".encode(), b"/things%2f1", b"/things/a%2Fb",
])  # fmt: skip
async def test_a_path_that_could_be_read_two_ways_is_refused(path: bytes):
    answer = await ask(method="GET", path=path, headers=[HOST])
    assert (await told(answer), answer.inside.bodies) == ((400, "bad_path"), [])


@pytest.mark.parametrize("query", [
    b"a=%00", b"a=%ff", b"a=1&a=2", b"a=1&%61=2", b"a&a", b"q=" + b"x" * 100_000, b"a=%c0%af",
])  # fmt: skip
async def test_a_query_that_could_be_read_two_ways_is_refused(query: bytes):
    assert await told(await ask(method="GET", query=query, headers=[HOST])) == (400, "bad_query")


@pytest.mark.parametrize("query", [b"", b"q=%E8%A6%81", b"a=1&b=2", b"a=", b"limit=20&cursor=abc%3D"])
async def test_an_ordinary_query_passes(query: bytes):
    assert (await ask(method="GET", query=query, headers=[HOST])).status == 200


async def test_a_refusal_has_the_same_headers_and_an_id_like_any_answer():
    answer = await ask(b"{", headers=[HOST, JSON])
    assert answer.headers[b"content-type"] == b"application/problem+json"
    assert answer.headers[b"x-content-type-options"] == b"nosniff"
    assert answer.headers[b"x-request-id"].decode() == answer.document["request_id"]


SAFE = {
    b"x-content-type-options": b"nosniff", b"referrer-policy": b"no-referrer", b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin", b"cache-control": b"no-store",
}  # fmt: skip
TLS = b"strict-transport-security"


@pytest.mark.parametrize("body", [b"{}", b"{"])
async def test_every_answer_tells_a_browser_to_guess_and_to_load_nothing(body: bytes):
    answer = await ask(body)
    assert {name: answer.headers.get(name) for name in SAFE} == SAFE
    assert TLS not in answer.headers, "whoever is reached without TLS must not promise it"


async def test_an_answers_own_word_counts_and_stands_there_once():
    async def says_otherwise(_: Scope, __: Receive, send: Send) -> None:
        headers = [(b"cache-control", b"public, max-age=60"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    answer = await ask(b"{}", inside=says_otherwise)
    assert answer.headers == {**answer.headers, **SAFE, b"cache-control": b"public, max-age=60"}


async def test_a_page_may_load_what_is_said_of_it_and_tls_is_promised_where_it_ends_before_us():
    doors = Doors(("market.example",), pages={"/docs": b"script-src 'self'"}, is_behind_tls=True)
    guarded = Guard(Inside(), doors, Rates(Settings().rates, ToldClock()))
    page = await ask(method="GET", path=b"/docs", headers=[HOST], guarded=guarded)
    part = await ask(method="GET", path=b"/docs/x", headers=[HOST], guarded=guarded)
    assert page.headers[b"content-security-policy"] == b"script-src 'self'"
    assert part.headers[b"content-security-policy"] == SAFE[b"content-security-policy"]
    assert page.headers[TLS] == part.headers[TLS] == b"max-age=63072000; includeSubDomains"


async def breaks(_: Scope, __: Receive, ___: Send) -> None:
    raise ZeroDivisionError("the inside")


async def test_what_breaks_inside_is_answered_like_any_other_and_says_nothing_of_the_inside(
    caplog: pytest.LogCaptureFixture,
):
    """But to those who run it."""
    answer = await ask(b"{}", inside=breaks)
    assert await told(answer) == (500, "failure")
    assert answer.headers[b"x-request-id"].decode() == answer.document["request_id"]
    assert answer.headers[b"x-content-type-options"] == b"nosniff"
    assert "inside" not in json.dumps(answer.document)
    assert [(each.levelname, each.exc_info is not None) for each in caplog.records] == [("ERROR", True)]


async def test_an_answer_that_breaks_half_way_is_cut_and_not_mended():
    async def breaks_late(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ask(b"{}", inside=breaks_late)


async def test_a_request_keeps_its_id_when_a_neighbour_in_this_process_is_asked_meanwhile():
    seen = list[str | None]()

    async def asks_a_neighbour(scope: Scope, receive: Receive, send: Send) -> None:
        await ask(b"{}")
        seen.append(log.request_id())
        await Inside()(scope, receive, send)

    answer = await ask(b"{}", inside=asks_a_neighbour)
    assert [answer.headers[b"x-request-id"].decode()] == seen
    assert log.request_id() is None


async def test_what_was_sent_is_not_in_the_refusal():
    for answer in (await ask(b'{"secret-7": '), await ask(b"{}", path=b"/secret-7//"), await ask(b'"secret-7\\u0000"')):
        assert "secret-7" not in json.dumps(answer.document)
