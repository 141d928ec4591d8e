"""How a service asks a neighbour: the answer, the neighbour's own error, or `Unavailable`, and never anything else."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from shared import log, problems
from shared.errors import Conflict, Failure, NotAdmitted, NotFound, Unavailable
from shared.ids import RequestId
from shared.overload import Overloaded
from shared.rest import ATTEMPTS_MAX, Directory, Peer, RestClient


class NoSuchAsset(NotFound):
    """There is no such asset."""


class AssetTaken(Conflict):
    """Someone else has it."""


class AssetView(BaseModel):
    id: str
    grade: str


class CatalogClient(RestClient):
    errors = (NoSuchAsset, AssetTaken)

    async def asset(self) -> AssetView:
        return await self.get("/catalog/v1/assets/1", AssetView)

    async def take(self, key: str | None = None, repeatable: bool = False) -> AssetView:
        return await self.post("/catalog/v1/assets/1/take", {"why": "x"}, AssetView, key=key, repeatable=repeatable)


class Tokens:
    async def token(self, audience: str) -> str:
        return f"token-for-{audience}"


@dataclass
class Ana:
    token: str | None = "token-of-ana"


Behaviour = Callable[[], Awaitable[Response]]


@dataclass
class Catalog:
    """A neighbour that behaves as it is told, one request after the other."""

    behaviours: list[Behaviour] = field(default_factory=list[Behaviour])
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list[tuple[str, dict[str, str], bytes]])

    async def answer(self, request: Request) -> Response:
        self.requests.append((request.method, dict(request.headers), await request.body()))
        behave = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        return await behave()


def answers(content: object, status: int = 200, media_type: str = "application/json") -> Behaviour:
    async def behave() -> Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return Response(body, status, media_type=media_type)

    return behave


def refuses(failure: Failure) -> Behaviour:
    return answers(problems.document(failure), problems.status_of(failure), problems.MEDIA_TYPE)


async def hangs() -> Response:
    await asyncio.Event().wait()
    raise AssertionError


async def breaks() -> Response:
    raise ZeroDivisionError("the inside")


GOOD = answers({"id": "1", "grade": "G2"})
BROKEN = answers(b"<html>", 502, "text/html")


@dataclass
class Street:
    catalog: Catalog
    client: CatalogClient


@pytest.fixture
async def street() -> AsyncGenerator[Street]:
    catalog, app, directory = Catalog(), FastAPI(), Directory()
    app.add_api_route("/catalog/v1/assets/1", catalog.answer, methods=["GET"], response_model=None)
    app.add_api_route("/catalog/v1/assets/1/take", catalog.answer, methods=["POST"], response_model=None)
    directory.register("catalog", app)
    yield Street(catalog, CatalogClient(Peer(directory, "catalog", Tokens()), timeout_seconds=1.0))
    await directory.close()


async def test_an_answer_comes_as_its_type(street: Street):
    street.catalog.behaviours = [GOOD]
    assert await street.client.asset() == AssetView(id="1", grade="G2")


async def test_whoever_is_asked_for_may_be_refused_by_any_service_and_that_breaks_nothing(street: Street):
    street.catalog.behaviours = [refuses(NotAdmitted(standing="suspended"))]
    with pytest.raises(NotAdmitted) as refused:
        await street.client.asset()
    assert refused.value.facts == {"standing": "suspended"}


async def test_a_neighbour_that_has_too_much_to_do_is_not_asked_a_second_time(street: Street):
    for behaviour, asked in ((refuses(Overloaded(retry_after_seconds=1)), 1), (refuses(Unavailable()), ATTEMPTS_MAX),
                             (answers(b"overloaded", 503, problems.MEDIA_TYPE), ATTEMPTS_MAX)):  # fmt: skip
        street.catalog.behaviours, street.catalog.requests = [behaviour], []
        with pytest.raises(Unavailable) as away:
            await street.client.asset()
        assert (len(street.catalog.requests), away.value.facts) == (asked, {"service": "catalog"})


async def test_a_request_says_which_service_asks_for_whom_and_in_which_request(street: Street):
    street.catalog.behaviours, request_id = [GOOD], RequestId.new()
    log.set_request_id(request_id)
    await street.client.get("/catalog/v1/assets/1", AssetView, acting_for=Ana())
    log.set_request_id(None)
    [(_, headers, _)] = street.catalog.requests
    assert headers["authorization"] == "Bearer token-for-catalog"
    assert (headers["acting-for"], headers["x-request-id"]) == ("Bearer token-of-ana", request_id)


async def test_without_anyone_behind_it_a_request_acts_for_nobody(street: Street):
    street.catalog.behaviours = [GOOD]
    await street.client.get("/catalog/v1/assets/1", AssetView, acting_for=Ana(token=None))
    assert "acting-for" not in street.catalog.requests[0][1]


@pytest.mark.parametrize("failure", [NoSuchAsset(), AssetTaken(by="ben", since_seconds=5)])
async def test_a_neighbours_error_is_raised_here_as_itself_and_not_asked_again(street: Street, failure: Failure):
    street.catalog.behaviours = [refuses(failure)]
    with pytest.raises(type(failure)) as raised:
        await street.client.asset()
    assert raised.value.facts == failure.facts
    assert len(street.catalog.requests) == 1


async def test_an_error_that_the_client_does_not_list_is_our_own_failure(street: Street):
    class Unlisted(Conflict):
        """Something that nobody foresaw."""

    street.catalog.behaviours = [refuses(Unlisted())]
    with pytest.raises(Failure) as raised:
        await street.client.asset()
    assert type(raised.value) is Failure


async def test_a_read_is_asked_again_when_the_neighbour_breaks(street: Street):
    street.catalog.behaviours = [BROKEN, breaks, GOOD]
    assert await street.client.asset() == AssetView(id="1", grade="G2")
    assert len(street.catalog.requests) == 3


async def test_after_the_last_attempt_the_neighbour_is_unavailable(street: Street):
    street.catalog.behaviours = [BROKEN]
    with pytest.raises(Unavailable) as raised:
        await street.client.asset()
    assert (raised.value.facts["service"], len(street.catalog.requests)) == ("catalog", ATTEMPTS_MAX)


@pytest.mark.parametrize("key, repeatable, attempts", [(None, False, 1), ("a-key-of-it", False, 3), (None, True, 3)])
async def test_a_write_is_sent_again_only_where_that_is_safe(
    street: Street, key: str | None, repeatable: bool, attempts: int
):
    street.catalog.behaviours = [BROKEN]
    with pytest.raises(Unavailable):
        await street.client.take(key, repeatable)
    assert len(street.catalog.requests) == attempts
    assert {body for _, _, body in street.catalog.requests} == {b'{"why":"x"}'}
    assert {headers.get("idempotency-key") for _, headers, _ in street.catalog.requests} == {key}


async def test_a_neighbour_that_hangs_is_unavailable_within_the_time_allowed(street: Street):
    street.catalog.behaviours = [hangs]
    client = CatalogClient(street.client._peer, timeout_seconds=0.02)  # pyright: ignore[reportPrivateUsage]
    async with asyncio.timeout(2):
        for ask in (client.asset, client.take, lambda: client.take("a-key-of-it")):
            with pytest.raises(Unavailable):
                await ask()


GARBAGE: dict[str, Behaviour] = {
    "no JSON": answers(b"<html>"),
    "nothing": answers(b""),
    "another shape": answers({"id": "1"}),
    "another type": answers({"id": 1, "grade": None}),
    "a list": answers([]),
    "invalid UTF-8": answers(b'{"id": "\xff", "grade": "G2"}'),
    "a redirect": answers(b"", 302),
    "a refusal in HTML": answers(b"<html>", 403, "text/html"),
    "a refusal in plain JSON": answers({"code": "no_such_asset"}, 404),
    "a problem that is no JSON": answers(b"<html>", 409, problems.MEDIA_TYPE),
    "a problem that is no object": answers([], 409, problems.MEDIA_TYPE),
    "a problem with odd facts": answers({"code": "asset_taken", "self": 1, "": 2}, 409, problems.MEDIA_TYPE),
    "a good answer as a failure": answers({"id": "1", "grade": "G2"}, 500),
}


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_an_answer_that_makes_no_sense_is_no_answer(street: Street, garbage: str):
    street.catalog.behaviours = [GARBAGE[garbage]]
    with pytest.raises((Unavailable, AssetTaken)):
        await street.client.asset()


async def test_a_service_without_an_address_is_unavailable():
    with pytest.raises(Unavailable) as raised:
        await CatalogClient(Peer(Directory(), "catalog", Tokens())).asset()
    assert raised.value.facts["service"] == "catalog"


async def test_an_address_where_nobody_listens_is_unavailable():
    directory = Directory({"catalog": "http://127.0.0.1:1"})
    with pytest.raises(Unavailable):
        await CatalogClient(Peer(directory, "catalog", Tokens())).asset()
    await directory.close()


async def test_an_answer_may_be_held_back_over_the_network_as_long_as_was_agreed(monkeypatch: pytest.MonkeyPatch):
    limits = list[dict[str, float | None]]()

    async def answer(request: httpx2.Request) -> httpx2.Response:
        limits.append(request.extensions["timeout"])
        return httpx2.Response(200, json={"id": "1", "grade": "G2"})

    there = httpx2.AsyncClient(base_url="http://catalog", transport=httpx2.MockTransport(answer))
    monkeypatch.setattr("shared.rest.connect", {"http://catalog": there}.get)
    client = CatalogClient(Peer(Directory({"catalog": "http://catalog"}), "catalog", Tokens()))
    await client.get("/catalog/v1/assets/1", AssetView, wait_seconds=25)
    assert limits == [dict.fromkeys(("connect", "read", "write", "pool"))], "the client's own limit would end it sooner"
    await there.aclose()


async def test_a_query_goes_as_it_is_given(street: Street):
    seen = list[Any]()

    async def look(request: Request) -> Response:
        seen.append(dict(request.query_params))
        return Response(b'{"id": "1", "grade": "G2"}', media_type="application/json")

    app, directory = FastAPI(), Directory()
    app.add_api_route("/catalog/v1/assets/1", look, response_model=None)
    directory.register("catalog", app)
    client = CatalogClient(Peer(directory, "catalog", Tokens()))
    await client.get("/catalog/v1/assets/1", AssetView, wait_seconds=1, after="0:5", wait=1)
    assert seen == [{"after": "0:5", "wait": "1"}]
    await directory.close()
