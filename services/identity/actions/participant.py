"""What happens when an organisation applies, and when an operator decides on it: one visible transaction per act."""

from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import SecretStr

from services.identity.actions import proof, sanction, sponsorship
from services.identity.actions.identity import Identity
from services.identity.actions.sending import Filed
from services.identity.events.accounts import UserCreated
from services.identity.events.participants import (
    AffiliationDeclared,
    ClearanceChanged,
    ClearanceProposed,
    DocumentFiled,
    ParticipantAdmitted,
    ParticipantApplied,
    ParticipantExited,
    ParticipantRefused,
    ParticipantReinstated,
    ParticipantSuspended,
    VerificationDue,
)
from services.identity.rules import participant as rules
from services.identity.rules import user as user_rules
from services.identity.rules.merchant import MerchantClass
from services.identity.rules.participant import Affiliation, NoSuchParticipant, Participant, Status
from services.identity.rules.role import OPERATORS, Role
from services.identity.store import account
from services.identity.store import document as document_store
from services.identity.store import participant as store
from shared.access import Caller
from shared.facts import Actor, Fact
from shared.grades import Clearance
from shared.idempotency import Once
from shared.ids import ParticipantId, UserId
from shared.web import Page

Ending = type[ParticipantRefused | ParticipantSuspended | ParticipantExited]
DECISIONS: dict[str, tuple[Callable[[Participant, str, datetime], Participant], Ending]] = {
    "refuse":  (rules.refuse,  ParticipantRefused),
    "suspend": (rules.suspend, ParticipantSuspended),
    "exit":    (rules.leave,   ParticipantExited),
}  # fmt: skip
NOTICED: dict[Status, Ending] = {
    Status.REFUSED:   ParticipantRefused,
    Status.SUSPENDED: ParticipantSuspended,
    Status.EXITED:    ParticipantExited,
}  # fmt: skip


async def apply(
    identity: Identity, name: str, uscc: str, roles: frozenset[Role], contact: str | None,
    classes: frozenset[MerchantClass], shown: Sequence[Filed], login: str, password: SecretStr, network: str,
) -> Participant:  # fmt: skip
    """An application with its first documents, and its administrator. Once per credit code: whoever sends it again is
    told so, and whether a name is taken. How often one network may ask that is counted with the log-ins that fail
    there. Requires at most one document of each kind."""
    await proof.count_attempt_from(identity, network)
    login = user_rules.new_login(login)
    password_hash = await identity.passwords.hash(user_rules.new_password(password.get_secret_value(), login, [name]))
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        participant = rules.apply(ParticipantId.new(), name, uscc, roles, contact, classes, now)
        documents = [each.document(participant.id, now) for each in shown]
        administrator = user_rules.new_member(
            UserId.new(), login, roles, participant.id, participant.roles, is_administrator=True
        )
        await store.add_participant(tx, participant)
        await account.add_user(tx, administrator, password_hash, now)
        await document_store.add_documents(tx, documents)
        await proof.give_back_attempt(tx, network)
        # The applicant acts through the person whom the application names: nobody is logged in yet.
        actor = Actor("user", administrator.id, participant.id)
        created = UserCreated(
            administrator.id, administrator.roles, is_administrator=True, participant_id=participant.id
        )
        filed = map(DocumentFiled.of, documents)
        await identity.outbox.record(tx, actor, now, ParticipantApplied.of(participant), created, *filed)
    return participant


async def participants(identity: Identity, status: Status | None, page: Page) -> list[Participant]:
    async with identity.database.read() as tx:
        return await store.participants_in_order(tx, status, page.after_id(ParticipantId), page.limit + 1)


async def directory(
    identity: Identity, merchant_class: MerchantClass | None, page: Page
) -> list[tuple[Participant, Status]]:
    """What members may know of each other, with the status of this moment."""
    async with identity.database.read() as tx:
        now = await identity.database.now(tx)
        found = await store.directory(tx, merchant_class, page.after_id(ParticipantId), page.limit + 1)
    return [(each, rules.status_at(each, now)) for each in found]


async def sponsors(identity: Identity, page: Page) -> list[Participant]:
    """Who may vouch for others at this moment."""
    async with identity.database.read() as tx:
        now = await identity.database.now(tx)
        after = page.after_id(ParticipantId)
        return await store.sponsors(tx, identity.sponsored_classes, now, after, page.limit + 1)


async def participant(identity: Identity, caller: Caller, participant_id: ParticipantId) -> Participant:
    """One's own, or any to the platform's staff: another's is not there."""
    require_visible(caller, participant_id)
    async with identity.database.read() as tx:
        return await store.participant(tx, participant_id)


async def admit(
    identity: Identity, caller: Caller, participant_id: ParticipantId, clearance: Clearance, reason: str, once: Once
) -> Participant:
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, Participant):
            return earlier
        participant = await store.participant_for_update(tx, participant_id)
        now = await identity.database.now(tx)
        proofs = await sponsorship.proofs(identity, tx, participant, now)
        admitted = rules.admit(participant, clearance, caller.subject, proofs, now)
        if admitted.proposal:
            fact = ClearanceProposed(admitted.id, admitted.revision, clearance, reason)
        else:
            fact = ParticipantAdmitted.of(admitted, reason, now)
        admitted, bound = await sanction.bind(tx, admitted)
        await store.save_participant(tx, admitted, since=participant.revision)
        await once.remember(tx, admitted)
        await identity.outbox.record(tx, caller.actor, now, fact, *bound)
    return admitted


