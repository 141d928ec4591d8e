"""Tokens: who is given one, for how long, and when a refresh token is good no more.

Owns: the grants (RFC 6749) and their lifetimes; the family that all refresh tokens of one log-in form; the refusals.
Promises: a refresh token is good once; one that comes a second time ends its whole family, because one of the two who
had it stole it (RFC 9700 4.14.2); every refusal of a log-in has one shape, whatever was wrong.
Does not: sign anything, or see a password.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import Failure, NotFound, Unauthenticated, Unreadable
from shared.ids import TokenFamilyId, UserId

ACCESS_LIFETIME = timedelta(minutes=10)
SERVICE_LIFETIME = timedelta(minutes=5)
REFRESH_LIFETIME = timedelta(hours=12)  # since the last use
FAMILY_LIFETIME = timedelta(days=7)  # since the log-in
# How strong a log-in was (`acr`), by how it was done (`amr`). A recovery code lets its owner in to enrol anew; on paper
# for years, it does not make an act that needs a fresh second factor.
STRENGTHS = {"password": "password", "recovery_code": "password", "totp": "totp", "private_key_jwt": "key"}


class Grant(StrEnum):
    PASSWORD = "password"
    CLIENT_CREDENTIALS = "client_credentials"
    REFRESH_TOKEN = "refresh_token"
    STEP_UP = "step_up"  # a log-in again, within a session (RFC 9470)


@dataclass(frozen=True, slots=True)
class Family:
    """All refresh tokens that came of one log-in: a session. A step-up authenticates it again, a refresh does not."""

    id: TokenFamilyId
    user_id: UserId
    authenticated_by: str
    expires_at: datetime
    revoked_at: datetime | None = None
    authenticated_at: datetime | None = None  # none where the log-in was before this was kept

    def is_alive(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """Kept as a digest: whoever reads the table cannot use what is in it."""

    digest: bytes
    family_id: TokenFamilyId
    expires_at: datetime
    consumed_at: datetime | None = None


class Redemption(StrEnum):
    """What comes of a refresh token that is presented."""

    ROTATED = "rotated"  # good: it is consumed, and the next one given
    REUSED = "reused"  # it was good once: the family ends
    REFUSED = "refused"  # too late, or the family has ended before


class OAuthRefusal(Failure):
    """Told like any other error, with the `error` member beside it that an OAuth client looks for (RFC 6749 5.2)."""

    def __init__(self, **facts: object) -> None:
        super().__init__(**{"error": self.code()} | facts)


class InvalidGrant(OAuthRefusal, Unauthenticated):
    """These credentials are not valid."""


class InvalidClient(OAuthRefusal, Unauthenticated):
    """This client is not known, or what it brought does not show that it is that client."""


class NoSuchSession(NotFound):
    """You have no such session, or it has ended."""


class UnsupportedGrantType(OAuthRefusal, Unreadable):
    """The grant types are password, client_credentials, refresh_token and step_up."""


class InvalidRequest(OAuthRefusal, Unreadable):
    """The form lacks a field, has one twice, or has one that this grant does not take."""


def begin(family_id: TokenFamilyId, user_id: UserId, authenticated_by: str, now: datetime) -> Family:
    return Family(family_id, user_id, authenticated_by, now + FAMILY_LIFETIME, authenticated_at=now)


def step_up(family: Family, authenticated_by: str, now: datetime) -> Family:
    """The session authenticated afresh; it lives no longer for it. Requires that all a log-in needs has come again."""
    return replace(family, authenticated_by=authenticated_by, authenticated_at=now)


def next_token(family: Family, secret: str, now: datetime, idle_max: timedelta | None = None) -> RefreshToken:
    """Requires 256 random bits. Never outlives its family, nor the time for which its session may be idle."""
    return RefreshToken(digest_of(secret), family.id, min(now + (idle_max or REFRESH_LIFETIME), family.expires_at))


def redeem(family: Family, token: RefreshToken, now: datetime) -> Redemption:
    """What comes of the token now. Requires that it is of this family, and that no one else decides on that."""
    if family.revoked_at is not None:
        return Redemption.REFUSED
    if token.consumed_at is not None:
        return Redemption.REUSED
    if now >= token.expires_at:
        return Redemption.REFUSED
    return Redemption.ROTATED


def digest_of(secret: str) -> bytes:
    """Requires 256 random bits: only these make a plain hash safe."""
    return hashlib.sha256(secret.encode()).digest()
