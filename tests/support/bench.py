"""A bench for one service, or a few that belong together: real tokens, a real mirror, real databases, a told clock.

Who is who is told to the bench instead of to an identity service: it writes the facts that identity would announce,
with identity's own encoding, and every mirror follows them.
"""

import asyncio
import base64
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import uuid4

from fastapi import FastAPI
from httpx2 import Response
from pydantic import SecretStr
from sqlalchemy import MetaData

from shared import rest
from shared.access import Claims, Role, TokenIssuer, Verifier
from shared.changes import Change, Feed, Positions
from shared.core import Core, observer_of
from shared.database import Database
from shared.facts import GENESIS, Actor, Category, Fact, event_line, link
from shared.grades import C3, Clearance, Grade
from shared.ids import AssetId, AssignmentId, FactId, KeyId, ParticipantId, UserId
from shared.outbox import Outbox
from shared.relay import Relay
from shared.rest import Directory, Peer
from shared.settings import Settings
from shared.signing import SigningKey, new_token_key
from shared.standing import StandingMirror
from tests.support.clock import ToldClock

ISSUER = TokenIssuer(new_token_key(), "http://127.0.0.1:8000/identity")
CLIENT_ADDRESS = "http://in-process"
PATIENT_SECONDS = 60.0  # where a test is not about a limit of real time: no loaded machine should reach it
CERTIFICATE_KEY = SigningKey.new()


