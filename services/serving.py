"""A server for a door, and beside it, at a port of its own, one for what is counted behind that door.

Promises: both stop together, and the numbers can be read while the door is still opening; whoever comes from outside
goes on with no trace of their own (decision 29).
"""

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from shared import observing
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


class Numbers(uvicorn.Server):
    """Serves beside another server, which alone hears signals."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class Server(uvicorn.Server):
    """`at_the_end` is done once nobody is answered any more: a signal ends the process right after that."""

    def __init__(
        self, config: uvicorn.Config, numbers: uvicorn.Config | None, at_the_end: Callable[[], None] | None
    ) -> None:
        super().__init__(config)
        self._numbers, self._at_the_end = Numbers(numbers) if numbers else None, at_the_end

    async def serve(self, sockets: Any = None) -> None:
        beside = asyncio.create_task(self._numbers.serve()) if self._numbers else None
        try:
            await super().serve(sockets)
        finally:
            if self._numbers and beside:
                self._numbers.should_exit = True
                await beside

    async def shutdown(self, sockets: Any = None) -> None:
        await super().shutdown(sockets)
        if self._at_the_end:
            await asyncio.to_thread(self._at_the_end)


def traces_of(settings: Settings) -> "Traces | None":
    """Raises ValueError where they are wanted, and what sends them is not installed."""
    if settings.traces_url is None:
        return None
    from shared.traces import to_collector

    return to_collector(settings.traces_url, settings.traces_share)


def run(
    door: Any, host: str, log_level: str, port: int, numbers: tuple[ASGIApp, str, int] | None = None,
    at_the_end: Callable[[], None] | None = None,
) -> None:  # fmt: skip
    """Serve until a signal. `numbers` are an app, and where it listens. Exits with 1 where the door never opened."""
    logging.getLogger("uvicorn.error").setLevel(log_level.upper())
    server = Server(_config(door, host, port, "on"), _config(*numbers, "off") if numbers else None, at_the_end)
    gc.collect()
    gc.freeze()  # what is there now stays: walking all of it again and again took a sixth of the time of a bid
    server.run()
    if not server.started:
        sys.exit(1)


def _config(app: Any, host: str, port: int, lifespan: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, server_header=False, lifespan=lifespan,
        proxy_headers=False,  # whose word on an address is taken is a setting of ours
        timeout_graceful_shutdown=20, h11_max_incomplete_event_size=64 * 1024,
    )  # fmt: skip
