"""A collector of traces: takes OTLP over HTTP, as a real one does, and says which span stood under which."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    id: bytes
    parent_id: bytes
    trace_id: bytes
    name: str


@dataclass
class Collector:
    url: str = ""
    bodies: list[bytes] = field(default_factory=list[bytes])

    def spans(self) -> list[Span]:
        found = list[Span]()
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = {each.key: each.value.string_value for each in resource.resource.attributes}["service.name"]
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        name = f"{service.removeprefix('yaosu-')}: {span.name}"
                        found.append(Span(span.span_id, span.parent_span_id, span.trace_id, name))
        return found

    def way_to(self, name: str) -> list[str]:
        """From the beginning of its trace to the first span of this name."""
        spans = self.spans()
        by_id = {span.id: span for span in spans}
        at = next(span for span in spans if span.name == name)
        way = [at]
        while at.parent_id:
            at = by_id[at.parent_id]
            way.insert(0, at)
        assert len({span.trace_id for span in way}) == 1
        return [span.name for span in way]


@contextmanager
def collecting() -> Generator[Collector]:
    collector = Collector()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield collector
        finally:
            server.shutdown()
