"""The port to the log: what it says of a fact, and everything that it holds on a contract, with proofs.

Whoever puts the service together connects it. Without one (`NO_LOG`), a notice counts as proven once it is read, an
evidence file holds what trading itself keeps, and a draw goes without a checkpoint.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.audit.client import AuditClient, EvidenceTooLarge
from shared.ids import ContractId, EntitlementId, FactId

NO_BEACON = ""


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """A leaf of the log as it stands there, and how it leads to a signed checkpoint (RFC 6962)."""

    index: int
    leaf: str
    proof: tuple[str, ...]  # hashes in hex, from the leaf to the root
    checkpoint: str


class EvidenceLog(Protocol):
    async def has(self, fact_id: FactId) -> bool:
        """Whether the log holds the fact."""
        ...

    async def entries_of(self, contract_id: ContractId) -> Sequence[LoggedEntry]:
        """All that the log holds on a contract, in its order."""
        ...

    async def bundle_of(self, about: Sequence[str], documents: Mapping[str, bytes]) -> bytes | None:
        """All that the log holds on some things as a file that anyone checks offline (`yaosu verify`), with documents
        by name whose hashes the entries name. None where there is no log, or too much of it for one file."""
        ...

    async def leaves_of(self, entitlement_id: EntitlementId, entries_max: int) -> Sequence[str] | None:
        """All that the log holds on a right, in its order. None where there is no log, or more of it."""
        ...

    async def beacon(self, fact_id: FactId) -> str | None:
        """The root of the first checkpoint over a fact: what nobody knew when it was written, the same for everyone
        who asks. None while there is none."""
        ...


class NoLog:
    async def has(self, fact_id: FactId) -> bool:
        return False

    async def entries_of(self, contract_id: ContractId) -> Sequence[LoggedEntry]:
        return ()

    async def bundle_of(self, about: Sequence[str], documents: Mapping[str, bytes]) -> bytes | None:
        return None

    async def leaves_of(self, entitlement_id: EntitlementId, entries_max: int) -> Sequence[str] | None:
        return None

    async def beacon(self, fact_id: FactId) -> str | None:
        return NO_BEACON


class AuditLog:
    """The exchange's own log. An entry that no checkpoint covers yet has no proof."""

    def __init__(self, audit: AuditClient) -> None:
        self._audit = audit

    async def has(self, fact_id: FactId) -> bool:
        return await self._audit.has(fact_id)

    async def entries_of(self, contract_id: ContractId) -> Sequence[LoggedEntry]:
        told = await self._audit.entries_of([contract_id])
        checkpoint = told.checkpoint or ""
        return [LoggedEntry(each.index, each.leaf, each.hashes, checkpoint) for each in told.entries]

    async def bundle_of(self, about: Sequence[str], documents: Mapping[str, bytes]) -> bytes | None:
        try:
            return await self._audit.bundle_of(about, documents)
        except EvidenceTooLarge:
            return None

    async def leaves_of(self, entitlement_id: EntitlementId, entries_max: int) -> Sequence[str] | None:
        return await self._audit.leaves_of(entitlement_id, entries_max)

    async def beacon(self, fact_id: FactId) -> str | None:
        return await self._audit.beacon(fact_id)


NO_LOG: EvidenceLog = NoLog()
