"""What every service is given: its tables, its outbox, the time, who is who, and its neighbours.

Owns: how these parts are put together, once for all six services. A service's `app.py` adds only what is its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from httpx2 import HTTPError
from pydantic import BaseModel, ValidationError

from shared import observing
from shared.access import Claims, KeySet, OtherKeys, Role, TokenIssuer, Verifier
from shared.changes import Feed, FeedClient
from shared.clock import Clock
from shared.database import Database
from shared.errors import Unavailable
from shared.loop_watch import LoopWatch
from shared.metrics import Metrics
from shared.observing import Observer
from shared.outbox import Outbox
from shared.outside import outside_verifier
from shared.relay import Relay
from shared.rest import TIMEOUT_SECONDS, Directory, Peer, Tokens, passed_on
from shared.settings import SERVICES, Settings
from shared.signing import public_token_key, public_token_key_of
from shared.standing import StandingMirror

if TYPE_CHECKING:  # loaded only where traces are told
    from shared.traces import Traces

TOKEN_LIFETIME = timedelta(minutes=5)
RENEW_BEFORE = timedelta(minutes=1)
TOLD_OF_CASES = frozenset({"catalog", "pricing", "trading", "delivery"})  # what shows to a regulator by a case is here


@dataclass(frozen=True, slots=True)
class Core:
    name: str
    settings: Settings
    clock: Clock
    database: Database
    outbox: Outbox
    feed: Feed
    relay: Relay
    standing: StandingMirror
    verifier: Verifier
    tokens: Tokens
    directory: Directory
    issuer: TokenIssuer | None = None
    observer: Observer | None = None
    loop_watch: LoopWatch | None = None

    def peer(self, service: str) -> Peer:
        return Peer(self.directory, service, self.tokens)


def core_of(
    name: str, settings: Settings, clock: Clock, database: Database, directory: Directory, *,
    traces: "Traces | None" = None, loop_watch: LoopWatch | None = None,
) -> Core:  # fmt: skip
    """The core of one service. Identity holds the token key and so needs nobody to know who is who. Services of one
    process share `traces`, where they are told, and a `loop_watch`."""
    assert name in SERVICES, name
    outbox, feed = Outbox(name, database), Feed(database)
    outside = outside_verifier(settings, clock)
    if name == "identity":
        issuer = issuer_of(settings)
        tokens: Tokens = IssuedTokens(issuer, clock)
        verifier = Verifier(_own_keys(issuer, clock), settings.issuer, clock, beside=outside)
        standing = StandingMirror(clock, feed, database)
    else:
        issuer = None
        secret = settings.service_secrets.get(name) or settings.service_secret
        if secret is None:
            raise ValueError(f"service_secret: set YAOSU_SERVICE_SECRET for {name}")
        tokens = RequestedTokens(directory, name, secret.get_secret_value(), clock)
        verifier = Verifier(_key_set_of(directory), settings.issuer, clock, beside=outside)
        cases = FeedClient(Peer(directory, "audit", tokens)) if name in TOLD_OF_CASES else None
        standing = StandingMirror(clock, FeedClient(Peer(directory, "identity", tokens)), database, cases)
    relay = Relay(outbox, database, clock, Peer(directory, "audit", tokens))
    observer = _observer(name, database, relay, traces)
    return Core(
        name, settings, clock, database, outbox, feed, relay, standing, verifier, tokens, directory, issuer, observer,
        loop_watch or LoopWatch(clock),
    )  # fmt: skip


def _observer(name: str, database: Database, relay: Relay, traces: "Traces | None") -> Observer:
    observer = observer_of(name, traces)
    observer.metrics.measure(
        "database_connections_in_use", "Connections that work for somebody now.", database.connections_in_use
    )
    observer.metrics.measure(
        "outbox_parked_stripes", "Stripes of which nothing is sent to the log now.", lambda: relay.parked_stripes
    )
    return observer


def observer_of(name: str, traces: "Traces | None" = None) -> Observer:
    """Of a service, or of the front."""
    if traces is None:
        return Observer(name, Metrics(name))
    return Observer(name, Metrics(name), traces.tracer(name), traces.telemetry(name))


class IssuedTokens:
    """Identity's own tokens for its calls: it alone can issue them."""

    def __init__(self, issuer: TokenIssuer, clock: Clock) -> None:
        self._issuer, self._clock = issuer, clock

    async def token(self, audience: str) -> str:
        claims = Claims("service:identity", "service:identity", frozenset({Role.SERVICE}))
        return self._issuer.issue(claims, audience, self._clock.now(), TOKEN_LIFETIME)[0]


class TokenAnswer(BaseModel):
    access_token: str
    expires_in: int


class RequestedTokens:
    """A service's tokens, asked of identity with the service's own secret and kept until shortly before they expire."""

    def __init__(self, directory: Directory, name: str, secret: str, clock: Clock) -> None:
        self._directory, self._name, self._secret, self._clock = directory, name, secret, clock
        self._held: dict[str, tuple[str, datetime]] = {}

    async def token(self, audience: str) -> str:
        now = self._clock.now()
        token, good_until = self._held.get(audience, ("", now))
        if now < good_until:
            return token
        form = {
            "grant_type": "client_credentials", "client_id": f"service:{self._name}", "client_secret": self._secret,
            "audience": audience,
        }  # fmt: skip
        connection = self._directory.connection("identity")
        with observing.asking("identity", "POST") as asked:
            response = await connection.post("/identity/v1/token", data=form, headers=passed_on())
            asked.status = response.status_code
        if not response.is_success:
            raise Unavailable(service="identity", detail="identity issues no token to this service")
        try:
            answer = TokenAnswer.model_validate_json(response.content)
        except ValidationError as error:
            raise Unavailable(service="identity", detail="identity answers with no token") from error
        self._held[audience] = (answer.access_token, now + timedelta(seconds=answer.expires_in) - RENEW_BEFORE)
        return answer.access_token


def issuer_of(settings: Settings) -> TokenIssuer:
    """Identity's issuer. Raises ValueError that names the setting, where a key is missing or is none."""
    following = settings.token_key_next
    others = OtherKeys(
        next=public_token_key(following.get_secret_value()) if following else None,
        retired={public_token_key_of(key): until for key, until in settings.token_keys_retired.items()},
    )
    if settings.environment == "production":
        root = settings.require_secret("identity_key")
    else:
        root = settings.identity_key.get_secret_value() if settings.identity_key else None
    return TokenIssuer(settings.require_secret("token_key"), settings.issuer, others, root)


def _own_keys(issuer: TokenIssuer, clock: Clock) -> Callable[[], Awaitable[KeySet]]:
    async def fetch() -> KeySet:
        return issuer.published(clock.now())

    return fetch


def _key_set_of(directory: Directory) -> Callable[[], Awaitable[KeySet]]:
    async def fetch() -> dict[str, Any]:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                response = await directory.connection("identity").get("/identity/.well-known/jwks.json")
            return response.raise_for_status().json()
        except (HTTPError, TimeoutError, ValueError) as error:
            raise Unavailable(service="identity", retry_after_seconds=1) from error

    return fetch
