"""What happens when an organisation shows its documents, and when an operator for security checks them.

Promises: whoever knows an organisation from outside is asked before the transaction; a check and what follows from it
for the participant are one commit; a person's credential goes no further than to whoever verifies it.
"""

from collections.abc import Awaitable, Sequence
from datetime import datetime

from pydantic import SecretStr

from services.identity.actions import sponsorship
from services.identity.actions.account import recall_for, require_administrator
from services.identity.actions.identity import Identity
from services.identity.actions.participant import require_visible
from services.identity.actions.sending import Filed
from services.identity.events.participants import (
    DocumentChecked,
    DocumentEnded,
    DocumentFiled,
    ParticipantSuspended,
    VerificationShortened,
)
from services.identity.rules import document as rules
from services.identity.rules import participant as participant_rules
from services.identity.rules.document import FILED, VERIFIED, Check, Document, Kind, Method
from services.identity.rules.merchant import Catalogue, catalogue_at
from services.identity.rules.participant import NoSuchParticipant, Participant
from services.identity.store import document as store
from services.identity.store import participant as participant_store
from services.identity.verification import Finding
from shared.access import Caller
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import DocumentId, ParticipantId
from shared.web import Page


async def file(identity: Identity, caller: Caller, participant_id: ParticipantId, filed: Filed, once: Once) -> Document:
    """Show a document; one of its kind that still waits for its check gives way. Requires an administrator."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller, once, Document):
            return earlier
        await _require_own(tx, caller, participant_id)
        participant = await participant_store.participant_for_update(tx, participant_id)
        participant_rules.require_present(participant)
        now = await identity.database.now(tx)
        document = filed.document(participant_id, now)
        facts = await _make_way(tx, participant_id, document.kind, FILED)
        await store.add_documents(tx, [document])
        await once.remember(tx, document)
        await identity.outbox.record(tx, caller.actor, now, *facts, DocumentFiled.of(document))
    return document


async def documents(identity: Identity, caller: Caller, participant_id: ParticipantId, page: Page) -> list[Document]:
    require_visible(caller, participant_id)
    async with identity.database.read() as tx:
        await participant_store.participant(tx, participant_id)
        return await store.documents_of(tx, participant_id, page.after_id(DocumentId), page.limit + 1)


async def catalogue(identity: Identity) -> Catalogue:
    """What an admission takes at this moment."""
    async with identity.database.read() as tx:
        return catalogue_at(await identity.database.now(tx))


async def check_by_hand(
    identity: Identity, caller: Caller, participant_id: ParticipantId, document_id: DocumentId, finding: Finding,
    once: Once,
) -> Document:  # fmt: skip
    """What an operator found who looked at it."""
    return await _check(identity, caller, participant_id, document_id, Method.BY_HAND, finding, once)


async def check_in_register(
    identity: Identity, caller: Caller, participant_id: ParticipantId, document_id: DocumentId, once: Once
) -> Document:
    """What the register knows of this name and credit code."""
    async with identity.database.read() as tx:
        asked = await participant_store.participant(tx, participant_id)
    finding = await identity.verification.organisation(asked.name, asked.uscc)
    return await _check(identity, caller, participant_id, document_id, Method.REGISTER, finding, once)


async def identify(
    identity: Identity, caller: Caller, participant_id: ParticipantId, credential: SecretStr, once: Once
) -> Document:
    """Have the representative's credential verified. Requires an administrator of the organisation."""
    async with identity.database.read() as tx:
        await _require_own(tx, caller, participant_id)
        asked = await participant_store.participant(tx, participant_id)
    participant_rules.require_present(asked)
    answer = identity.verification.representative(asked.uscc, credential)
    return await _identified(identity, caller, participant_id, Method.NETWORK_IDENTITY, answer, once)


async def identify_by_hand(
    identity: Identity, caller: Caller, participant_id: ParticipantId, finding: Finding, once: Once
) -> Document:
    """An operator saw the representative's papers; the result is all that is kept."""

    async def answer() -> Finding:
        return finding

    return await _identified(identity, caller, participant_id, Method.BY_HAND, answer(), once)


