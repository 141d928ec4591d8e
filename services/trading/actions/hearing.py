"""What arbiters do in a dispute, how a party refuses one, and an appeal.

Promises: only who sits on a case acts in it, and never on one of their own organisation; a seed is committed to before
the ruling is told; what an arbiter says for the record is kept by its hash.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from services.trading.actions import dispute_draw, dispute_money
from services.trading.actions.dispute import locked
from services.trading.actions.dispute_end import keep
from services.trading.actions.trading import Trading
from services.trading.rules import arbitration_fee
from services.trading.rules import hearing as rules
from services.trading.rules.arbiter_draw import TiedToAParty
from services.trading.rules.demand import Remedy, Split
from services.trading.rules.dispute import APPEAL, Dispute, Extension, NoSuchDispute, NotDueInDispute
from services.trading.rules.dispute_rules import Step
from services.trading.rules.evidence import hash_of
from services.trading.rules.order import Order
from services.trading.rules.ruling import Gone, Vote, Why
from services.trading.store import dispute as store
from shared.access import Caller, Member
from shared.database import Transaction
from shared.facts import SALT_BYTES
from shared.idempotency import Once
from shared.ids import DisputeId, FactId, UserId


async def rule(
    trading: Trading, caller: Caller, dispute_id: DisputeId, split: Split, fees: Split, remedies: Sequence[Remedy],
    reasons: str, once: Once,
) -> Dispute:  # fmt: skip
    """Rule on a case that one sits on. Of three, the median rules, and no vote is told before all are in."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Dispute):
            return earlier
        order, before = await _case(trading, tx, caller, dispute_id)
        now = await trading.database.now(tx)
        salt = secrets.token_hex(SALT_BYTES)
        vote = Vote(UserId(caller.subject), split, fees, tuple(remedies), hash_of(reasons), now, salt)
        commitment = await dispute_draw.seed_for_appeal(tx, before)
        ends = dispute_draw.deadline(before.rules, Step.APPEAL, now)
        dispute = rules.rule(before, vote, commitment, ends, now)
        await store.add_texts(tx, dispute.id, {vote.reasons_hash: reasons})
        return await _kept(trading, tx, caller, order, (before, dispute), once, now)


async def recuse(trading: Trading, caller: Caller, dispute_id: DisputeId, reason: str, once: Once) -> Dispute:
    """Give up one's seat on a case, for a reason; the next in the drawn order sits down."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Dispute):
            return earlier
        order, before = await _case(trading, tx, caller, dispute_id)
        now = await trading.database.now(tx)
        gone = Gone(UserId(caller.subject), Why.RECUSED, "arbiter", hash_of(reason), now)
        dispute = await _without(tx, before, gone, now)
        await store.add_texts(tx, dispute.id, {hash_of(reason): reason})
        return await _kept(trading, tx, caller, order, (before, dispute), once, now)


async def challenge(
    trading: Trading, caller: Member, dispute_id: DisputeId, arbiter_id: UserId, reason: str, once: Once
) -> Dispute:
    """Refuse an arbiter, for a reason: once for each side in each round."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Dispute):
            return earlier
        order, before = await locked(tx, dispute_id)
        side = before.side_of(caller.participant_id)
        now = await trading.database.now(tx)
        dispute = await _without(tx, before, Gone(arbiter_id, Why.CHALLENGED, side, hash_of(reason), now), now)
        await store.add_texts(tx, dispute.id, {hash_of(reason): reason})
        return await _kept(trading, tx, caller.caller, order, (before, dispute), once, now)


async def extend(
    trading: Trading, caller: Caller, dispute_id: DisputeId, length: int, reason: str, once: Once
) -> Dispute:  # fmt: skip
    """Give more time, for a reason: the only way in which a deadline moves."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Dispute):
            return earlier
        order, before = await _case(trading, tx, caller, dispute_id)
        now = await trading.database.now(tx)
        if before.deadline is None:
            raise NotDueInDispute(state=before.state, next_actor=before.next_actor)
        extension = Extension(UserId(caller.subject), before.state, length, hash_of(reason), now)
        dispute = rules.extend(before, extension, dispute_draw.later(before, length), now)
        await store.add_texts(tx, dispute.id, {extension.reason_hash: reason})
        return await _kept(trading, tx, caller, order, (before, dispute), once, now)


async def appeal(trading: Trading, caller: Member, dispute_id: DisputeId, nonce: str, once: Once) -> Dispute:
    """Have a ruling heard again by a new panel of three, or pay one's part of the other side's appeal."""
    beforehand = await dispute_draw.ask_beforehand(trading, dispute_id, both_said=True)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Dispute):
            return earlier
        order, before = await locked(tx, dispute_id)
        side = before.side_of(caller.participant_id)
        now = await trading.database.now(tx)
        if before.state is not APPEAL:
            ends = dispute_draw.deadline(before.rules, Step.FUNDING, now)
            dispute = rules.file_appeal(before, side, nonce, ends, now, FactId.new())
        else:
            ends = dispute_draw.deadline(before.rules, Step.REVIEW, now)
            dispute = rules.fund_appeal(before, side, nonce, ends, now)
            if panel := await dispute_draw.draw(trading, tx, dispute, beforehand, now):
                dispute = rules.seat(dispute, panel)
        fee = arbitration_fee.appeal_fee(dispute.rules, dispute.demand.amount, dispute.rulings[0], side)
        held = await dispute_money.hold_fee(tx, dispute, side, fee, now)
        facts = await keep(tx, order, before, dispute, now)
        await once.remember(tx, dispute)
        await trading.outbox.record(tx, caller.actor, now, *facts, held)
    return dispute


async def _case(
    trading: Trading, tx: Transaction, caller: Caller, dispute_id: DisputeId
) -> tuple[Order, Dispute]:  # fmt: skip
    """A case that the caller sits on, or has: another's is not there."""
    order, dispute = await locked(tx, dispute_id)
    if not dispute.knows(caller.subject):
        raise NoSuchDispute()
    if caller.participant_id in dispute_draw.related(trading, dispute):
        raise TiedToAParty()
    return order, dispute


async def _without(tx: Transaction, before: Dispute, gone: Gone, now: datetime) -> Dispute:
    commitment = await dispute_draw.seed_for_appeal(tx, before)
    ends = dispute_draw.deadline(before.rules, Step.APPEAL, now)
    return rules.step_down(before, gone, commitment, ends, now)


async def _kept(
    trading: Trading, tx: Transaction, caller: Caller, order: Order, states: tuple[Dispute, Dispute], once: Once,
    now: datetime,
) -> Dispute:  # fmt: skip
    before, after = states
    facts = await keep(tx, order, before, after, now)
    await once.remember(tx, after)
    await trading.outbox.record(tx, caller.actor, now, *facts)
    return after
