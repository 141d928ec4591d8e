"""A complaint or report (投诉举报): what anyone, also without an account, says is wrong on the market.

Owns: the kinds, the lifecycle, who handles it, and the code with which its sender reads how it stands.
Promises: nothing follows from a complaint by itself; nobody who belongs to a participant handles one; every refusal
and every decision carries a reason; silence buries none: what the operator leaves undone becomes the regulator's, and
what the regulator leaves undone is said again and again. Who complained is told to nobody whom it concerns, and what
they wrote is erased once its term is over.
Sources: 网络数据安全管理条例 art. 20 (a channel for complaints, handled in time), 个人信息保护法 art. 65, 电子商务法
art. 59; the terms of 市场监督管理投诉举报处理暂行办法 (2019): art. 14 and 15 acceptance, 21 and 31 decision and answer.
"""

import base64
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules.due_date import DueDate
from services.trading.rules.supervision import SupervisionRules
from shared.errors import Conflict, Forbidden, NotFound, TooMany
from shared.ids import AssetId, ComplaintId, ListingId, OrderId, ParticipantId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    RECEIVED = "received"
    ACCEPTED = "accepted"
    INVESTIGATING = "investigating"
    UPHELD = "upheld"
    NOT_UPHELD = "not_upheld"
    REJECTED = "rejected"
    CLOSED = "closed"


RECEIVED, ACCEPTED, INVESTIGATING, UPHELD, NOT_UPHELD, REJECTED, CLOSED = State

COMPLAINT = Lifecycle(start=RECEIVED, moves={
    RECEIVED:      {ACCEPTED, REJECTED},
    ACCEPTED:      {INVESTIGATING},
    INVESTIGATING: {UPHELD, NOT_UPHELD},
    UPHELD:        {CLOSED},
    NOT_UPHELD:    {CLOSED},
    REJECTED:      set(),
    CLOSED:        set(),
})  # fmt: skip
DECIDED = frozenset({UPHELD, NOT_UPHELD})
CODE_BYTES = 15
WINDOW = timedelta(hours=1)


class Kind(StrEnum):
    TRADE = "trade"  # 交易投诉
    ILLEGAL_LISTING = "illegal_listing"  # 违法挂牌
    BLACK_MARKET = "black_market"  # 黑市交易
    PERSONAL_DATA = "personal_data"  # 侵害个人信息
    COUNTERFEIT_RIGHTS = "counterfeit_rights"  # 伪造权属


class Rejection(StrEnum):
    """art. 15 of the measures: why a complaint is not taken up."""

    NOT_OURS = "not_ours"  # nothing of this market's
    ALREADY_DECIDED = "already_decided"
    IN_COURT = "in_court"
    NOT_IDENTIFIABLE = "not_identifiable"  # it does not say whom or what it is about
    NO_FACTS = "no_facts"


About = ParticipantId | AssetId | ListingId | OrderId


@dataclass(frozen=True, slots=True)
class Complaint:
    """`about` is what the sender named, whether or not there is such a thing; `evidence` are SHA-256 in hex.
    `respondent_id` is whom it was upheld against."""

    id: ComplaintId
    kind: Kind
    about: About | None
    evidence: tuple[str, ...]
    complainant_id: ParticipantId | None
    state: State
    received_at: datetime
    deadline: datetime | None
    provisional: bool
    escalations: int = 0
    reason_code: str | None = None
    reason: str | None = None
    respondent_id: ParticipantId | None = None
    revision: int = 1

    @property
    def next_actor(self) -> str | None:
        if self.state in DECIDED:
            return "nobody"  # it is told, and then closed by time
        if not COMPLAINT.moves[self.state]:
            return None
        return "regulator" if self.escalations else "operator_business"


@dataclass(frozen=True, slots=True)
class Count:
    """How many complaints one sender, or all without an account together, have filed in an hour."""

    complaints: int
    window_ends_at: datetime


class NoSuchComplaint(NotFound):
    """There is no such complaint, or this is not its code."""


class NotIndependent(Forbidden):
    """Whoever belongs to a participant's organisation neither handles nor reads complaints."""


class NotYoursToHandle(Conflict):
    """Another handles this complaint now: the operator of the business until a deadline is missed, the regulator
    after that."""


class NoSuchRespondent(NotFound):
    """There is no such participant to uphold this against."""


class TooManyComplaints(TooMany):
    """So many complaints were filed within an hour; this one can be filed again in a while."""


