"""What happens when an organisation asks another to act for it, and when either side answers, or ends it."""

from collections.abc import Callable

from services.identity.actions.account import recall_for, require_administrator
from services.identity.actions.identity import Identity
from services.identity.events.participants import DelegationAccepted, DelegationEnded, DelegationProposed
from services.identity.rules import delegation as rules
from services.identity.rules.delegation import IN_FORCE, Mandate
from services.identity.rules.participant import APPLIED, REFUSED, NoSuchParticipant
from services.identity.rules.role import OPERATORS, Role
from services.identity.store import delegation as store
from services.identity.store import participant as participant_store
from shared.access import Caller, Member
from shared.delegation import Limits
from shared.idempotency import Once
from shared.ids import DelegationId, ParticipantId
from shared.web import Page

NOT_IN_SIGHT = {APPLIED, REFUSED}
REVOKED, GIVEN_UP = "revoked_by_principal", "given_up_by_agent"


async def propose(
    identity: Identity, caller: Member, agent_id: ParticipantId, limits: Limits, once: Once
) -> Mandate:  # fmt: skip
    """Offer another organisation to act for one's own. Requires an administrator."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller.caller, once, Mandate):
            return earlier
        principal_id = await require_administrator(tx, caller.caller)
        principal = await participant_store.participant(tx, principal_id)
        agent = await participant_store.participant(tx, agent_id)
        if agent.status in NOT_IN_SIGHT:
            raise NoSuchParticipant()
        now = await identity.database.now(tx)
        mandate = rules.propose(DelegationId.new(), principal, agent, limits, now)
        await store.add(tx, mandate)
        await once.remember(tx, mandate)
        await identity.outbox.record(tx, caller.actor, now, DelegationProposed.of(mandate))
    return mandate


async def accept(identity: Identity, caller: Member, delegation_id: DelegationId, once: Once) -> Mandate:
    """By an administrator of the agent."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller.caller, once, Mandate):
            return earlier
        mandate = await store.mandate(tx, delegation_id, lock=True)
        rules.require_side(mandate, caller.participant_id, mandate.terms.agent_id)
        await require_administrator(tx, caller.caller)
        principal = await participant_store.participant(tx, mandate.terms.principal_id)
        agent = await participant_store.participant(tx, mandate.terms.agent_id)
        now = await identity.database.now(tx)
        mandate = rules.accept(mandate, principal, agent, now)
        await store.save(tx, mandate)
        await once.remember(tx, mandate)
        await identity.outbox.record(tx, caller.actor, now, DelegationAccepted.of(mandate))
    return mandate


async def decline(
    identity: Identity, caller: Caller, delegation_id: DelegationId, reason_code: str, once: Once
) -> Mandate:
    """By an administrator of the agent, who need not be admitted any more to say no."""
    return await _ended(
        identity, caller, delegation_id, once, lambda mandate: rules.decline(mandate, reason_code), by_agent_alone=True
    )


async def end(identity: Identity, caller: Caller, delegation_id: DelegationId, once: Once) -> Mandate:
    """By an administrator of either side; what the principal only proposed, by the principal alone."""

    def ended(mandate: Mandate) -> Mandate:
        if caller.participant_id == mandate.terms.principal_id:
            return rules.end(mandate, REVOKED)
        if mandate.state is not IN_FORCE:
            return rules.decline(mandate, GIVEN_UP)
        return rules.end(mandate, GIVEN_UP)

    return await _ended(identity, caller, delegation_id, once, ended)


async def mandate(identity: Identity, caller: Caller, delegation_id: DelegationId) -> Mandate:
    async with identity.database.read() as tx:
        found = await store.mandate(tx, delegation_id)
    if not _sees_all(caller):
        rules.require_side(found, caller.participant_id)
    return found


async def mandates(identity: Identity, caller: Caller, page: Page) -> list[Mandate]:
    if caller.participant_id is None and not _sees_all(caller):
        return []
    own = None if _sees_all(caller) else caller.participant_id
    async with identity.database.read() as tx:
        return await store.mandates_of(tx, own, page.after_id(DelegationId), page.limit + 1)


async def pass_deadlines(identity: Identity) -> None:
    """End every delegation that nobody accepted in time, or whose period is over."""
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        late = [rules.pass_deadline(each) for each in await store.mandates_due(tx, now)]
        for each in late:
            await store.save(tx, each)
        await identity.outbox.record(tx, identity.outbox.itself, now, *map(DelegationEnded.of, late))


async def _ended(
    identity: Identity, caller: Caller, delegation_id: DelegationId, once: Once, rule: Callable[[Mandate], Mandate],
    *, by_agent_alone: bool = False,
) -> Mandate:  # fmt: skip
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller, once, Mandate):
            return earlier
        mandate = await store.mandate(tx, delegation_id, lock=True)
        sides = (mandate.terms.agent_id,) if by_agent_alone else ()
        rules.require_side(mandate, caller.participant_id, *sides)
        await require_administrator(tx, caller)
        mandate = rule(mandate)
        now = await identity.database.now(tx)
        await store.save(tx, mandate)
        await once.remember(tx, mandate)
        await identity.outbox.record(tx, caller.actor, now, DelegationEnded.of(mandate))
    return mandate


def _sees_all(caller: Caller) -> bool:
    return bool(caller.roles & (OPERATORS | {Role.REGULATOR}))
