"""Jobs, batches, the event loop and neighbours as they show: counted, traced, and under one id."""

import asyncio
import builtins
import logging
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import Tracer

from services.opening import Doorstep
from shared import jobs, log, observing
from shared.batching import Batcher
from shared.clock import SystemClock
from shared.guard import Doors, Guard
from shared.jobs import LATE_SECONDS, attempt, lateness
from shared.loop_watch import LoopWatch
from shared.metrics import Metrics
from shared.observing import Observer
from shared.rates import Rates
from shared.rest import Directory, Peer
from shared.settings import Settings
from tests.kernel.test_metrics import value
from tests.support.clock import ToldClock
from tests.support.lines import lines_of_the_log
from tests.support.traced import KeptTraces

NOW = datetime(2030, 1, 1, tzinfo=UTC)
PARENT = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"


@dataclass
class Watched:
    """A service at work, of which every trace is kept."""

    metrics: Metrics
    kept: KeptTraces
    tracer: Tracer


@pytest.fixture
def watched() -> Generator[Watched]:
    made, kept = Metrics("trading"), KeptTraces()
    tracer = kept.traces.tracer("trading")
    token = observing.work_for(Observer("trading", made, tracer))
    yield Watched(made, kept, tracer)
    observing.work_as_before(token)


async def succeed(*_: object) -> None: ...


async def fail(*_: object) -> None:
    raise ValueError("the name 张三 and the number 13800138000")


async def test_a_run_of_a_job_is_counted_timed_and_traced(watched: Watched):
    assert await attempt(succeed) and await attempt(succeed) and not await attempt(fail)
    metrics = watched.metrics
    assert value(metrics, "job_runs_total", job="test_observing.succeed", outcome="succeeded") == 2
    assert value(metrics, "job_runs_total", job="test_observing.fail", outcome="failed") == 1
    assert value(metrics, "job_duration_seconds_count", job="test_observing.fail") == 1
    assert value(metrics, "job_last_success_timestamp_seconds", job="test_observing.fail") is None
    assert watched.kept.tree() == [
        "trading: job test_observing.succeed", "trading: job test_observing.succeed", "trading: job test_observing.fail"
    ]  # fmt: skip
    assert not any("张三" in told.said for told in watched.kept.spans())


async def test_a_run_of_a_job_has_an_id_of_its_own_which_its_lines_and_its_neighbours_are_told():
    asked_under = list[str | None]()

    async def ask_a_neighbour() -> None:
        asked_under.append(log.thread_id())
        logging.getLogger("anyone").warning("halfway")

    with lines_of_the_log() as lines:
        await attempt(ask_a_neighbour)
        await attempt(ask_a_neighbour)
        await attempt(fail)
    ids = [line["request_id"] for line in lines.told]
    assert ids[:2] == asked_under and len(set(ids)) == 3, "the line of a failure has its run's id too"
    assert log.thread_id() is None and "13800138000" not in lines.getvalue()


async def test_what_a_job_does_nobody_asked_for():
    said = list[str | None]()

    async def work() -> None:
        said.append(log.request_id())

    await attempt(work)
    assert said == [None]


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_lateness_is_the_most_that_is_certain(first: int, second: int):
    """Against looking at every step."""
    dues = [NOW - timedelta(seconds=first), NOW - timedelta(seconds=second)]
    looks = 0

    async def find(moment: datetime) -> list[datetime]:
        nonlocal looks
        looks += 1
        return [each for each in dues if each <= moment]

    told = asyncio.run(lateness(find, NOW))
    assert told == max([0, *(step for step in LATE_SECONDS if step <= max(first, second))])
    assert looks <= 4


async def test_a_batch_is_measured_and_stands_under_its_first_trace_and_names_the_others(watched: Watched):
    async def work(items: Sequence[int]) -> list[int | Exception]:
        with observing.transaction():
            return list(items)

    batcher = Batcher[int, int](work, name="bids")

    async def bid(item: int) -> None:
        with watched.tracer.start_as_current_span(f"bid {item}"):
            await batcher.submit(item)

    await asyncio.gather(*map(bid, range(3)))
    assert value(watched.metrics, "batch_items_sum", batch="bids") == 3
    assert value(watched.metrics, "batch_duration_seconds_count", batch="bids") == 1
    assert value(watched.metrics, "database_transaction_duration_seconds_count") == 1
    assert watched.kept.tree() == [
        "trading: bid 0", "  trading: batch bids", "    trading: transaction", "trading: bid 1", "trading: bid 2"
    ]  # fmt: skip
    [batch] = [told for told in watched.kept.spans() if "batch" in told.name]
    assert len(batch.span.links) == 2 and (batch.span.attributes or {})["yaosu.batch_items"] == 3
    watched.kept.exporter.clear()
    await batcher.submit(4)
    assert watched.kept.tree() == [], "of a batch without a trace that is kept, none is made"


def an_app(name: str, directory: Directory, asks: str | None, kept: KeptTraces) -> FastAPI:
    app = FastAPI(telemetry=kept.traces.telemetry(name))
    observer = Observer(name, Metrics(name), kept.traces.tracer(name))
    app.add_middleware(
        Guard, doors=Doors(("in-process",)), rates=Rates(Settings().rates, ToldClock()), observer=observer
    )

    class NoTokens:
        async def token(self, audience: str) -> str:
            return "none"

    @app.get("/ask")
    async def answer() -> str | None:
        if asks:
            await Peer(directory, asks, NoTokens()).ask("GET", "/ask?query=13800138000")
        return log.request_id()

    directory.register(name, app)
    return app