def require_independent(participant_id: ParticipantId | None) -> None:
    if participant_id is not None:
        raise NotIndependent()


def counted(count: Count | None, complaints_max: int, now: datetime) -> Count:
    """The count with one more complaint. Raises TooManyComplaints if the hour has had as many as it may."""
    if count is None or now >= count.window_ends_at:
        return Count(1, now + WINDOW)
    if count.complaints >= complaints_max:
        raise TooManyComplaints(retry_after_seconds=-(-(count.window_ends_at - now) // timedelta(seconds=1)))
    return Count(count.complaints + 1, count.window_ends_at)


def code_of(salt: bytes) -> str:
    """The code of a complaint, from a secret that is kept and erased with its particulars."""
    digest = hmac.digest(salt, b"yaosu complaint code v1", "sha256")
    return base64.b32encode(digest[:CODE_BYTES]).decode()


def is_code(told: str, salt: bytes) -> bool:
    """Compared in a time that tells nothing of how much of it is right."""
    return hmac.compare_digest(code_of(salt).encode(), told.encode())


def receive(
    complaint_id: ComplaintId, kind: Kind, about: About | None, evidence: tuple[str, ...],
    complainant_id: ParticipantId | None, due: DueDate, now: datetime,
) -> Complaint:  # fmt: skip
    return Complaint(
        complaint_id, kind, about, evidence, complainant_id, COMPLAINT.start, now, due.at, due.provisional
    )  # fmt: skip


def accept(complaint: Complaint, *, by_regulator: bool, due: DueDate) -> Complaint:
    """Taken up: from now on the term for the decision runs, for whoever handles it."""
    _require_handler(complaint, by_regulator)
    return _move(complaint, ACCEPTED, due)


def reject(complaint: Complaint, *, by_regulator: bool, ground: Rejection, reason: str) -> Complaint:
    _require_handler(complaint, by_regulator)
    return _move(complaint, REJECTED, None, reason_code=ground, reason=reason)


def investigate(complaint: Complaint, *, by_regulator: bool) -> Complaint:
    """The term for the decision stays what it was."""
    _require_handler(complaint, by_regulator)
    return replace(
        complaint, state=COMPLAINT.move(complaint.state, INVESTIGATING), revision=complaint.revision + 1
    )  # fmt: skip


def decide(
    complaint: Complaint, *, by_regulator: bool, upheld: bool, reason: str, respondent_id: ParticipantId | None,
    due: DueDate,
) -> Complaint:  # fmt: skip
    """`due` is when it is closed, after its sender has had time to read the outcome. Only what is upheld has a
    respondent."""
    _require_handler(complaint, by_regulator)
    to = UPHELD if upheld else NOT_UPHELD
    against = respondent_id if upheld else None
    return _move(complaint, to, due, reason_code=to, reason=reason, respondent_id=against)


def is_overdue(complaint: Complaint, now: datetime) -> bool:
    return complaint.deadline is not None and now >= complaint.deadline


def pass_deadline(complaint: Complaint, due: DueDate) -> Complaint:
    """Requires that the deadline has passed. What is decided is closed; what is not becomes the regulator's, or is
    the regulator's again, until `due`."""
    if complaint.state in DECIDED:
        return _move(complaint, CLOSED, None)
    return replace(
        complaint, escalations=complaint.escalations + 1, deadline=due.at, provisional=due.provisional,
        revision=complaint.revision + 1,
    )  # fmt: skip


def erased_from(complaint: Complaint, rules: SupervisionRules, now: datetime) -> datetime | None:
    """When the words, the contact and the code of a complaint go that has just come to this state. None before its end.
    Source: 个人信息保护法 art. 19, 47: no longer than is necessary, and then erased."""
    return None if COMPLAINT.moves[complaint.state] else now + timedelta(days=rules.particulars_days)


def _require_handler(complaint: Complaint, by_regulator: bool) -> None:
    if by_regulator != (complaint.escalations > 0):
        raise NotYoursToHandle(next_actor=complaint.next_actor)


def _move(complaint: Complaint, to: State, due: DueDate | None, **changes: Any) -> Complaint:
    return replace(
        complaint, state=COMPLAINT.move(complaint.state, to), deadline=due and due.at,
        provisional=due.provisional if due else False, revision=complaint.revision + 1, **changes,
    )  # fmt: skip