async def change_clearance(
    identity: Identity, caller: Caller, participant_id: ParticipantId, clearance: Clearance, reason: str, once: Once
) -> Participant:
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, Participant):
            return earlier
        participant = await store.participant_for_update(tx, participant_id)
        now = await identity.database.now(tx)
        proofs = await sponsorship.proofs(identity, tx, participant, now)
        participant = rules.change_clearance(participant, clearance, caller.subject, proofs, now)
        await store.save_participant(tx, participant)
        await once.remember(tx, participant)
        if participant.proposal:
            fact = ClearanceProposed(participant.id, participant.revision, clearance, reason)
        else:
            code = participant.reason_code or ""
            fact = ClearanceChanged(
                participant.id, participant.revision, clearance, code, reason, participant.verified_until
            )  # fmt: skip
        await identity.outbox.record(tx, caller.actor, now, fact)
    return participant


async def decide(
    identity: Identity, caller: Caller, participant_id: ParticipantId, decision: str, reason_code: str, reason: str,
    once: Once,
) -> Participant:  # fmt: skip
    """Refuse, suspend or let go. Requires a key of `DECISIONS`."""
    rule, announced = DECISIONS[decision]
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, Participant):
            return earlier
        before = await store.participant_for_update(tx, participant_id)
        now = await identity.database.now(tx)
        participant = rule(before, reason_code, now)
        await store.save_participant(tx, participant)
        facts = await sponsorship.follow_standing(identity, tx, before, participant, now)
        await once.remember(tx, participant)
        fact = announced(participant.id, participant.revision, reason_code, reason)
        await identity.outbox.record(tx, caller.actor, now, fact, *facts)
    return participant


async def reinstate(
    identity: Identity, caller: Caller, participant_id: ParticipantId, reason_code: str, reason: str, once: Once
) -> Participant:
    """Let a suspended participant act again, whose proofs stand."""
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, Participant):
            return earlier
        participant = await store.participant_for_update(tx, participant_id)
        now = await identity.database.now(tx)
        proofs = await sponsorship.proofs(identity, tx, participant, now)
        participant = rules.reinstate(participant, caller.subject, reason_code, proofs, now)
        await store.save_participant(tx, participant)
        await once.remember(tx, participant)
        fact = ParticipantReinstated(
            participant.id, participant.revision, reason_code, reason, participant.verified_until
        )  # fmt: skip
        await identity.outbox.record(tx, caller.actor, now, fact)
    return participant


async def affiliate(
    identity: Identity, caller: Caller, participant_id: ParticipantId, affiliate_id: ParticipantId, once: Once
) -> None:
    """Put two participants on record as affiliates of each other."""
    async with identity.database.transaction() as tx:
        if await once.recall(tx, Affiliation):
            return
        affiliation = rules.affiliation(participant_id, affiliate_id)
        for each in (affiliation.one_id, affiliation.other_id):
            await store.participant_for_update(tx, each)
        now = await identity.database.now(tx)
        await store.add_affiliation(tx, affiliation)
        facts = await sponsorship.follow_affiliation(identity, tx, affiliation, now)
        await once.remember(tx, affiliation)
        declared = AffiliationDeclared(participant_id, affiliate_id)
        await identity.outbox.record(tx, caller.actor, now, declared, *facts)


async def affiliates(identity: Identity, caller: Caller, participant_id: ParticipantId) -> list[ParticipantId]:
    require_visible(caller, participant_id)
    async with identity.database.read() as tx:
        await store.participant(tx, participant_id)
        return await store.affiliates_of(tx, participant_id)


async def warn(identity: Identity) -> None:
    """Tell every participant whose verification expires within thirty days, once."""
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        warned = [rules.warn(each, now) for each in await store.participants_to_warn(tx, now)]
        for participant in warned:
            await store.save_participant(tx, participant)
        told = [VerificationDue(each.id, each.verified_until) for each in warned if each.verified_until]
        await identity.outbox.record(tx, identity.outbox.itself, now, *told)


async def pass_deadlines(identity: Identity) -> None:
    """Move every participant whose deadline has passed: nobody decided, verified or reinstated in time."""
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        due = await store.participants_due(tx, now)
        late = [rules.pass_deadline(each, now) for each in due]
        for participant in late:
            await store.save_participant(tx, participant)
        facts: list[Fact] = [NOTICED[each.status](each.id, each.revision, each.reason_code or "") for each in late]
        for before, after in zip(due, late, strict=True):
            facts += await sponsorship.follow_standing(identity, tx, before, after, before.deadline or now)
        await identity.outbox.record(tx, identity.outbox.itself, now, *facts)


def require_visible(caller: Caller, participant_id: ParticipantId) -> None:
    if caller.participant_id != participant_id and not caller.roles & (OPERATORS | {Role.REGULATOR}):
        raise NoSuchParticipant()
