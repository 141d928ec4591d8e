"""The keys of pseudonyms: one for each version and use, derived from the platform's, and what it is spread over.

Promises: equal values have equal pseudonyms under one key, and unrelated ones under two; nobody without the key can try
values out, however few there are; a key's name tells nothing of it.
Does not: anonymise. Whoever holds the key can tell who is meant (PIPL art. 73(3)); the platform alone holds it.
Sources: RFC 2104 (HMAC), RFC 5869 section 2.3 (deriving by a label), GB/T 37964-2019 (pseudonymisation).
"""

import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from shared.ids import VersionId

BLOCK_BYTES = 64  # of SHA-256
SHIFT_DAYS_MIN, SHIFT_DAYS_MAX = 30, 395


class Purpose(StrEnum):
    """Files and samples are pseudonymised apart, so that a sample says nothing of a file bought by another."""

    DELIVERY = "delivery"
    SAMPLE = "sample"


@dataclass(frozen=True, slots=True)
class PseudonymKey:
    """A derived key. Its bytes are never printed."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Names the key without telling it."""
        return hmac.new(self.secret, b"name of the key", sha256).hexdigest()[:16]

    @property
    def pads(self) -> tuple[bytes, bytes]:
        """HMAC's outer and inner pad: with them SQL computes HMAC-SHA-256 by two hashes."""
        block = self.secret.ljust(BLOCK_BYTES, b"\0")
        return bytes(byte ^ 0x5C for byte in block), bytes(byte ^ 0x36 for byte in block)

    @property
    def shift_days(self) -> int:
        """By how many days dates are moved back. One date that is known from elsewhere gives it away."""
        drawn = int.from_bytes(hmac.new(self.secret, b"shift of dates", sha256).digest()[:8], "big")
        return -(SHIFT_DAYS_MIN + drawn % (SHIFT_DAYS_MAX - SHIFT_DAYS_MIN + 1))


def key_for(platform_key: bytes, version_id: VersionId, purpose: Purpose) -> PseudonymKey:
    """The key of a version's pseudonyms for one use."""
    label = f"yaosu pseudonyms\n{version_id}\n{purpose}".encode()
    return PseudonymKey(hmac.new(platform_key, label, sha256).digest())
