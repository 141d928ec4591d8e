"""What happens to a complaint: filed by anyone, handled by officials, escalated by time.

Promises: filing asks nothing about what it names, so that no answer tells whether there is such a thing; its sender is
in no fact; the same filing under the same key is one complaint, with the same code; what is upheld against somebody
enters their record in the same commit.
"""

import secrets
from dataclasses import dataclass

from services.trading.actions import credit_record
from services.trading.actions.trading import Trading
from services.trading.actions.working_day import due_in
from services.trading.events.supervision import (
    ComplaintAccepted,
    ComplaintClosed,
    ComplaintDecided,
    ComplaintEscalated,
    ComplaintFact,
    ComplaintInvestigated,
    ComplaintParticularsErased,
    ComplaintReceived,
    ComplaintRejected,
)
from services.trading.rules import complaint as rules
from services.trading.rules import credit_record as credit_rules
from services.trading.rules.complaint import About, Complaint, Kind, NoSuchComplaint, Rejection
from services.trading.rules.supervision import SUPERVISION
from services.trading.store import complaint as store
from services.trading.store.complaint import Particulars
from shared.access import Caller, Role
from shared.facts import SALT_BYTES, Actor, Fact, commit
from shared.idempotency import Once
from shared.ids import ComplaintId, ParticipantId
from shared.web import Page

ANONYMOUS = Actor("anonymous", "anonymous")


@dataclass(frozen=True, slots=True)
class Filed:
    """What someone says is wrong, as they sent it."""

    kind: Kind
    about: About | None
    narrative: str
    contact: str | None
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A complaint as its sender sees it, with the code that shows it to them."""

    complaint: Complaint
    code: str


async def file(trading: Trading, caller: Caller | None, filed: Filed, once: Once) -> Receipt:
    """Take a complaint in. Only its commitments go into the log; the code is never kept."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Complaint):
            kept = await store.particulars(tx, earlier.id)
            if kept is None:
                raise NoSuchComplaint()
            return Receipt(earlier, rules.code_of(bytes.fromhex(kept.code_salt)))
        now = await trading.database.now(tx)
        sender, most = _sender(caller)
        count = rules.counted(await store.count_for_update(tx, sender, now), most, now)
        await store.save_count(tx, sender, count)
        complainant_id = caller.participant_id if caller else None
        due = due_in(SUPERVISION.acceptance_days, now)
        complaint = rules.receive(
            ComplaintId.new(), filed.kind, filed.about, filed.evidence, complainant_id, due, now
        )  # fmt: skip
        salt, code_salt = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(SALT_BYTES)
        particulars = Particulars(filed.narrative, filed.contact, salt.hex(), code_salt.hex())
        await store.add_complaint(tx, complaint, particulars)
        await once.remember(tx, complaint)
        await trading.outbox.record(tx, ANONYMOUS, now, _received(complaint, filed, salt))
    return Receipt(complaint, rules.code_of(code_salt))


async def receipt(trading: Trading, complaint_id: ComplaintId, code: str) -> Complaint:
    """How a complaint stands, for whoever has its code. A wrong code is as good as no complaint."""
    async with trading.database.read() as tx:
        kept = await store.particulars(tx, complaint_id)
        salt = bytes.fromhex(kept.code_salt) if kept else bytes(SALT_BYTES)
        if not rules.is_code(code, salt) or kept is None:
            raise NoSuchComplaint()
        return await store.complaint(tx, complaint_id)


async def accept(trading: Trading, caller: Caller, complaint_id: ComplaintId, once: Once) -> Complaint:
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Complaint):
            return earlier
        rules.require_independent(caller.participant_id)
        complaint = await store.complaint(tx, complaint_id, lock=True)
        now = await trading.database.now(tx)
        due = due_in(SUPERVISION.decision_days, now)
        complaint = rules.accept(complaint, by_regulator=_is_regulator(caller), due=due)
        await store.save_complaint(tx, complaint, rules.erased_from(complaint, SUPERVISION, now))
        await once.remember(tx, complaint)
        await trading.outbox.record(tx, caller.actor, now, ComplaintAccepted.of(complaint))
    return complaint


async def reject(
    trading: Trading, caller: Caller, complaint_id: ComplaintId, ground: Rejection, reason: str, once: Once
) -> Complaint:
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Complaint):
            return earlier
        rules.require_independent(caller.participant_id)
        complaint = await store.complaint(tx, complaint_id, lock=True)
        now = await trading.database.now(tx)
        complaint = rules.reject(complaint, by_regulator=_is_regulator(caller), ground=ground, reason=reason)
        await store.save_complaint(tx, complaint, rules.erased_from(complaint, SUPERVISION, now))
        await once.remember(tx, complaint)
        await trading.outbox.record(tx, caller.actor, now, ComplaintRejected.of(complaint))
    return complaint


