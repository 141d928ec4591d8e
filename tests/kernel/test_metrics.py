"""What is counted: each service for itself, under labels that have few values, and read where only some may read."""

import re
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics  # pyright: ignore[reportUnknownVariableType]
from prometheus_client.parser import text_string_to_metric_families as text
from starlette.types import Receive, Scope, Send

from shared import observing
from shared.errors import NotFound
from shared.exposition import exposing
from shared.guard import Doors, Guard
from shared.metrics import Joined, Metrics, names_of
from shared.observing import Observer
from shared.overload import Overloaded
from shared.rates import Kind, Policy, Rates
from shared.settings import Settings
from tests.kernel.test_heartbeats import StepTaken, Writer, writer  # pyright: ignore[reportUnusedImport]  # noqa: F401
from tests.support.clock import ToldClock
from tests.support.raw import ask

UNITS = (
    "_seconds",
    "_total",
    "_items",
    "_facts",
    "_entries",
    "_minor",
    "_stripes",
    "_epoch",
    "_in_use",
    "_in_progress",
)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"yaosu_{name}", labels)


class Route:
    path_format = "/things/{thing_id}"


class Inside:
    """An app with one route, which answers or raises what it is told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.seen = error, list[Observer | None]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(observing.current())
        if scope["path"].startswith("/things/"):
            scope["route"] = Route
        if self.error:
            raise self.error
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


def guarded(inside: Inside, metrics: Metrics, places: int = 10, per_minute: int = 1000) -> Guard:
    rates = Rates({kind: Policy(kind, per_minute, 60) for kind in Kind}, ToldClock())
    return Guard(inside, Doors(("localhost",)), rates, places, Observer("trading", metrics))


async def test_a_request_is_counted_by_its_routes_template_and_timed():
    metrics, inside = Metrics("trading"), Inside()
    for number in range(3):
        await ask(guarded(inside, metrics), "GET", f"/things/thing_{number}")
    where = {"route": "/things/{thing_id}", "method": "GET"}
    assert value(metrics, "http_requests_total", **where, status="200") == 3
    assert value(metrics, "http_request_duration_seconds_count", **where) == 3
    assert value(metrics, "http_requests_in_progress") == 0
    assert [each and each.service for each in inside.seen] == ["trading"] * 3 and observing.current() is None


async def test_what_is_no_route_and_what_is_no_method_have_one_label_each():
    metrics = Metrics("trading")
    for number in range(3):
        await ask(guarded(Inside(), metrics), f"VERB{number}", f"/nowhere/{number}")
    assert value(metrics, "http_requests_total", route="unknown", method="other", status="200") == 3
    [family] = [each for each in metrics.registry.collect() if each.name == "yaosu_http_requests"]
    assert len([each for each in family.samples if each.name.endswith("_total")]) == 1


@pytest.mark.parametrize("error, status, code", [
    (NotFound(), "404", "not_found"), (Overloaded(), "503", "overloaded"),
    (ZeroDivisionError("a secret"), "500", "failure"),
])  # fmt: skip
async def test_an_error_is_counted_by_its_code(error: Exception, status: str, code: str):
    metrics = Metrics("trading")
    await ask(guarded(Inside(error), metrics), "GET", "/things/1")
    assert value(metrics, "http_problems_total", code=code) == 1
    assert value(metrics, "http_requests_total", route="/things/{thing_id}", method="GET", status=status) == 1
    assert "a secret" not in Joined([metrics]).exposed("")[0].decode()


async def test_who_is_turned_away_for_too_much_and_who_asks_too_often_are_told_apart():
    metrics = Metrics("trading")
    await ask(guarded(Inside(), metrics, places=0), "GET", "/things/1")
    often = guarded(Inside(), metrics, per_minute=2)
    for _ in range(5):
        await ask(often, "GET", "/things/1")
    assert (value(metrics, "http_problems_total", code="overloaded"), value(
        metrics, "http_problems_total", code="rate_exceeded"
    )) == (1, 3)  # fmt: skip


def test_two_services_with_the_same_numbers_are_one_family_told_apart_by_a_label():
    first, second = Metrics("trading"), Metrics("catalog")
    first.answered("/a", "GET", 200, 0.1)
    second.answered("/a", "GET", 200, 0.1)
    second.answered("/a", "GET", 200, 0.1)
    [family] = [each for each in text(exposed(first, second)) if each.name == "yaosu_http_requests"]
    counted = {each.labels["service"]: each.value for each in family.samples if each.name.endswith("_total")}
    assert counted == {"trading": 1, "catalog": 2}


def exposed(*metrics: Metrics, accept: str = "") -> str:
    return Joined(metrics).exposed(accept)[0].decode()


def test_both_ways_of_writing_say_the_same():
    metrics = Metrics("trading")
    metrics.answered("/a", "GET", 200, 0.1)

    def told(families: Any) -> set[tuple[str, str, float]]:
        return {
            (each.name, str(sorted(each.labels.items())), each.value)
            for family in families for each in family.samples
            if each.name.startswith("yaosu_") and not each.name.endswith("_created")
        }  # fmt: skip

    as_openmetrics = exposed(metrics, accept="application/openmetrics-text; version=1.0.0")
    assert as_openmetrics.endswith("# EOF\n")
    assert told(openmetrics(as_openmetrics)) == told(text(exposed(metrics))) != set()


def test_names_are_prometheus_s():
    for name in names_of([Metrics("trading")]):
        bare = re.sub("_(bucket|sum|count)$", "", name)
        assert re.fullmatch("yaosu_[a-z_]+", name) and bare.endswith(UNITS), name


async def test_numbers_are_read_at_one_path_and_nothing_else_is():
    metrics = Metrics("trading")
    door = exposing([metrics], Settings(allowed_hosts=("localhost",)), ToldClock())
    answer = await ask(door, "GET", "/metrics")
    assert answer.status == 200 and (answer.header(b"content-type") or b"").startswith(b"text/plain; version=")
    assert b"yaosu_http_requests_in_progress" in answer.body and b"process_resident_memory_bytes" in answer.body
    others = (("GET", "/"), ("POST", "/metrics"), ("GET", "/metrics/"))
    assert [(await ask(door, *other)).status for other in others] == [404, 405, 404]
    by_address = await ask(door, "GET", "/metrics", [(b"host", b"10.1.2.3:9464")])
    assert by_address.status == 200, "a replica has no name of its own"


async def test_what_waits_for_the_log_is_told_of_each_stripe(writer: Writer, clock: ToldClock):  # noqa: F811
    metrics = Metrics("trading")
    token = observing.work_for(Observer("trading", metrics))
    try:
        await writer.pulse.look()
        assert value(metrics, "outbox_unsent_facts", stripe="0") is None, "nothing was ever written there"
        await writer.record(StepTaken(1))
        clock.advance(seconds=7)
        await writer.record(StepTaken(2), StepTaken(3))
        await writer.pulse.look()
    finally:
        observing.work_as_before(token)
    assert value(metrics, "outbox_unsent_facts", stripe="0") == 3
    assert value(metrics, "outbox_oldest_unsent_age_seconds", stripe="0") == timedelta(seconds=7).total_seconds()
