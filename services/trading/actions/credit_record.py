"""What happens to credit records: failures are entered with what they come of, appealed against, corrected.

Promises: whatever ends by somebody's fault enters their record in the same commit; of two entries at the same time the
second counts the first, so that no threshold is passed unseen.
"""

from datetime import datetime

from services.trading.actions import sanction
from services.trading.actions.trading import Trading
from services.trading.actions.working_day import due_in
from services.trading.events.supervision import (
    CreditAppealDecided,
    CreditAppealed,
    CreditAppealEscalated,
    CreditEntered,
)
from services.trading.rules import complaint as complaint_rules
from services.trading.rules import credit_record as rules
from services.trading.rules.credit_record import Appeal, Entry, Kind, Source, Standing
from services.trading.rules.dispute import Dispute
from services.trading.rules.order import Order
from services.trading.rules.supervision import SUPERVISION
from services.trading.store import credit_record as store
from shared.access import Caller, Member, Role
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import CreditAppealId, CreditEntryId, ParticipantId
from shared.web import Page


async def enter(
    tx: Transaction, participant_id: ParticipantId, kind: Kind, source_id: Source, now: datetime,
    *, entered_by: str = rules.SYSTEM,
) -> list[Fact]:  # fmt: skip
    """Enter a failure, once, and give notice of a sanction if the record has come to the threshold. The facts are for
    the caller to record. Requires that whatever else is locked is locked by now."""
    await store.lock_record(tx, participant_id)
    entry = rules.entry_of(CreditEntryId.new(), participant_id, kind, source_id, entered_by, now)
    if not await store.add_entry(tx, entry):
        return []
    points = rules.standing(await store.entries_of(tx, participant_id), now).points
    return [CreditEntered.of(entry), *await sanction.follow_entry(tx, participant_id, points, now)]


async def follow_failure(tx: Transaction, order: Order, now: datetime) -> list[Fact]:
    """What an order enters that failed, or was worth less than promised, if anybody is at fault."""
    breach = rules.breach_of(order)
    return [] if breach is None else await enter(tx, *breach, order.id, now)


async def follow_ruling(tx: Transaction, dispute: Dispute, now: datetime) -> list[Fact]:
    """What a ruling enters, where it is against somebody."""
    loser = rules.loser_of(dispute)
    return [] if loser is None else await enter(tx, loser, Kind.RULING_AGAINST, dispute.id, now)


async def appeal(
    trading: Trading, caller: Member, entry_id: CreditEntryId, reason: str, evidence: tuple[str, ...], once: Once
) -> Appeal:
    """Against an entry of one's own record, once."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Appeal):
            return earlier
        entry = await store.entry(tx, entry_id, caller.participant_id)
        now = await trading.database.now(tx)
        until = due_in(SUPERVISION.appeal_days, entry.entered_at).at
        due = due_in(SUPERVISION.appeal_decision_days, now)
        made = rules.appeal(CreditAppealId.new(), entry, reason, evidence, until, due, now)
        await store.add_appeal(tx, made)
        await once.remember(tx, made)
        await trading.outbox.record(tx, caller.actor, now, CreditAppealed.of(made))
    return made


async def decide_appeal(
    trading: Trading, caller: Caller, appeal_id: CreditAppealId, *, upheld: bool, reason: str, once: Once
) -> Appeal:
    """Upheld, the entry is taken out by a correction in the same commit, and a sanction that stood on it falls."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Appeal):
            return earlier
        complaint_rules.require_independent(caller.participant_id)
        before = await store.appeal(tx, appeal_id, None, lock=True)
        now = await trading.database.now(tx)
        by_regulator = Role.REGULATOR in caller.roles
        decided = rules.decide(before, caller.subject, by_regulator=by_regulator, upheld=upheld, reason=reason)
        await store.save_appeal(tx, decided)
        facts: list[Fact] = [CreditAppealDecided.of(decided)]
        if decided.state is rules.UPHELD:
            facts += await _correct(tx, decided, caller.subject, now)
        await once.remember(tx, decided)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return decided


async def pass_deadline(trading: Trading, appeal_id: CreditAppealId) -> None:
    """Hand on an appeal that nobody decided in time, if nobody has yet."""
    async with trading.database.transaction() as tx:
        appeal = await store.appeal(tx, appeal_id, None, lock=True)
        now = await trading.database.now(tx)
        if not rules.is_overdue(appeal, now):
            return
        appeal = rules.escalate(appeal, due_in(SUPERVISION.escalation_days, now))
        await store.save_appeal(tx, appeal)
        await trading.outbox.record(tx, trading.outbox.itself, now, CreditAppealEscalated.of(appeal))


async def standing(trading: Trading, participant_id: ParticipantId) -> Standing:
    """What a record comes to now. Whoever has none, known or not, has the best."""
    async with trading.database.read() as tx:
        return rules.standing(await store.entries_of(tx, participant_id), await trading.database.now(tx))


async def entries(trading: Trading, participant_id: ParticipantId | None, page: Page) -> list[Entry]:
    async with trading.database.read() as tx:
        return await store.page_of_entries(tx, page, participant_id)


async def appeals(trading: Trading, participant_id: ParticipantId | None, page: Page) -> list[Appeal]:
    async with trading.database.read() as tx:
        return await store.page_of_appeals(tx, page, participant_id)


async def _correct(tx: Transaction, appeal: Appeal, official: str, now: datetime) -> list[Fact]:
    who = appeal.participant_id
    await store.lock_record(tx, who)
    correction = rules.entry_of(
        CreditEntryId.new(), who, Kind.CORRECTION, appeal.id, official, now, appeal.entry_id
    )  # fmt: skip
    await store.add_entry(tx, correction)
    points = rules.standing(await store.entries_of(tx, who), now).points
    return [CreditEntered.of(correction), *await sanction.follow_correction(tx, who, points)]
