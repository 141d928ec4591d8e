"""Keys with which an organisation's programs show who they are, instead of with a secret (RFC 7523, private_key_jwt).

Promises: a key belongs to one program for ever; an assertion counts for the client that signed it, here and nowhere
else, for at most five minutes, and once. Its audience is our issuer, exactly and alone: one meant for another server,
or for several, could have been lent to us by the other (RFC 7523, RFC 10070).
Does not: verify a signature.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from shared.errors import Conflict, NotFound
from shared.ids import ApiClientId, ClientKeyId

Algorithm = Literal["ES256", "EdDSA"]
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME_MAX = timedelta(minutes=5)
LEEWAY = timedelta(seconds=30)
JTI_LENGTH_MAX = 256
ACTIVE_KEYS_MAX = 5
HEADER_TYPES = frozenset({"JWT", "client-authentication+jwt"})


@dataclass(frozen=True, slots=True)
class ClientKey:
    """The public half. `public_key` is a JWK with its required members only, in order and without blanks."""

    id: ClientKeyId
    client_id: ApiClientId
    algorithm: Algorithm
    public_key: str
    registered_at: datetime
    revoked_at: datetime | None = None

    @property
    def thumbprint(self) -> str:
        """The `kid` that an assertion names (RFC 7638)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.public_key.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a program says of itself, once it is known who signed it."""

    client_id: str
    jti: str
    expires_at: datetime


class NoSuchClientKey(NotFound):
    """This client has no such key, or you may not see it."""


class ClientKeyTaken(Conflict):
    """This key is registered already; make a new one."""


class ClientKeyRevoked(Conflict):
    """This key is revoked already."""


class TooManyClientKeys(Conflict):
    """This client has as many keys as are allowed; revoke one."""


class NotAsserted(ValueError):
    """This is no assertion for us, of this client, now. What is wrong with it is for the log only."""


def register(
    key_id: ClientKeyId, client_id: ApiClientId, algorithm: Algorithm, public_key: str, active_keys: int, now: datetime
) -> ClientKey:
    """Requires the number of the client's keys that are not revoked."""
    if active_keys >= ACTIVE_KEYS_MAX:
        raise TooManyClientKeys(active_keys_max=ACTIVE_KEYS_MAX)
    return ClientKey(key_id, client_id, algorithm, public_key, now)


def revoke(key: ClientKey, now: datetime) -> ClientKey:
    if key.revoked_at is not None:
        raise ClientKeyRevoked()
    return replace(key, revoked_at=now)


def key_id_of(header: Mapping[str, Any]) -> str:
    """The thumbprint that a header names. Raises NotAsserted for one with anything more in it than it needs."""
    key_id = header.get("kid")
    if not isinstance(key_id, str) or header.keys() - {"alg", "kid", "typ"}:
        raise NotAsserted("header")
    if "typ" in header and header["typ"] not in HEADER_TYPES:
        raise NotAsserted("typ")
    return key_id


def asserted(
    header: Mapping[str, Any], claims: Mapping[str, Any], key: ClientKey, issuer: str, now: datetime
) -> Assertion:
    """What the claims assert. Requires that `key` verifies the signature; raises NotAsserted if they are not for us."""
    if header.get("alg") != key.algorithm:
        raise NotAsserted("alg")
    if claims.get("iss") != key.client_id or claims.get("sub") != key.client_id:
        raise NotAsserted("sub")
    if claims.get("aud") != issuer:
        raise NotAsserted("aud")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= JTI_LENGTH_MAX:
        raise NotAsserted("jti")
    _require_now(claims, int(now.timestamp()))
    return Assertion(key.client_id, jti, datetime.fromtimestamp(claims["exp"], now.tzinfo))


def _require_now(claims: Mapping[str, Any], now: int) -> None:
    """Raises NotAsserted for times that are no whole seconds, past, or further ahead than an assertion may live."""
    leeway, lifetime = int(LEEWAY.total_seconds()), int(ASSERTION_LIFETIME_MAX.total_seconds())
    for name in {"exp", "iat", "nbf"} & (claims.keys() | {"exp"}):
        if type(claims.get(name)) is not int:
            raise NotAsserted(name)
    if not now < claims["exp"] <= now + lifetime:
        raise NotAsserted("exp")
    if "iat" in claims and not claims["exp"] - lifetime <= claims["iat"] <= now + leeway:
        raise NotAsserted("iat")
    if claims.get("nbf", now) > now + leeway:
        raise NotAsserted("nbf")
