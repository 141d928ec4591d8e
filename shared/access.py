"""Who is asking, and whether they may: permission is a type in an endpoint's signature.

Promises: only an ES256 access token of our issuer, for this audience, unexpired, complete and in its one spelling makes
a caller. The only file that knows tokens: python-jose believes a token's header and forgives absent claims
(CVE-2026-85394, CVE-2026-120459), doubled ones and padding, so all of that is checked around it, and the key is an
object built once from the published set.
"""

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from jose import JOSEError, jwk, jwt
from jose.backends.base import Key

from shared.clock import Clock
from shared.errors import Failure, Forbidden, Unauthenticated, Unavailable
from shared.facts import Actor
from shared.guard import check_json
from shared.ids import ParticipantId, TokenId
from shared.signing import public_token_key
from shared.standing import Standing

ALGORITHM = "ES256"
AUDIENCE = "yaosu"
TYPE = "at+jwt"
TOKEN_LENGTH_MAX = 4096
TOKEN_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]", re.ASCII)  # no spare bits after 64 bytes of signature
LIFETIME_MAX = timedelta(minutes=10)
LEEWAY = timedelta(seconds=30)
ACR_STRONG = frozenset({"totp"})
STEP_UP_LIFETIME = timedelta(minutes=10)
REFRESH_INTERVAL = timedelta(seconds=30)
RETRY_INTERVAL = timedelta(seconds=1)
CACHE_SIZE = 10_000
CLAIMS = {"exp": int, "iat": int, "iss": str, "aud": str, "sub": str, "jti": str, "client_id": str, "roles": list}


class Role(StrEnum):
    BUYER = "buyer"
    PROVIDER = "provider"
    OPERATOR_BUSINESS = "operator_business"
    OPERATOR_SYSTEM = "operator_system"
    OPERATOR_SECURITY = "operator_security"
    OPERATOR_AUDIT = "operator_audit"
    REGULATOR = "regulator"
    ARBITER = "arbiter"
    SERVICE = "service"


class InvalidToken(Unauthenticated):
    """This token is not valid here."""


class InsufficientUserAuthentication(Unauthenticated):
    """This takes a fresh proof of who you are, by more than a password."""


class NotYourRole(Forbidden):
    """Your role does not include this."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever a valid token speaks for. `token` is what came, for acting on their behalf."""

    subject: str
    kind: str  # user, client or service
    roles: frozenset[str]
    participant_id: ParticipantId | None = None
    authenticated_by: str | None = None
    token: str | None = field(default=None, repr=False)
    acr: str | None = None  # how strong the proof of who they are was, and when they gave it
    authenticated_at: datetime | None = None

    def is_stepped_up(self, now: datetime) -> bool:
        """Whether they have just given a strong proof: a person by a second factor, a program by its own key, which
        proves itself anew for each token."""
        if self.kind == "client":
            return self.authenticated_by == "private_key_jwt"
        if self.acr not in ACR_STRONG or self.authenticated_at is None:
            return False
        return now - STEP_UP_LIFETIME <= self.authenticated_at <= now + LEEWAY

    @property
    def actor(self) -> Actor:
        return Actor(cast(Any, self.kind), self.subject, self.participant_id, self.authenticated_by)


@dataclass(frozen=True, slots=True)
class Member:
    """A caller of an admitted organisation, with its standing at this moment."""

    caller: Caller
    standing: Standing

    @property
    def participant_id(self) -> ParticipantId:
        return self.standing.participant_id

    @property
    def subject(self) -> str:
        return self.caller.subject

    @property
    def token(self) -> str | None:
        return self.caller.token

    @property
    def actor(self) -> Actor:
        return self.caller.actor


@dataclass(frozen=True, slots=True)
class ServiceCaller:
    """A neighbour that asks, and the member it acts for, if it does. The right is the intersection of both."""

    name: str
    acting_for: Member | None = None

    @property
    def subject(self) -> str:
        return f"service:{self.name}"

    @property
    def actor(self) -> Actor:
        return self.acting_for.actor if self.acting_for else Actor("service", self.name)


@dataclass(frozen=True, slots=True)
class Claims:
    """What identity puts into a token; the issuer adds who, when and for how long."""

    subject: str
    client_id: str
    roles: frozenset[str]
    participant_id: str | None = None
    authenticated_by: str | None = None


class TokenIssuer:
    """Held by identity alone."""

    def __init__(self, private_key: str, issuer: str) -> None:
        self._key, self._issuer = private_key, issuer
        public = jwk.construct(public_token_key(private_key), ALGORITHM).to_dict()
        thumbprint = "".join(str(public[part]) for part in ("crv", "kty", "x", "y"))
        self.key_id = hashlib.sha256(thumbprint.encode()).hexdigest()[:16]
        self.key_set: dict[str, object] = {"keys": [public | {"use": "sig", "kid": self.key_id}]}

    def derived(self, purpose: bytes) -> bytes:
        """A secret of identity's own for another purpose than tokens, the same after every start."""
        return hmac.new(self._key.encode(), purpose, hashlib.sha256).digest()

    def issue(self, claims: Claims, audience: str, now: datetime, lifetime: timedelta) -> tuple[str, TokenId]:
        """An access token (RFC 9068) and its id."""
        token_id = TokenId.new()
        issued_at = int(now.timestamp())
        body: dict[str, object] = {
            "iss": self._issuer, "aud": audience, "sub": claims.subject, "client_id": claims.client_id,
            "roles": sorted(claims.roles), "jti": token_id, "iat": issued_at,
            "exp": issued_at + int(lifetime.total_seconds()),
        }  # fmt: skip
        optional = {"org": claims.participant_id, "amr": claims.authenticated_by}
        body |= {name: value for name, value in optional.items() if value is not None}
        return jwt.encode(body, self._key, ALGORITHM, headers={"typ": TYPE, "kid": self.key_id}), token_id


