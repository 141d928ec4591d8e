"""A dispute (争议): from a party's claim to a ruling that is carried out, or to one of three other ends.

Promises: while it is open no timer moves the order's money; silence is default only after proof of notice (before it,
the case goes on without an answer); evidence is added and never changed, and none after its deadline; there is one end,
and it divides what is disputed to the last minor unit; letting deadlines pass leads to that end.
After Kleros' escrow, adapted to arbiters of the platform: a decision under contract, no statutory award (仲裁法 art. 4,
9, 30, 49, 51).
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules import evidence as evidence_rules
from services.trading.rules.arbiter_draw import Nonces
from services.trading.rules.demand import Demand, Side, Split, all_to, require_within
from services.trading.rules.dispute_outcome import Offer, Outcome, by_settlement
from services.trading.rules.dispute_rules import DisputeRules
from services.trading.rules.disputed import origin_of
from services.trading.rules.due_date import DueDate
from services.trading.rules.evidence import Evidence, EvidenceClosed
from services.trading.rules.late_claim import claimable, least_claimable
from services.trading.rules.order import Order
from services.trading.rules.order import State as OrderState
from services.trading.rules.ruling import Panel, Ruling
from shared.errors import Conflict, Malformed, NotFound
from shared.ids import ContractId, DisputeId, FactId, OrderId, ParticipantId, UserId
from shared.lifecycle import Lifecycle
from shared.money import Money


class State(StrEnum):
    OPEN = "open"
    RESPONSE = "response"
    EVIDENCE = "evidence"
    REVIEW = "review"
    RULED = "ruled"
    APPEAL = "appeal"
    RULED_AGAIN = "ruled_again"
    ENFORCED = "enforced"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"
    DEFAULTED = "defaulted"


(
    OPEN, RESPONSE, EVIDENCE, REVIEW, RULED, APPEAL, RULED_AGAIN, ENFORCED, SETTLED, WITHDRAWN, DEFAULTED,
) = State  # fmt: skip

DISPUTE = Lifecycle(start=OPEN, moves={
    OPEN:        {RESPONSE, EVIDENCE, SETTLED, WITHDRAWN},
    RESPONSE:    {EVIDENCE, DEFAULTED, SETTLED, WITHDRAWN},
    EVIDENCE:    {REVIEW, SETTLED, WITHDRAWN},
    REVIEW:      {RULED, SETTLED},
    RULED:       {APPEAL, ENFORCED, SETTLED},
    APPEAL:      {RULED_AGAIN, ENFORCED, SETTLED},
    RULED_AGAIN: {ENFORCED},
    ENFORCED:    set(),
    SETTLED:     set(),
    WITHDRAWN:   set(),
    DEFAULTED:   set(),
})  # fmt: skip
NEXT_ACTOR = {
    OPEN: "respondent", RESPONSE: "respondent", EVIDENCE: "claimant_and_respondent", REVIEW: "arbiter",
    RULED: "claimant_and_respondent", APPEAL: "arbiter", RULED_AGAIN: "service",
}  # fmt: skip
UNHEARD = frozenset({OPEN, RESPONSE, EVIDENCE})
FIRST, SECOND = 1, 2
PANEL_SIZE = {FIRST: 1, SECOND: 3}


class NoticeBy(StrEnum):
    READ = "read"  # by the respondent
    LOGGED = "logged"  # the notice has its entry in the log
    ANSWERED = "answered"


class Reason(StrEnum):
    ANSWERED = "answered"
    NOTICE_PROVEN = "notice_proven"
    NOTICE_NOT_PROVEN = "notice_not_proven"
    NO_RESPONSE = "no_response"
    EVIDENCE_CLOSED = "evidence_closed"
    RULED = "ruled"
    NO_ARBITER = "no_arbiter"
    APPEALED = "appealed"
    RULING_FINAL = "ruling_final"
    APPEAL_NOT_FUNDED = "appeal_not_funded"
    SETTLED_BY_PARTIES = "settled_by_parties"
    WITHDRAWN_BY_CLAIMANT = "withdrawn_by_claimant"


@dataclass(frozen=True, slots=True)
class Notice:
    by: NoticeBy
    proven_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """`admitted` of what is disputed is the claimant's, whatever is ruled."""

    admitted: Money
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Appeal:
    """`is_funded`: the other side has paid its part too."""

    side: Side
    appealed_at: datetime
    is_funded: bool = False
    fact_id: FactId | None = None  # its place in the log


@dataclass(frozen=True, slots=True)
class Extension:
    """An arbiter's act: so much more time in a state, for a reason that its hash is of."""

    arbiter_id: UserId
    state: State
    length: int
    reason_hash: str
    extended_at: datetime


