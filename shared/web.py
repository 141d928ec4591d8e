"""The skeleton of every service's app: its errors as problems, its routes with permissions, its health, its feed.

Promises: a route that declares no permission stops the start; an error nobody foresaw says nothing of the inside;
background work starts after the tables are known to be the right ones, and a stop lets it end.
"""

import asyncio
import base64
import binascii
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Query, Response
from fastapi import Request as HttpRequest
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from shared import log, observing, problems, tenancy
from shared.changes import Change, parse_positions
from shared.clock import Clock
from shared.core import Core
from shared.errors import Failure, Malformed, NotOffered, Unavailable
from shared.forgetting import Forgetting
from shared.guard import Doors, Guard
from shared.heartbeats import Pulse
from shared.ids import Id
from shared.observing import Observer
from shared.outbox import NoStripe
from shared.permission import Public, Service
from shared.rates import Rates
from shared.routing import Router, require_permissions
from shared.settings import Settings

STRIPE_SECONDS = 1.0
LIMIT_DEFAULT = 20
LIMIT_MAX = 100
CURSOR_LENGTH_MAX = 300
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
YEARS = range(1900, 2200)
WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}")
logger = logging.getLogger(__name__)

Item = TypeVar("Item")
AnyId = TypeVar("AnyId", bound=Id)
Job = Callable[[], Awaitable[None]]


class Request(BaseModel):
    """The base of what is sent to us: nothing more than is named, and nothing converted."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True, frozen=True, defer_build=True
    )


class View(BaseModel):
    """The base of what we answer."""

    model_config = ConfigDict(from_attributes=True, frozen=True, defer_build=True)


def _as_rfc_3339(told: object) -> object:
    if not isinstance(told, datetime) and not (isinstance(told, str) and MOMENT.fullmatch(told)):
        raise ValueError("a moment is text as in RFC 3339, with its zone")
    return told


def _in_utc(moment: datetime) -> datetime:
    """In years that a fact can tell in microseconds, with room for deadlines that are counted from it."""
    try:
        in_utc = moment.astimezone(UTC)
    except OverflowError:  # of the years 1 and 9999
        in_utc = None
    if in_utc is None or in_utc.year not in YEARS:
        raise ValueError(f"a moment within the years {YEARS[0]} to {YEARS[-1]} of UTC")
    return in_utc


def _in_plain_digits(told: object) -> object:
    if isinstance(told, str) and not WHOLE.fullmatch(told):
        raise ValueError("a whole number is written in plain digits")
    return told


# A body arrives as text and numbers: a moment is read from text that says one, and from nothing else.
Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_as_rfc_3339), AfterValidator(_in_utc)]
# In a path or a query everything is text, and one number has one spelling.
Whole = Annotated[int, BeforeValidator(_in_plain_digits)]


class Health(View):
    status: str
    parts: dict[str, str] = {}


class NotReady(Unavailable):
    """This service is not ready to answer."""


class BadCursor(Malformed):
    """This cursor is not one that was given out."""


@dataclass(frozen=True, slots=True)
class Page:
    """A window on a list in a stable order: at most `limit` items after the key that the last one ended with."""

    limit: int
    after: str | None

    def after_id(self, kind: type[AnyId]) -> AnyId | None:
        """The key, in a list that is ordered by ids of this kind. Raises BadCursor if it is no such id."""
        try:
            return None if self.after is None else kind(self.after)
        except ValueError as error:
            raise BadCursor() from error


class Listing(View, Generic[Item]):
    items: list[Item]
    next_cursor: str | None

    @classmethod
    def of(cls, found: Sequence[Item], page: Page, key: Callable[[Item], str]) -> "Listing[Item]":
        """Requires that one more than the page's limit was looked for, so that the end is known."""
        items = list(found[: page.limit])
        more = len(found) > page.limit
        return cls(items=items, next_cursor=cursor_of(key(items[-1])) if more else None)


