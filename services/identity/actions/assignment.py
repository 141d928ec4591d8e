"""What happens when entries are assigned to officers by name, when that is revoked, and when its time is up."""

from datetime import datetime

from services.identity.actions.identity import Identity
from services.identity.events.assignments import AssignmentEnded, AssignmentMade
from services.identity.rules import assignment as rules
from services.identity.rules.assignment import Assignment, Matter, NoSuchAssignment, State
from services.identity.rules.role import Role
from services.identity.store import account
from services.identity.store import assignment as store
from services.identity.store import participant as participant_store
from shared.access import Caller
from shared.idempotency import Once
from shared.ids import AssignmentId
from shared.web import Page

SEES_ALL = frozenset({Role.OPERATOR_SECURITY, Role.OPERATOR_AUDIT, Role.REGULATOR})


async def assign(
    identity: Identity, operator: Caller, matter: Matter, reason: str, ends_at: datetime, once: Once
) -> Assignment:
    """Raises NoSuchUser for an officer, and NoSuchParticipant for a provider, that is not there. Whether an asset is,
    only the catalogue knows: what is assigned and not there shows nothing."""
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, Assignment):
            return earlier
        if matter.provider_id is not None:
            await participant_store.participant(tx, matter.provider_id)
        found = {each: await account.user_for_update(tx, each) for each in sorted(matter.officers)}
        now = await identity.database.now(tx)
        security = found[matter.security_officer_id] if matter.security_officer_id else None
        made = rules.assign(
            AssignmentId.new(), matter, found[matter.business_officer_id], security, operator.subject, reason, ends_at,
            now,
        )  # fmt: skip
        await store.add(tx, made)
        await once.remember(tx, made)
        await identity.outbox.record(tx, operator.actor, now, AssignmentMade.of(made))
    return made


async def revoke(
    identity: Identity, operator: Caller, assignment_id: AssignmentId, reason_code: str, once: Once
) -> Assignment:
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, Assignment):
            return earlier
        revoked = rules.revoke(await store.assignment(tx, assignment_id, lock=True), reason_code)
        await store.save(tx, [revoked])
        await once.remember(tx, revoked)
        now = await identity.database.now(tx)
        await identity.outbox.record(tx, operator.actor, now, AssignmentEnded.of(revoked))
    return revoked


async def assignment(identity: Identity, caller: Caller, assignment_id: AssignmentId) -> Assignment:
    """For whoever it names, and for those who watch over all. Raises NoSuchAssignment for others."""
    async with identity.database.read() as tx:
        found = await store.assignment(tx, assignment_id)
    if not SEES_ALL & caller.roles and caller.subject not in found.matter.officers:
        raise NoSuchAssignment()
    return found


async def assignments(identity: Identity, caller: Caller, state: State | None, page: Page) -> list[Assignment]:
    """One's own, or everyone's; one more than the page's limit."""
    officer = None if SEES_ALL & caller.roles else caller.subject
    async with identity.database.read() as tx:
        return await store.assignments_of(tx, officer, state, page.after_id(AssignmentId), page.limit + 1)


async def pass_deadlines(identity: Identity) -> None:
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        ended = [rules.pass_deadline(each) for each in await store.due(tx, now)]
        await store.save(tx, ended)
        await identity.outbox.record(tx, identity.outbox.itself, now, *map(AssignmentEnded.of, ended))
