"""Traces that stay in memory, as they would have left: only what is listed of each span."""

from collections.abc import Iterator, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.traces import OnlyWhatIsListed, Traces


class KeptTraces:
    """`traces` is what a market is built with; what leaves it is kept."""

    def __init__(self, share: float = 1.0) -> None:
        self.exporter = InMemorySpanExporter()
        self.traces = Traces(SimpleSpanProcessor(OnlyWhatIsListed(self.exporter)), share)

    def spans(self) -> list["Told"]:
        """In the order of their beginnings."""
        return sorted(map(Told, self.exporter.get_finished_spans()), key=lambda told: told.span.start_time or 0)

    def tree(self) -> list[str]:
        """Each span under its parent, a line each, indented: `service: name`."""
        return list(drawn(self.spans()))


class Told:
    def __init__(self, span: ReadableSpan) -> None:
        assert span.context
        self.span, self.id, self.trace_id = span, span.context.span_id, span.context.trace_id
        self.parent_id = span.parent.span_id if span.parent else None
        self.name = f"{str(span.resource.attributes['service.name']).removeprefix('yaosu-')}: {span.name}"

    @property
    def said(self) -> str:
        """All that is told of it."""
        return self.span.to_json()


def drawn(spans: Sequence[Told], parent: int | None = None, depth: int = 0) -> Iterator[str]:
    """What has a parent elsewhere stands under it."""
    known = {told.id for told in spans}
    for told in spans:
        if told.parent_id == parent or (parent is None and told.parent_id not in known):
            yield "  " * depth + told.name
            yield from drawn(spans, told.id, depth + 1)