async def test_a_trace_goes_on_through_three_services_in_one_process_and_says_nothing_that_was_sent():
    kept, directory = KeptTraces(), Directory()
    for name, asks in (("trading", "pricing"), ("pricing", "catalog"), ("catalog", None)):
        an_app(name, directory, asks, kept)
    headers = {"authorization": "Bearer secret", "x-request-id": "request_01a218bda72e72b1872c7cc9267cb8e4"}
    answer = await directory.connection("trading").get("/ask?login=zhang.san@demo", headers=headers)
    assert answer.json() == headers["x-request-id"]
    assert kept.tree() == [
        "trading: GET /ask", "  trading: GET pricing", "    pricing: GET /ask", "      pricing: GET catalog",
        "        catalog: GET /ask",
    ]  # fmt: skip
    assert len({told.trace_id for told in kept.spans()}) == 1
    said = "".join(told.said for told in kept.spans())
    for sent in ("13800138000", "zhang.san", "secret", "query", "url.path", "server.address"):
        assert sent not in said
    await directory.close()


@pytest.mark.parametrize("headers, goes_on", [
    ({"traceparent": PARENT}, True), ({"traceparent": PARENT, "x-forwarded-for": "192.0.2.1"}, False), ({}, False)
], ids=["a neighbour's", "forwarded by the door", "none"])  # fmt: skip
async def test_before_a_service_by_itself_what_was_forwarded_begins_a_trace_of_its_own(
    headers: dict[str, str], goes_on: bool
):
    kept, directory = KeptTraces(), Directory()
    directory.register("catalog", Doorstep(an_app("catalog", directory, None, kept)))  # pyright: ignore[reportArgumentType]
    await directory.connection("catalog").get("/ask", headers=headers)
    [told] = kept.spans()
    assert (format(told.trace_id, "032x") in PARENT) is goes_on
    await directory.close()


async def test_without_traces_no_span_is_made_and_nothing_is_passed_on():
    token = observing.work_for(Observer("trading", Metrics("trading")))
    try:
        with observing.transaction(), observing.asking("catalog", "GET"):
            assert not observing.span().is_recording() and observing.carried() == {}
    finally:
        observing.work_as_before(token)


def test_where_what_sends_traces_is_missing_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    from shared.traces import to_collector

    ordinarily = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("opentelemetry.exporter"):
            raise ImportError(name)
        return ordinarily(name, *rest)

    for module in [name for name in sys.modules if name.startswith("opentelemetry.exporter.otlp.proto.http.trace")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"traces_url: .* extra 'traces'"):
        to_collector("http://127.0.0.1:1/v1/traces", 1.0)


def block(seconds: float) -> None:
    time.sleep(seconds)


async def test_a_loop_that_stands_still_is_not_ready_and_what_holds_it_up_is_named(
    watched: Watched, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """F-53."""
    monkeypatch.setattr("shared.loop_watch.INTERVAL_SECONDS", 0.02)
    watch = LoopWatch(SystemClock(), blocked_seconds=0.3)
    running = asyncio.create_task(watch.run())
    await until(lambda: value(watched.metrics, "event_loop_lag_seconds_count"))
    assert not watch.is_blocked
    block(1.0)
    assert watch.is_blocked, "before the loop has come round, for whoever asks in the same turn"
    await until(lambda: value(watched.metrics, "event_loop_blocked_total"))
    assert watch.is_blocked, "and for a while after"
    monkeypatch.setattr("shared.loop_watch.KEPT_TIME_SECONDS", 0.0)
    assert not watch.is_blocked
    running.cancel()
    assert "the event loop stands still in" in caplog.text and "in block" in caplog.text


async def until(happens: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not happens():  # noqa: ASYNC110  (real time passes: nobody else would say so)
            await asyncio.sleep(0.01)


async def test_a_clock_that_never_wakes_anyone_blocks_nothing():
    watch = LoopWatch(ToldClock())
    running = asyncio.create_task(watch.run())
    await asyncio.sleep(0)
    assert not watch.is_blocked
    running.cancel()


def test_a_line_of_a_request_says_its_route_and_nothing_that_was_sent():
    with lines_of_the_log() as lines:
        log.tell_request("trading", "POST", "/trading/v1/orders", 201, 0.01234, "ab" * 16)
        log.tell_request("trading", "GET", "/health/ready", 200, 0.001, None)
        log.tell_request("trading", "GET", "/health/ready", 503, 0.001, None)
        log.tell_request("trading", "GET", "/trading/v1/changes", 200, 25.0, None)
    assert [(line["route"], line["status"]) for line in lines.told] == [
        ("/trading/v1/orders", 201),
        ("/health/ready", 503),
    ]
    first = lines.told[0]
    assert (first["service"], first["method"], first["milliseconds"]) == ("trading", "POST", 12.3)
    assert (first["trace_id"], first["level"], first["event"]) == ("ab" * 16, "info", "answered")
    assert first["timestamp"].endswith("Z")
    with lines_of_the_log("warning") as lines:
        log.tell_request("trading", "POST", "/trading/v1/orders", 201, 0.01, None)
    assert lines.told == []


def test_jobs_are_named_with_their_noun():
    assert jobs._name_of(attempt) == "attempt"  # pyright: ignore[reportPrivateUsage]
    assert jobs._name_of(succeed) == "test_observing.succeed"  # pyright: ignore[reportPrivateUsage]
