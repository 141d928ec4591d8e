"""The credit record (信用记录): what a participant failed at on this market, for a time.

Owns: which failures count, for how much and how long; the fold of a record into points and a band; appeals.
Promises: an entry is never changed: a correction is an entry of its own that takes another out; the order of entries
does not matter; what has expired or was corrected counts for nothing; an appeal is decided by another person than
entered what it is against, and one that nobody decides in time becomes the regulator's. The public sees a band and
counts, nobody's counterparty.
Sources: 征信业管理条例 art. 16 (a bad record is kept for five years at most; ours are shorter), 25 (objection), 26;
网络数据安全管理条例 art. 20; 电子商务法 art. 39 (a system of credit with public rules). Points and bands are ours.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules import complaint as complaint_rules
from services.trading.rules.complaint import Complaint
from services.trading.rules.dispute import Dispute
from services.trading.rules.dispute_outcome import Basis
from services.trading.rules.due_date import DueDate
from services.trading.rules.order import DEFAULTED, LAPSED, Order, Reason
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import ComplaintId, CreditAppealId, CreditEntryId, DisputeId, OrderId, ParticipantId
from shared.lifecycle import Lifecycle


class Kind(StrEnum):
    PAYMENT_DEFAULT = "payment_default"  # 成交后不付款
    UNSIGNED_AWARD = "unsigned_award"  # 成交后不签约
    OBJECTION_CONCEDED = "objection_conceded"  # 验收异议成立
    RULING_AGAINST = "ruling_against"  # 裁决败诉
    UPHELD_COMPLAINT = "upheld_complaint"  # 投诉成立
    ILLEGAL_TRADE = "illegal_trade"  # 违法挂牌、黑市交易、侵害个人信息、伪造权属
    CORRECTION = "correction"  # 更正


@dataclass(frozen=True, slots=True)
class Weight:
    points: int
    days: int


WEIGHTS: Mapping[Kind, Weight] = {
    Kind.PAYMENT_DEFAULT:    Weight(40, 730),
    Kind.UNSIGNED_AWARD:     Weight(30, 365),
    Kind.OBJECTION_CONCEDED: Weight(10, 365),
    Kind.RULING_AGAINST:     Weight(40, 730),
    Kind.UPHELD_COMPLAINT:   Weight(30, 365),
    Kind.ILLEGAL_TRADE:      Weight(100, 1095),
    Kind.CORRECTION:         Weight(0, 1095),
}  # fmt: skip


class Band(StrEnum):
    A = "A"
    B = "B"
    C = "C"
    D = "D"


BANDS = ((100, Band.D), (50, Band.C), (1, Band.B), (0, Band.A))  # from so many points on
SYSTEM = "trading"
Source = OrderId | DisputeId | ComplaintId | CreditAppealId


@dataclass(frozen=True, slots=True)
class Entry:
    """`source_id` is what it comes of; `corrects` the entry that it takes out. `expires_at` is the first moment at
    which it counts no more."""

    id: CreditEntryId
    participant_id: ParticipantId
    kind: Kind
    points: int
    source_id: Source
    entered_by: str
    entered_at: datetime
    expires_at: datetime
    corrects: CreditEntryId | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A record at a moment: what counts of it."""

    points: int
    band: Band
    counts: Mapping[Kind, int]


class State(StrEnum):
    SUBMITTED = "submitted"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


