"""What happens when a record comes to the threshold: notice, hearing, decision, end.

Promises: a sanction is imposed in a commit of its own, which holds the participant's name alone: whatever they were
making at the same time is there before it, or is refused after it. Bids that were placed before stand here; identity
follows the facts, and suspends its subject in every service until the sanction is over.
"""

from collections.abc import Callable
from datetime import datetime

from services.trading.actions.restraint import name_of
from services.trading.actions.trading import Trading
from services.trading.actions.working_day import due_in
from services.trading.events.supervision import (
    SanctionAnswered,
    SanctionDropped,
    SanctionEnded,
    SanctionFact,
    SanctionImposed,
    SanctionProposed,
    SanctionRevoked,
)
from services.trading.rules import sanction as rules
from services.trading.rules.sanction import Sanction, State
from services.trading.rules.supervision import SUPERVISION
from services.trading.store import sanction as store
from shared.access import Caller, Member
from shared.database import Transaction, wait_for_name
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import ParticipantId, SanctionId
from shared.web import Page

FACTS: dict[State, type[SanctionFact]] = {
    State.NOTIFIED: SanctionProposed, State.AWAITING_DECISION: SanctionAnswered, State.IMPOSED: SanctionImposed,
    State.DROPPED: SanctionDropped, State.REVOKED: SanctionRevoked, State.ENDED: SanctionEnded,
}  # fmt: skip
Decide = Callable[[Sanction, datetime], Sanction]


async def follow_entry(tx: Transaction, participant_id: ParticipantId, points: int, now: datetime) -> list[Fact]:
    """Notice to whoever has come to the threshold, if nothing stands against them; what was over by time ends first,
    whoever has noticed. Requires the locked record."""
    facts = list[Fact]()
    if points < SUPERVISION.threshold_points:
        return facts
    if (standing := await store.standing_of(tx, participant_id)) is not None:
        if not rules.is_due(standing, now) or standing.state is State.NOTIFIED:
            return facts
        over = rules.pass_deadline(standing, due_in(SUPERVISION.proposal_days, now))
        await store.save_sanction(tx, over)
        facts.append(_told(over))
    hearing = due_in(SUPERVISION.hearing_days, now)
    notified = rules.notify(SanctionId.new(), participant_id, points, hearing, now)
    await store.add_sanction(tx, notified)
    return [*facts, _told(notified)]


async def follow_correction(tx: Transaction, participant_id: ParticipantId, points: int) -> list[Fact]:
    """What stood on a record that is below the threshold again falls. Requires the locked record."""
    before = await store.standing_of(tx, participant_id)
    after = before and rules.follow_record(before, points, SUPERVISION)
    if after is None or after is before:
        return []
    await store.save_sanction(tx, after)
    return [_told(after)]


async def answer(trading: Trading, caller: Member, sanction_id: SanctionId, statement: str, once: Once) -> Sanction:
    """What the subject has to say, before anything is decided."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Sanction):
            return earlier
        before = await store.sanction(tx, sanction_id, caller.participant_id, lock=True)
        now = await trading.database.now(tx)
        heard = rules.hear(before, statement, due_in(SUPERVISION.proposal_days, now), now)
        await store.save_sanction(tx, heard)
        await once.remember(tx, heard)
        await trading.outbox.record(tx, caller.actor, now, _told(heard))
    return heard


async def impose(trading: Trading, caller: Caller, sanction_id: SanctionId, reason: str, once: Once) -> Sanction:
    return await _decide(
        trading, caller, sanction_id, lambda it, now: rules.impose(it, caller.subject, reason, SUPERVISION, now), once
    )


async def drop(trading: Trading, caller: Caller, sanction_id: SanctionId, reason: str, once: Once) -> Sanction:
    return await _decide(
        trading, caller, sanction_id, lambda it, now: rules.drop(it, caller.subject, reason, now), once
    )


async def pass_deadline(trading: Trading, sanction_id: SanctionId) -> None:
    """Move a sanction on whose deadline has passed, if nobody has yet."""
    async with trading.database.transaction() as tx:
        before = await store.sanction(tx, sanction_id, None, lock=True)
        now = await trading.database.now(tx)
        if not rules.is_due(before, now):
            return
        after = rules.pass_deadline(before, due_in(SUPERVISION.proposal_days, now))
        await store.save_sanction(tx, after)
        await trading.outbox.record(tx, trading.outbox.itself, now, _told(after))


async def sanction(trading: Trading, participant_id: ParticipantId | None, sanction_id: SanctionId) -> Sanction:
    async with trading.database.read() as tx:
        return await store.sanction(tx, sanction_id, participant_id)


async def sanctions(trading: Trading, participant_id: ParticipantId | None, page: Page) -> list[Sanction]:
    async with trading.database.read() as tx:
        return await store.page_of_sanctions(tx, page, participant_id)


async def _decide(trading: Trading, caller: Caller, sanction_id: SanctionId, decide: Decide, once: Once) -> Sanction:
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Sanction):
            return earlier
        rules.require_independent(caller.participant_id)
        before = await store.sanction(tx, sanction_id, None, lock=True)
        await wait_for_name(tx, name_of(before.participant_id))
        now = await trading.database.now(tx)
        decided = decide(before, now)
        await store.save_sanction(tx, decided)
        await once.remember(tx, decided)
        await trading.outbox.record(tx, caller.actor, now, _told(decided))
    return decided


def _told(sanction: Sanction) -> SanctionFact:
    return FACTS[sanction.state].of(sanction)
