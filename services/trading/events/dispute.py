"""The facts of disputes. Each is complete: a dispute can be rebuilt from them, the draws and the shares with it. Texts
are told by their hashes, votes by commitments until all are in; `ArbitersDrawn` tells the seed that was committed to.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Self

from services.trading.rules.arbiter_draw import Arbiter, ArbiterState, Nonces
from services.trading.rules.demand import Demand
from services.trading.rules.dispute import WITHDRAWN, Answer, Appeal, Dispute, Extension, Notice, State
from services.trading.rules.dispute_outcome import Offer, Outcome
from services.trading.rules.dispute_rules import DisputeRules
from services.trading.rules.evidence import Evidence
from services.trading.rules.order import State as OrderState
from services.trading.rules.ruling import Gone, Ruling, Vote
from shared import canonical
from shared.facts import Category, Commitment, Fact, commit, plain
from shared.ids import ContractId, DisputeId, FactId, OrderId, ParticipantId, UserId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class ArbiterFact(Fact):
    category: ClassVar[Category] = Category.TRADE
    arbiter_id: UserId
    ties: tuple[ParticipantId, ...]
    state: ArbiterState
    registered_at: datetime
    revision: int

    @classmethod
    def of(cls, arbiter: Arbiter) -> Self:
        return cls(arbiter.id, arbiter.ties, arbiter.state, arbiter.registered_at, arbiter.revision)


@dataclass(frozen=True, slots=True)
class ArbiterRegistered(ArbiterFact):
    """Somebody may be drawn from now on."""


@dataclass(frozen=True, slots=True)
class ArbiterRetired(ArbiterFact):
    """Somebody is drawn no more; the cases that they sit on stay theirs."""


@dataclass(frozen=True, slots=True)
class DisputeOpened(Fact):
    """A party claims; the order's money waits. This is the notice to the other side: `fact_id` is its place in the log.
    `commitment` is to the seed of the draw."""

    category: ClassVar[Category] = Category.TRADE
    dispute_id: DisputeId
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
    opened_at: datetime
    state: State
    deadline: datetime | None
    provisional: bool
    commitment: str
    nonce: str
    notice_fact_id: FactId
    fact_id: FactId | None = field(default=None, kw_only=True)

    @classmethod
    def of(cls, dispute: Dispute) -> Self:
        return cls(
            dispute.id, dispute.order_id, dispute.contract_id, dispute.buyer_id, dispute.provider_id,
            dispute.claimant_id, dispute.price, dispute.demand, dispute.rules, dispute.came_from,
            dispute.window_seconds, dispute.opened_at, dispute.state, dispute.deadline, dispute.provisional,
            dispute.commitments[0], dispute.nonces[0].claimant, dispute.notice_fact_id, fact_id=dispute.notice_fact_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DisputeFact(Fact):
    """Where the dispute stands after what is told."""

    category: ClassVar[Category] = Category.TRADE
    dispute_id: DisputeId
    order_id: OrderId
    contract_id: ContractId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    state: State
    deadline: datetime | None
    provisional: bool
    reason_code: str | None
    revision: int

    @classmethod
    def told(cls, dispute: Dispute, **more: Any) -> Self:
        return cls(
            dispute_id=dispute.id, order_id=dispute.order_id, contract_id=dispute.contract_id,
            buyer_id=dispute.buyer_id, provider_id=dispute.provider_id, state=dispute.state,
            deadline=dispute.deadline, provisional=dispute.provisional, reason_code=dispute.reason_code,
            revision=dispute.revision, **more,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DisputeMovedOn(DisputeFact):
    """A deadline passed, and the next step begins."""


@dataclass(frozen=True, slots=True)
class DisputeNoticeProven(DisputeFact):
    """The other side has read the notice, or it stands in the log: from now on, silence counts."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class DisputeAnswered(DisputeFact):
    """The respondent has answered, and admits so much; its nonce goes into the draw."""

    answer: Answer
    nonce: str


@dataclass(frozen=True, slots=True)
class DisputeEvidenceAdded(DisputeFact):
    """By a side, or by the platform: each piece by the hash of its content."""

    pieces: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class ArbitersDrawn(DisputeFact):
    """The seed is told: whoever knows the rule can draw again, among those who were eligible."""

    round: int
    size: int
    seed: str
    nonces: Nonces
    eligible: tuple[UserId, ...]
    drawn_at: datetime
    beacon: str | None = None


