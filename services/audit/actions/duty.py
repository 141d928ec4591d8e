"""What happens when a service asks for entries: only one whose duty it is, and never more than who it acts for sees.

Trading attaches the platform's own evidence to a dispute: the entries of its objects, each with its proof; an entry
that no checkpoint signs yet is told as pending, never dropped. Whoever reported a fact may ask where it stands.
"""

from base64 import b64encode
from collections.abc import Sequence

from services.audit.actions import answering, evidence, proving
from services.audit.actions.audit import Audit
from services.audit.actions.reading import INDEX_MAX, NoCheckpoint, Reached, presented_size, reached_of
from services.audit.events.log import QueryAnswered
from services.audit.rules import checkpoint, entry
from services.audit.rules.entry import NoSuchFact
from services.audit.rules.evidence import EvidenceTooLarge, NotYourDuty, require_duty
from services.audit.rules.question import AboutSubjects, about_objects
from services.audit.schemas.answers import (
    EvidenceFileView,
    EvidenceView,
    FactBeaconView,
    FactPlaceView,
    ProofView,
    ProvenEntryView,
)
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import entry as entry_store
from services.audit.store import log as log_store
from services.audit.store.entry import StoredEntry
from shared.access import ServiceCaller
from shared.database import Transaction
from shared.errors import Unavailable
from shared.ids import FactId

FILE_BYTES_MAX = 16 * 1024 * 1024


class NotSignedYet(Unavailable):
    """No checkpoint signs the log yet; try again."""


async def entries_of(
    audit: Audit, caller: ServiceCaller, object_ids: Sequence[str], size: int | None, after_index: int, limit: int
) -> EvidenceView:
    """The next entries about any of the objects, under the checkpoint of that size, or the newest.

    Of a member that the service acts for, only the entries that concern its organisation too; then there is no proof
    that these are all.
    """
    require_duty(caller.name)
    await audit.sequencer.begin()
    question = about_objects(*object_ids)
    async with audit.database.read() as tx:
        secret, signed = (await log_store.head(tx)).link_secret, await _signed(audit, tx, size)
        filed_under = [frozenset(entry.back_link_key(secret, each.role, each.name) for each in question.subjects)]
        if caller.acting_for:
            own = caller.acting_for.participant_id
            filed_under.append(frozenset(entry.back_link_key(secret, role, own) for role in ("org", "obj")))
        found = await entry_store.find_entries(tx, filed_under, None, range(after_index + 1, INDEX_MAX), limit + 1)
        shown = found[:limit]
        is_first = after_index < 0 and size is None and caller.acting_for is None
        proof = await _proof(audit, tx, question) if is_first and signed else None
        reached = Reached(signed[0] if signed else 0, await checkpoint_store.witnessed_size(tx))
        entries = await _proven(tx, shown, reached)
    signed_size, checkpoint = (signed[0], signed[1].decode()) if signed else (0, None)
    fact = QueryAnswered(str(question), signed_size, len(shown), *_ends(shown))
    async with audit.database.transaction() as tx:
        await audit.outbox.record(tx, caller.actor, await audit.database.now(tx), fact)
    return EvidenceView(
        size=signed_size, checkpoint=checkpoint, entries=entries, proof=proof,
        pending=[each.index for each in shown if each.index >= signed_size],
        next_after_index=shown[-1].index if len(found) > limit else None,
    )  # fmt: skip


async def bundle_of(audit: Audit, caller: ServiceCaller, object_ids: Sequence[str]) -> EvidenceFileView:
    """The evidence bundle of the objects, without the entries of others that came after the map."""
    require_duty(caller.name)
    if caller.acting_for:
        raise NotYourDuty(service=caller.name)
    async with audit.database.read() as tx:
        if await checkpoint_store.newest_checkpoint(tx) is None:
            raise NotSignedYet(retry_after_seconds=1)
    content = b""
    async for member in await evidence.export(audit, caller.actor, about_objects(*object_ids)):
        content += member
        if len(content) > FILE_BYTES_MAX:
            raise EvidenceTooLarge(bytes_max=FILE_BYTES_MAX)
    return EvidenceFileView(content=b64encode(content).decode())


async def place_of(audit: Audit, caller: ServiceCaller, fact_id: FactId) -> FactPlaceView:
    """Where a fact of the asking service stands. Raises NoSuchFact."""
    async with audit.database.read() as tx:
        index, reached = await entry_store.place_of_fact(tx, caller.name, fact_id), await reached_of(tx)
    if index is None:
        raise NoSuchFact()
    return FactPlaceView(index=index, state=reached.state_of(index))


async def beacon_of(audit: Audit, caller: ServiceCaller, fact_id: FactId) -> FactBeaconView:
    """The first checkpoint over a fact of the asking service, the same whenever it is asked for. Raises NoSuchFact."""
    async with audit.database.read() as tx:
        if await entry_store.place_of_fact(tx, caller.name, fact_id) is None:
            raise NoSuchFact()
        signed = await checkpoint_store.first_checkpoint_with(tx, fact_id)
    if signed is None:
        return FactBeaconView(size=None, root=None)
    root = checkpoint.parse_checkpoint(checkpoint.parse_note(signed.note.decode()).text).root
    return FactBeaconView(size=signed.size, root=root.hex())


async def _signed(audit: Audit, tx: Transaction, size: int | None) -> tuple[int, bytes] | None:
    """Size and note of the checkpoint; None if nothing is signed yet. Raises NoCheckpoint for a size that never was."""
    shown = await presented_size(audit, tx) if size is None else size
    note = await checkpoint_store.checkpoint_note(tx, shown) if shown else None
    if note is None and size:
        raise NoCheckpoint(size=size)
    return (shown, note) if shown and note else None


async def _proof(audit: Audit, tx: Transaction, question: AboutSubjects) -> ProofView:
    view = await answering.view_of(audit, tx, None)
    return await answering.proof_of(tx, view, await answering.scope_of(tx, view, question), question)


async def _proven(tx: Transaction, shown: Sequence[StoredEntry], reached: Reached) -> list[ProvenEntryView]:
    size = reached.signed_size
    proofs = await proving.inclusion(tx, [each.index for each in shown if each.index < size], size)
    return [answering.proven_entry(each, proofs.get(each.index), reached) for each in shown]


def _ends(shown: Sequence[StoredEntry]) -> tuple[int | None, int | None]:
    return (shown[0].index, shown[-1].index) if shown else (None, None)
