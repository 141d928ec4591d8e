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
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from jose import JOSEError, jwk, jwt
from jose.backends.base import Key

from shared.clock import Clock
from shared.delegation import Act, Delegation
from shared.errors import Failure, Forbidden, Unauthenticated, Unavailable
from shared.facts import Actor
from shared.guard import check_json
from shared.ids import AssetId, ListingId, ParticipantId, TokenId
from shared.money import Money
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
REFRESH_INTERVAL = timedelta(seconds=30)  # how old the keys may be, and how often an unknown one is asked for
RETRY_INTERVAL = timedelta(seconds=1)
CACHE_SIZE = 10_000
SECONDS_MAX = 2**33  # what a date can hold, and more than any of ours
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
    acr: str | None = None  # how strong the log-in was: password, totp or key
    authenticated_at: datetime | None = None  # when it was, whatever was refreshed since
    session_id: str | None = None  # which log-in this is of, of a person
    good_until: datetime | None = field(default=None, compare=False)  # the token, for what goes on after the question

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
    """A caller of an admitted organisation, with its standing at this moment; or, under a delegation, one who acts for
    the principal, with what both may do."""

    caller: Caller
    standing: Standing
    delegation: Delegation | None = None

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
        if self.delegation is None:
            return self.caller.actor
        return replace(self.caller.actor, on_behalf_of=self.delegation.principal_id)

    def require_within(
        self, act: Act, now: datetime, asset_id: AssetId, listing_id: ListingId | None = None,
        amount: Money | None = None,
    ) -> None:  # fmt: skip
        """Raises OutsideDelegation if the caller acts for another, who has not delegated this."""
        if self.delegation:
            self.delegation.limits.require(act, now, asset_id, listing_id, amount)


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
    acr: str | None = None
    authenticated_at: datetime | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class OtherKeys:
    """Public keys (PEM) that are published beside the one that signs: the next one, so that everybody has it before it
    signs, and earlier ones with the moment at which each ceased to."""

    next: str | None = None
    retired: Mapping[str, datetime] = field(default_factory=dict[str, datetime])


class TokenIssuer:
    """Held by identity alone. `root` is what other secrets are derived from; without it, the key that signs."""

    def __init__(self, private_key: str, issuer: str, others: OtherKeys = OtherKeys(), root: str | None = None) -> None:
        self._key, self._issuer, self._root = private_key, issuer, root or private_key
        own = _published(public_token_key(private_key))
        self._own, self._epoch = own, 0
        self._next = [_published(others.next)] if others.next else []
        self._retired = [(_published(pem), signed_until) for pem, signed_until in others.retired.items()]

    def begin(self, epoch: int) -> None:
        """Go by the names that keys have in this epoch. One begins whenever the tables were set back to a backup: no
        token of before names a key that is known, whatever the clocks say."""
        self._epoch = epoch

    @property
    def key_id(self) -> str:
        return self._in_this_epoch(self._own)["kid"]

    @property
    def key_set(self) -> dict[str, Any]:
        return {"keys": [self._in_this_epoch(self._own)]}

    def published(self, now: datetime) -> dict[str, Any]:
        """Every key with which a token may be verified now. A retired one for as long as what it signed may live."""
        retired = [key for key, signed_until in self._retired if now < signed_until + LIFETIME_MAX + LEEWAY]
        return {"keys": [self._in_this_epoch(key) for key in (self._own, *self._next, *retired)]}

    def _in_this_epoch(self, key: dict[str, Any]) -> dict[str, Any]:
        return key | {"kid": f"{key['kid']}.{self._epoch}"} if self._epoch else key

    def derived(self, purpose: bytes) -> bytes:
        """A secret of identity's own for another purpose than tokens, the same after every start."""
        return hmac.new(self._root.encode(), purpose, hashlib.sha256).digest()

    def issue(self, claims: Claims, audience: str, now: datetime, lifetime: timedelta) -> tuple[str, TokenId]:
        """An access token (RFC 9068) and its id."""
        token_id = TokenId.new()
        issued_at = int(now.timestamp())
        body: dict[str, object] = {
            "iss": self._issuer, "aud": audience, "sub": claims.subject, "client_id": claims.client_id,
            "roles": sorted(claims.roles), "jti": token_id, "iat": issued_at,
            "exp": issued_at + int(lifetime.total_seconds()),
        }  # fmt: skip
        authenticated_at = claims.authenticated_at and int(claims.authenticated_at.timestamp())
        optional = {
            "org": claims.participant_id, "amr": claims.authenticated_by, "acr": claims.acr,
            "auth_time": authenticated_at, "sid": claims.session_id,
        }  # fmt: skip
        body |= {name: value for name, value in optional.items() if value is not None}
        return jwt.encode(body, self._key, ALGORITHM, headers={"typ": TYPE, "kid": self.key_id}), token_id


KeySet = Mapping[str, Any]
Reading = Callable[[Mapping[str, Any]], dict[str, Any]]


