"""What the parties do in a dispute, and what time does.

Promises: the order's money waits from the commit that opens the dispute; each act is decided after the order and the
dispute are locked, in that order; the log is asked before any transaction; who is no party, arbiter or supervisor finds
no dispute.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.trading.actions import dispute_draw, dispute_evidence, dispute_money, late_claim
from services.trading.actions import order as order_actions
from services.trading.actions.dispute_end import keep
from services.trading.actions.trading import SUPERVISORS, NothingOfYours, Trading
from services.trading.events.dispute import DisputeEvidenceAdded, DisputeOpened
from services.trading.events.dispute_effects import OrderDisputed
from services.trading.rules import arbitration_fee, disputed, hearing
from services.trading.rules import dispute as rules
from services.trading.rules.arbiter_draw import commitment
from services.trading.rules.demand import Demand, Remedy, Side, Split
from services.trading.rules.dispute import OPEN, Dispute, NoSuchDispute, NoticeBy, Opening
from services.trading.rules.dispute_outcome import Offer
from services.trading.rules.dispute_rules import Step
from services.trading.rules.evidence import Evidence, EvidenceKind, hash_of
from services.trading.rules.order import SETTLED, UNDER_OBJECTION, NoSuchOrder, Order
from services.trading.store import dispute as store
from services.trading.store import order as order_store
from shared.access import Caller, Member, Role
from shared.database import Transaction
from shared.idempotency import Once
from shared.ids import DisputeId, FactId, OrderId, UserId
from shared.money import Money
from shared.web import Page


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a claimant opens a dispute with. `nonce` goes into the draw."""

    order_id: OrderId
    demand: Demand
    statement: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Piece:
    """What a party adds as evidence: the content itself, or the hash of what it keeps."""

    kind: EvidenceKind
    content: str | None
    content_hash: str | None

    def numbered(self, sequence: int, by: str, now: datetime) -> Evidence:
        found = hash_of(self.content) if self.content is not None else str(self.content_hash)
        return Evidence(sequence, by, self.kind, found, self.content is not None, now)


async def open_dispute(trading: Trading, caller: Member, wanted: Wanted, once: Once) -> Dispute:
    """Bring an order into dispute: what of its money is in escrow waits from here on. The claimant's fee is held, the
    platform's evidence attached, and the other side has notice."""
    quality = await dispute_evidence.assessed(trading, wanted.order_id)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Dispute):
            return earlier
        before = await order_actions.locked(tx, wanted.order_id)
        if caller.participant_id not in {before.buyer_id, before.provider_id}:
            raise NoSuchOrder()
        now = await trading.database.now(tx)
        order, seed = await _disputed(tx, before, wanted.demand, now), dispute_draw.new_seed()
        given = trading.rules.dispute
        ends = dispute_draw.deadline(given, Step.NOTICE, now)
        opening = Opening(DisputeId.new(), FactId.new(), wanted.demand, commitment(seed), wanted.nonce, ends)
        opened = rules.open_dispute(before, caller.participant_id, opening, given, now)
        objection = await order_actions.end_objection(tx, order, now) if before.state in UNDER_OBJECTION else []
        told = [*objection, DisputeOpened.of(opened), *([] if opened.is_late else [OrderDisputed.of(order)])]
        statement = Piece(EvidenceKind.STATEMENT, wanted.statement, None).numbered(1, Side.CLAIMANT, now)
        pieces = {statement: wanted.statement, **await dispute_evidence.of_platform(tx, order, opened, quality, 1, now)}
        dispute = rules.add_evidence(opened, *pieces, now=now)
        await store.add_dispute(tx, dispute)
        await store.add_texts(tx, dispute.id, {piece.content_hash: content for piece, content in pieces.items()})
        await store.add_seed(tx, dispute.id, rules.FIRST, seed, opening.commitment)
        fee = arbitration_fee.fee(given, wanted.demand.amount)
        held = await dispute_money.hold_fee(tx, dispute, Side.CLAIMANT, fee, now)
        await once.remember(tx, dispute)
        added = DisputeEvidenceAdded.told(dispute, pieces=dispute.evidence)
        await trading.outbox.record(tx, caller.actor, now, *told, added, held)
    return dispute