KeySet = Mapping[str, Any]


class Verifier:
    """Verifies with the keys that identity publishes; asks for them again at most every 30 s, on an unknown key id."""

    def __init__(self, fetch: Callable[[], Awaitable[KeySet]], issuer: str, clock: Clock) -> None:
        self._fetch, self._issuer, self._clock = fetch, issuer, clock
        self._keys: dict[str, Key] = {}
        self._asking = asyncio.Lock()
        self._is_answered, self._ask_again_at = True, datetime.min.replace(tzinfo=UTC)
        self._verified: dict[tuple[bytes, str], tuple[Caller, float]] = {}

    async def caller(self, token: str, audience: str = AUDIENCE) -> Caller:
        """Whoever the token speaks for. Raises InvalidToken, in one shape, whatever is wrong with it."""
        if len(token) > TOKEN_LENGTH_MAX or not TOKEN_SHAPE.fullmatch(token):
            raise InvalidToken()
        now = self._clock.now().timestamp()
        place = (hashlib.sha256(token.encode()).digest(), audience)
        if place in self._verified:
            caller, expires_at = self._verified[place]
            if now < expires_at:
                return caller
        caller, expires_at = await self._verify(token, audience, now)
        if len(self._verified) >= CACHE_SIZE:
            self._verified.clear()
        self._verified[place] = (caller, expires_at)
        return caller

    async def _verify(self, token: str, audience: str, now: float) -> tuple[Caller, float]:
        key = await self._key_of(_header(token))
        try:
            # Times are checked below, because jose would read the system's clock instead of ours. Nor are they
            # required here: what jose requires it also verifies, whatever the options say of that.
            options = {f"require_{claim}": True for claim in ("iss", "aud", "sub", "jti")}
            options |= {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
            claims = jwt.decode(token, key, [ALGORITHM], options, audience=audience, issuer=self._issuer)
        except (JOSEError, ValueError, TypeError, KeyError) as error:
            raise InvalidToken() from error
        if not _complete(claims) or claims["aud"] != audience or "nbf" in claims:
            raise InvalidToken()
        if claims["exp"] <= now or claims["iat"] > now + LEEWAY.total_seconds():
            raise InvalidToken()
        if claims["exp"] - claims["iat"] > LIFETIME_MAX.total_seconds():
            raise InvalidToken()
        return _caller(claims, token), float(claims["exp"])

    async def _key_of(self, header: Mapping[str, Any]) -> Key:
        # Compared whole: a header with anything more in it (`crit`, `jwk`, `jku`) is not ours.
        key_id = header.get("kid")
        if header != {"alg": ALGORITHM, "typ": TYPE, "kid": key_id} or not isinstance(key_id, str):
            raise InvalidToken()
        if key_id not in self._keys:
            await self._refresh()
        if key_id not in self._keys:
            raise InvalidToken()
        return self._keys[key_id]

    async def _refresh(self) -> None:
        """Ask for the keys, unless they have just been asked for. Whoever comes meanwhile waits for the one answer."""
        async with self._asking:
            now = self._clock.now()
            if now < self._ask_again_at:
                if self._is_answered:
                    return
                raise Unavailable(service="identity", retry_after_seconds=1)
            self._is_answered, self._ask_again_at = False, now + RETRY_INTERVAL
            published = await self._fetch()
            self._is_answered, self._ask_again_at = True, now + REFRESH_INTERVAL
            known = self._keys
            self._keys = {
                key["kid"]: jwk.construct(key, ALGORITHM)
                for key in published["keys"]
                if key.get("kty") == "EC" and key.get("crv") == "P-256"
            }
            if known.keys() - self._keys.keys():  # a key that was taken back vouches for nobody any more
                self._verified.clear()


def _header(token: str) -> Mapping[str, Any]:
    """The header of a token whose header and claims have one reading each: strict JSON, no name twice."""
    try:
        for part in token.split(".")[:2]:
            check_json(base64.urlsafe_b64decode(f"{part}=="))
        return jwt.get_unverified_header(token)
    except (JOSEError, Failure, ValueError) as error:
        raise InvalidToken() from error


def _complete(claims: Mapping[str, Any]) -> bool:
    present = all(type(claims.get(name)) is kind for name, kind in CLAIMS.items())
    texts = (*claims["roles"], claims.get("amr", ""), claims.get("acr", ""))
    return present and all(isinstance(text, str) for text in texts) and type(claims.get("auth_time", 0)) is int


def _caller(claims: Mapping[str, Any], token: str) -> Caller:
    try:
        participant_id = ParticipantId(claims["org"]) if "org" in claims else None
        authenticated_at = datetime.fromtimestamp(claims["auth_time"], UTC) if "auth_time" in claims else None
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise InvalidToken() from error
    subject = claims["sub"]
    kind = next((kind for kind in ("client", "service") if subject.startswith((f"{kind}_", f"{kind}:"))), "user")
    return Caller(
        subject, kind, frozenset(claims["roles"]), participant_id, claims.get("amr"), token, claims.get("acr"),
        authenticated_at,
    )  # fmt: skip
