"""Who counts and traces the work at hand: the observer of the service that is at it.

The door says it for a request, the app for its jobs; whoever is called on the way, a transaction, a batch, the asking
of a neighbour, finds it here, so that no call carries it along. Promises: what one request said is unsaid when it ends,
also where a neighbour was asked in this process; where nobody said it, nothing is counted; a span is made only inside
one that is kept, so that without traces, and in all that are not kept, it costs a look.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field

from fastapi.telemetry import TelemetryConfig
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    Span,
    SpanKind,
    Tracer,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope

from shared import log
from shared.clock import Stopwatch
from shared.errors import Failure
from shared.metrics import METHODS, OTHER, UNKNOWN_ROUTE, Metrics

SILENT = TelemetryConfig(tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False)
PARENT_HEADERS = {b"traceparent", b"tracestate", b"baggage"}
STATUS = "yaosu.status"  # in a request's scope
NOT_ANSWERED = 499  # whoever asked was gone before
_propagator = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class Observer:
    """Of one service in one process. `telemetry` is what FastAPI is told."""

    service: str
    metrics: Metrics
    tracer: Tracer | None = None
    telemetry: TelemetryConfig = field(default_factory=lambda: SILENT)


_current: ContextVar[Observer | None] = ContextVar("observer", default=None)


def current() -> Observer | None:
    return _current.get()


def work_for(observer: Observer | None) -> Token[Observer | None]:
    """From now on what this task does is that service's. Give the token to `work_as_before` at the end."""
    return _current.set(observer)


def work_as_before(token: Token[Observer | None]) -> None:
    _current.reset(token)


def tell_problem(failure: Failure) -> None:
    """That a request is answered with this."""
    if observer := _current.get():
        observer.metrics.problems.labels(failure.code()).inc()


def names() -> Mapping[str, str]:
    """What a line of the log says of where it was written: the service, and the trace."""
    told, context = dict[str, str](), get_current_span().get_span_context()
    if observer := _current.get():
        told["service"] = observer.service
    if context.is_valid:
        told["trace_id"] = format(context.trace_id, "032x")
    return told


def span() -> Span:
    """The span that the work at hand belongs to; where there is none, one that is not kept."""
    return get_current_span()


def carried() -> dict[str, str]:
    """The headers by which whoever is asked goes on with this trace (W3C Trace Context)."""
    headers: dict[str, str] = {}
    _propagator.inject(headers)
    return headers


def without_parent(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of a stranger: a trace begins anew at the door, for theirs would say what we keep (decision 29)."""
    return [each for each in headers if each[0] not in PARENT_HEADERS]


class request:
    """Around a request, for which the work is from here on that service's; it is counted by its route when it ends."""

    def __init__(self, observer: Observer | None, scope: Scope) -> None:
        self._observer, self._scope = observer, scope

    def __enter__(self) -> None:
        self._before = _current.set(self._observer)
        self._watch = Stopwatch()
        if self._observer:
            self._observer.metrics.in_progress += 1

    def __exit__(self, *_: object) -> None:
        _current.reset(self._before)
        if self._observer:
            metrics, scope, seconds = self._observer.metrics, self._scope, self._watch.seconds()
            metrics.in_progress -= 1
            route = getattr(scope.get("route"), "path_format", UNKNOWN_ROUTE)
            status = scope.get(STATUS, NOT_ANSWERED)
            method = scope["method"] if scope["method"] in METHODS else OTHER
            metrics.answered(route, method, status, seconds)
            log.tell_request(self._observer.service, method, route, status, seconds, names().get("trace_id"))


@contextmanager
def transaction() -> Generator[None]:
    """Around a writing transaction, its wait for a connection and its commit."""
    observer = _current.get()
    if observer is None:
        yield
        return
    watch = Stopwatch()
    try:
        with _span(observer, "transaction"):
            yield
    finally:
        observer.metrics.transaction_seconds.observe(watch.seconds())


@dataclass(slots=True)
class Asked:
    """How a neighbour answered; without a status, not at all."""

    status: int | None = None

    @property
    def outcome(self) -> str:
        if self.status is None:
            return "away"
        return "failed" if self.status >= 500 else "refused" if self.status >= 400 else "answered"


@contextmanager
def asking(neighbour: str, method: str, *, waits_for_news: bool = False) -> Generator[Asked]:
    """Around a request to a neighbour, which says how it was answered."""
    observer, asked = _current.get(), Asked()
    if observer is None:
        yield asked
        return
    watch = Stopwatch()
    try:
        with _span(observer, f"{method} {neighbour}", SpanKind.CLIENT, {"yaosu.neighbour": neighbour}):
            yield asked
    finally:
        observer.metrics.asked.labels(neighbour, asked.outcome).inc()
        if not waits_for_news:
            observer.metrics.asked_seconds.labels(neighbour).observe(watch.seconds())


@contextmanager
def batch(name: str, waiting: int, came_in: Sequence[Span]) -> Generator[None]:
    """Around a group commit. It belongs to the first trace that is kept of those of its items, and names the others."""
    observer = _current.get()
    if observer is None:
        yield
        return
    kept, metrics, watch = [span for span in came_in if span.is_recording()], observer.metrics, Stopwatch()
    metrics.batch_items.labels(name).observe(len(came_in))
    metrics.batch_waiting.labels(name).set(waiting)
    try:
        first = kept[0] if kept else INVALID_SPAN  # the worker still has that of whoever woke it
        with use_span(first, record_exception=False, set_status_on_exception=False):
            told = {"yaosu.batch_items": len(came_in)}
            others = [Link(span.get_span_context()) for span in kept[1:]]
            with _span(observer, f"batch {name}", attributes=told, links=others):
                yield
    finally:
        metrics.batch_seconds.labels(name).observe(watch.seconds())


@contextmanager
def job(observer: Observer, name: str) -> Generator[None]:
    """Around one run of a job: a trace of its own, which is kept by lot as those of requests are."""
    if observer.tracer is None:
        yield
        return
    with observer.tracer.start_as_current_span(
        f"job {name}", set_span_in_context(INVALID_SPAN), SpanKind.INTERNAL, {"yaosu.job": name},
        record_exception=False, set_status_on_exception=True,
    ):  # fmt: skip
        yield


@contextmanager
def _span(
    observer: Observer | None, name: str, kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, str | int] | None = None, links: Iterable[Link] = (),
) -> Generator[None]:  # fmt: skip
    if observer is None or observer.tracer is None or not get_current_span().is_recording():
        yield
        return
    with observer.tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, links=list(links), record_exception=False
    ):
        yield
