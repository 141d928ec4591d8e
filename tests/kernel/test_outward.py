"""Nobody outside says whom we call: no request names an address, and every address that is called is a setting.

Beside it stands `only_these_ask_outside` in the architecture test: which few files open connections at all.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.support.doors import Door, doors, writing_doors
from tests.support.writes import FORMS, STREAMS, WRITES

ROOT = Path(__file__).parent.parent.parent
NAMES_AN_ADDRESS = re.compile(
    r"(?:^|_)(?:urls?|uris?|href|links?|callbacks?|webhooks?|endpoints?|hosts?|hostname|addr|address|addresses|ip|"
    r"domain|redirect|proxy|server|jwks|jku|x5u|feed|location|path|file|bucket|destination|target|remote)(?:_|$)"
)
ADDRESS_FORMATS = {"uri", "uri-reference", "iri", "hostname", "ipv4", "ipv6", "uri-template", "email", "file-path"}
NO_ADDRESSES = {  # what is called like one, and what it is
    ("GET /audit/v1/log/tile/{level}/{path:path}", "path"): "a number of a tile, in groups of three digits",
    ("GET /audit/v1/log/tile/entries/{path:path}", "path"): "a number of a tile, in groups of three digits",
    ("POST /delivery/v1/uploads", "file_name"): "a name to show; what is uploaded is kept under an id",
}  # fmt: skip


def named(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of a schema, however deep, with what it may be."""
    match schema:
        case dict():
            for name, inner in schema.get("properties", {}).items():  # pyright: ignore
                yield str(name), inner  # pyright: ignore
            for inner in schema.values():  # pyright: ignore
                yield from named(inner)
        case list():
            for inner in schema:  # pyright: ignore
                yield from named(inner)
        case _:
            pass


def told(door: Door) -> Iterator[tuple[str, dict[str, Any]]]:
    """All that a caller can say there: in the body, the path, the query."""
    if door.name in WRITES and door.name not in STREAMS | FORMS and door.write.body:
        yield from named(door.schema())
    yield from ((name, {}) for name in door.in_path)
    for dependant in (door.route.dependant, *door.route.dependant.dependencies):
        for parameter in (*dependant.query_params, *dependant.header_params, *dependant.cookie_params):
            yield parameter.alias, TypeAdapter[Any](parameter.field_info.annotation or str).json_schema()


def formats(schema: Any) -> set[str]:
    return set(re.findall(r"'format': '([a-z-]+)'", repr(schema)))


def test_no_request_has_a_place_for_an_address():
    found, seen = set[tuple[str, str]](), 0
    for door in doors():
        for name, schema in told(door):
            seen += 1
            if NAMES_AN_ADDRESS.search(name) or formats(schema) & ADDRESS_FORMATS:
                found.add((door.name, name))
    assert seen > 1000 and len(writing_doors()) > 150
    assert found == set(NO_ADDRESSES), (
        "an address that a caller names must never be called: say here what it is instead"
    )


@pytest.mark.parametrize("name", [
    "url", "callback_url", "webhook", "image_uri", "host", "jwks_uri", "redirect", "ip_address", "endpoint",
])  # fmt: skip
def test_what_names_an_address_is_known_by_its_name(name: str):
    assert NAMES_AN_ADDRESS.search(name)


@pytest.mark.parametrize(
    "name", ["title", "evidence_hash", "description", "shared", "curly", "profile", "ghost", "recipe"]
)
def test_what_does_not_is_left_alone(name: str):
    assert not NAMES_AN_ADDRESS.search(name)


MAKES_ADDRESSES = {  # where the places to call come from: the settings, a command's options, and the log's policy
    "services/__main__.py", "services/market.py", "services/staff.py", "services/audit/actions/audit.py",
}  # fmt: skip


def test_places_to_call_come_from_where_the_settings_are_read():
    found = {
        str(path.relative_to(ROOT)) for path in [*ROOT.glob("services/**/*.py"), *ROOT.glob("shared/*.py")]
        if "Directory(" in path.read_text()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Directory"
    }  # fmt: skip
    assert found == MAKES_ADDRESSES
