"""What the acts of `identity` need, and how passwords are hashed."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache

from pwdlib.hashers import HasherProtocol
from pydantic import SecretStr

from services.identity.rules.dormancy import Limits
from services.identity.rules.merchant import MerchantClass
from services.identity.rules.profile import Profile
from services.identity.verification import Verification
from shared import facts
from shared.access import TokenIssuer
from shared.changes import Source
from shared.clock import Clock
from shared.database import Database
from shared.disclosing import Disclosures
from shared.errors import Unavailable
from shared.facts import Commitment
from shared.outbox import Outbox
from shared.sealing import MasterKey

HASHES_AT_ONCE_MAX = 4  # each takes 64 MiB and most of a core for a fifth of a second
HASHES_WAITING_MAX = 64


class HashingBusy(Unavailable):
    """Too many are logging in at this moment; try again."""


class Passwords:
    """Hashes and compares passwords, off the event loop and a few at a time, in the same time for all."""

    def __init__(self, hasher: HasherProtocol) -> None:
        self._hasher = hasher
        self._nobodys = cache(lambda: hasher.hash("compared with where there is no user"))
        self._slots = asyncio.Semaphore(HASHES_AT_ONCE_MAX)
        self._asking = 0

    async def hash(self, password: str) -> str:
        async with self._slot():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the one that was hashed. Takes as long where there is no hash."""
        async with self._slot():
            same = await asyncio.to_thread(self._is_of, password, password_hash)
        return same and password_hash is not None

    def _is_of(self, password: str, password_hash: str | None) -> bool:
        nobodys = self._nobodys()  # made for whoever comes first, known here or not
        return self._hasher.verify(password, password_hash or nobodys)

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(password_hash)

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        if self._asking >= HASHES_AT_ONCE_MAX + HASHES_WAITING_MAX:
            raise HashingBusy(retry_after_seconds=2)
        self._asking += 1
        try:
            async with self._slots:
                yield
        finally:
            self._asking -= 1


@dataclass(frozen=True, slots=True)
class Identity:
    database: Database
    outbox: Outbox
    clock: Clock
    issuer: TokenIssuer
    issuer_name: str
    passwords: Passwords
    service_secrets: Mapping[str, SecretStr]
    pseudonym_key: bytes = field(repr=False)
    disclosures: Disclosures
    factor_key: MasterKey  # what second factors are sealed under
    recovery_key: bytes = field(repr=False)
    second_factor_required_of: str  # nobody, staff or everyone
    log_ins_per_network_max: int
    verification: Verification
    profile: Profile
    sponsored_classes: frozenset[MerchantClass]
    dormancy: Limits
    trading_feed: Source

    def commitment_to(self, login: str) -> Commitment:
        """Stands for a name that nobody has: the same for the same name, and to be opened by this service alone."""
        salt = hmac.new(self.pseudonym_key, login.encode(), hashlib.sha256).digest()
        return facts.commit("login", login, salt)
