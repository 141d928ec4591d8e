"""How other services reach `audit`, and the errors they may meet there."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.audit.rules import evidence
from services.audit.rules.entry import NoSuchFact
from services.audit.rules.evidence import EvidenceTooLarge, NotADocument, NotYourDuty
from services.audit.schemas.answers import (
    EvidenceFileView,
    EvidenceView,
    FactBeaconView,
    FactPlaceView,
    ProofView,
    ProvenEntryView,
)
from shared.ids import FactId
from shared.rest import OnBehalf, RestClient

__all__ = [
    "AuditClient", "Evidence", "EvidenceTooLarge", "LoggedEntry", "NoSuchFact", "NotADocument", "NotYourDuty",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """A leaf as it stands in the log, and the hashes that lead from it to the checkpoint's root; none while pending."""

    index: int
    leaf: str
    state: str
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the log has about some objects, under one checkpoint. `pending`: the entries that it does not sign yet."""

    entries: tuple[LoggedEntry, ...]
    proofs: Mapping[int, str]
    checkpoint: str | None
    pending: tuple[int, ...]
    completeness: ProofView | None


class AuditClient(RestClient):
    errors = (NoSuchFact, NotYourDuty, EvidenceTooLarge)

    async def entries_of(self, object_ids: Sequence[str], acting_for: OnBehalf | None = None) -> Evidence:
        """All entries about any of at most 32 objects, in order; `proofs` are C2SP tlog-proofs, by index.

        Acting for a member, those that concern its organisation too. Entries that come while this asks are in it.
        """
        first = page = await self._page(object_ids, acting_for)
        entries, pending = list(page.entries), list(page.pending)
        while page.next_after_index is not None:
            page = await self._page(object_ids, acting_for, size=first.size, after_index=page.next_after_index)
            entries, pending = entries + page.entries, pending + page.pending
        note, signed = first.checkpoint or "", [each for each in entries if each.index < first.size]
        logged = tuple(LoggedEntry(each.index, _leaf(each), each.state, tuple(each.hashes)) for each in entries)
        proofs = {each.index: _proof(each, note) for each in signed}
        return Evidence(logged, proofs, first.checkpoint, tuple(pending), first.proof)

    async def leaves_of(self, object_id: str, entries_max: int) -> Sequence[str] | None:
        """The entries about an object, in order, each as its three lines; None if there are more than so many."""
        page = await self._page([object_id], None)
        leaves, size = [_leaf(each) for each in page.entries], page.size
        while page.next_after_index is not None and len(leaves) <= entries_max:
            page = await self._page([object_id], None, size=size, after_index=page.next_after_index)
            leaves += [_leaf(each) for each in page.entries]
        return leaves if len(leaves) <= entries_max else None

    async def bundle_of(self, object_ids: Sequence[str], documents: Mapping[str, bytes] | None = None) -> bytes:
        """The same as a file for `yaosu verify`, with documents by name. Raises NotADocument,
        EvidenceTooLarge."""
        told = await self.get("/audit/v1/evidence/bundle", EvidenceFileView, objects=",".join(object_ids))
        return evidence.with_documents(b64decode(told.content), documents or {})

    async def has(self, fact_id: FactId) -> bool:
        """Whether the log has taken a fact of the asking service."""
        try:
            await self.get(f"/audit/v1/facts/{fact_id}", FactPlaceView)
        except NoSuchFact:
            return False
        return True

    async def beacon(self, fact_id: FactId) -> str | None:
        """The root, in hex, of the first checkpoint over a fact of the asking service. None while there is none."""
        try:
            return (await self.get(f"/audit/v1/facts/{fact_id}/beacon", FactBeaconView)).root
        except NoSuchFact:
            return None

    async def _page(self, object_ids: Sequence[str], acting_for: OnBehalf | None, **where: int) -> EvidenceView:
        ids = ",".join(object_ids)
        return await self.get("/audit/v1/evidence", EvidenceView, acting_for=acting_for, objects=ids, **where)


def _leaf(each: ProvenEntryView) -> str:
    return "".join(f"{line}\n" for line in (each.source, each.event, each.seal))


def _proof(each: ProvenEntryView, checkpoint: str) -> str:
    hashes = [bytes.fromhex(value) for value in each.hashes]
    return evidence.proof(each.index, hashes, checkpoint.encode()).decode()