class Verifier:
    """Verifies with the keys that identity publishes; asks for them again when they are 30 s old, and at most so often
    on an unknown key id. While identity does not answer, the known ones serve until what they signed has expired.

    `beside` verifies what another issuer signed for people; its `reading` puts claims into our own names.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[KeySet]], issuer: str, clock: Clock,
        *, beside: "Verifier | None" = None, reading: Reading = dict,
    ) -> None:  # fmt: skip
        if not issuer:
            raise ValueError("issuer: a token of nobody in particular is a token of anybody")
        self._fetch, self._issuer, self._clock = fetch, issuer, clock
        self._beside, self._reading = beside, reading
        self._keys: dict[str, Key] = {}
        self._asking = asyncio.Lock()
        self._is_answered, self._ask_again_at = True, datetime.min.replace(tzinfo=UTC)
        self._fresh_until = self._good_until = self._ask_again_at
        self._verified: dict[tuple[bytes, str], tuple[Caller, float]] = {}

    async def caller(self, token: str, audience: str = AUDIENCE) -> Caller:
        """Whoever the token speaks for. Raises InvalidToken, in one shape, whatever is wrong with it."""
        if not audience:
            raise ValueError("audience: a token for nobody in particular is a token for anybody")
        if len(token) > TOKEN_LENGTH_MAX or not TOKEN_SHAPE.fullmatch(token):
            raise InvalidToken()
        if self._beside and audience == AUDIENCE and _issuer_told_by(token) == self._beside._issuer:
            return await self._beside.caller(token)
        moment = self._clock.now()
        if self._keys and moment >= self._fresh_until:
            await self._renew(moment)
        now = moment.timestamp()
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
        claims = self._reading(claims)
        if not _complete(claims) or claims["aud"] != audience or "nbf" in claims:
            raise InvalidToken()
        if claims["exp"] <= now or claims["iat"] > now + LEEWAY.total_seconds():
            raise InvalidToken()
        if claims["exp"] - claims["iat"] > LIFETIME_MAX.total_seconds():
            raise InvalidToken()
        if claims.get("auth_time", 0) > claims["iat"]:
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

    async def _renew(self, now: datetime) -> None:
        """Ask whether a key was taken back. One caller waits for the answer; the others go on with what is known, as
        long as that is good."""
        is_good = now < self._good_until
        if is_good and self._asking.locked():
            return
        try:
            await self._refresh()
        except Unavailable:
            if not is_good:
                raise

    async def _refresh(self) -> None:
        """Ask for the keys, unless they have just been asked for. Whoever comes meanwhile waits for the one answer."""
        async with self._asking:
            now = self._clock.now()
            if now < self._ask_again_at:
                if self._is_answered:
                    return
                raise Unavailable(service="identity", retry_after_seconds=1)
            self._is_answered, self._ask_again_at = False, now + RETRY_INTERVAL
            keys = _keys_in(await self._fetch())
            self._is_answered, self._ask_again_at = True, now + REFRESH_INTERVAL
            self._fresh_until, self._good_until = self._ask_again_at, now + LIFETIME_MAX
            known, self._keys = self._keys, keys
            if known.keys() - self._keys.keys():  # a key that was taken back vouches for nobody any more
                self._verified.clear()


def _keys_in(published: KeySet) -> dict[str, Key]:
    """The keys of a set that can be ours. Raises Unavailable for what is no key set."""
    try:
        return {
            key["kid"]: jwk.construct(key, ALGORITHM)
            for key in published["keys"]
            if key.get("kty") == "EC" and key.get("crv") == "P-256"
        }
    except (JOSEError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unavailable(service="identity", retry_after_seconds=1) from error


def _published(public_pem: str) -> dict[str, Any]:
    public: dict[str, Any] = jwk.construct(public_pem, ALGORITHM).to_dict()
    thumbprint = "".join(str(public[part]) for part in ("crv", "kty", "x", "y"))
    return public | {"use": "sig", "kid": hashlib.sha256(thumbprint.encode()).hexdigest()[:16]}


def _header(token: str) -> Mapping[str, Any]:
    """The header of a token whose header and claims have one reading each: strict JSON, no name twice."""
    try:
        for part in token.split(".")[:2]:
            check_json(base64.urlsafe_b64decode(f"{part}=="))
        return jwt.get_unverified_header(token)
    except (JOSEError, Failure, ValueError) as error:
        raise InvalidToken() from error


def _issuer_told_by(token: str) -> object:
    """Which issuer a token says it is of: only to know whose keys it has to be good under."""
    try:
        return jwt.get_unverified_claims(token).get("iss")
    except JOSEError as error:
        raise InvalidToken() from error


def _complete(claims: Mapping[str, Any]) -> bool:
    present = all(type(claims.get(name)) is kind for name, kind in CLAIMS.items())
    said = all(claims.get(name) != "" for name in CLAIMS)
    texts = (*claims["roles"], *(claims.get(name, "") for name in ("amr", "acr", "sid"))) if present else ()
    return (
        present and said and all(isinstance(text, str) for text in texts) and _is_moment(claims.get("auth_time", 0))
    )  # fmt: skip


def _is_moment(seconds: object) -> bool:
    return type(seconds) is int and 0 <= seconds < SECONDS_MAX


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
        authenticated_at, claims.get("sid"), datetime.fromtimestamp(claims["exp"], UTC),
    )  # fmt: skip
