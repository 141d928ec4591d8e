"""What a service counts and times of itself, for Prometheus.

Promises: each service has a registry of its own, so that six of them in one process, and any number in a test, never
meet; a label has few values: a route as its template, a method, a status, an error's code, a job's or a neighbour's
name, never a path, an id, a participant or anything that was sent. Names are Prometheus's: `yaosu_`, then what, then
the unit, `_total` for what only grows. Does not: decide who may read them (`exposition`, decision 29).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder

METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
OTHER = "other"
UNKNOWN_ROUTE = "unknown"  # whatever was asked for that is no route: one label for all of it
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SHORT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
LONG_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300)
ITEMS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The numbers of one service in one process."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        self.in_progress = 0
        self._answers: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._requests = self.counter("http_requests", "Requests that were answered.", "route", "method", "status")
        self._request_seconds = self.histogram(
            "http_request_duration_seconds", "From a request's arrival to the end of its answer.", SECONDS, "route",
            "method",
        )  # fmt: skip
        self.problems = self.counter("http_problems", "Answers that are problems, by their code.", "code")
        self.batch_items = self.histogram("batch_items", "How many a group commit had.", ITEMS, "batch")
        self.batch_seconds = self.histogram(
            "batch_duration_seconds", "How long a group commit took.", SHORT_SECONDS, "batch"
        )
        self.batch_waiting = self.gauge("batch_waiting_items", "How many wait for the next group commit.", "batch")
        self.transaction_seconds = self.histogram(
            "database_transaction_duration_seconds", "How long a writing transaction took, its wait included.",
            SHORT_SECONDS,
        )  # fmt: skip
        self.unsent = self.gauge("outbox_unsent_facts", "Facts that the log has not acknowledged.", "stripe")
        self.unsent_age = self.gauge(
            "outbox_oldest_unsent_age_seconds", "Age of the oldest fact that the log has not acknowledged.", "stripe"
        )
        self.relayed = self.counter("relay_facts", "Facts that the log has acknowledged to this process.")
        self.feed_facts = self.counter("feed_facts", "Facts of a source that were taken in.", "source")
        self.feed_lag = self.gauge("feed_lag_seconds", "Age of the last fact when it was taken in.", "source")
        self.feed_heard = self.gauge(
            "feed_heard_timestamp_seconds", "When all that a source had to tell was known here.", "source"
        )
        self.asked = self.counter("neighbour_requests", "What neighbours were asked.", "neighbour", "outcome")
        self.asked_seconds = self.histogram(
            "neighbour_request_duration_seconds", "How long a neighbour took; feeds, which wait for news, apart.",
            SECONDS, "neighbour",
        )  # fmt: skip
        self.job_runs = self.counter("job_runs", "Runs of a job.", "job", "outcome")
        self.job_seconds = self.histogram("job_duration_seconds", "How long a run of a job took.", LONG_SECONDS, "job")
        self.job_succeeded = self.gauge("job_last_success_timestamp_seconds", "When a job last ran to its end.", "job")
        self.job_lateness = self.gauge(
            "job_lateness_seconds", "How long what is due longest has waited at least to be moved on.", "due"
        )
        self.loop_lag = self.histogram(
            "event_loop_lag_seconds", "How much later than asked for a timer of the event loop came.", SHORT_SECONDS
        )
        self.loop_blocked = self.counter("event_loop_blocked", "How often the event loop stood still.")
        self.measure("http_requests_in_progress", "Requests that are not answered yet.", lambda: self.in_progress)

    def counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, namespace="yaosu", registry=self.registry)

    def gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(name, documentation, labels, namespace="yaosu", registry=self.registry)

    def histogram(self, name: str, documentation: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(name, documentation, labels, namespace="yaosu", registry=self.registry, buckets=buckets)

    def measure(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """A number that is read when somebody looks. It must be at hand: nothing is asked for it."""
        self.gauge(name, documentation).set_function(read)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Requires the route's template, or UNKNOWN_ROUTE; and one of METHODS, or OTHER."""
        place = route, method, status
        if place not in self._answers:
            told = self._requests.labels(route, method, status), self._request_seconds.labels(route, method)
            self._answers[place] = told
        count, duration = self._answers[place]
        count.inc()
        duration.observe(seconds)


class Joined:
    """The numbers of several services of one process, each told apart by the label `service`."""

    def __init__(self, services: Iterable[Metrics], *, process: bool = True) -> None:
        self._services, self._process = list(services), CollectorRegistry()
        if process:
            ProcessCollector(registry=self._process)

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for metrics in self._services:
            for family in metrics.registry.collect():
                whole = families.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type, family.unit)
                )
                whole.samples += [
                    sample._replace(labels={"service": metrics.service, **sample.labels}) for sample in family.samples
                ]
        yield from families.values()
        yield from self._process.collect()

    def exposed(self, accept: str) -> tuple[bytes, str]:
        """As text or OpenMetrics, whichever is asked for; and its media type."""
        encode, media_type = choose_encoder(accept)
        return encode(self), media_type


def names_of(services: Iterable[Metrics]) -> set[str]:
    """The names of all time series that these services may tell of, whether or not one has been told yet."""
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {
        family.name + ending
        for metrics in services
        for family in metrics.registry.collect()
        for ending in endings.get(family.type, ("",))
    }
