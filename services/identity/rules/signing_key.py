"""Contract-signing keys: with which an organisation signs, and by which others check it.

Promises: a key belongs to one organisation for ever; a key that would let anyone sign is not taken; what was revoked
signs nothing more and stays on record, so that old signatures can still be checked.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shared.errors import Conflict, Malformed, NotFound
from shared.ids import KeyId, ParticipantId

ACTIVE_KEYS_MAX = 10
# The y coordinates of the points of small order, and of two of them in a second spelling: a signature of zeros verifies
# under such a key for messages that nobody signed (RFC 8032 does not forbid them; Chalkias et al. 2020, table 1).
SMALL_ORDER = frozenset(
    bytes.fromhex(encoded)
    for encoded in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The public half. `public_key` is base64 of 32 bytes (RFC 8032)."""

    id: KeyId
    participant_id: ParticipantId
    algorithm: Literal["ed25519"]
    public_key: str
    registered_at: datetime
    revoked_at: datetime | None = None


class NoSuchKey(NotFound):
    """Your organisation has no such signing key."""


class KeyTaken(Conflict):
    """This key is registered already; make a new one."""


class WeakKey(Malformed):
    """Under this key signatures verify that nobody made; make a new one."""


class TooManyKeys(Conflict):
    """Your organisation has as many signing keys as are allowed; revoke one."""


class KeyRevoked(Conflict):
    """This key is revoked already."""


def register(
    key_id: KeyId, participant_id: ParticipantId, raw: bytes, public_key: str, active_keys: int, now: datetime
) -> SigningKey:
    """Requires that `public_key` is `raw` in base64, and the number of the organisation's keys that are not revoked."""
    require_strong(raw)
    if active_keys >= ACTIVE_KEYS_MAX:
        raise TooManyKeys(active_keys_max=ACTIVE_KEYS_MAX)
    return SigningKey(key_id, participant_id, "ed25519", public_key, now)


def require_strong(raw: bytes) -> None:
    """Raises WeakKey for an Ed25519 key under which signatures verify that nobody made."""
    if raw[:-1] + bytes([raw[-1] & 0x7F]) in SMALL_ORDER:
        raise WeakKey()


def revoke(key: SigningKey, now: datetime) -> SigningKey:
    if key.revoked_at is not None:
        raise KeyRevoked()
    return replace(key, revoked_at=now)
