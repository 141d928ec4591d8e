"""Everything that is drawn by chance, drawn from one seed: ids, secrets, salts, nonces and pauses between tries.

Promises: while `drawn_from` holds, two runs of the same seed draw the same, whatever the hash seed of the process.
Does not: reach signatures by ECDSA, which draw inside the library; no fact and no row holds one, only tokens do.
"""

import os
import random
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar
from unittest.mock import patch
from uuid import UUID

Chosen = TypeVar("Chosen")


@contextmanager
def drawn_from(chance: random.Random, now: Callable[[], datetime]) -> Generator[None]:
    """Requires that nothing else in this process draws meanwhile."""
    drawn = 0
    # Of its own: SQLAlchemy draws a name by it for a query that this process has not met before, and only then.
    others = random.Random(chance.getrandbits(64))

    def uuid7() -> UUID:
        """By the time, as UUIDv7 are, and rising within one millisecond."""
        nonlocal drawn
        drawn += 1
        milliseconds = int(now().timestamp() * 1000)
        bits = (milliseconds << 80) | (0x7 << 76) | ((drawn & 0xFFF) << 64) | (0b10 << 62) | chance.getrandbits(62)
        return UUID(int=bits)

    def token_bytes(nbytes: int | None = None) -> bytes:
        return chance.randbytes(32 if nbytes is None else nbytes)

    def token_hex(nbytes: int | None = None) -> str:
        return token_bytes(nbytes).hex()

    def token_urlsafe(nbytes: int | None = None) -> str:
        return urlsafe_b64encode(token_bytes(nbytes)).rstrip(b"=").decode()

    def choice(sequence: Sequence[Chosen]) -> Chosen:
        return chance.choice(sequence)

    instead: list[tuple[Any, str, object]] = [
        (secrets, "token_bytes", token_bytes), (secrets, "token_hex", token_hex),
        (secrets, "token_urlsafe", token_urlsafe), (secrets, "choice", choice),
        (secrets, "randbelow", chance.randrange),
        (os, "urandom", others.randbytes), (random, "uniform", chance.uniform), (random, "random", chance.random),
    ]  # fmt: skip
    patches = [patch("shared.ids.uuid7", uuid7), *(patch.object(*each) for each in instead)]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in reversed(patches):
            each.stop()
