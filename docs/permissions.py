"""Writes who may ask for what into docs/permissions.md, between its two markers: each route, by its row of the matrix.

`python docs/permissions.py` writes; `--check` only tells whether what stands there is what the routes' signatures say.
"""

from collections.abc import Iterator
from itertools import groupby

from fastapi.routing import APIRoute

from docs.diagrams import ROOT, between, keep
from services.gateway import routers
from shared.access import Role
from shared.matrix import ANONYMOUS, MATRIX
from shared.routing import permission_of
from shared.web import routes_of

DOCUMENT = ROOT / "docs" / "permissions.md"
KINDS = [ANONYMOUS, *Role]
HEAD = ["route", "permission", *(kind.replace("operator_", "") for kind in KINDS)]


def routes() -> Iterator[tuple[str, str]]:
    """Each route of each service, and the name of the permission in its signature."""
    for router in routers().values():
        for route in routes_of(router):
            assert isinstance(route, APIRoute)
            permission = permission_of(route.dependant)
            assert permission is not None
            for method in sorted(route.methods or ()):
                yield f"{method} {route.path}", permission.name


def drawn(document: str) -> str:
    """The document with the routes as they are now."""
    parts = list[str]()
    for service, named in groupby(routes(), key=lambda each: each[0].split("/")[1]):
        rows = [_line(HEAD), _line(["---"] * len(HEAD)), *(_row(*each) for each in named)]
        parts.append(f"## {service}\n\n" + "\n".join(rows) + "\n")
    return between(document, "permissions", parts)


def _row(route: str, name: str) -> str:
    row = MATRIX[name]
    return _line([f"`{route}`", name, *(str(row[kind]) if kind in row else "–" for kind in KINDS)])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    keep(DOCUMENT, drawn(DOCUMENT.read_text()))
