"""Identity on a bench of its own, on each database: cheap hashes, a told clock, and everything over HTTP."""

import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx2 import Response
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr
from stdnum.cn import uscc

from services.identity import jobs
from services.identity.actions import staff
from services.identity.actions.identity import Identity
from services.identity.app import build
from services.identity.rules.document import WITHOUT_FILE, Kind
from services.identity.tables import metadata
from shared import rest
from shared.core import Core, core_of
from shared.database import Database
from shared.facts import Event, read_event
from shared.rest import Directory
from shared.settings import Settings
from shared.signing import SigningKey, new_token_key
from tests.conftest import MakeDatabase
from tests.support.bench import WrittenFeed
from tests.support.clock import ToldClock

TOKEN_KEY = new_token_key()
SERVICE_SECRET = "a secret of all services, for tests only"
PASSWORD = "a long pass phrase for tests"
CHEAP = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)
REASON = {"reason_code": "checked_by_hand", "reason": "核验记录 2030-17"}
SEEN = {"passed": True, "reference": "2030-17"}
V1 = "/identity/v1"
# For what the database decides nothing of.
ON_ONE_DATABASE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


@dataclass(frozen=True, slots=True)
class LogIn:
    login: str
    role: str
    password: str = PASSWORD


STAFF = [
    LogIn("security", "operator_security"),
    LogIn("security2", "operator_security"),
    LogIn("checker", "operator_security"),
    LogIn("business", "operator_business"),
    LogIn("system", "operator_system"),
    LogIn("log", "operator_audit"),
    LogIn("regulator", "regulator"),
    LogIn("arbiter", "arbiter"),
]


def credit_code(number: int) -> str:
    body = f"91310000MA{number:07}"
    return body + uscc.calc_check_digit(body)


def a_document(kind: str) -> dict[str, object]:
    """Good for as long as its check is."""
    return {"kind": kind, "content_hash": sha256(kind.encode()).hexdigest(), "issued_at": "2020-01-01T00:00:00Z"}


def a_public_key() -> str:
    return base64.b64encode(SigningKey.new().public).decode()