async def page(
    limit: Annotated[Whole, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    cursor: Annotated[str | None, Query(max_length=CURSOR_LENGTH_MAX)] = None,
) -> Page:
    if cursor is None:
        return Page(limit, None)
    try:
        return Page(limit, base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode("ascii"))
    except (binascii.Error, ValueError) as error:
        raise BadCursor() from error


PageQuery = Annotated[Page, Depends(page)]


def created(response: Response, path: str) -> None:
    response.headers["Location"] = path


async def service(request: HttpRequest) -> Any:
    return request.app.state.service


def application(
    core: Core, router: Router, service: object, *, jobs: Sequence[Job] = (), doors: Doors | None = None,
    first: Job | None = None,
) -> FastAPI:  # fmt: skip
    """The app of one service. `jobs` run for as long as the app does; `first` ends before anything is answered."""
    app = FastAPI(
        title=f"Yaosu {core.name}", lifespan=_lifespan(core, jobs, first), openapi_url=None, docs_url=None,
        redoc_url=None, redirect_slashes=False,
        telemetry=core.observer.telemetry if core.observer else observing.SILENT,
    )  # fmt: skip
    app.state.core, app.state.service = core, service
    app.state.running_keys = set[tuple[str, str, str]]()
    for each in (router, _common(core.name)):
        require_permissions(each.routes)
        app.router.routes.extend(each.routes)
    for kind in (Failure, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, present)
    protect(app, core.settings, core.clock, doors or Doors(core.settings.allowed_hosts), core.observer)
    return app


def protect(
    app: FastAPI, settings: Settings, clock: Clock, doors: Doors, observer: Observer | None = None
) -> None:  # fmt: skip
    """Put the guard before an app, as the settings want it."""
    doors = replace(doors, is_behind_tls=settings.behind_tls)
    rates = Rates(settings.rates, clock, trusted=settings.trusted_proxies, bids=doors.bids)
    app.add_middleware(
        Guard, doors=doors, rates=rates, in_flight_max=settings.requests_in_flight_max, observer=observer
    )


@cache
def _common(name: str) -> Router:
    """What every service answers: whether it lives, whether it is ready, and its news."""
    router = Router()

    @router.get("/health/live", tags=["health"])
    async def live(_: Public) -> Health:
        """Whether the process answers at all."""
        return Health(status="live")

    @router.get("/health/ready", tags=["health"])
    async def ready(_: Public, request: HttpRequest) -> Health:
        """Whether the database answers, standing is known and the event loop keeps time. 503 if not."""
        core: Core = request.app.state.core
        async with core.database.read() as tx:
            await core.database.now(tx)
        if core.standing.is_stale:
            raise NotReady(part="standing", retry_after_seconds=1)
        if core.loop_watch and core.loop_watch.is_blocked:
            raise NotReady(part="event_loop", retry_after_seconds=1)
        return Health(status="ready", parts={"database": "ok", "standing": "ok"})

    @router.get(f"/{name}/v1/changes", tags=["changes"])
    async def changes(
        _: Service, request: HttpRequest, after: Annotated[str, Query(max_length=2000)] = "",
        wait: Annotated[float, Query(ge=0, le=30)] = 0,
    ) -> list[Change]:  # fmt: skip
        """The facts of this service after the given stripe positions (`stripe:seq,…`), oldest first in each stripe."""
        core: Core = request.app.state.core
        return await core.feed.after(parse_positions(after), wait)

    return router


def _lifespan(core: Core, jobs: Sequence[Job], first: Job | None) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        core.database.open()
        core.feed.open()
        try:
            await _take_a_stripe(core)
            if first:
                await first()
            async with _working(core, jobs):
                yield
        finally:  # also where it could not begin: a stripe that is kept is one less for the next try
            await _leave(core)

    return lifespan


async def _take_a_stripe(core: Core) -> None:
    """Waits for the end of a lease where as many processes as there are stripes have died within one."""
    while True:
        try:
            await core.outbox.lease()
            return
        except NoStripe:
            logger.warning("%s waits for a stripe: all are taken", core.name)
            await core.clock.sleep(STRIPE_SECONDS)


@asynccontextmanager
async def _working(core: Core, jobs: Sequence[Job]) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        pulse = Pulse(core.outbox, core.database, core.clock)
        forgetting = Forgetting(core.database, core.clock, core.settings.answers_kept_days)
        running = [core.relay.run, core.standing.run, pulse.run, forgetting.run, *jobs]
        running += [core.loop_watch.run] if core.loop_watch else []
        tasks = [group.create_task(_forever(core, run)) for run in running]
        yield
        for task in tasks:
            task.cancel()


async def _leave(core: Core) -> None:
    await core.feed.close()
    try:
        await core.outbox.release()
    except Unavailable as away:
        logger.warning("%s leaves its stripe to the end of the lease: %s", core.name, away.code())
    finally:
        await core.database.close()


async def _forever(core: Core, job: Job) -> None:
    """A job that ends by an error is a defect: said, and kept from ending the others."""
    tenancy.work_for_everyone()
    observing.work_for(core.observer)
    try:
        await job()
    except Exception:
        logger.exception("a background job ended")


def routes_of(router: APIRouter) -> Iterator[BaseRoute]:
    """Every route of a router and of the routers that it includes."""
    for route in router.routes:
        included: APIRouter | None = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from routes_of(included)


async def present(request: HttpRequest, error: Exception) -> JSONResponse:
    """Any error as the problem document that the caller gets."""
    failure = _failure_of(error)
    if type(failure) is Failure:
        logger.error("a request failed", exc_info=error)
    observing.tell_problem(failure)
    content = problems.document(failure, log.request_id())
    offered = {"Allow": _verbs_offered(request)} if isinstance(failure, NotOffered) else {}
    headers = problems.headers(failure) | offered
    return JSONResponse(content, problems.status_of(failure), headers, media_type=problems.MEDIA_TYPE)


def _verbs_offered(request: HttpRequest) -> str:
    """Those of every route of this path (RFC 9110 10.2.1); the framework tells those of the first one."""
    matching = (route for route in routes_of(request.app.router) if route.matches(request.scope)[0] is not Match.NONE)
    return ", ".join(sorted({verb for route in matching for verb in getattr(route, "methods", None) or ()}))


def _failure_of(error: Exception) -> Failure:
    match error:
        case Failure():
            return error
        case RequestValidationError():
            shown = ("loc", "type", "msg")  # not `input`: what was sent may be secret
            return Malformed(errors=[{part: found[part] for part in shown} for found in error.errors()])
        case HTTPException():
            return problems.FAMILIES.get(error.status_code, Failure)()
        case _:
            return Failure()


def cursor_of(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()