async def investigate(trading: Trading, caller: Caller, complaint_id: ComplaintId, once: Once) -> Complaint:
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Complaint):
            return earlier
        rules.require_independent(caller.participant_id)
        complaint = await store.complaint(tx, complaint_id, lock=True)
        now = await trading.database.now(tx)
        complaint = rules.investigate(complaint, by_regulator=_is_regulator(caller))
        await store.save_complaint(tx, complaint, rules.erased_from(complaint, SUPERVISION, now))
        await once.remember(tx, complaint)
        await trading.outbox.record(tx, caller.actor, now, ComplaintInvestigated.of(complaint))
    return complaint


@dataclass(frozen=True, slots=True)
class Decision:
    """What an official finds. `respondent_id`: against whom, if anyone of this market."""

    upheld: bool
    reason: str
    respondent_id: ParticipantId | None


async def decide(trading: Trading, caller: Caller, complaint_id: ComplaintId, told: Decision, once: Once) -> Complaint:
    """Upheld against a participant, it stands on their record from this commit on."""
    if told.respondent_id is not None and trading.standing.known(told.respondent_id) is None:
        raise rules.NoSuchRespondent()
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Complaint):
            return earlier
        rules.require_independent(caller.participant_id)
        complaint = await store.complaint(tx, complaint_id, lock=True)
        now = await trading.database.now(tx)
        complaint = rules.decide(
            complaint, by_regulator=_is_regulator(caller), upheld=told.upheld, reason=told.reason,
            respondent_id=told.respondent_id, due=due_in(SUPERVISION.closing_days, now),
        )  # fmt: skip
        await store.save_complaint(tx, complaint, rules.erased_from(complaint, SUPERVISION, now))
        facts: list[Fact] = [ComplaintDecided.of(complaint)]
        if complaint.respondent_id is not None:
            kind, by = credit_rules.kind_of(complaint), caller.subject
            facts += await credit_record.enter(tx, complaint.respondent_id, kind, complaint.id, now, entered_by=by)
        await once.remember(tx, complaint)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return complaint


async def pass_deadline(trading: Trading, complaint_id: ComplaintId) -> None:
    """Close what was decided, and hand on what was not, if nobody has yet."""
    async with trading.database.transaction() as tx:
        complaint = await store.complaint(tx, complaint_id, lock=True)
        now = await trading.database.now(tx)
        if not rules.is_overdue(complaint, now):
            return
        complaint = rules.pass_deadline(complaint, due_in(SUPERVISION.escalation_days, now))
        await store.save_complaint(tx, complaint, rules.erased_from(complaint, SUPERVISION, now))
        fact: type[ComplaintFact] = ComplaintClosed if complaint.state is rules.CLOSED else ComplaintEscalated
        await trading.outbox.record(tx, trading.outbox.itself, now, fact.of(complaint))


async def erase(trading: Trading, complaint_id: ComplaintId) -> None:
    """Erase what is personal of a complaint whose term is over, if nobody has yet. Its state and its facts stay, and
    nothing opens the commitments in them any more."""
    async with trading.database.transaction() as tx:
        now = await trading.database.now(tx)
        if await store.erase_particulars(tx, complaint_id, now):
            erased = ComplaintParticularsErased(complaint_id)
            await trading.outbox.record(tx, trading.outbox.itself, now, erased)


async def complaint(
    trading: Trading, caller: Caller, complaint_id: ComplaintId
) -> tuple[Complaint, Particulars | None]:
    """For those who handle it: with its words, until they are erased."""
    rules.require_independent(caller.participant_id)
    async with trading.database.read() as tx:
        return await store.complaint(tx, complaint_id), await store.particulars(tx, complaint_id)


async def complaints(trading: Trading, caller: Caller, page: Page) -> list[Complaint]:
    rules.require_independent(caller.participant_id)
    async with trading.database.read() as tx:
        return await store.page_of_complaints(tx, page)


def _received(complaint: Complaint, filed: Filed, salt: bytes) -> ComplaintReceived:
    who = complaint.complainant_id
    return ComplaintReceived(
        complaint.id, complaint.kind, complaint.evidence,
        commit("about", filed.about, salt) if filed.about else None, commit("narrative", filed.narrative, salt),
        commit("contact", filed.contact, salt) if filed.contact else None,
        commit("complainant", who, salt) if who else None, complaint.deadline, complaint.provisional,
        complaint.revision,
    )  # fmt: skip


def _sender(caller: Caller | None) -> tuple[str, int]:
    """Whose complaints are counted together, and how many an hour may have."""
    if caller is None:
        return "anonymous", SUPERVISION.complaints_anonymous_max
    return caller.subject, SUPERVISION.complaints_by_member_max


def _is_regulator(caller: Caller) -> bool:
    return Role.REGULATOR in caller.roles
