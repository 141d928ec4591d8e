"""Where Prometheus reads what a process counts: `GET /metrics`, at a port of its own (decision 29).

Promises: nothing of it can be reached by the door that the market is reached by; it is read at once, from memory, by
whoever may connect to that port; the guard stands before it too.
"""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.clock import Clock
from shared.errors import NotFound, NotOffered
from shared.guard import Doors, Guard
from shared.metrics import Joined, Metrics
from shared.rates import Rates
from shared.settings import Settings

PATH = "/metrics"


class NothingHere(NotFound):
    """Only /metrics can be read here."""


class OnlyRead(NotOffered):
    """The numbers are only read."""


class Exposition:
    def __init__(self, services: Sequence[Metrics]) -> None:
        self._joined = Joined(services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != PATH:
            raise NothingHere()
        if scope["method"] not in {"GET", "HEAD"}:
            raise OnlyRead()
        accept = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
        body, media_type = self._joined.exposed(accept)
        await Response(body, headers={"Content-Type": media_type})(scope, receive, send)


def exposing(services: Sequence[Metrics], settings: Settings, clock: Clock) -> ASGIApp:
    """The app for that port. By any name: Prometheus finds replicas by their addresses."""
    return Guard(Exposition(services), Doors(hosts=("*",)), Rates(settings.rates, clock))
