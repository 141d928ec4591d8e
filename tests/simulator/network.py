"""The network between the services, and between them and the people outside: it loses, repeats, delays and refuses.

Promises: whatever a message meets is drawn from the seed; a message is answered by whichever life of its receiver is
there when it arrives; what a caller no longer waits for still happens. What was tried how often, and under which key,
is seen here (I-36): a call that failed is tried a few times only, and with one key.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncBaseTransport, AsyncClient, ConnectError, ReadError, Request, Response

from shared.rest import Directory
from tests.simulator.process import Activity, Life, activity, begin

FAILED_TRIES_MAX = 5  # of one call within one activity (reliability.md, I-36)
FASTEST_SECONDS, SLOWEST_SECONDS = 0.0005, 0.02
SILENCE_SECONDS = 60.0  # longer than anyone waits
CALLBACKS = "/trading/v1/custodian/callbacks"  # which the custodian sends by a plan of its own, for an hour
REPEATABLE = (
    "/audit/v1/batches",
    "/custodian/v1/instructions",
    "/identity/v1/token",
    CALLBACKS,
)
# Their bodies say by themselves which of their kind they are, so that the same body again is the same.


class Fate(StrEnum):
    ARRIVES = "arrives"
    REQUEST_LOST = "request lost"
    REFUSED = "connection refused"
    REPLY_LOST = "reply lost"
    TWICE = "twice"
    LATE_AGAIN = "late again"
    SLOW = "slow"
    BUSY = "busy"


MISHAPS = tuple(fate for fate in Fate if fate is not Fate.ARRIVES)


@dataclass
class Network:
    """`place` finds who answers under a name: its app, and in which life. `told` hears of everything that goes by."""

    chance: random.Random
    place: Callable[[str], tuple[FastAPI, Life] | None]
    mishaps: Mapping[Fate, float] = field(default_factory=dict[Fate, float])  # how likely each is
    cut: set[frozenset[str]] = field(default_factory=set[frozenset[str]])  # pairs that do not reach each other
    away: Callable[[str, Request], bool] = lambda _callee, _request: False  # who never answers whom
    seen: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    _keys: dict[tuple[int, bytes], str | None] = field(default_factory=dict[tuple[int, bytes], str | None])

    def directory(self, caller: str) -> "PlacedDirectory":
        return PlacedDirectory(self, caller)

    def door(self, caller: str) -> AsyncClient:
        """For somebody outside."""
        return AsyncClient(transport=_Way(self, caller), base_url="http://in-process", trust_env=False)

    async def carry(self, caller: str, callee: str, request: Request) -> Response:
        """Raises what a client meets where no answer comes."""
        await request.aread()
        doing = activity()
        self._watch_keys(doing, request)
        try:
            response = await self._carry(caller, callee, request, self._fate(caller, callee, request))
        except BaseException:
            self._note_failure(doing, callee, request)
            raise
        if response.is_server_error:
            self._note_failure(doing, callee, request)
        return response

    async def _carry(self, caller: str, callee: str, request: Request, fate: Fate) -> Response:
        if fate is not Fate.ARRIVES:
            self.seen[fate] += 1
        await self._travel(fate)
        match fate:
            case Fate.REFUSED:
                raise ConnectError("refused", request=request)
            case Fate.REQUEST_LOST:
                await asyncio.sleep(SILENCE_SECONDS)
                raise ReadError("silence", request=request)
            case Fate.BUSY:
                return Response(503, headers={"Retry-After": "1"}, request=request)
            case _:
                response = await self._delivered(callee, request, fate)
        if fate is Fate.REPLY_LOST:
            await asyncio.sleep(self.chance.choice((0.0, SILENCE_SECONDS)))
            raise ReadError("no answer", request=request)
        await self._travel(fate)
        return response

    async def _delivered(self, callee: str, request: Request, fate: Fate) -> Response:
        first = self._deliver(callee, request)
        if fate is Fate.TWICE:
            self._deliver(callee, request)
        if fate is Fate.LATE_AGAIN:
            begin(Life("network"), self._again(callee, request, self.chance.choice((0.1, 3.0, 90.0, 4000.0))))
        try:
            return await asyncio.shield(first)
        except asyncio.CancelledError:
            if first.cancelled():  # whoever was to answer has died
                raise ReadError("connection reset", request=request) from None
            raise

    def _deliver(self, callee: str, request: Request) -> asyncio.Task[Response]:
        found = self.place(callee)
        if found is None:
            raise ConnectError("nobody listens", request=request)
        app, life = found
        return begin(life, _answered(app, request))

    async def _again(self, callee: str, request: Request, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self.place(callee):
            response = await asyncio.gather(self._deliver(callee, request), return_exceptions=True)
            if isinstance(response[0], Response):
                self.seen[f"late again: {response[0].status_code // 100}xx"] += 1

    async def _travel(self, fate: Fate) -> None:
        slowness = 200 if fate is Fate.SLOW else 1
        await asyncio.sleep(self.chance.uniform(FASTEST_SECONDS, SLOWEST_SECONDS) * slowness)

    def _fate(self, caller: str, callee: str, request: Request) -> Fate:
        if frozenset((caller, callee)) in self.cut or self.away(callee, request):
            return self.chance.choice((Fate.REFUSED, Fate.REQUEST_LOST))
        for mishap, likelihood in self.mishaps.items():
            if self.chance.random() < likelihood:
                return mishap
        return Fate.ARRIVES

    def _watch_keys(self, doing: Activity | None, request: Request) -> None:
        """One activity says the same thing under one key only, however often it says it."""
        if doing is None or request.method != "POST" or request.url.path.endswith(REPEATABLE):
            return
        whose = request.headers.get("Authorization", "").encode()
        said = (doing.number, b"\n".join((whose, request.url.raw_path, request.content)))
        key = request.headers.get("Idempotency-Key")
        if said in self._keys and (key is None or key != self._keys[said]):
            self.wrong.append(f"I-36 {request.url.path} was said again under another key, or under none")
        self._keys[said] = key

    def _note_failure(self, doing: Activity | None, callee: str, request: Request) -> None:
        if doing is None or doing.life.is_over or request.url.path == CALLBACKS:
            return
        whose = request.headers.get("Authorization", "")  # two sides of a dispute may say the same
        call = (callee, request.method, request.url.raw_path, whose, request.content)
        doing.failed[call] = doing.failed.get(call, 0) + 1
        if doing.failed[call] > FAILED_TRIES_MAX:
            self.wrong.append(f"I-36 {doing.life.name} tried {request.url.path} {doing.failed[call]} times in vain")


class PlacedDirectory(Directory):
    """Where everyone is, as one of them reaches the others."""

    def __init__(self, network: Network, caller: str) -> None:
        super().__init__()
        self._network, self._caller = network, caller

    def connection(self, service: str) -> AsyncClient:
        if service not in self._connections:
            way = _Way(self._network, self._caller, service)
            self._connections[service] = AsyncClient(transport=way, base_url="http://in-process", trust_env=False)
        return self._connections[service]


class _Way(AsyncBaseTransport):
    """To one neighbour; without one, to whoever the path names, as through the market's door."""

    def __init__(self, network: Network, caller: str, callee: str | None = None) -> None:
        self._network, self._caller, self._callee = network, caller, callee

    async def handle_async_request(self, request: Request) -> Response:
        doing = activity()
        if doing and doing.life.is_over:
            raise ConnectError("a dead process reaches nobody", request=request)
        callee = self._callee or request.url.path.split("/")[1]
        return await self._network.carry(self._caller, callee, request)


async def _answered(app: FastAPI, request: Request) -> Response:
    answer = await ASGITransport(app, raise_app_exceptions=False).handle_async_request(request)  # pyright: ignore[reportArgumentType]
    content = await answer.aread()
    return Response(answer.status_code, headers=_plain(answer.headers), content=content, request=request)


def _plain(headers: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if name.lower() != "content-length"}
