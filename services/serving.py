"""How a server of ours runs, and how it leaves: whoever was let in is answered.

Promises: asked to end, it first says that it is leaving: it is not ready any more, and each answer closes its
connection, so that who stands before it sends what comes next to another. A moment later it lets nobody in, answers
whom it let in within twenty seconds, and ends. Asked again, it does not wait for that moment; nor when nobody is there.
What is counted behind the door is served beside it, at a port of its own: both stop together, and the numbers can be
read while the door is still opening.
"""

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.heads import BoundedHeads
from shared import problems
from shared.ids import RequestId
from shared.web import NotReady

LEAVING_SECONDS = 0.25
DRAIN_SECONDS = 20
READY = "/health/ready"


class Place(NamedTuple):
    """An app, and where it listens."""

    app: ASGIApp
    host: str
    port: int


class Door:
    """What a server serves. Once it `is_leaving`, each answer is the last of its connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self.is_leaving = app, False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.is_leaving or scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_the_last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        app = _refuse if scope["path"] == READY else self._app
        await app(scope, receive, send_the_last)


class Numbers(uvicorn.Server):
    """Serves beside another server, which alone hears signals."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class Server(uvicorn.Server):
    """uvicorn's, that leaves as is said above. `at_the_end` is done once nobody is answered any more: a signal ends the
    process right after that."""

    def __init__(self, place: Place, numbers: Place | None, at_the_end: Callable[[], None] | None) -> None:
        self._door = Door(place.app)
        super().__init__(_config(place._replace(app=self._door), "on"))
        self._numbers = Numbers(_config(numbers, "off")) if numbers else None
        self._at_the_end = at_the_end
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[Any] | None = None) -> None:
        beside = asyncio.create_task(self._numbers.serve()) if self._numbers else None
        try:
            await super().serve(sockets)
        finally:
            if self._numbers and beside:
                self._numbers.should_exit = True
                await beside

    async def startup(self, sockets: list[Any] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        await super().shutdown(sockets)
        if self._at_the_end:
            await asyncio.to_thread(self._at_the_end)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        was_leaving, self._door.is_leaving = self._door.is_leaving, True
        if was_leaving or self._loop is None or not self.server_state.connections:
            super().handle_exit(sig, frame)
        else:
            self._loop.call_soon_threadsafe(self._loop.call_later, LEAVING_SECONDS, super().handle_exit, sig, frame)


def run(
    app: ASGIApp, host: str, port: int, log_level: str, *, numbers: Place | None = None,
    at_the_end: Callable[[], None] | None = None,
) -> None:  # fmt: skip
    """Serve until a signal comes. Exits with 1 if it could not begin."""
    logging.getLogger("uvicorn.error").setLevel(log_level.upper())
    server = Server(Place(app, host, port), numbers, at_the_end)
    gc.freeze()  # what is there now stays: walking all of it again and again took a sixth of the time of a bid
    gc.enable()
    server.run()
    if not server.started:
        sys.exit(1)


def _config(place: Place, lifespan: Any) -> uvicorn.Config:
    return uvicorn.Config(
        place.app, host=place.host, port=place.port, log_config=None, access_log=False, server_header=False,
        lifespan=lifespan, proxy_headers=False,  # whose word on an address is taken is a setting of ours
        timeout_graceful_shutdown=DRAIN_SECONDS, http=BoundedHeads,
    )  # fmt: skip


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    failure = NotReady(part="leaving", retry_after_seconds=1)
    document = problems.document(failure, RequestId.new())
    status, headers = problems.status_of(failure), problems.headers(failure)
    await JSONResponse(document, status, headers, media_type=problems.MEDIA_TYPE)(scope, receive, send)
