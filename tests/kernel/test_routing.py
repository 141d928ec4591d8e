"""Routes are declared at once and built late: what is known of one before, and that it is built once."""

from typing import Annotated

import pytest
from fastapi import Depends
from pydantic import BaseModel

from services import gateway
from shared import web
from shared.permission import Buyer, Permission, Public
from shared.routing import LateRoute, Router, permission_of
from tests.support.bench import Bench
from tests.support.smallest import METADATA

EVERY = [route for router in gateway.routers().values() for route in router.late]
on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


class New(BaseModel):
    name: str


async def through_another(caller: Buyer) -> str:
    return caller.participant_id


async def asks_through_another(who: Annotated[str, Depends(through_another)]) -> None: ...


async def asks_at_once(new: New, caller: Buyer) -> None: ...


async def asks_by_default(who: str = Depends(through_another)) -> None: ...


async def asks_nobody(limit: int = 1) -> None: ...


def a_route(endpoint: object) -> LateRoute:
    router = Router("/catalog/v1")
    router.add_api_route("/things/{thing_id}", endpoint, methods=["post"])  # pyright: ignore[reportArgumentType]
    return router.late[0]


def is_built(route: LateRoute) -> bool:
    return "dependant" in vars(route)


def test_what_every_signature_declares_is_what_the_built_route_asks():
    differing = [route.path for route in EVERY if route.permission() is not permission_of(route.dependant)]
    assert len(EVERY) > 390 and differing == []


@pytest.mark.parametrize("endpoint", [asks_at_once, asks_through_another, asks_by_default])
def test_a_permission_is_found_however_it_is_declared(endpoint: object):
    route = a_route(endpoint)
    permission = route.permission()
    assert isinstance(permission, Permission) and permission is permission_of(route.dependant)
    assert permission.name == "buyer"


def test_a_signature_tells_its_permission_without_building_the_route():
    route = a_route(asks_through_another)
    assert route.permission() is not None and not is_built(route)
    assert a_route(asks_nobody).permission() is None


def test_a_route_is_found_before_it_is_built_and_built_by_what_is_first_read_of_it():
    route = a_route(asks_at_once)
    scope = {"type": "http", "path": "/catalog/v1/things/7", "method": "POST"}
    assert route.matches(scope)[1]["path_params"] == {"thing_id": "7"}
    assert getattr(route, "original_router", None) is None and not is_built(route)
    dependant = route.dependant
    assert is_built(route) and route.dependant is dependant
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        route.nothing_of_the_kind  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue, reportUnusedExpression]


def test_the_same_once_more_has_more_to_tell_and_leaves_the_route_as_it_is():
    route = a_route(asks_at_once)
    told = route.anew(tags=["catalog"], responses={"4XX": {"description": "refused"}})
    assert (told.tags, list(told.responses)) == (["catalog"], ["4XX"]) and not is_built(route)
    assert (route.tags, route.responses) == ([], {})


def test_a_router_takes_in_others_behind_its_own_and_in_their_order():
    first, second, third = Router("/a"), Router("/b"), Router("/c")
    for router in (first, second, third):
        router.add_api_route("/", asks_nobody)
    first.include(second, third)
    assert [route.path for route in first.late] == ["/a/", "/b/", "/c/"]


@on_sqlite
async def test_two_apps_of_one_process_have_the_same_routes_and_neither_is_built_by_the_start(bench: Bench):
    router = Router("/catalog/v1")

    @router.get("/open")
    async def look(_: Public) -> None: ...

    core = await bench.core("catalog", METADATA)
    apps = [web.application(core, router, None) for _ in range(2)]
    shared = set(map(id, apps[0].router.routes)) & set(map(id, apps[1].router.routes))
    assert id(router.late[0]) in shared and not is_built(router.late[0])
    assert look