@dataclass
class Desk:
    """Identity as its users find it. A person is named by log-in; their tokens are kept until the clock moves on."""

    core: Core
    app: FastAPI
    clock: ToldClock
    trading: WrittenFeed = field(default_factory=lambda: WrittenFeed("trading"))
    _tokens: dict[tuple[str, object], str] = field(default_factory=dict[tuple[str, object], str])
    _numbers: Any = field(default_factory=count)

    @property
    def identity(self) -> Identity:
        return self.app.state.service

    async def get(self, login: str | None, path: str, **query: str | int) -> Response:
        return await self._ask("GET", path, await self._headers(login), params=query)

    async def get_with(self, token: str, path: str) -> Response:
        return await self.ask_with({"Authorization": f"Bearer {token}"}, path)

    async def post_with(self, token: str, path: str, body: object) -> Response:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
        return await self._ask("POST", path, headers, json=body)

    async def ask_with(self, headers: dict[str, str], path: str) -> Response:
        return await self._ask("GET", path, headers)

    async def post(self, login: str | None, path: str, body: object = None, key: str | None = None) -> Response:
        headers = await self._headers(login) | {"Idempotency-Key": key or uuid4().hex}
        return await self._ask("POST", path, headers, **({} if body is None else {"json": body}))

    async def form(self, path: str = "/token", **fields: str) -> Response:
        return await self._ask("POST", path, {}, data=fields)

    async def log_in_from(self, address: str, login: str, password: str) -> Response:
        """As a proxy passes it on."""
        fields = {"grant_type": "password", "username": login, "password": password}
        return await self._ask("POST", "/token", {"X-Forwarded-For": address}, data=fields)

    async def log_in(self, login: str, password: str = PASSWORD, **more: str) -> Response:
        return await self.form(grant_type="password", username=login, password=password, **more)

    async def step_up(self, refresh_token: str, password: str = PASSWORD, **more: str) -> Response:
        return await self.form(grant_type="step_up", refresh_token=refresh_token, password=password, **more)

    def use(self, login: str, token: str) -> None:
        """Let this person go on with a token that they have, as long as the clock stands still."""
        self._tokens[(login, self.clock.now())] = token

    async def refresh(self, refresh_token: str) -> Response:
        return await self.form(grant_type="refresh_token", refresh_token=refresh_token)

    async def apply(self, login: str | None = None, *roles: str, **changes: object) -> Response:
        number = next(self._numbers)
        application = {
            "name": f"数据有限公司{number}", "uscc": credit_code(number), "roles": roles or ("buyer", "provider"),
            "administrator": {"login": login or f"admin{number}", "password": PASSWORD},
        }  # fmt: skip
        return await self._ask("POST", "/applications", {}, json=application | changes)

    async def applied(self, login: str, *roles: str) -> str:
        """The id of an organisation that has applied, with this administrator, and has proven everything."""
        participant_id = (await self.apply(login, *roles)).json()["id"]
        await self.prove(participant_id, login)
        return participant_id

    async def prove(self, participant_id: str, login: str, *kinds: Kind, by: str = "checker") -> None:
        """Show and check a document of each kind."""
        for kind in kinds or Kind:
            if kind in WITHOUT_FILE:
                seen = await self.post(by, f"/participants/{participant_id}/representative/seen", SEEN)
                assert seen.status_code == 201, seen.text
            else:
                document_id = (await self.show(participant_id, login, kind)).json()["id"]
                checked = await self.check(by, participant_id, document_id)
                assert checked.status_code == 200, checked.text

    async def show(self, participant_id: str, login: str, kind: Kind, **changes: object) -> Response:
        body = a_document(kind) | changes
        return await self.post(login, f"/participants/{participant_id}/documents", body)

    async def check(self, operator: str, participant_id: str, document_id: str, **changes: object) -> Response:
        path = f"/participants/{participant_id}/documents/{document_id}/check"
        return await self.post(operator, path, {"method": "by_hand"} | SEEN | changes)

    async def admitted(self, login: str, *roles: str, clearance: str = "C2") -> str:
        """The same, admitted, and known to be."""
        participant_id = await self.applied(login, *roles)
        await self.admit("security", participant_id, clearance)
        await self.hear()
        return participant_id

    async def colleague(self, login: str, *, of: str, roles: tuple[str, ...] = ("buyer",)) -> str:
        """The id of a new user of that administrator's organisation."""
        user = {"login": login, "password": PASSWORD, "roles": roles}
        return (await self.post(of, "/users", user)).json()["id"]

    async def admit(self, operator: str, participant_id: str, clearance: str, act: str = "admit") -> Response:
        body = {"clearance": clearance, "reason": "营业执照与安全能力已核验"}
        return await self.post(operator, f"/participants/{participant_id}/{act}", body)

    async def decide(self, operator: str, participant_id: str, decision: str) -> Response:
        answer = await self.post(operator, f"/participants/{participant_id}/{decision}", REASON)
        await self.hear()
        return answer

    @asynccontextmanager
    async def replica(self) -> AsyncGenerator["Desk"]:
        """Another process on the same tables, with a stripe and connections of its own. On SQLite there can be none."""
        kept = self.core.database
        if kept.is_sqlite:
            yield self
            return
        replica = Database(kept.url, schema="identity", clock=self.clock, told_time=True)
        core = core_of("identity", self.core.settings, self.clock, replica, Directory())
        try:
            await core.outbox.lease()
            await core.standing.tick()
            yield Desk(core, build(core, hasher=CHEAP), self.clock)
        finally:
            await replica.close()

    async def hear(self) -> None:
        """Let identity's own mirror of standing hear what identity said."""
        await self.core.standing.tick()

    async def pass_time(self, **time: int) -> None:
        self.clock.advance(**time)
        await jobs.tick(self.identity)
        await self.hear()

    async def facts(self) -> list[Event]:
        return [read_event(change.line.encode()) for change in await self.core.feed.after({})]

    async def told(self) -> list[str]:
        """What was announced so far, without the staff that was there from the beginning."""
        return [fact.act.removeprefix("identity.") for fact in (await self.facts())[len(STAFF) :]]

    async def _headers(self, login: str | None) -> dict[str, str]:
        if login is None:
            return {}
        place = (login, self.clock.now())
        if place not in self._tokens:
            self._tokens[place] = (await self.log_in(login)).json()["access_token"]
        return {"Authorization": f"Bearer {self._tokens[place]}"}

    async def _ask(self, method: str, path: str, headers: dict[str, str], **parts: Any) -> Response:
        path = path if path.startswith("/identity") else V1 + path
        async with rest.connect(self.app) as connection:
            return await connection.request(method, path, headers=headers, **parts)


@pytest.fixture
async def desk(database: MakeDatabase, clock: ToldClock) -> AsyncGenerator[Desk]:
    kept: Database = await database("identity", metadata)
    settings = Settings(token_key=SecretStr(TOKEN_KEY), service_secret=SecretStr(SERVICE_SECRET))
    core = core_of("identity", settings, clock, kept, Directory())
    desk = Desk(core, build(core, hasher=CHEAP), clock)
    object.__setattr__(desk.identity, "trading_feed", desk.trading)
    await core.outbox.lease()
    await staff.bootstrap(desk.identity, STAFF)
    await desk.hear()
    yield desk
