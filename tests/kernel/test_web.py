"""What every app promises, shown on the smallest one."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as PlainResponse
from starlette.routing import Route

from shared import rest, web
from shared.changes import Change
from shared.core import Core
from shared.database import DatabaseBusy
from shared.errors import Unavailable
from shared.ids import AssetId, RequestId
from shared.outbox import STRIPES_POSTGRESQL, Lease, Outbox
from shared.permission import Public
from shared.routing import Router
from shared.standing import STALE
from shared.web import BadCursor, Moment, Page
from tests.support import smallest
from tests.support.bench import Bench, Person
from tests.support.smallest import METADATA, Marks

PATH = "/catalog/v1/marks"
on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("server", ["postgresql"], indirect=True)


@pytest.fixture
async def marks(bench: Bench) -> AsyncGenerator[Marks]:
    app, service = await smallest.build(bench)
    async with bench.serve(catalog=app):
        yield service


@pytest.fixture
async def ana(bench: Bench, marks: Marks) -> Person:
    return await bench.member("buyer")


async def lease_of_another(core: Core) -> Lease:
    other = Outbox("catalog", core.database)
    try:
        return await other.lease()
    finally:
        await other.release()


@on_postgresql
@pytest.mark.parametrize("is_broken", [False, True])
async def test_however_often_a_service_begins_it_gives_its_stripe_back(bench: Bench, is_broken: bool):
    async def begin() -> None:
        if is_broken:
            raise RuntimeError("not today")

    core = await bench.core("catalog", METADATA)
    for _ in range(STRIPES_POSTGRESQL + 1):
        app = web.application(core, Router(), None, first=begin)
        with pytest.raises(RuntimeError, match="not today") if is_broken else nullcontext():
            async with app.router.lifespan_context(app):
                assert core.outbox.is_leased
    assert (await lease_of_another(core)).stripe == 0


@on_postgresql
async def test_a_service_that_finds_every_stripe_taken_begins_once_one_is_free(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    app, marks = await smallest.build(bench)
    others = [Outbox("catalog", marks.core.database) for _ in range(STRIPES_POSTGRESQL)]
    for each in others:
        await each.lease()
    waits = list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            await others[5].release()
        if len(waits) > 2:  # whatever else sleeps, once it has begun
            await asyncio.Event().wait()

    monkeypatch.setattr(bench.clock, "sleep", sleep)
    async with app.router.lifespan_context(app):
        assert (await marks.core.outbox.lease()).stripe == 5
    assert caplog.text.count("catalog waits for a stripe") == 2 and waits[:2] == [web.STRIPE_SECONDS] * 2


async def open_to_all(_: Public) -> None: ...


async def forget_to_ask() -> None: ...


async def plainly(_: HttpRequest) -> PlainResponse:
    return PlainResponse()


@on_sqlite
async def test_a_service_whose_database_is_busy_stops_nevertheless(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def busy(_: object) -> None:
        raise DatabaseBusy(retry_after_seconds=1)

    app, marks = await smallest.build(bench)
    monkeypatch.setattr(Outbox, "release", busy)
    async with bench.serve(catalog=app):
        pass
    assert "leaves its stripe to the end of the lease" in caplog.text
    marks.core.database.open()  # the file is free again


@on_sqlite
async def test_a_route_without_permission_stops_the_start(bench: Bench):
    core, router = await bench.core("catalog", METADATA), Router()
    router.add_api_route("/open", open_to_all)
    web.application(core, router, None)
    router.add_api_route("/forgotten", forget_to_ask)
    with pytest.raises(RuntimeError, match="/forgotten.*declares no permission"):
        web.application(core, router, None)


@on_sqlite
async def test_neither_a_nested_nor_a_plain_route_escapes_the_question(bench: Bench):
    core, outer, inner = await bench.core("catalog", METADATA), Router(), Router()
    inner.add_api_route("/forgotten", forget_to_ask)
    outer.include(inner)
    with pytest.raises(RuntimeError, match="forgotten"):
        web.application(core, outer, None)
    hiding, plain = Router(), Router()
    hiding.include_router(inner)
    with pytest.raises(RuntimeError, match="declares no permission"):
        web.application(core, hiding, None)
    plain.routes.append(Route("/plain", plainly))
    with pytest.raises(RuntimeError, match="plain"):
        web.application(core, plain, None)


@on_sqlite
async def test_whoever_asks_a_service_that_has_just_started_is_told_to_come_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    async def away(*_: object) -> list[Change]:
        raise Unavailable(service="identity")

    ana = await bench.member("buyer")
    app, _ = await smallest.build(bench)
    bench.apps["catalog"] = app
    bench.directory.register("catalog", app)
    monkeypatch.setattr(bench.identity, "after", away)
    async with app.router.lifespan_context(app):
        early = await bench.post(ana, PATH, {"name": "early"}, key="early-key")
        assert (early.status_code, early.json()["code"], early.headers["Retry-After"]) == (503, "standing_unknown", "1")
        monkeypatch.undo()
        await bench.refresh()
        assert (await bench.post(ana, PATH, {"name": "early"}, key="early-key")).status_code == 201


@on_sqlite
async def test_an_unforeseen_error_says_nothing_of_the_inside_and_is_always_the_same(
    bench: Bench, marks: Marks, ana: Person
):
    marks.crash += ["secret-name"] * 2
    answers = [await bench.post(ana, PATH, {"name": "secret-name"}) for _ in range(2)]
    told = [{**answer.json(), "request_id": None} for answer in answers]
    assert told[0] == told[1] == {
        "type": "/problems/failure", "title": "Something broke on our side; whether the act took effect is unknown.",
        "status": 500, "detail": "Something broke on our side; whether the act took effect is unknown.",
        "code": "failure", "request_id": None,
    }  # fmt: skip
    assert all(answer.headers["X-Request-Id"] == answer.json()["request_id"] for answer in answers)
    assert not any("inside" in answer.text or "secret" in answer.text for answer in answers)


@on_sqlite
async def test_an_unknown_path_and_an_unknown_method_are_problems_too(bench: Bench, ana: Person):
    unknown = await bench.get(ana, "/catalog/v1/nothing")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert unknown.headers["Content-Type"] == "application/problem+json"
    wrong = await bench.ask("DELETE", ana, PATH)
    assert (wrong.status_code, wrong.json()["code"]) == (405, "not_offered")
    assert wrong.headers["Allow"] == "GET, POST"
    assert (await bench.get(ana, f"{PATH}/")).status_code == 404


@on_sqlite
@pytest.mark.parametrize("body, place, kind", [
    ({},                                ["body", "name"],   "missing"),
    ({"name": None},                    ["body", "name"],   "string_type"),
    ({"name": 7},                       ["body", "name"],   "string_type"),
    ({"name": ["secret-7"]},            ["body", "name"],   "string_type"),
    ({"name": "x", "extra": "secret-7"}, ["body", "extra"], "extra_forbidden"),
    ({"name": "x", "__proto__": {}},    ["body", "__proto__"], "extra_forbidden"),
    (["secret-7"],                      ["body"],           "model_attributes_type"),
    ("secret-7",                        ["body"],           "model_attributes_type"),
], ids=str)  # fmt: skip
async def test_a_body_of_another_shape_is_refused_by_its_place_and_never_echoed(
    bench: Bench, ana: Person, body: object, place: list[str], kind: str
):
    answer = await bench.post(ana, PATH, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert [(found["loc"], found["type"]) for found in answer.json()["errors"]] == [(place, kind)]
    assert "secret-7" not in answer.text


@on_sqlite
async def test_every_answer_names_its_request_and_takes_the_name_it_is_given_if_it_is_one(bench: Bench, ana: Person):
    given = RequestId.new()
    named = await bench.ask("GET", ana, PATH, headers={"X-Request-Id": given})
    assert named.headers["X-Request-Id"] == given
    for strange in ("7", "request_7", f"{given}x", "<script>"):
        answer = await bench.ask("GET", ana, "/catalog/v1/nothing", headers={"X-Request-Id": strange})
        assert RequestId(answer.headers["X-Request-Id"]) == answer.json()["request_id"] != strange


@on_sqlite
async def test_answers_are_not_for_guessing_framing_or_keeping(bench: Bench, ana: Person):
    headers = (await bench.get(ana, PATH)).headers
    assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
    assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")


@on_sqlite
async def test_a_service_is_ready_while_it_knows_who_is_in_good_standing(bench: Bench, marks: Marks):
    live, ready = [await _health(bench, part) for part in ("live", "ready")]
    assert (live, ready[0], ready[1]["parts"]) == ((200, {"status": "live", "parts": {}}), 200, {
        "database": "ok", "standing": "ok",
    })  # fmt: skip
    bench.clock.advance(seconds=STALE.total_seconds() + 1)
    assert (await _health(bench, "live"))[0] == 200
    status, told = await _health(bench, "ready")
    assert (status, told["code"], told["part"]) == (503, "not_ready", "standing")


async def _health(bench: Bench, part: str) -> tuple[int, dict[str, object]]:
    async with rest.connect(bench.apps["catalog"]) as connection:
        answer = await connection.get(f"/health/{part}")
    return answer.status_code, answer.json()


@pytest.mark.parametrize("count, limit", [(0, 2), (1, 2), (2, 2), (5, 2), (6, 3), (3, 100)])
async def test_pages_show_everything_once_in_order_and_the_last_one_says_so(
    bench: Bench, ana: Person, count: int, limit: int
):
    for number in range(count):
        await bench.post(ana, PATH, {"name": f"mark {number}"}, uuid4().hex)
    seen, cursor, pages = list[int](), None, 0
    while pages == 0 or cursor:
        page = (await bench.get(ana, PATH, params={"limit": limit} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [mark["number"] for mark in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert seen == list(range(1, count + 1))
    assert pages == max(1, -(-count // limit))


@on_sqlite
@pytest.mark.parametrize("query", [
    {"limit": 0}, {"limit": -1}, {"limit": 101}, {"limit": 2**63}, {"limit": "ten"}, {"limit": 1.5}, {"limit": ""},
    {"limit": "1_0"}, {"limit": "+1"}, {"limit": " 1"}, {"limit": "01"}, {"limit": "１"}, {"limit": "9" * 5000},
    {"cursor": "%%%"}, {"cursor": "é"}, {"cursor": "x" * 301}, {"cursor": base64.urlsafe_b64encode(b"\xff").decode()},
], ids=str)  # fmt: skip
async def test_a_window_or_cursor_that_was_not_given_out_is_refused(
    bench: Bench, ana: Person, query: dict[str, object]
):
    answer = await bench.get(ana, PATH, params=query)
    assert (answer.status_code, answer.json()["code"] in {"malformed", "bad_cursor"}) == (422, True)


@pytest.mark.parametrize("cursor, found", [
    (None,                      None),
    (f"asset_{'0' * 32}",       AssetId(f"asset_{'0' * 32}")),
    (f"version_{'0' * 32}",     BadCursor),
    (f"asset_{'0' * 31}\x00",   BadCursor),
    ("",                        BadCursor),
    ("7",                       BadCursor),
])  # fmt: skip
def test_a_cursor_of_another_list_is_no_cursor_of_this_one(cursor: str | None, found: Any):
    page = Page(20, cursor)
    if found is BadCursor:
        with pytest.raises(BadCursor):
            page.after_id(AssetId)
    else:
        assert page.after_id(AssetId) == found


@on_sqlite
async def test_a_parameter_that_nobody_reads_is_refused_and_those_that_are_known_are_told(bench: Bench, ana: Person):
    for query in ({"sort": "id"}, {"limit": 1, "Limit": 2}, {"limit[]": 1}):
        answer = await bench.get(ana, PATH, params=query)
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_parameter")
        assert answer.json()["known"] == ["cursor", "limit"]


@pytest.mark.parametrize("text, moment", [
    ("2030-01-01T00:00:00Z",             datetime(2030, 1, 1, tzinfo=UTC)),
    ("2030-01-01T08:00:00+08:00",        datetime(2030, 1, 1, tzinfo=UTC)),
    ("2030-01-01T00:00:00.000001-00:30", datetime(2030, 1, 1, 0, 30, 0, 1, tzinfo=UTC)),
    ("2028-02-29T00:00:00Z",             datetime(2028, 2, 29, tzinfo=UTC)),
    ("1900-01-01T00:00:00Z",             datetime(1900, 1, 1, tzinfo=UTC)),
    ("2199-12-31T23:59:59Z",             datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)),
])  # fmt: skip
def test_a_moment_is_read_as_the_one_that_it_says(text: str, moment: datetime):
    read = TypeAdapter(Moment).validate_python(text)
    assert (read, read.tzinfo) == (moment, UTC)


@pytest.mark.parametrize("told", [
    "2030-01-01T00:00:00", "2030-01-01", "2030-01-01 00:00:00Z", "1893456000", 1893456000, 1.5, "", "24:00", None,
    "2030-01-01T24:00:00Z", "2030-01-01T23:59:60Z", "2030-02-29T00:00:00Z", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "1899-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "2199-12-31T23:59:59-00:01",
    "2030-01-01T00:00:00+24:00", "２０３０-01-01T00:00:00Z", "2030-01-01T00:00:00Z\n",
    "2030-01-01T00:00:00.0000001Z", "2030-01-01T00:00Z", "+2030-01-01T00:00:00Z", True, [], {},
])  # fmt: skip
def test_what_does_not_say_one_moment_is_none(told: object):
    with pytest.raises(ValidationError):
        TypeAdapter(Moment).validate_python(told)


async def test_a_service_serves_its_news_to_services_and_to_nobody_else(bench: Bench, marks: Marks, ana: Person):
    await bench.post(ana, PATH, {"name": "first"})
    changes = (await bench.ask_as_service("trading", "GET", "/catalog/v1/changes")).json()
    assert [(change["seq"], change["act"]) for change in changes] == [(1, "catalog.mark_made")]
    after = await bench.ask_as_service("trading", "GET", "/catalog/v1/changes", params={"after": "0:1"})
    assert after.json() == []
    for person in (None, ana, bench.staff("operator_system"), bench.staff("regulator")):
        assert (await bench.get(person, "/catalog/v1/changes")).status_code == 401


@pytest.mark.parametrize("after", ["x", f"0:{2**63}"])
async def test_a_position_that_was_not_given_out_is_refused(bench: Bench, marks: Marks, after: str):
    answer = await bench.ask_as_service("trading", "GET", "/catalog/v1/changes", params={"after": after})
    assert (answer.status_code, answer.json()["code"]) == (422, "positions_unreadable")
