"""Bad input at every door of a whole market: a problem document with a stable code, nothing changed, never a 5xx.

The doors are those of the apps' own routes, the faults those of their own schemas, so that no new one is forgotten.
Numbers in brackets are rows of the table of bad input. Of what is tried at many doors, each door gets every second,
so that all of it is tried somewhere; with `YAOSU_FAULTS=all` (`make faults`), everything is tried at every door.
"""

import json
import os
import shutil
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote
from zlib import crc32

import pytest
import pytest_asyncio
from httpx2 import Response

from services.demo import shelves
from services.demo.shelves import ALPHA, AVIATION
from shared.guard import BODY_BYTES_MAX, DEPTH_MAX
from shared.settings import SERVICES
from tests.conftest import Server
from tests.support.clock import ToldClock
from tests.support.doors import Door, contents, doors, fault_of, headers_of, knock, writing_doors
from tests.support.faults import CANARY, NOT_NAMED, Fault, faults
from tests.support.postgres import fresh_database
from tests.support.whole import WholeMarket, whole_market
from tests.support.writes import (
    ABOUT,
    BELOW_ZERO_IS_SAID,
    BUSINESS,
    CUSTODIAN,
    EMPTY_IS_SAID,
    FORMS,
    KEYLESS,
    NEIGHBOUR,
    SECURITY,
    STREAMS,
    WRITES,
    id_of,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
by_service = pytest.mark.parametrize("service", SERVICES)
REFUSED = {400, 413, 415, 422}
STRIDE = 1 if os.environ.get("YAOSU_FAULTS") == "all" else 2
Tried = TypeVar("Tried")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Server | None:
    """As everywhere, but once for all: what is asked here changes nothing."""
    if request.param == "sqlite":
        return None
    return Server(request.getfixturevalue("postgres"), request.getfixturevalue("template"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def market(
    server: Server | None, files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[WholeMarket]:
    """A market of migrated tables, in which nobody has yet done anything."""
    folder, dsn = tmp_path_factory.mktemp("bad-input"), None
    async with AsyncExitStack() as stack:
        if server:
            dsn = await stack.enter_async_context(fresh_database(server.dsn, server.template))
        else:
            (folder / "market").mkdir()
            for service, file in files.items():
                shutil.copyfile(file, folder / "market" / f"{service}.db")
        market = await stack.enter_async_context(whole_market(folder, ToldClock(), dsn))
        await _open(market)
        yield market


async def _open(market: WholeMarket) -> None:
    """The platform's people, a provider with a draft, and a buyer."""
    await shelves.open_market(market)
    for who in (AVIATION, ALPHA):
        await shelves.admit(market, who)
    await market.settle()
    for core in market.inside.cores.values():
        for audience in SERVICES:
            await core.tokens.token(audience)  # kept from now on, since each one that is issued is a fact
    draft = await market.people[AVIATION].post("/catalog/v1/assets", ABOUT)
    market.things["asset_id"] = draft["id"]
    market.things["version_id"] = draft["versions"][0]["id"]
    market.things["readers"] = {door.name: await _reader(market, door) for door in doors() if door.method == "GET"}


def some(door: Door, everything: Iterable[Tried]) -> list[Tried]:
    """Every second, from the first or the second on, by the door's name."""
    return list(everything)[crc32(door.name.encode()) % STRIDE :: STRIDE]


def good(market: WholeMarket, door: Door) -> Any:
    """The good body, about a version that there is."""
    return all_good(market, door)[0]


def all_good(market: WholeMarket, door: Door) -> list[Any]:
    """With the other good bodies, which name what the first must leave out."""
    return [
        {**body, "version_id": market.things["version_id"]} if "version_id" in (body or ()) else body
        for body in (door.write.body, *door.write.others)
    ]


def of(service: str, *, with_body: bool = True) -> list[Door]:
    return [
        door for door in writing_doors()
        if door.service == service and door.name not in STREAMS | FORMS and (door.write.body or not with_body)
    ]  # fmt: skip


async def test_every_write_of_the_market_is_known_here():
    assert {door.name for door in writing_doors()} == set(WRITES)


@on_sqlite
@by_service
async def test_one_fault_anywhere_in_a_good_body_is_refused(market: WholeMarket, service: str):
    """B-06 to B-08, B-30 to B-34, B-50."""
    wrong, before = list[str](), await contents(market)
    for door in of(service):
        for fault in some(door, faults(door.schema(), *all_good(market, door))):
            content = json.dumps(fault.body).encode()
            response = await knock(market, door, content)
            if found := _fault_of(response, REFUSED):
                if not _is_taken_on_purpose(door, fault):
                    wrong.append(f"{door.name}: {fault}: {found}: {response.text:.200}")
    assert not wrong, "\n".join(wrong)
    assert await contents(market) == before


def _fault_of(response: Response, statuses: set[int]) -> str | None:
    if response.status_code not in statuses:
        return f"answered with {response.status_code}"
    return fault_of(response) or ("echoes what was sent" if CANARY in response.text else None)


def _is_taken_on_purpose(door: Door, fault: Fault) -> bool:
    if fault.value == "":
        return (door.name, fault.place) in EMPTY_IS_SAID
    if fault.value == -1:
        return (door.name, fault.place) in BELOW_ZERO_IS_SAID
    names_more = fault.value == CANARY and fault.place.rpartition(".")[2] in NOT_NAMED
    return names_more and door.write.sender == CUSTODIAN  # it may tell us more than we read


DEEP = "[" * DEPTH_MAX + "]" * DEPTH_MAX
NO_DOCUMENT: dict[str, bytes] = {
    "broken": b'{"a": ', "two documents": b"{} {}", "trailing bytes": b"{}x", "a comment": b"/* hello */ {}",
    "UTF-16": '{"a": 1}'.encode("utf-16"), "UTF-32": '{"a": 1}'.encode("utf-32"), "a mark": b"\xef\xbb\xbf{}",
    "invalid UTF-8": b'{"a": "\xff"}', "a key twice": b'{"a": 1, "a": 2}', "escaped": b'{"a": 1, "\\u0061": 2}',
    "nested": b'{"b": [{"a": 1, "a": 2}]}', "NaN": b'{"a": NaN}', "Infinity": b'{"a": -Infinity}',
    "too great": b'{"a": 1e999}', "too deep": f'{{"a": {DEEP}}}'.encode(), "far too deep": b"[" * 100_000,
    "too long a number": b'{"a": ' + b"9" * 5000 + b"}", "only space": b" ",
}  # fmt: skip


@on_sqlite
@by_service
async def test_what_is_not_one_strict_document_in_json_is_refused(market: WholeMarket, service: str):
    """B-01 to B-05, B-09, B-10."""
    before = await contents(market)
    for door in of(service, with_body=False):
        for what, content in some(door, NO_DOCUMENT.items()):
            response = await knock(market, door, content)
            assert (_fault_of(response, {400}), response.json()["code"]) == (None, "bad_json"), f"{door.name}: {what}"
        for media_type in ("text/plain", "application/xml", "application/json; charset=gbk", "multipart/form-data", ""):
            response = await knock(market, door, b"{}", headers={"Content-Type": media_type})
            assert _fault_of(response, {415}) is None, f"{door.name}: {media_type}"
        response = await knock(market, door, b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
        assert _fault_of(response, {415}) is None, door.name
        if service != "audit":  # whose batches are larger
            response = await knock(market, door, b" " * BODY_BYTES_MAX + b"{}")
            assert _fault_of(response, {413}) is None, door.name
        if door.write.body and door.write.sender != CUSTODIAN:
            response = await knock(market, door, b"")
            assert _fault_of(response, REFUSED) is None, door.name
    assert await contents(market) == before


@on_sqlite
@by_service
async def test_a_write_takes_no_other_than_one_plain_key(market: WholeMarket, service: str):
    """B-20."""
    for door in of(service, with_body=False):
        content = json.dumps(door.write.body).encode() if door.write.body else b""
        for key in ("", "short", "x" * 65, "a key with spaces", "ключ-ключ".encode(), "line\tbreak"):
            response = await knock(market, door, content, headers={"Idempotency-Key": key})  # pyright: ignore[reportArgumentType]
            keyless = door.name in KEYLESS
            assert keyless or (response.status_code, response.json()["code"]) == (400, "idempotency_key"), door.name


NO_PART = [
    "9" * 20, "9" * 5000, "+1", "%201", "1_0", "%EF%BC%91", "-1", "0x1", "01", "1.0", "%7B1%7D", "%00", "%2e%2e",
    "a%2Fb", CANARY, "' OR 1=1 --",
]  # fmt: skip


@on_sqlite
@by_service
async def test_no_part_of_a_path_is_more_than_refused(market: WholeMarket, service: str):
    """B-11, B-12."""
    before = await contents(market)
    for door, name in [(each, name) for each in doors() if each.service == service for name in each.in_path]:
        for part in some(door, [*NO_PART, *_like(name)]):
            content, headers = await _good_request(market, door)
            path = door.path(**{name: part})
            response = await market.client.request(door.method, path, content=content, headers=headers)
            wrong = _fault_of(response, {400, 404, 405, 422})
            assert not wrong, f"{door.method} {path}: {wrong}: {response.text}"
    assert await contents(market) == before


def _like(name: str) -> Iterator[str]:
    kind = name.removesuffix("_id")
    if name.endswith("_id"):
        yield from (
            id_of(kind).upper(),
            f"{kind}_{'A' * 32}",
            f"{id_of(kind)}0",
            f"{id_of(kind)}%0A",
            f"%20{id_of(kind)}",
        )
        yield from (id_of("other"), f"{kind}_{'0' * 31}%EF%BC%90", f"%7B{id_of(kind)}%7D")


async def _good_request(market: WholeMarket, door: Door) -> tuple[bytes, dict[str, str]]:
    if door.method in {"GET", "HEAD"}:
        return b"", await headers_of(market, door, market.things["readers"][f"GET {door.route.path}"])
    body = good(market, door)
    content = json.dumps(body).encode() if body else b""
    return content, await headers_of(market, door, door.write.sender, content)


READERS = ["regulator", ALPHA, AVIATION, BUSINESS, SECURITY, NEIGHBOUR]


async def _reader(market: WholeMarket, door: Door) -> str:
    """Someone who may look there."""
    for reader in READERS:
        headers = await headers_of(market, door, reader)
        response = await market.client.get(door.path(), params=_needed(market, door), headers=headers)
        if response.status_code not in {401, 403}:
            return reader
    raise AssertionError(f"nobody here may look at {door.name}")


IN_QUERY: dict[str, str] = {
    "query_code": "0" * 14, "index": "0", "first": "1", "q": "a",
    "participant_id": f"participant_{'0' * 32}", "theme": "transport",
    "objects": id_of("asset"),
}  # fmt: skip


def _needed(market: WholeMarket, door: Door) -> dict[str, str]:
    """The query without which the route has nothing to answer."""
    given = IN_QUERY | {"version_id": market.things["version_id"]}
    needed = [each.alias for each in door.route.dependant.query_params if each.field_info.is_required()]
    return {name: given[name] for name in needed}


CURSORS = [
    "%", "=", "a", "é", "x" * 301, "AA==", "Kg==", "LTE=", "OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "b3RoZXJfMDAwMA==",
    "J09SMT0xLS0=", "/w==", "", "MQ==\n", "wqE=",
]  # fmt: skip


@by_service
async def test_a_query_is_read_in_one_way_or_not_at_all(market: WholeMarket, service: str):
    """B-13, B-14, B-16."""
    before = await contents(market)
    for door in [each for each in doors() if each.service == service and each.method == "GET"]:
        headers = await headers_of(market, door, market.things["readers"][door.name])
        needed = _needed(market, door)
        asked = [door.route.dependant, *door.route.dependant.dependencies]
        known = {parameter.alias for part in asked for parameter in part.query_params}
        for query in some(door, _no_query(known)):
            sent = {name: value for name, value in needed.items() if name not in query}
            text = "&".join([*(f"{name}={value}" for name, value in sent.items()), query])
            response = await market.client.get(f"{door.path()}?{text}", headers=headers)
            wrong = _fault_of(response, {400, 404, 422} if door.in_path else {400, 422})
            assert not wrong, f"{door.name} ? {query:.60}: {wrong}: {response.text}"
    assert await contents(market) == before


def _no_query(known: set[str]) -> Iterator[str]:
    yield from ("a=%00", "a=%ff", "a=1&a=2", "a=1&%61=2", "sort=id", "a[]=1", "_=1", "a=" + "x" * 50_000)
    for name in sorted(known - {"cursor", "object", "q", "after", "theme", "category", "region", "query_code", "wait"}):
        yield from (f"{name}={value}" for value in ("", "-2", "9" * 20, "9" * 5000, "1_0", "%2B1", "%201", "１", "1.5"))
        yield from (f"{name}=1&{name}=1", f"{name}=%00", f"{name}={CANARY}", f"{name}={2**63}")
    if "limit" in known:
        yield from ("limit=0", "limit=101")
    if "cursor" in known:
        yield from (f"cursor={quote(cursor)}" for cursor in CURSORS)


@pytest.mark.parametrize("path", [
    "/catalog/v1/assets/{asset}", "/catalog/v1/versions/{version}/quality-report",
    "/delivery/v1/versions/{version}/sample", "/pricing/v1/plans?version_id={version}",
    "/identity/v1/participants/{participant}",
])  # fmt: skip
async def test_what_one_may_not_see_is_answered_like_what_is_not_there(market: WholeMarket, path: str):
    there = {
        "asset": market.things["asset_id"], "version": market.things["version_id"],
        "participant": market.people[AVIATION].participant_id,
    }  # fmt: skip
    told = list[object]()
    for ids in (there, {kind: id_of(kind) for kind in there}):
        response = await market.client.get(path.format(**ids), headers=market.people[ALPHA].headers())
        problem = response.json() | {"request_id": None}
        told.append((response.status_code, problem, {**response.headers, "x-request-id": None, "ratelimit": None}))
        assert response.status_code == 404
    assert told[0] == told[1]


VERBS = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "HEAD", "PROPFIND"}


@on_sqlite
async def test_a_verb_that_is_not_offered_is_not_taken_and_those_that_are_are_told(market: WholeMarket):
    """B-17."""
    offered: dict[str, set[str]] = {}
    for door in doors():
        offered.setdefault(door.path(), set()).add(door.method)
    for path, methods in offered.items():
        for method in VERBS - methods:
            headers = market.people[ALPHA].headers() | {"X-HTTP-Method-Override": sorted(methods)[0]}
            response = await market.client.request(method, path, headers=headers)
            assert response.status_code == 405, f"{method} {path}: {response.text}"
            assert set(response.headers["Allow"].split(", ")) == methods, path


LOG_IN = "grant_type=password&username=alpha%40demo&password="


@on_sqlite
@pytest.mark.parametrize("form", [
    "", "grant_type=", "grant_type=implicit", "grant_type", "grant_type=password", f"{LOG_IN}a&password=b",
    f"{LOG_IN}a&grant_type=refresh_token", f"{LOG_IN}a&scope={CANARY}", f"{LOG_IN}%00", f"{LOG_IN}%ff", LOG_IN,
    "&" * 20, "=", f"{LOG_IN}{CANARY * 1000}", "grant_type=refresh_token&refresh_token=%00", f"grant_type={CANARY}",
    "grant_type=client_credentials&client_id=x&client_secret=y&audience=", '{"grant_type": "password"}',
])  # fmt: skip
@pytest.mark.parametrize("door", [door for door in writing_doors() if door.name in FORMS], ids=str)
async def test_a_form_that_is_no_token_request_gives_no_token(market: WholeMarket, door: Door, form: str):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await knock(market, door, form.encode(), headers=headers)
    assert _fault_of(response, {400, 401}) is None, response.text


@on_sqlite
async def test_the_good_requests_are_understood(market: WholeMarket):
    """What the faults above are measured against. Last, for it changes things."""
    for door in writing_doors():
        if door.name in STREAMS | FORMS:
            continue
        for body in all_good(market, door):
            response = await knock(market, door, json.dumps(body).encode() if body else b"")
            understood = response.status_code in {200, 201, 404, 409} or response.json()["code"] in {
                "not_delivery", "event_unreadable", "not_proven",
            }  # fmt: skip
            assert understood, f"{door.name}: {response.text}"
