"""Logs: one JSON line per event on standard error, with the request's id, and no secret in it.

Promises: what is named like a secret, and what looks like a token, never reaches a line, wherever it was said.
"""

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, cast

SECRET_NAME = re.compile(
    r"authorization|acting.?for|password|secret|token|private|signature|salt|cookie|api.?key", re.I
)
SECRET_SHAPE = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JSON Web Token
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\$argon2[a-z]+\$[^\s'\"]+"  # a password's hash
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user:password in a URL
    r"|\b[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])\d{2}\d{3}[\dXx]\b"  # 身份证
    r"|\b1[3-9]\d{9}\b",  # a mobile number
    re.S,
)
SCRUBBED = "***"
requests = logging.getLogger("yaosu.requests")

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_job_id: ContextVar[str | None] = ContextVar("job_id", default=None)


def request_id() -> str | None:
    """The id of the request that is being answered, if one is."""
    return _request_id.get()


def set_request_id(text: str | None) -> None:
    _request_id.set(text)


def set_job_id(text: str | None) -> str | None:
    """Begin or end a run of a job. Returns what was before."""
    before = _job_id.get()
    _job_id.set(text)
    return before


def thread_id() -> str | None:
    """Under which all that follows from one cause is found: the request's id, or that of a job's run. Neighbours are
    told it; a fact says the request's alone, for what a job does nobody asked for."""
    return _request_id.get() or _job_id.get()


def tell_request(service: str, method: str, route: str, status: int, seconds: float, trace_id: str | None) -> None:
    """One line for a request that was answered: by its route's template, so that nothing that was sent is in it.

    Whether a service is ready, and what is new there, is asked all the time, and said only where it is refused.
    """
    is_routine = status < 400 and (route.startswith("/health/") or route.endswith("/v1/changes"))
    if requests.isEnabledFor(logging.INFO) and not is_routine:
        told: dict[str, object] = {
            "service": service, "request_id": request_id(), "method": method, "route": route, "status": status,
            "milliseconds": round(seconds * 1000, 1),
        }  # fmt: skip
        if trace_id:
            told["trace_id"] = trace_id
        requests.info("answered", told)


class RequestLines(logging.Formatter):
    """Of what `tell_request` says, which needs no scrubbing: ten times as fast as the way of all other lines."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": record.msg, "level": "info", "logger": record.name, **cast(dict[str, object], record.args),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        }  # fmt: skip
        return json.dumps(line, ensure_ascii=False)


def scrub(value: object, name: str = "") -> Any:
    """The value without secrets: by the name it goes under, and by its looks."""
    if name and SECRET_NAME.search(name):
        return SCRUBBED
    match value:
        case str():
            return SECRET_SHAPE.sub(SCRUBBED, value)
        case dict():
            members = cast(dict[object, object], value)
            return {key: scrub(member, str(key)) for key, member in members.items()}
        case list() | tuple():
            return [scrub(member) for member in cast(list[object], value)]
        case bool() | int() | float() | None:
            return value
        case _:
            return scrub(str(value))


class Lines(logging.Formatter):
    """Of all that is said otherwise. What makes them is loaded with the first: it is large, and shows errors in colour.

    `names` says at each line what else is known of where it was written.
    """

    def __init__(self, service: str, names: Callable[[], Mapping[str, str]]) -> None:
        super().__init__()
        self._service, self._names = service, names

    def format(self, record: logging.LogRecord) -> str:
        return self._made.format(record)

    @cached_property
    def _made(self) -> logging.Formatter:
        import structlog

        return structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                self._with_context,
                structlog.processors.format_exc_info,
                _scrubbed,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )

    def _with_context(self, _: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for name, value in ({"service": self._service} | dict(self._names())).items():
            event.setdefault(name, value)
        if current := thread_id():
            event.setdefault("request_id", current)
        return event


def _scrubbed(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: scrub(value, name) for name, value in event.items()}


def configure(level: str, service: str = "yaosu", names: Callable[[], Mapping[str, str]] = dict) -> None:
    """Send every log of this process, the libraries' too, to standard error as JSON lines. `names` says at each line
    what else is known of where it was written."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(service, names))
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(RequestLines())
    requests.handlers[:], requests.propagate = [lines], False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("httpx2").setLevel(
        max(root.level, logging.WARNING)
    )  # it would tell whole addresses, with queries