async def respond(
    trading: Trading, caller: Member, dispute_id: DisputeId, admitted: Money, statement: str, nonce: str, once: Once
) -> Dispute:
    """Answer the claim, with one's own fee held. Who decides is drawn in the same commit."""
    beforehand = await dispute_draw.ask_beforehand(trading, dispute_id, both_said=True)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Dispute):
            return earlier
        order, before = await locked(tx, dispute_id)
        if before.side_of(caller.participant_id) is not Side.RESPONDENT:
            raise rules.NotYourStep(next_actor=before.next_actor)
        now = await trading.database.now(tx)
        piece = Piece(EvidenceKind.STATEMENT, statement, None)
        ends = dispute_draw.deadline(before.rules, Step.EVIDENCE, now)
        dispute = rules.answer(before, admitted, nonce, ends, now)
        said = piece.numbered(len(dispute.evidence) + 1, Side.RESPONDENT, now)
        dispute = rules.add_evidence(dispute, said, now=now)
        if panel := await dispute_draw.draw(trading, tx, dispute, beforehand, now):
            dispute = hearing.seat(dispute, panel)
        await store.add_texts(tx, dispute.id, {said.content_hash: statement})
        fee = arbitration_fee.fee(dispute.rules, dispute.demand.amount)
        held = await dispute_money.hold_fee(tx, dispute, Side.RESPONDENT, fee, now)
        facts = await keep(tx, order, before, dispute, now)
        await once.remember(tx, dispute)
        await trading.outbox.record(tx, caller.actor, now, *facts, held)
    return dispute


async def add_evidence(
    trading: Trading, caller: Member, dispute_id: DisputeId, piece: Piece, once: Once
) -> Dispute:  # fmt: skip
    """Add to what both sides see. Nothing is changed or taken back; late evidence is refused."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Dispute):
            return earlier
        order, before = await locked(tx, dispute_id)
        side = before.side_of(caller.participant_id)
        now = await trading.database.now(tx)
        added = piece.numbered(len(before.evidence) + 1, side, now)
        dispute = rules.add_evidence(before, added, now=now)
        if piece.content is not None:
            await store.add_texts(tx, dispute.id, {added.content_hash: piece.content})
        facts = await keep(tx, order, before, dispute, now)
        await once.remember(tx, dispute)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return dispute


async def offer_settlement(
    trading: Trading, caller: Member, dispute_id: DisputeId, split: Split, remedies: Sequence[Remedy], once: Once
) -> Dispute:
    """Say what one would settle for. Two that say the same have settled, and it is carried out at once."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Dispute):
            return earlier
        order, before = await locked(tx, dispute_id)
        side = before.side_of(caller.participant_id)
        now = await trading.database.now(tx)
        dispute = rules.offer_settlement(before, Offer(side, split, tuple(remedies), now), now)
        facts = await keep(tx, order, before, dispute, now)
        await once.remember(tx, dispute)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return dispute