async def pass_deadlines(identity: Identity) -> None:
    """Let every document lapse that nobody checked, or whose worth is over."""
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        late = [rules.pass_deadline(each) for each in await store.documents_due(tx, now)]
        for document in late:
            await store.save_document(tx, document)
        await identity.outbox.record(tx, identity.outbox.itself, now, *map(DocumentEnded.of, late))


async def _check(
    identity: Identity, caller: Caller, participant_id: ParticipantId, document_id: DocumentId, method: Method,
    finding: Finding, once: Once,
) -> Document:  # fmt: skip
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, Document):
            return earlier
        participant = await participant_store.participant_for_update(tx, participant_id)
        participant_rules.require_present(participant)
        before = await store.document_for_update(tx, participant_id, document_id)
        now = await identity.database.now(tx)
        found = Check(method, finding.passed, finding.reference, caller.subject, now)
        after = rules.check(before, found, finding.reason_code)
        facts = await _make_way(tx, participant_id, after.kind, VERIFIED, but=before) if finding.passed else []
        await store.save_document(tx, after)
        facts += [DocumentChecked.of(after), *await _follow(identity, tx, participant, before, after, now)]
        await once.remember(tx, after)
        await identity.outbox.record(tx, caller.actor, now, *facts)
    return after


async def _identified(
    identity: Identity, caller: Caller, participant_id: ParticipantId, method: Method, answer: Awaitable[Finding],
    once: Once,
) -> Document:  # fmt: skip
    finding = await answer
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, Document):
            return earlier
        participant = await participant_store.participant_for_update(tx, participant_id)
        participant_rules.require_present(participant)
        now = await identity.database.now(tx)
        filed = rules.identify(DocumentId.new(), participant_id, now)
        checked_by = caller.subject if method is Method.BY_HAND else identity.outbox.itself.id
        found = Check(method, finding.passed, finding.reference, checked_by, now)
        checked = rules.check(filed, found, finding.reason_code)
        facts = await _make_way(tx, participant_id, filed.kind, VERIFIED) if finding.passed else []
        await store.add_documents(tx, [checked])
        facts += [DocumentFiled.of(filed), DocumentChecked.of(checked)]
        facts += await _follow(identity, tx, participant, filed, checked, now)
        await once.remember(tx, checked)
        await identity.outbox.record(tx, caller.actor, now, *facts)
    return checked


async def _make_way(
    tx: Transaction, participant_id: ParticipantId, kind: Kind, state: rules.State, but: Document | None = None
) -> list[Fact]:
    """End the document that stands where another is to stand."""
    earlier = await store.in_state(tx, participant_id, kind, state)
    if earlier is None or (but and earlier.id == but.id):
        return []
    replaced = rules.replace_by_newer(earlier)
    await store.save_document(tx, replaced)
    return [DocumentEnded.of(replaced)]


async def _follow(
    identity: Identity, tx: Transaction, participant: Participant, before: Document, after: Document, now: datetime
) -> Sequence[Fact]:
    followed = participant_rules.follow_check(participant, before, after, now)
    if followed == participant:
        return []
    await participant_store.save_participant(tx, followed, since=participant.revision)
    if followed.status is not participant.status:
        suspended = ParticipantSuspended(followed.id, followed.revision, followed.reason_code or "")
        return [suspended, *await sponsorship.follow_standing(identity, tx, participant, followed, now)]
    if followed.deadline != participant.deadline and followed.verified_until:
        return [VerificationShortened(followed.id, followed.revision, followed.verified_until)]
    return []


async def _require_own(tx: Transaction, caller: Caller, participant_id: ParticipantId) -> None:
    """Raises NoSuchParticipant for another's organisation, NotAdministrator for whoever does not administer it."""
    if caller.participant_id != participant_id:
        raise NoSuchParticipant()
    await require_administrator(tx, caller)
