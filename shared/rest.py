"""How a service asks a neighbour: in this process or over the network, with the same outcome.

Promises: the answer, or the neighbour's own error if the client lists it, or `Unavailable` within the time allowed.
Only what is safe to repeat is repeated: reads, and writes that carry a key; and nothing to a neighbour that has too
much to do already. An answer that does not fit its schema counts as no answer. In process, the transport buffers whole
answers, so streams always go over a real address.
"""

import asyncio
import random
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, ClassVar, Protocol, TypeVar

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, HTTPError, Response
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import to_json

from shared import log, observing, problems
from shared.errors import Failure, NotAdmitted, Unavailable
from shared.overload import Overloaded

Answer = TypeVar("Answer")
TIMEOUT_SECONDS = 5.0
ATTEMPTS_MAX = 3
ANSWER_BYTES_MAX = 32 * 1024 * 1024

# The transport in process looks for it at each request, through all folders, to learn whether trio runs: it never does.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # pyright: ignore[reportArgumentType]  # as Python says of what is not there


class Tokens(Protocol):
    async def token(self, audience: str) -> str: ...


class OnBehalf(Protocol):
    """Whoever a service acts for: the token that came with the request."""

    @property
    def token(self) -> str | None: ...


class Directory:
    """Where each service is: an app of this process, or a base URL."""

    def __init__(self, urls: Mapping[str, str] | None = None) -> None:
        self._places: dict[str, FastAPI | str] = dict(urls or {})
        self._connections: dict[str, AsyncClient] = {}

    def register(self, service: str, app: FastAPI) -> None:
        self._places[service] = app

    def connection(self, service: str) -> AsyncClient:
        if service not in self._connections:
            if service not in self._places:
                raise Unavailable(service=service, detail=f"no address is known for {service}")
            self._connections[service] = connect(self._places[service])
        return self._connections[service]

    async def close(self) -> None:
        for connection in self._connections.values():
            await connection.aclose()
        self._connections.clear()


def connect(place: FastAPI | str) -> AsyncClient:
    if isinstance(place, str):
        return AsyncClient(base_url=place, follow_redirects=False)
    return AsyncClient(transport=ASGITransport(place, raise_app_exceptions=False), base_url="http://in-process")


def passed_on() -> dict[str, str]:
    """What a neighbour is told of the work at hand: under which id it is found, and in which trace it is."""
    headers = observing.carried()
    if thread_id := log.thread_id():
        headers["X-Request-Id"] = thread_id
    return headers


class Peer:
    """A neighbour, as one service reaches it: with a token of its own for that audience."""

    def __init__(self, directory: Directory, service: str, tokens: Tokens) -> None:
        self.service = service
        self._directory, self._tokens = directory, tokens

    async def ask(
        self, method: str, path: str, *, acting_for: OnBehalf | None = None, headers: dict[str, str] | None = None,
        **parts: Any,
    ) -> Response:  # fmt: skip
        headers = {"Authorization": f"Bearer {await self._tokens.token(self.service)}", **(headers or {})}
        if acting_for and acting_for.token:
            headers["Acting-For"] = f"Bearer {acting_for.token}"
        with observing.asking(self.service, method, waits_for_news=path.endswith("/changes")) as asked:
            headers |= passed_on()
            response = await self._directory.connection(self.service).request(method, path, headers=headers, **parts)
            asked.status = response.status_code
        return response


class RestClient:
    """Raises what stands in `errors`, and whatever any service may say of whoever it is asked for."""

    errors: ClassVar[tuple[type[Failure], ...]] = ()

    def __init__(self, peer: Peer, timeout_seconds: float | None = None) -> None:
        self._peer = peer
        self._timeout_seconds = TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds

    async def get(
        self, path: str, kind: type[Answer], *, acting_for: OnBehalf | None = None, wait_seconds: float = 0,
        **query: str | int | float,
    ) -> Answer:  # fmt: skip
        """Requires a path that changes nothing. `wait_seconds` is how long the neighbour may hold the answer back."""
        parts = {"params": query}
        return await self._answer(
            "GET", path, kind, acting_for, parts, ATTEMPTS_MAX, self._timeout_seconds + wait_seconds
        )

    async def post(
        self, path: str, body: BaseModel | Mapping[str, object], kind: type[Answer], *, key: str | None = None,
        repeatable: bool = False, acting_for: OnBehalf | None = None,
    ) -> Answer:  # fmt: skip
        """Repeated only with an idempotency key, or if the neighbour takes the same body twice as once."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        parts = {"content": to_json(body), "headers": headers}
        attempts = ATTEMPTS_MAX if key or repeatable else 1
        return await self._answer("POST", path, kind, acting_for, parts, attempts, self._timeout_seconds)

    async def _answer(
        self, method: str, path: str, kind: type[Answer], acting_for: OnBehalf | None, parts: dict[str, Any],
        attempts: int, timeout_seconds: float,
    ) -> Answer:  # fmt: skip
        for attempt in range(1, attempts + 1):
            try:
                # The only limit: in process there is no other, and over the network the client's own is shorter than
                # a neighbour may hold an answer back.
                async with asyncio.timeout(timeout_seconds):
                    response = await self._peer.ask(method, path, acting_for=acting_for, timeout=None, **parts)
                return self._read(response, kind)
            except (TimeoutError, HTTPError, Unavailable) as error:
                if attempt == attempts or isinstance(error, TimeoutError | Overloaded):
                    raise Unavailable(service=self._peer.service) from error
            await asyncio.sleep(random.uniform(0, 0.05 * 2**attempt))
        raise AssertionError("attempts is at least one")

    def _read(self, response: Response, kind: type[Answer]) -> Answer:
        is_problem = response.headers.get("Content-Type") == problems.MEDIA_TYPE
        if response.is_server_error and is_problem and _is_overloaded(response):
            raise Overloaded(service=self._peer.service)
        if response.is_server_error or (response.is_error and not is_problem) or response.is_redirect:
            raise Unavailable(service=self._peer.service)
        if len(response.content) > ANSWER_BYTES_MAX:
            raise Unavailable(service=self._peer.service)
        try:
            if response.is_error:
                problem = TypeAdapter(dict[str, object]).validate_json(response.content)
                raise problems.rebuild(problem, (NotAdmitted, *self.errors))
            return TypeAdapter(kind).validate_json(response.content)
        except ValidationError as error:
            raise Unavailable(service=self._peer.service) from error


def _is_overloaded(response: Response) -> bool:
    try:
        problem = TypeAdapter(dict[str, object]).validate_json(response.content)
    except ValidationError:
        return False
    return problem.get("code") == Overloaded.code()