async def withdraw(trading: Trading, caller: Member, dispute_id: DisputeId, once: Once) -> Dispute:
    """Take one's claim back, before it is heard: the order goes on where it was."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Dispute):
            return earlier
        order, before = await locked(tx, dispute_id)
        if before.side_of(caller.participant_id) is not Side.CLAIMANT:
            raise rules.NotYourStep(next_actor=before.next_actor)
        now = await trading.database.now(tx)
        dispute = rules.withdraw(before, now)
        facts = await keep(tx, order, before, dispute, now)
        await once.remember(tx, dispute)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return dispute


async def pass_deadline(trading: Trading, dispute_id: DisputeId) -> None:
    """What follows from a deadline that has passed, if nobody has noticed yet."""
    beforehand = await dispute_draw.ask_beforehand(trading, dispute_id, both_said=False)
    async with trading.database.transaction() as tx:
        order, before = await locked(tx, dispute_id)
        now = await trading.database.now(tx)
        if not rules.is_past(before, now) or dispute_draw.awaits_beacon(before, beforehand, now):
            return
        after = await dispute_draw.what_follows(trading, tx, before, beforehand, now)
        dispute = hearing.pass_deadline(before, after, now)
        facts = await keep(tx, order, before, dispute, now)
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def prove_notice(trading: Trading, dispute_id: DisputeId) -> None:
    """Let silence count once the notice stands in the log."""
    async with trading.database.read() as tx:
        notice_fact_id = (await store.dispute(tx, dispute_id)).notice_fact_id
    if await trading.log.has(notice_fact_id):
        await _notice(trading, dispute_id, NoticeBy.LOGGED, None)


async def see(trading: Trading, caller: Caller, dispute_id: DisputeId) -> Dispute:
    """For the parties, those who sit or sat on it, and supervisors. The respondent who reads it has had notice."""
    async with trading.database.read() as tx:
        dispute = await store.dispute(tx, dispute_id)
        now = await trading.database.now(tx)
    require_reader(caller, dispute)
    is_respondent = caller.participant_id == dispute.respondent_id
    if is_respondent and dispute.state is OPEN and not rules.is_past(dispute, now):
        return await _notice(trading, dispute_id, NoticeBy.READ, caller)
    return dispute


async def disputes(trading: Trading, caller: Caller, page: Page) -> list[Dispute]:
    """A party's, an arbiter's, or, for supervisors, everyone's."""
    async with trading.database.read() as tx:
        if SUPERVISORS & caller.roles:
            return await store.page_of_disputes(tx, page, None, None)
        if Role.ARBITER in caller.roles:
            return await store.page_of_disputes(tx, page, None, UserId(caller.subject))
        if caller.participant_id is None:
            raise NothingOfYours()
        return await store.page_of_disputes(tx, page, caller.participant_id, None)


async def text(trading: Trading, caller: Caller, dispute_id: DisputeId, content_hash: str) -> str:
    """What a hash in the dispute is of, for the parties and those who sit on it: reasons, once they are told."""
    async with trading.database.read() as tx:
        dispute = await store.dispute(tx, dispute_id)
        require_reader(caller, dispute, whole=True)
        found = await store.text_of(tx, dispute_id, content_hash)
    if found is None or content_hash in untold(dispute):
        raise NoSuchDispute()
    return found


def untold(dispute: Dispute) -> frozenset[str]:
    """The hashes of reasons that nobody may read before all votes are in."""
    votes = [vote for panel in dispute.panels for vote in panel.votes]
    told = [vote for panel in dispute.as_told.panels for vote in panel.votes]
    return frozenset(vote.reasons_hash for vote in votes) - {vote.reasons_hash for vote in told}


def is_whole_for(caller: Caller) -> bool:
    """Supervisors see what was decided, not what was said."""
    return not SUPERVISORS & caller.roles


def require_reader(caller: Caller, dispute: Dispute, *, whole: bool = False) -> None:
    """Raises NoSuchDispute for a stranger; and for a supervisor, who does not see the whole."""
    if SUPERVISORS & caller.roles:
        if whole:
            raise NoSuchDispute()
        return
    if Role.ARBITER in caller.roles and dispute.knows(caller.subject):
        return
    if caller.participant_id not in {dispute.buyer_id, dispute.provider_id}:
        raise NoSuchDispute()


async def locked(tx: Transaction, dispute_id: DisputeId) -> tuple[Order, Dispute]:
    """The order, and the dispute over it. Raises NoSuchDispute."""
    order = await order_actions.locked(tx, await store.order_of(tx, dispute_id))
    return order, await store.dispute(tx, dispute_id, lock=True)


async def _disputed(tx: Transaction, before: Order, demand: Demand, now: datetime) -> Order:
    """The order that its dispute holds: a settled one stays as it is."""
    if before.state is SETTLED:
        await late_claim.require_claimable(tx, before, demand.category, now)
        return before
    order = disputed.dispute(before, now)
    await order_store.save_order(tx, order)
    return order


async def _notice(trading: Trading, dispute_id: DisputeId, by: NoticeBy, caller: Caller | None) -> Dispute:
    async with trading.database.transaction() as tx:
        order, before = await locked(tx, dispute_id)
        now = await trading.database.now(tx)
        if before.state is not OPEN or rules.is_past(before, now):
            return before
        ends = dispute_draw.deadline(before.rules, Step.RESPONSE, now)
        dispute = rules.prove_notice(before, by, ends, now)
        facts = await keep(tx, order, before, dispute, now)
        actor = caller.actor if caller else trading.outbox.itself
        await trading.outbox.record(tx, actor, now, *facts)
    return dispute