@dataclass(frozen=True, slots=True)
class Dispute:
    """`came_from` is the order's state before, and `window_seconds` what was left of it: it goes on so if the claim is
    withdrawn. `commitments` are to the seeds of the draws, `nonces` what the sides said, by round."""

    id: DisputeId
    order_id: OrderId
    contract_id: ContractId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    claimant_id: ParticipantId
    price: Money
    demand: Demand
    rules: DisputeRules
    came_from: OrderState
    window_seconds: int
    notice_fact_id: FactId
    opened_at: datetime
    state: State
    deadline: datetime | None
    provisional: bool
    commitments: tuple[str, ...]
    nonces: tuple[Nonces, ...]
    notice: Notice | None = None
    answer: Answer | None = None
    evidence: tuple[Evidence, ...] = ()
    panels: tuple[Panel, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    appeal: Appeal | None = None
    offers: tuple[Offer, ...] = ()
    extensions: tuple[Extension, ...] = ()
    outcome: Outcome | None = None
    reason_code: str | None = None
    revision: int = 1

    @property
    def respondent_id(self) -> ParticipantId:
        return self.provider_id if self.claimant_id == self.buyer_id else self.buyer_id

    @property
    def admitted(self) -> Money:
        return self.answer.admitted if self.answer else Money(0, self.price.currency)

    @property
    def is_late(self) -> bool:
        """Whether the order was settled before, so that nothing of it is in escrow."""
        return self.came_from is OrderState.SETTLED

    @property
    def undisputed(self) -> Money:
        """What the claimant does not ask for of what is in escrow: it is the other side's."""
        return Money(0, self.price.currency) if self.is_late else self.price - self.demand.amount

    @property
    def number(self) -> int:
        """Of the round that is heard now, or was heard last."""
        return SECOND if self.appeal else FIRST

    @property
    def panel(self) -> Panel | None:
        """Of this round, once it is drawn."""
        return next((panel for panel in self.panels if panel.number == self.number), None)

    @property
    def opened_by(self) -> FactId:
        """The fact that began the round: the notice, or the appeal."""
        return (self.appeal and self.appeal.fact_id) or self.notice_fact_id

    @property
    def as_told(self) -> "Dispute":
        """Without the votes of a round that is not ruled yet: nobody sees one before all are in."""
        ruled = {ruling.number for ruling in self.rulings}
        panels = tuple(each if each.number in ruled else replace(each, votes=()) for each in self.panels)
        return replace(self, panels=panels)

    def knows(self, arbiter_id: str) -> bool:
        """Whether somebody sits on it, or has."""
        return any(
            arbiter_id in panel.seated or any(arbiter_id == each.arbiter_id for each in panel.gone)
            for panel in self.panels
        )  # fmt: skip

    @property
    def is_open(self) -> bool:
        return bool(DISPUTE.moves[self.state])

    @property
    def awaits_funds(self) -> bool:
        return self.state is APPEAL and self.appeal is not None and not self.appeal.is_funded and self.panel is None

    @property
    def next_actor(self) -> str | None:
        if self.awaits_funds and self.appeal:
            return str(self.appeal.side.other)
        return NEXT_ACTOR.get(self.state)

    def side_of(self, participant_id: ParticipantId) -> Side:
        """Raises NoSuchDispute for a stranger."""
        if participant_id not in {self.buyer_id, self.provider_id}:
            raise NoSuchDispute()
        return Side.CLAIMANT if participant_id == self.claimant_id else Side.RESPONDENT

    def participant_of(self, side: Side) -> ParticipantId:
        return self.claimant_id if side is Side.CLAIMANT else self.respondent_id


class NoSuchDispute(NotFound):
    """You have no such dispute."""


class DisputedAlready(Conflict):
    """Each side may bring an order into dispute once, and only one dispute is open at a time."""


class NotDueInDispute(Conflict):
    """The dispute does not wait for this now."""


class TooLateInDispute(Conflict):
    """The deadline for this has passed."""


class NotYourStep(Conflict):
    """This is for the other side to do."""


class AppealedAlready(Conflict):
    """A ruling is appealed once."""


class AdmittedTooMuch(Malformed):
    """What is admitted is zero or more, and no more than what is disputed."""


class ExtensionTooLong(Conflict):
    """So much more time is not given."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What is drawn, decided and said when a dispute is opened."""

    dispute_id: DisputeId
    notice_fact_id: FactId
    demand: Demand
    commitment: str
    nonce: str
    deadline: DueDate


def open_dispute(
    order: Order, claimant_id: ParticipantId, opening: Opening, rules: DisputeRules, now: datetime
) -> Dispute:
    """Requires the order as it was before, of which the claimant is a party; a settled one is disputed in time. Raises
    NotTheClaim."""
    require_within(opening.demand, claimable(order, claimant_id), minor_min=least_claimable(order))
    window = order.deadline - now if order.deadline else timedelta()
    return Dispute(
        id=opening.dispute_id, order_id=order.id, contract_id=order.contract_id, buyer_id=order.buyer_id,
        provider_id=order.provider_id, claimant_id=claimant_id, price=order.price, demand=opening.demand, rules=rules,
        came_from=origin_of(order), window_seconds=window // timedelta(seconds=1),
        notice_fact_id=opening.notice_fact_id, opened_at=now, state=DISPUTE.start, deadline=opening.deadline.at,
        provisional=opening.deadline.provisional, commitments=(opening.commitment,), nonces=(Nonces(opening.nonce),),
    )  # fmt: skip


def prove_notice(dispute: Dispute, by: NoticeBy, deadline: DueDate, now: datetime) -> Dispute:
    """From here on, silence counts."""
    require_step(dispute, {OPEN}, now)
    return moved(dispute, RESPONSE, deadline, notice=Notice(by, now), reason_code=Reason.NOTICE_PROVEN)


def answer(dispute: Dispute, admitted: Money, nonce: str, deadline: DueDate, now: datetime) -> Dispute:
    """The respondent's answer. Requires that its fee is held in the same commit; the panel is drawn after."""
    require_step(dispute, {OPEN, RESPONSE}, now)
    if not 0 <= admitted.minor <= dispute.demand.amount.minor or admitted.currency != dispute.price.currency:
        raise AdmittedTooMuch(disputed_minor=dispute.demand.amount.minor)
    said = (replace(dispute.nonces[0], respondent=nonce),)
    notice = dispute.notice or Notice(NoticeBy.ANSWERED, now)
    told = {"answer": Answer(admitted, now), "nonces": said, "notice": notice, "reason_code": Reason.ANSWERED}
    return moved(dispute, EVIDENCE, deadline, **told)


def add_evidence(dispute: Dispute, *pieces: Evidence, now: datetime) -> Dispute:
    """Requires pieces numbered on from what there is. Late evidence is refused: EvidenceClosed."""
    if dispute.state not in UNHEARD or is_past(dispute, now):
        raise EvidenceClosed(state=dispute.state, deadline=dispute.deadline)
    evidence = dispute.evidence
    for piece in pieces:
        evidence_rules.require_room(evidence, piece.by)
        evidence = (*evidence, piece)
    return changed(dispute, evidence=evidence)


def offer_settlement(dispute: Dispute, offer: Offer, now: datetime) -> Dispute:
    """One side's offer, in the place of its last one; if the other side's says the same, the dispute is settled."""
    require_step(dispute, {*UNHEARD, REVIEW, RULED, APPEAL}, now)
    standing = tuple(each for each in dispute.offers if each.side is not offer.side)
    offered = replace(dispute, offers=(*standing, offer))
    if not any(each.agrees_with(offer) for each in standing):
        return changed(offered)
    outcome = by_settlement(dispute.demand, offer, heard=dispute.state not in UNHEARD)
    return moved(offered, SETTLED, None, outcome=outcome, reason_code=Reason.SETTLED_BY_PARTIES)


def withdraw(dispute: Dispute, now: datetime) -> Dispute:
    """By the claimant, before the case is heard; the order goes on where it was."""
    require_step(dispute, UNHEARD, now)
    return moved(dispute, WITHDRAWN, None, reason_code=Reason.WITHDRAWN_BY_CLAIMANT)


def fees_of_withdrawal(dispute: Dispute) -> Split | None:
    """Whoever makes the other side answer, and then withdraws, bears the fee of both."""
    return all_to(Side.CLAIMANT) if dispute.answer else None


def is_past(dispute: Dispute, now: datetime) -> bool:
    return dispute.deadline is not None and now >= dispute.deadline


def require_step(dispute: Dispute, states: Set[State], now: datetime) -> None:
    if dispute.state not in states:
        raise NotDueInDispute(state=dispute.state, next_actor=dispute.next_actor)
    if is_past(dispute, now):
        raise TooLateInDispute(deadline=dispute.deadline)


def moved(dispute: Dispute, to: State, deadline: DueDate | None, **changes: Any) -> Dispute:
    at, provisional = (deadline.at, deadline.provisional) if deadline else (None, False)
    return changed(dispute, state=DISPUTE.move(dispute.state, to), deadline=at, provisional=provisional, **changes)


def changed(dispute: Dispute, **changes: Any) -> Dispute:
    return replace(dispute, revision=dispute.revision + 1, **changes)