SUBMITTED, UPHELD, DISMISSED = State
APPEAL = Lifecycle(start=SUBMITTED, moves={
    SUBMITTED: {UPHELD, DISMISSED},
    UPHELD:    set(),
    DISMISSED: set(),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Appeal:
    """`evidence` are SHA-256 in hex of what the subject has to show."""

    id: CreditAppealId
    entry_id: CreditEntryId
    participant_id: ParticipantId
    entered_by: str
    reason: str
    evidence: tuple[str, ...]
    state: State
    submitted_at: datetime
    deadline: datetime | None
    provisional: bool
    escalations: int = 0
    decided_by: str | None = None
    decision_reason: str | None = None
    revision: int = 1

    @property
    def next_actor(self) -> str | None:
        if not APPEAL.moves[self.state]:
            return None
        return "regulator" if self.escalations else "operator_business"


class NoSuchEntry(NotFound):
    """Your record has no such entry."""


class NoSuchAppeal(NotFound):
    """There is no such appeal, or it is not yours."""


class AppealedAlready(Conflict):
    """An entry is appealed against once."""


class NothingToAppeal(Conflict):
    """A correction speaks for you, and what has expired counts no more: neither is appealed against."""


class AppealTooLate(Conflict):
    """An entry is appealed against within thirty working days."""


class AnotherMustDecide(Conflict):
    """Whoever made the entry does not decide on it."""


class NotYoursToDecide(Forbidden):
    """The operator of the business decides in the first term, the regulator after it."""


def entry_of(
    entry_id: CreditEntryId, participant_id: ParticipantId, kind: Kind, source_id: Source, entered_by: str,
    now: datetime, corrects: CreditEntryId | None = None,
) -> Entry:  # fmt: skip
    weight = WEIGHTS[kind]
    return Entry(
        entry_id, participant_id, kind, weight.points, source_id, entered_by, now, now + timedelta(days=weight.days),
        corrects,
    )  # fmt: skip


def standing(entries: Iterable[Entry], now: datetime) -> Standing:
    """What a record comes to at a moment. The entries may come in any order."""
    known = list(entries)
    corrected = {each.corrects for each in known}
    counting = [
        each for each in known
        if each.kind is not Kind.CORRECTION and each.id not in corrected and now < each.expires_at
    ]  # fmt: skip
    points = sum(each.points for each in counting)
    return Standing(points, band_of(points), dict(sorted(Counter(each.kind for each in counting).items())))


def band_of(points: int) -> Band:
    return next(band for least, band in BANDS if points >= least)


def breach_of(order: Order) -> tuple[ParticipantId, Kind] | None:
    """Who failed at what, where an order ended by somebody's fault, or with less than was promised."""
    if order.reason_code in {Reason.CLAIM_CONCEDED, Reason.PROVIDER_SILENT}:
        return order.provider_id, Kind.OBJECTION_CONCEDED
    if order.state is DEFAULTED and order.reason_code == Reason.PAYMENT_OVERDUE:
        return order.buyer_id, Kind.PAYMENT_DEFAULT
    if order.state not in {DEFAULTED, LAPSED}:
        return None
    if order.reason_code == Reason.NOT_SIGNED_BY_BUYER:
        return order.buyer_id, Kind.UNSIGNED_AWARD
    if order.reason_code == Reason.NOT_SIGNED_BY_PROVIDER:
        return order.provider_id, Kind.UNSIGNED_AWARD
    return None


def loser_of(dispute: Dispute) -> ParticipantId | None:
    """Against whom a dispute was ruled: the side that gets less of what was disputed, or, where no
    money was, has the smaller part of the ruling. None if nobody ruled so."""
    outcome = dispute.outcome
    if outcome is None or outcome.basis is not Basis.RULING:
        return None
    claimant, respondent = outcome.claimant.minor, outcome.respondent.minor
    if dispute.demand.amount.minor == 0:
        claimant, respondent = dispute.rulings[-1].split.claimant, dispute.rulings[-1].split.respondent
    if claimant == respondent:
        return None
    return dispute.respondent_id if claimant > respondent else dispute.claimant_id


def kind_of(complaint: Complaint) -> Kind:
    """What an upheld complaint is on the record of whom it was upheld against."""
    return Kind.UPHELD_COMPLAINT if complaint.kind is complaint_rules.Kind.TRADE else Kind.ILLEGAL_TRADE


def appeal(
    appeal_id: CreditAppealId, entry: Entry, reason: str, evidence: tuple[str, ...], until: datetime, due: DueDate,
    now: datetime,
) -> Appeal:  # fmt: skip
    """`until` is the end of the term for appeals. Requires that nobody has appealed against this entry."""
    if entry.kind is Kind.CORRECTION or now >= entry.expires_at:
        raise NothingToAppeal(kind=entry.kind)
    if now >= until:
        raise AppealTooLate(until=until)
    return Appeal(
        appeal_id, entry.id, entry.participant_id, entry.entered_by, reason, evidence, APPEAL.start, now, due.at,
        due.provisional,
    )  # fmt: skip


def decide(appeal: Appeal, official: str, *, by_regulator: bool, upheld: bool, reason: str) -> Appeal:
    if by_regulator != (appeal.escalations > 0):
        raise NotYoursToDecide(next_actor=appeal.next_actor)
    to = APPEAL.move(appeal.state, UPHELD if upheld else DISMISSED)
    if official == appeal.entered_by:
        raise AnotherMustDecide()
    changes: dict[str, Any] = {"deadline": None, "provisional": False, "revision": appeal.revision + 1}
    return replace(appeal, state=to, decided_by=official, decision_reason=reason, **changes)


def is_overdue(appeal: Appeal, now: datetime) -> bool:
    return appeal.deadline is not None and now >= appeal.deadline


def escalate(appeal: Appeal, due: DueDate) -> Appeal:
    """Requires that the deadline has passed: the regulator decides now, until `due`."""
    return replace(
        appeal, escalations=appeal.escalations + 1, deadline=due.at, provisional=due.provisional,
        revision=appeal.revision + 1,
    )  # fmt: skip
