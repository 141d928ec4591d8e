"""A person's request (个人行权请求): to see, correct, delete or take along what a provider has of them, or to have its
rules explained.

Owns: the kinds, who answers until when, and what follows where nobody does.
Promises: whoever shows a receipt is heard, without an account and without a name; the provider answers within fifteen
working days, and a refusal says why; what it leaves undone becomes the operator's, and is said again each time that its
term has passed too; a deletion that is granted ends the consent in the same commit; the words that somebody wrote are
kept no longer than thirty days after the end.
Sources: PIPL arts 44 to 48 (the rights), 50 (a convenient way, reasons for a refusal); Network Data Security
Regulation art. 23 (in time, without unreasonable conditions). Fifteen working days:
《App违法违规收集使用个人信息行为认定方法》 六.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.errors import Conflict, NotFound
from shared.ids import AssetId, ConsentId, ParticipantId, PersonalRequestId, VersionId
from shared.lifecycle import Lifecycle

ANSWERED_WITHIN_WORKING_DAYS = 15
WORDS_KEPT = timedelta(days=30)


class State(StrEnum):
    RECEIVED = "received"
    ESCALATED = "escalated"
    GRANTED = "granted"
    REFUSED = "refused"


RECEIVED, ESCALATED, GRANTED, REFUSED = State
PERSONAL_REQUEST = Lifecycle(start=RECEIVED, moves={
    RECEIVED:  {GRANTED, REFUSED, ESCALATED},
    ESCALATED: {GRANTED, REFUSED, ESCALATED},  # escalated again: the operator was late too
    GRANTED:   set(),
    REFUSED:   set(),
})  # fmt: skip
WAITING = frozenset({RECEIVED, ESCALATED})


class Kind(StrEnum):
    ACCESS = "access"  # 查阅、复制: art. 45
    PORTABILITY = "portability"  # 转移: art. 45(3)
    CORRECTION = "correction"  # 更正、补充: art. 46
    DELETION = "deletion"  # 删除: art. 47
    EXPLANATION = "explanation"  # 解释说明: art. 48


@dataclass(frozen=True, slots=True)
class Due:
    """`at` is the first moment that is too late. Provisional: a day on the way has no announced calendar yet."""

    at: datetime
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class PersonalRequest:
    id: PersonalRequestId
    kind: Kind
    consent_id: ConsentId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    state: State
    received_at: datetime
    due: Due | None
    escalations: int = 0
    answer_hash: str | None = None
    reason_code: str | None = None
    ended_at: datetime | None = None
    revision: int = 1

    @property
    def deadline(self) -> datetime | None:
        return self.due.at if self.due else None

    @property
    def next_actor(self) -> str | None:
        if self.state not in WAITING:
            return None
        return "operator_security" if self.escalations else "provider"


@dataclass(frozen=True, slots=True)
class Words:
    """What the person wrote, and what they were answered. None once it is forgotten."""

    details: str | None
    answer: str | None


class NoSuchPersonalRequest(NotFound):
    """There is no such request, or it is not yours to see."""


class PersonalRequestPending(Conflict):
    """A request of this kind under this receipt waits for its answer."""


class NotYoursToAnswer(Conflict):
    """Another answers this now: the provider until its term has passed, the operator for security after that."""


class TermPassed(Conflict):
    """The term is over. The request is about to be handed to the operator; look again."""


def receive(
    request_id: PersonalRequestId, kind: Kind, of: tuple[ConsentId, AssetId, VersionId, ParticipantId], due: Due,
    now: datetime,
) -> PersonalRequest:  # fmt: skip
    """Requires whoever shows the receipt of the consent, and no undecided request of this kind under it."""
    return PersonalRequest(request_id, kind, *of, PERSONAL_REQUEST.start, now, due)


def grant(request: PersonalRequest, answer_hash: str | None, *, by_operator: bool, now: datetime) -> PersonalRequest:
    """`answer_hash`: SHA-256 of what was sent to the person, where something was."""
    _require_turn(request, by_operator, now)
    return _over(request, GRANTED, now, answer_hash=answer_hash)


def refuse(request: PersonalRequest, reason_code: str, *, by_operator: bool, now: datetime) -> PersonalRequest:
    _require_turn(request, by_operator, now)
    return _over(request, REFUSED, now, reason_code=reason_code)


def pass_deadline(request: PersonalRequest, due: Due) -> PersonalRequest:
    """Requires that its deadline has passed."""
    return _move(request, ESCALATED, escalations=request.escalations + 1, due=due)


def ends_consent(request: PersonalRequest) -> bool:
    """Whether the consent that it came by ends with it."""
    return request.kind is Kind.DELETION and request.state is GRANTED


def _require_turn(request: PersonalRequest, by_operator: bool, now: datetime) -> None:
    if request.state in WAITING and by_operator != (request.escalations > 0):
        raise NotYoursToAnswer(next_actor=request.next_actor)
    if request.deadline is not None and request.deadline <= now:
        raise TermPassed(deadline=request.deadline)


def _over(request: PersonalRequest, to: State, now: datetime, **changes: Any) -> PersonalRequest:
    return _move(request, to, due=None, ended_at=now, **changes)


def _move(request: PersonalRequest, to: State, **changes: Any) -> PersonalRequest:
    state = PERSONAL_REQUEST.move(request.state, to)
    return replace(request, state=state, revision=request.revision + 1, **changes)