@dataclass(frozen=True, slots=True)
class ParticipantAdmitted(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    roles: tuple[str, ...]
    clearance: Clearance
    revision: int = 2


@dataclass(frozen=True, slots=True)
class ParticipantSuspended(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    reason_code: str
    revision: int = 3


@dataclass(frozen=True, slots=True)
class SigningKeyRegistered(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    key_id: KeyId
    algorithm: str
    public_key: str


@dataclass(frozen=True, slots=True)
class AffiliationDeclared(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    affiliate_id: ParticipantId


@dataclass(frozen=True, slots=True)
class AssignmentMade(Fact):
    category: ClassVar[Category] = Category.ACCESS
    assignment_id: AssignmentId
    highest: Grade
    business_officer_id: UserId
    security_officer_id: UserId | None
    asset_id: AssetId | None
    provider_id: ParticipantId | None
    reason: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with a token: of an admitted organisation, or of the platform's staff."""

    subject: str
    roles: frozenset[str]
    participant_id: ParticipantId | None = None
    signing_key: SigningKey | None = None
    key_id: KeyId | None = None
    acr: str | None = None
    authenticated_at: datetime | None = None


class WrittenFeed:
    """A feed of facts that a test wrote."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._changes: list[Change] = []
        self._news = asyncio.Event()

    def announce(self, clock: ToldClock, *facts: Fact, actor: Actor | None = None) -> None:
        for fact in facts:
            line = event_line(
                fact, service=self._service, fact_id=FactId.new(),
                actor=actor or Actor("service", self._service), at=clock.now(), request_id=None,
            )  # fmt: skip
            previous = bytes.fromhex(self._changes[-1].hash) if self._changes else GENESIS
            seq = len(self._changes) + 1
            digest = link(previous, seq, line).hex()
            change = Change(stripe=0, seq=seq, act=fact.act(self._service), line=line.decode(), hash=digest)
            self._changes.append(change)
        self._news.set()

    async def after(self, positions: Positions, wait_seconds: float = 0) -> list[Change]:
        if wait_seconds and positions.get(0, 0) == len(self._changes):
            self._news.clear()
            await self._news.wait()
        return self._changes[positions.get(0, 0) :]


class BenchTokens:
    """Service tokens, without asking identity."""

    def __init__(self, name: str, clock: ToldClock) -> None:
        self._name, self._clock = name, clock

    async def token(self, audience: str) -> str:
        claims = Claims(f"service:{self._name}", f"service:{self._name}", frozenset({Role.SERVICE}))
        return ISSUER.issue(claims, audience, self._clock.now(), timedelta(minutes=5))[0]


@dataclass
class Bench:
    """Requires `database(service, metadata)`, which makes an empty database with these tables."""

    database: Callable[[str, MetaData], Awaitable[Database]]
    settings: Settings = field(default_factory=lambda: Settings(certificate_key=SecretStr(CERTIFICATE_KEY.pem())))
    clock: ToldClock = field(default_factory=ToldClock)
    directory: Directory = field(default_factory=Directory)
    identity: WrittenFeed = field(default_factory=lambda: WrittenFeed("identity"))
    log: WrittenFeed = field(default_factory=lambda: WrittenFeed("audit"))
    outbox: type[Outbox] = Outbox
    cores: dict[str, Core] = field(default_factory=dict[str, Core])
    apps: dict[str, FastAPI] = field(default_factory=dict[str, FastAPI])
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def core(self, name: str, metadata: MetaData) -> Core:
        """A service's core, on tables of its own. Build the app from it and `serve` it."""
        database = await self.database(name, metadata)
        outbox, feed, tokens = self.outbox(name, database), Feed(database), BenchTokens(name, self.clock)
        relay = Relay(outbox, database, self.clock, Peer(self.directory, "audit", tokens))
        standing = StandingMirror(self.clock, self.identity, cases=self.log)

        async def fetch() -> Mapping[str, Any]:
            return ISSUER.key_set

        verifier = Verifier(fetch, self.settings.issuer, self.clock)
        self.cores[name] = Core(
            name, self.settings, self.clock, database, outbox, feed, relay, standing, verifier, tokens, self.directory,
            observer=observer_of(name),
        )  # fmt: skip
        return self.cores[name]

    @asynccontextmanager
    async def serve(self, **apps: FastAPI) -> AsyncGenerator["Bench"]:
        """Run the apps' lifespans. Background loops sleep for ever by the told clock; `tick` the jobs by hand."""
        async with AsyncExitStack() as stack:
            for name, app in apps.items():
                self.directory.register(name, app)
                self.apps[name] = app
                await stack.enter_async_context(app.router.lifespan_context(app))
                await self.cores[name].standing.tick()
            yield self
        await self.directory.close()

    async def member(
        self, *roles: str, clearance: Clearance = C3, signs: bool = False, affiliate_of: Person | None = None
    ) -> Person:
        """Someone of a newly admitted organisation."""
        roles = roles or ("buyer", "provider")
        participant_id, key, key_id = ParticipantId.new(), None, None
        facts: list[Fact] = [ParticipantAdmitted(participant_id, roles, clearance)]
        if signs:
            key, key_id = SigningKey.new(), KeyId.new()
            public = base64.b64encode(key.public).decode()
            facts.append(SigningKeyRegistered(participant_id, key_id, "ed25519", public))
        if affiliate_of and affiliate_of.participant_id:
            facts.append(AffiliationDeclared(participant_id, affiliate_of.participant_id))
        await self.announce(*facts)
        return Person(UserId.new(), frozenset(roles), participant_id, key, key_id)

    def staff(self, *roles: str) -> Person:
        return Person(UserId.new(), frozenset(roles))

    async def assigned(self, asset_id: str, highest: Grade = Grade.G4, *officers: Person) -> Person:
        """An officer of the business who is assigned an entry for ninety days: up to G5 beside one for security."""
        business, security = (*officers, self.staff("operator_business"), self.staff("operator_security"))[:2]
        second = UserId(security.subject) if highest is Grade.G5 else None
        ends_at = self.clock.now() + timedelta(days=90)
        await self.announce(AssignmentMade(
            AssignmentId.new(), highest, UserId(business.subject), second, AssetId(asset_id), None, "复核", ends_at
        ))  # fmt: skip
        return business

    async def announce(self, *facts: Fact) -> None:
        """Let identity say something, and every mirror hear it."""
        self.identity.announce(self.clock, *facts)
        await self.refresh()

    async def refresh(self) -> None:
        """Let every mirror catch up, e.g. after the clock was advanced."""
        for core in self.cores.values():
            await core.standing.tick()

    def token(self, person: Person) -> str:
        strength = (person.acr, person.authenticated_at)
        claims = Claims(person.subject, person.subject, person.roles, person.participant_id, "password", *strength)
        return ISSUER.issue(claims, "yaosu", self.clock.now(), timedelta(minutes=10))[0]

    async def get(self, person: Person | None, path: str, **parts: Any) -> Response:
        return await self.ask("GET", person, path, **parts)

    async def post(self, person: Person | None, path: str, body: object = None, key: str | None = None) -> Response:
        return await self.ask("POST", person, path, json=body, headers={"Idempotency-Key": key or uuid4().hex})

    async def ask(
        self, method: str, person: Person | None, path: str, *, headers: Mapping[str, str] | None = None, **parts: Any
    ) -> Response:
        sent = dict(headers or {}) | ({"Authorization": f"Bearer {self.token(person)}"} if person else {})
        if parts.get("json", ...) is None:
            del parts["json"]
        async with rest.connect(self.apps[path.split("/")[1]]) as connection:
            return await connection.request(method, path, headers=sent, **parts)

    async def ask_as_service(
        self, name: str, method: str, path: str, *, acting_for: Person | None = None,
        headers: Mapping[str, str] | None = None, **parts: Any,
    ) -> Response:  # fmt: skip
        """As a neighbouring service would: with its token for the one that it asks."""
        target = path.split("/")[1]
        sent = {"Authorization": f"Bearer {await BenchTokens(name, self.clock).token(target)}", **(headers or {})}
        if acting_for:
            sent["Acting-For"] = f"Bearer {self.token(acting_for)}"
        async with rest.connect(self.apps[target]) as connection:
            return await connection.request(method, path, headers=sent, **parts)
