"""Errors on the wire: RFC 9457 problem documents, and the one table of families and statuses.

Promises: a known error that is rebuilt from its document has the same class, and the same facts as JSON carries them;
what was sent is never echoed, and an error nobody foresaw says nothing of the inside.
"""

from collections.abc import Iterable, Mapping
from typing import cast

from pydantic_core import to_jsonable_python

from shared.errors import (
    Conflict,
    Failure,
    Forbidden,
    HeadersTooLarge,
    Malformed,
    NotFound,
    NotOffered,
    OutOfRange,
    TooLarge,
    TooMany,
    TooSlow,
    Unauthenticated,
    Unavailable,
    Unreadable,
    UnsupportedMedia,
)

FAMILIES: dict[int, type[Failure]] = {
    400: Unreadable,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: NotOffered,
    408: TooSlow,
    409: Conflict,
    413: TooLarge,
    415: UnsupportedMedia,
    416: OutOfRange,
    422: Malformed,
    429: TooMany,
    431: HeadersTooLarge,
    503: Unavailable,
    500: Failure,  # last: every other family is a Failure too
}
MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="yaosu"'
INVALID_TOKEN = "invalid_token"  # RFC 6750's word, and so our code
MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


def status_of(failure: Failure) -> int:
    return next(status for status, family in FAMILIES.items() if isinstance(failure, family))


def document(failure: Failure, request_id: str | None = None) -> dict[str, object]:
    code = failure.told_code
    title = " ".join((failure.__doc__ or code).strip().split("\n\n")[0].split())  # a sentence may go over lines
    facts: dict[str, object] = to_jsonable_python(failure.facts)
    detail = facts.pop("detail", title)
    members: dict[str, object] = {
        "type": f"/problems/{code}", "title": title, "status": status_of(failure), "detail": detail, "code": code,
    }  # fmt: skip
    return facts | members | ({"request_id": request_id} if request_id else {})


def headers(failure: Failure) -> dict[str, str]:
    """What the caller must know beside the document: when to come back, how to authenticate, how much there is."""
    wait = failure.facts.get("retry_after_seconds") or (1 if isinstance(failure, Unavailable) else None)
    told = {"Retry-After": str(wait)} if wait else {}
    if isinstance(failure, OutOfRange) and "size" in failure.facts:
        told["Content-Range"] = f"bytes */{failure.facts['size']}"
    return told | ({"WWW-Authenticate": _challenge(failure)} if isinstance(failure, Unauthenticated) else {})


def _challenge(failure: Unauthenticated) -> str:
    """As in RFC 6750: whoever brought no token is told no error, but how to bring one. As in RFC 9470 where the proof
    of who is asking was not strong or not fresh enough."""
    told = dict[str, str]()
    if "max_age_seconds" in failure.facts:
        strong = " ".join(cast(list[str], failure.facts["acr_values"]))
        told = {"acr_values": strong, "max_age": str(failure.facts["max_age_seconds"])}
    elif failure.told_code != INVALID_TOKEN:
        return CHALLENGE
    told = {"error": failure.told_code, "error_description": str(failure.__doc__)} | told
    return ", ".join([CHALLENGE, *(f'{name}="{value}"' for name, value in told.items())])


def rebuild(problem: Mapping[str, object], known: Iterable[type[Failure]]) -> Failure:
    """The error that a neighbour raised, if it is one of the `known`. Any other refusal is our own fault."""
    by_code = {error.code(): error for error in known}
    facts = {name: fact for name, fact in problem.items() if name not in MEMBERS}
    return by_code.get(str(problem.get("code")), Failure)(**facts)
