"""What `yaosu serve` opens: all services behind one door, or one of them, or the front alone, with what is counted.

Promises: whoever comes from outside goes on with no trace of their own (decision 29).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from migrations import newest, version
from services import gateway, market
from services.serving import Place
from shared import observing
from shared.clock import Clock
from shared.core import observer_of
from shared.exposition import exposing
from shared.observing import Observer
from shared.settings import Settings

if TYPE_CHECKING:  # loaded only where traces are told
    from shared.traces import Traces

FORWARDED = b"x-forwarded-for"


class Doorstep:
    """Before one service by itself: what was forwarded by the door comes from outside, all else from neighbours."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if any(name == FORWARDED for name, _ in scope.get("headers", ())):
            scope["headers"] = observing.without_parent(scope["headers"])
        await self._app(scope, receive, send)


@dataclass(frozen=True)
class Opened:
    door: ASGIApp
    numbers: Place | None
    at_the_end: Callable[[], None] | None


def opened(service: str | None, settings: Settings, clock: Clock) -> Opened:
    """One service, or the gateway; all in one process for None. Raises ValueError that names a setting."""
    traces = traces_of(settings)
    door, observers = _built(service, settings, clock, traces)
    return Opened(door, _numbers(observers, settings, clock), traces.close if traces else None)


async def require_good(service: str, settings: Settings, clock: Clock) -> None:
    """Raises PostgresTooOld; SchemaDiffers unless the tables are those of this code; NotDurable or Unbound if
    production may lose commits, or is not held to what a service may do."""
    database = market.database_of(service, settings, clock)
    try:
        await version.require_known(database)
        await newest.require(database)
        if settings.environment == "production":
            await database.require_durable()
            await database.require_bound()
    finally:
        await database.close()


def traces_of(settings: Settings) -> "Traces | None":
    """Raises ValueError where they are wanted, and what sends them is not installed."""
    if settings.traces_url is None:
        return None
    from shared.traces import to_collector

    return to_collector(settings.traces_url, settings.traces_share)


def _built(
    service: str | None, settings: Settings, clock: Clock, traces: "Traces | None"
) -> tuple[ASGIApp, Sequence[Observer | None]]:
    if service is None:
        from services import staff

        whole = market.build_market(settings, clock, staff=staff.development_log_ins(settings), traces=traces)
        return whole.door, whole.observers
    if service == "gateway":
        observer = observer_of("gateway")
        return gateway.build(settings, market.directory_of(settings), clock, observer=observer), [observer]
    alone = market.build_service(service, settings, clock, traces)
    return Doorstep(alone), [alone.state.core.observer]


def _numbers(observers: Sequence[Observer | None], settings: Settings, clock: Clock) -> Place | None:
    if settings.metrics_port is None:
        return None
    app = exposing([each.metrics for each in observers if each], settings, clock)
    return Place(app, settings.metrics_host, settings.metrics_port)
