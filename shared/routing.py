"""Routes that are declared at once and built when first asked for: what FastAPI makes of one takes milliseconds.

Promises: a route is built once in a process, however many apps serve it; what it asks of its caller is known before.
A router takes in others without routers inside it, so that no request is looked for twice.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute
from pydantic.warnings import UnsupportedFieldAttributeWarning
from starlette.routing import BaseRoute, compile_path

from shared.errors import Malformed
from shared.permission import Permission

BUILT = frozenset(inspect.get_annotations(APIRoute)) | {"app", "form_limits", "include_in_schema"}


class UnknownParameter(Malformed):
    """The query has a parameter that is not known here."""


class LateRoute(APIRoute):
    """A route of FastAPI's, with no more than it takes to be found until anything else of it is read."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **declared: Any) -> None:
        self.endpoint, self.name = endpoint, endpoint.__name__
        self.methods = {method.upper() for method in declared["methods"] or ("GET",)}
        self.path, (self.path_regex, self.path_format, self.param_convertors) = path, compile_path(path)
        self._told, self._is_built = declared, False

    def __getattr__(self, name: str) -> Any:
        if name not in BUILT or self._is_built:
            raise AttributeError(name)
        self._is_built = True
        super().__init__(self.path, self.endpoint, **self._told)
        _read_once(self.body_field)
        return getattr(self, name)

    def anew(self, *, tags: Sequence[str], responses: dict[int | str, dict[str, Any]]) -> APIRoute:
        """The same once more as FastAPI has it, with more to tell; for a document, and dropped with it."""
        told: dict[str, Any] = {"tags": [*tags, *self._told["tags"]], "responses": responses | self._told["responses"]}
        made = APIRoute(self.path, self.endpoint, **self._told | told)
        _read_once(made.body_field)
        return made

    def permission(self) -> Permission | None:
        """What it asks of its caller, read from the signature; None if it has forgotten to ask."""
        return _declared_by(self.endpoint) or permission_of(self.dependant)


class Router(APIRouter):
    """Routes of one service, each under its whole path. Requires of each that it declares a permission."""

    def __init__(self, prefix: str = "", *, route_class: type[LateRoute] = LateRoute) -> None:
        super().__init__(prefix=prefix, route_class=route_class, dependencies=[Depends(only_known_parameters)])

    @property
    def late(self) -> list[LateRoute]:
        return [route for route in self.routes if isinstance(route, LateRoute)]

    def include(self, *others: "Router") -> None:
        """Take in their routes, after those that are here: routes are looked for in their order."""
        self.routes.extend(route for other in others for route in other.routes)


def _read_once(body: ModelField | None) -> None:
    """Have what reads the body built here, where what is said of FastAPI's way of naming it is known, and meant."""
    if body is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
            body.validate(None)


def require_permissions(routes: Sequence[BaseRoute]) -> None:
    """Raises RuntimeError for a route that is not one of ours, or that asks nothing of its caller."""
    for route in routes:
        if not isinstance(route, LateRoute) or route.permission() is None:
            raise RuntimeError(f"{route} declares no permission")


def permission_of(dependant: Dependant) -> Permission | None:
    """What a route asks of its caller; None if it has forgotten to ask."""
    if isinstance(dependant.call, Permission):
        return dependant.call
    return next(filter(None, map(permission_of, dependant.dependencies)), None)


def _declared_by(call: Callable[..., Any] | None) -> Permission | None:
    """As `permission_of`, of what stands in the signature alone."""
    if isinstance(call, Permission):
        return call
    return next(filter(None, map(_declared_by, _asked_by(call))), None)


def _asked_by(call: Callable[..., Any] | None) -> Iterator[Callable[..., Any] | None]:
    for kind in getattr(call, "__annotations__", {}).values():
        told = [part for part in getattr(kind, "__metadata__", ()) if isinstance(part, Dependency)]
        yield from (part.dependency for part in told[-1:])


async def only_known_parameters(request: Request) -> None:
    """A query parameter that nobody reads was meant to do something: better refused than passed over."""
    if request.scope["query_string"]:
        known = set(_query_parameters(request.scope["route"].dependant))
        if set(request.query_params) - known:
            raise UnknownParameter(known=sorted(known))


def _query_parameters(dependant: Dependant) -> Iterator[str]:
    yield from (parameter.alias for parameter in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _query_parameters(inner)
