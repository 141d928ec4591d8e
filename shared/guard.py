"""The guard at every door: one pure ASGI middleware that refuses what no endpoint should have to think about.

Promises: past it, a request has a known host, bounded and unrepeated headers, an unambiguous path and query, and a
body that is within its limit and, unless the path takes a stream or a form, one strict UTF-8 JSON document: no
duplicate keys, no NaN, no depth beyond 32, no control characters, only text in Unicode NFC; and it has come in time.
Every answer, even to what broke inside, leaves with the headers that keep a browser from guessing, and with the
request's id, which is this request's again after each neighbour that was asked in this process. Beyond as many requests
as can be worked on at once, the next is told at once to come back, so that those inside are answered in time.
"""

import asyncio
import json
import logging
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import log, observing, problems, tenancy
from shared.errors import Failure, HeadersTooLarge, Malformed, TooLarge, TooSlow, Unreadable, UnsupportedMedia
from shared.faultpoint import faultpoint
from shared.ids import RequestId
from shared.observing import Observer
from shared.overload import Place, Room
from shared.rates import Meter, Rates

BODY_BYTES_MAX = 1024 * 1024
BODY_SECONDS_MAX = 15.0
HEADERS_MAX = 64
HEADER_BYTES_MAX = 8 * 1024
QUERY_BYTES_MAX = 8 * 1024
DEPTH_MAX = 32
MEMBERS_MAX = 10_000
IN_FLIGHT_MAX = 1000
ALWAYS_ANSWERED = "/health/"
ONCE_ONLY = {
    b"authorization", b"acting-for", b"content-length", b"content-type", b"host", b"idempotency-key", b"if-range",
    b"purpose", b"range", b"use-id",
}  # fmt: skip
SAFE_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"DENY",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"cache-control": b"no-store",
}
ONLY_BY_TLS = {b"strict-transport-security": b"max-age=63072000; includeSubDomains"}
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
BAD_PATH = re.compile(rb"//|/\.{1,2}(/|$)|[\x00-\x1f\x7f-\xff\\;]")
ENCODED_SLASH = re.compile(rb"%2f", re.I)
LENGTH = re.compile(rb"[0-9]{1,18}")
logger = logging.getLogger(__name__)


class UnknownHost(Unreadable):
    """This host name is not served here."""


class BadHeader(Unreadable):
    """A header of this request is ambiguous."""


class BadPath(Unreadable):
    """The path of this request is ambiguous."""


class BadQuery(Unreadable):
    """The query of this request is ambiguous or too long."""


class BadJson(Unreadable):
    """The body is not one strict JSON document in UTF-8."""


class BodyTooLarge(TooLarge):
    """The body is larger than is taken here."""


class BodyTooSlow(TooSlow):
    """The body did not come within the time allowed."""


class MediaTypeNotTaken(UnsupportedMedia):
    """Send the body as application/json in UTF-8, without encoding."""


class ControlCharacter(Malformed):
    """The text holds a control character, a direction override or half a character."""


class NotNormalised(Malformed):
    """The text is not in Unicode NFC; send it composed."""


@dataclass(frozen=True)
class Doors:
    """What is taken where, beside JSON of up to 1 MiB: paths as patterns from the start.

    `pages` are what a browser shows, each with the policy of what it may load. `bids` are last words of paths.
    """

    hosts: tuple[str, ...]
    streams: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    larger: Mapping[str, int] | None = None
    bids: frozenset[str] = frozenset()
    pages: Mapping[str, bytes] | None = None
    is_behind_tls: bool = False

    def takes_stream(self, path: str) -> bool:
        return any(re.fullmatch(pattern, path) for pattern in self.streams)

    def body_bytes_max(self, path: str) -> int:
        return (self.larger or {}).get(path, BODY_BYTES_MAX)


