"""Where traces go: to an OpenTelemetry collector, by OTLP over HTTP, if the settings name one.

Promises: of a span leaves only what is listed here (its route, method, status, names of ours): no path, no query, no
header, no words of an error, so that nothing that was sent can be in it; which traces are kept is decided at the door
by lot, whatever whoever asks would like, and behind it as the door decided; nothing waits for the collector.
Loaded only where traces are told: without a collector nothing of this costs anything.
"""

from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Status, Tracer

TOLD = frozenset({
    "http.request.method", "http.response.status_code", "http.route", "network.protocol.version", "url.scheme",
    "error.type", "yaosu.batch_items", "yaosu.job", "yaosu.neighbour",
})  # fmt: skip
CLOSING_MILLISECONDS = 3_000


class Traces:
    """Of one process: a provider for each service, all by the same way out. `share` is how many of a hundred are kept,
    as a fraction of one."""

    def __init__(self, way_out: SpanProcessor, share: float) -> None:
        self._way_out, self._sampler = way_out, ParentBased(TraceIdRatioBased(share))
        self._providers: dict[str, TracerProvider] = {}

    def tracer(self, service: str) -> Tracer:
        return self._provider(service).get_tracer("yaosu")

    def telemetry(self, service: str) -> TelemetryConfig:
        """FastAPI's own spans for requests, and nothing else of it."""
        return TelemetryConfig(
            tracer_provider=self._provider(service), tracing=True, metrics=False, logs=False, operation_spans=False,
            auto_configure=False, exclude=_is_routine,
        )  # fmt: skip

    def close(self) -> None:
        """Let what is still on its way out go, for a moment."""
        self._way_out.force_flush(CLOSING_MILLISECONDS)
        self._way_out.shutdown()

    def _provider(self, service: str) -> TracerProvider:
        if service not in self._providers:
            resource = Resource({"service.namespace": "yaosu", "service.name": f"yaosu-{service}"})
            provider = TracerProvider(sampler=self._sampler, resource=resource, shutdown_on_exit=False)
            provider.add_span_processor(self._way_out)
            self._providers[service] = provider
        return self._providers[service]


class OnlyWhatIsListed(SpanExporter):
    """Lets of each span out what is listed, and no event, for events have the words of errors."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_told(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def to_collector(url: str, share: float) -> Traces:
    """Raises ValueError that names the setting, where what sends them is not installed."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as missing:
        raise ValueError(
            "traces_url: what sends traces is not installed; it is the extra 'traces' (pip install 'yaosu[traces]')"
        ) from missing
    return Traces(BatchSpanProcessor(OnlyWhatIsListed(OTLPSpanExporter(endpoint=url))), share)


def _is_routine(scope: MutableMapping[str, Any]) -> bool:
    """What is asked all the time: whether a service is ready, and what is new there."""
    return scope["path"].startswith("/health/") or scope["path"].endswith("/v1/changes")


def _told(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name, context=span.context, parent=span.parent, resource=span.resource,
        attributes=dict(_listed(span)), links=span.links, kind=span.kind,
        instrumentation_scope=span.instrumentation_scope, status=Status(span.status.status_code),
        start_time=span.start_time, end_time=span.end_time,
    )  # fmt: skip


def _listed(span: ReadableSpan) -> Iterable[tuple[str, str | bool | int | float]]:
    for name, value in (span.attributes or {}).items():
        if name in TOLD and isinstance(value, str | int | float):
            yield name, value