@dataclass(frozen=True, slots=True)
class ArbiterLeft(DisputeFact):
    """Somebody gave up their seat, was refused by a side, or was silent; the next in the order sits down."""

    round: int
    gone: Gone


@dataclass(frozen=True, slots=True)
class ArbiterVoted(DisputeFact):
    """How is told with the ruling; the commitment holds them to it."""

    round: int
    arbiter_id: UserId
    vote: Commitment


@dataclass(frozen=True, slots=True)
class DisputeRuled(DisputeFact):
    """All votes, with their salts, and what they make together; `commitment` is to the seed of an appeal's draw."""

    ruling: Ruling
    votes: tuple[Vote, ...]
    commitment: str | None


@dataclass(frozen=True, slots=True)
class DisputeDeadlineExtended(DisputeFact):
    """By an arbiter who sits on it, for a reason."""

    extension: Extension


@dataclass(frozen=True, slots=True)
class DisputeAppealed(DisputeFact):
    """By one side, or, once it is funded, by both."""

    appeal: Appeal
    nonces: Nonces
    fact_id: FactId | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class SettlementOffered(DisputeFact):
    """One side would settle for this; it takes the place of its offer before."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class DisputeWithdrawn(DisputeFact):
    """The order goes on where it was."""


@dataclass(frozen=True, slots=True)
class DisputeEnded(DisputeFact):
    """By a ruling, a settlement or default: who gets what of what was disputed."""

    result: Outcome


def facts_of(before: Dispute, after: Dispute) -> list[Fact]:
    """What has happened between two states of a dispute, in an order in which it can be told."""
    return list(_told(before, after)) or [DisputeMovedOn.told(after)]


def _told(before: Dispute, after: Dispute) -> Iterator[Fact]:
    if after.notice and after.notice != before.notice:
        yield DisputeNoticeProven.told(after, notice=after.notice)
    if after.answer and after.answer != before.answer:
        yield DisputeAnswered.told(after, answer=after.answer, nonce=after.nonces[0].respondent)
    if pieces := after.evidence[len(before.evidence) :]:
        yield DisputeEvidenceAdded.told(after, pieces=pieces)
    if extended := after.extensions[len(before.extensions) :]:
        yield DisputeDeadlineExtended.told(after, extension=extended[0])
    if after.appeal and after.appeal != before.appeal:
        own_id = None if before.appeal else after.appeal.fact_id
        yield DisputeAppealed.told(after, appeal=after.appeal, nonces=after.nonces[-1], fact_id=own_id)
    yield from _of_hearing(before, after)
    for offer in after.offers:
        if offer not in before.offers:
            yield SettlementOffered.told(after, offer=offer)
    if after.state is WITHDRAWN:
        yield DisputeWithdrawn.told(after)
    if after.outcome:
        yield DisputeEnded.told(after, result=after.outcome)


def _of_hearing(before: Dispute, after: Dispute) -> Iterator[Fact]:
    known = {panel.number: panel for panel in before.panels}
    for panel in after.panels:
        was = known.get(panel.number)
        if was is None:
            yield ArbitersDrawn.told(
                after, round=panel.number, size=panel.size, seed=panel.seed, nonces=panel.nonces,
                eligible=panel.eligible, drawn_at=panel.drawn_at, beacon=panel.beacon,
            )  # fmt: skip
        for gone in panel.gone[len(was.gone) if was else 0 :]:
            yield ArbiterLeft.told(after, round=panel.number, gone=gone)
        for vote in panel.votes[len(was.votes) if was else 0 :]:
            yield ArbiterVoted.told(after, round=panel.number, arbiter_id=vote.arbiter_id, vote=committed(vote))
    for ruling in after.rulings[len(before.rulings) :]:
        votes = next((panel.votes for panel in after.panels if panel.number == ruling.number), ())
        to_next = after.commitments[-1] if len(after.commitments) > len(before.commitments) else None
        yield DisputeRuled.told(after, ruling=ruling, votes=votes, commitment=to_next)


def committed(vote: Vote) -> Commitment:
    """What stands for a vote until all are in: to its canonical bytes, under its own salt."""
    return commit("vote", canonical.encode(plain(vote)).decode(), bytes.fromhex(vote.salt))