class Guard:
    """Requires `rates` of this service alone, and counts for itself what is in flight."""

    def __init__(
        self, app: ASGIApp, doors: Doors, rates: Rates, in_flight_max: int = IN_FLIGHT_MAX,
        observer: Observer | None = None,
    ) -> None:  # fmt: skip
        self._app, self._doors, self._rates, self._room = app, doors, rates, Room(in_flight_max)
        self._observer = observer
        always = SAFE_HEADERS | (ONLY_BY_TLS if doors.is_behind_tls else {})
        self._always = list(always.items())
        self._pages = {
            path: list((always | {b"content-security-policy": policy}).items())
            for path, policy in (doors.pages or {}).items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        before, request_id = log.request_id(), _request_id(scope)
        log.set_request_id(request_id)
        try:
            with tenancy.for_nobody(), observing.request(self._observer, scope):
                await self._answer(scope, receive, send, request_id)
        finally:
            log.set_request_id(before)  # a neighbour asked in this process was answered in its asker's own context

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: RequestId) -> None:
        started, place = False, Place(self._room)
        scope["meter"] = meter = Meter(self._rates)

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                scope[observing.STATUS] = message["status"]
                place.leave()
                faultpoint("answer.before")
                present = {name for name, _ in message["headers"]}
                always = self._pages.get(scope["path"], self._always)
                if not present.isdisjoint(SAFE_HEADERS):  # an answer's own word counts
                    always = [each for each in always if each[0] not in present]
                own = [(b"x-request-id", request_id.encode()), *meter.headers(), *always]
                message["headers"] = [*message["headers"], *own]
            await send(message)
            faultpoint("answer.sent")

        try:
            is_always_answered = scope["path"].startswith(ALWAYS_ANSWERED)
            if not is_always_answered:
                self._room.require_place()
            if not any(name == b"authorization" for name, _ in scope["headers"]):
                meter.count_stranger(scope)
            body = await self._admit(scope, receive)
            if not is_always_answered:
                place.take()
            await self._app(scope, receive if body is None else _replay(body, receive), send_with_headers)
        except Exception as error:
            if started:
                raise  # half an answer is cut, so that nobody takes it for a whole one
            failure = error if isinstance(error, Failure) else Failure()
            if failure is not error:
                logger.exception("a request failed")
            observing.tell_problem(failure)
            content = problems.document(failure, request_id)
            status, headers = problems.status_of(failure), problems.headers(failure)
            if isinstance(failure, TooLarge | TooSlow):
                headers["Connection"] = "close"  # what is still to come is not read to its end
            response = JSONResponse(content, status, headers, media_type=problems.MEDIA_TYPE)
            await response(scope, receive, send_with_headers)
        finally:
            place.leave()

    async def _admit(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body, once read and found good; None where it is streamed. Raises what is wrong with the request."""
        _check_headers(scope["headers"])
        headers = dict(cast(list[tuple[bytes, bytes]], scope["headers"]))
        _check_host(headers.get(b"host", b""), self._doors.hosts)
        _check_target(scope)
        if scope["method"] not in {"POST", "PUT", "PATCH", "DELETE"}:
            return None
        if b"content-encoding" in headers:
            raise MediaTypeNotTaken()
        path = scope["path"]
        if self._doors.takes_stream(path):
            return None
        body = await _read_in_time(receive, headers, self._doors.body_bytes_max(path))
        form = path in self._doors.forms
        wanted = "application/x-www-form-urlencoded" if form else "application/json"
        if body or b"content-type" in headers:
            _check_media_type(headers.get(b"content-type", b""), wanted)
        if body and not form:
            check_json(body)
        return body


def check_json(body: bytes) -> None:
    """Raises BadJson, ControlCharacter or NotNormalised unless the body is one document that all parsers read alike."""
    try:
        document = json.loads(
            body.decode(), object_pairs_hook=_members, parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise BadJson() from error
    _check_value(document, 0)


def _check_headers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    names = [name.lower() for name, _ in headers]
    if len(names) > HEADERS_MAX or any(len(name) + len(value) > HEADER_BYTES_MAX for name, value in headers):
        raise HeadersTooLarge()
    if any(names.count(name) > 1 for name in ONCE_ONLY):
        raise BadHeader()
    if b"content-length" in names and b"transfer-encoding" in names:
        raise BadHeader()
    if any(name.lower() == b"content-length" and not LENGTH.fullmatch(value) for name, value in headers):
        raise BadHeader()


def _check_host(host: bytes, allowed: tuple[str, ...]) -> None:
    name = re.sub(r":\d{1,5}$", "", host.decode("latin-1"))
    if "*" not in allowed and name not in allowed:
        raise UnknownHost()


def _check_target(scope: Scope) -> None:
    raw_path = scope.get("raw_path") or scope["path"].encode()
    raw_path = raw_path.partition(b"?")[0]
    if BAD_PATH.search(unquote_to_bytes(raw_path)) or ENCODED_SLASH.search(raw_path):
        raise BadPath()
    query = scope["query_string"]
    plain = unquote_to_bytes(query)
    names = [unquote_to_bytes(part.partition(b"=")[0]) for part in query.split(b"&") if part]
    if len(query) > QUERY_BYTES_MAX or b"\x00" in plain or len(names) != len(set(names)):
        raise BadQuery()
    try:
        plain.decode()
    except UnicodeDecodeError as error:
        raise BadQuery() from error


def _check_media_type(header: bytes, wanted: str) -> None:
    kind, *parameters = [part.strip().lower() for part in header.decode("latin-1").split(";")]
    if kind != wanted or any(parameter not in {"charset=utf-8", 'charset="utf-8"', ""} for parameter in parameters):
        raise MediaTypeNotTaken(detail=f"send the body as {wanted} in UTF-8, without encoding")


async def _read_in_time(receive: Receive, headers: Mapping[bytes, bytes], bytes_max: int) -> bytes:
    if int(headers.get(b"content-length", b"0")) > bytes_max:
        raise BodyTooLarge(bytes_max=bytes_max)
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            return await _read(receive, bytes_max)
    except TimeoutError as error:
        raise BodyTooSlow() from error


async def _read(receive: Receive, bytes_max: int) -> bytes:
    chunks, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Unreadable()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > bytes_max:
            raise BodyTooLarge(bytes_max=bytes_max)
        if not message.get("more_body"):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more for the app; afterwards whatever the connection says."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _request_id(scope: Scope) -> RequestId:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            try:
                return RequestId(value.decode("latin-1"))
            except ValueError:
                break
    return RequestId.new()


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs) or len(pairs) > MEMBERS_MAX:
        raise ValueError("a key stands twice, or there are too many")
    return members


def _no_constant(_: str) -> None:
    raise ValueError("not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("beyond any number")
    return number


def _check_value(value: Any, depth: int) -> None:
    if depth >= DEPTH_MAX and isinstance(value, dict | list):
        raise BadJson(depth_max=DEPTH_MAX)
    match value:
        case str():
            if CONTROL.search(value):
                raise ControlCharacter()
            if not unicodedata.is_normalized("NFC", value):
                raise NotNormalised()
        case dict():
            for name, member in cast(dict[str, Any], value).items():
                _check_value(name, depth)
                _check_value(member, depth + 1)
        case list():
            for member in cast(list[Any], value):
                _check_value(member, depth + 1)
        case _:
            pass
