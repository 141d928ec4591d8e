"""Logs: one JSON line per event on standard error, with the request's id, and no secret in it.

Promises: what is named like a secret, and what looks like a token, never reaches a line, wherever it was said.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, cast

import structlog

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

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def request_id() -> str | None:
    """The id of the request that is being answered, if one is."""
    return _request_id.get()


def set_request_id(text: str | None) -> None:
    _request_id.set(text)


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


def configure(level: str, service: str = "yaosu") -> None:
    """Send every log of this process, the libraries' too, to standard error as JSON lines."""

    def add_context(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("service", service)
        if current := request_id():
            event.setdefault("request_id", current)
        return event

    def scrubbed(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {name: scrub(value, name) for name, value in event.items()}

    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            add_context,
            structlog.processors.format_exc_info,
            scrubbed,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
