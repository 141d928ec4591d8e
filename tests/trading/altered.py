"""Every way in which one field of one line can be another, for a replay to find."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from shared import canonical

Line = dict[str, Any]
Path = tuple[str | int, ...]


def alterations(line: bytes) -> Iterator[tuple[Path, str, bytes]]:
    """Where, how, and the line with that one change, for each member of the line, however deep."""
    whole: Line = json.loads(line)
    for path, value in _members(whole, ()):
        for how, other in _others(value):
            yield path, how, _with(whole, path, lambda place, last, other=other: place.__setitem__(last, other))
        yield path, "gone", _with(whole, path, lambda place, last: place.__delitem__(last))
    more = copy.deepcopy(whole)
    more["data"]["one_more"] = "fact"
    yield ("data", "one_more"), "new", canonical.encode(more)


def _members(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    members: Any = ()
    match value:
        case dict():
            members = value.items()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        case list():
            members = enumerate(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case _:
            pass
    for name, member in members:
        yield (*path, name), member
        yield from _members(member, (*path, name))


def _others(value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case bool():
            yield "not", not value
        case int():
            yield "more", value + 1
            yield "less", value - 1
        case str():
            yield "other", _other_text(value)
        case _:
            pass


def _other_text(text: str) -> str:
    """Of the same form, as a careful forger would write it."""
    if re.fullmatch(r"([a-z_]+_)?[0-9a-f]{32,64}", text):
        return text[:-1] + ("0" if text[-1] != "0" else "1")
    return {"sold": "unsold", "unsold": "sold", "CNY": "USD", "ok": "deny", "C3": "C2"}.get(text, f"{text}x")


def _with(whole: Line, path: Path, change: Callable[[Any, Any], None]) -> bytes:
    made = copy.deepcopy(whole)
    place: Any = made
    for step in path[:-1]:
        place = place[step]
    change(place, path[-1])
    return canonical.encode(made)
