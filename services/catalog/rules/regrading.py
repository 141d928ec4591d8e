"""A re-grading duty (动态更新): a registered version whose grade has to be looked at again, and by when.

Owns: what gives rise to it, its deadlines, and what ends it.
Promises: only a fresh grade, or an operator's reasoned "unchanged", ends a duty; a late one stays open, is marked for
everyone to see, and is asked for again and again; a registered version is due once a year even if nothing happened.
Source: GB/T 43697-2024 annex J (动态更新情形); the numbers of days are ours.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.catalog.rules.asset import NextActor
from services.catalog.rules.grading import Grounds
from services.catalog.rules.registration import DeadlinePassed
from services.catalog.rules.version import Version
from shared.errors import Conflict, NotFound
from shared.ids import AssetId, ParticipantId, RegradingId, VersionId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    OPEN = "open"
    ASSESSED = "assessed"
    OVERDUE = "overdue"
    CLOSED = "closed"


OPEN, ASSESSED, OVERDUE, CLOSED = State
REGRADING = Lifecycle(start=OPEN, moves={
    OPEN:     {ASSESSED, OVERDUE, CLOSED},
    ASSESSED: {OVERDUE, CLOSED},           # the provider found no more harm; an operator has to confirm it
    OVERDUE:  {ASSESSED, OVERDUE, CLOSED},  # asked for again
    CLOSED:   set(),
})  # fmt: skip
ANSWERED_WITHIN = timedelta(days=30)
CONFIRMED_WITHIN = timedelta(days=15)
A_YEAR_PASSED = "一年期满 · a year has passed"
REGRADED, UNCHANGED, NOT_OFFERED, LATE = "regraded", "confirmed_unchanged", "no_longer_registered", "regrading_overdue"


class Trigger(StrEnum):
    VOLUME = "volume"  # 规模变化
    PRECISION = "precision"  # 精度变化
    FUSION = "fusion"  # 汇聚融合
    LAW = "law"  # 法律法规、标准变化
    INCIDENT = "incident"  # 安全事件
    USE_CHANGE = "use_change"  # 用途、场景变化
    TIME = "time"  # a year has passed


@dataclass(frozen=True, slots=True)
class Regrading:
    """`reported_by` is a person's subject; of a duty by time, nobody's. `said` is what its provider assessed last."""

    id: RegradingId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    trigger: Trigger
    note: str
    reported_by: str | None
    state: State
    opened_at: datetime
    next_actor: NextActor | None
    deadline: datetime | None
    said: Grounds | None = None
    reason_code: str | None = None
    revision: int = 1


class NoSuchRegrading(NotFound):
    """There is no such re-grading duty, or you may not see it."""


class VersionNotRegistered(Conflict):
    """Only a registered version is graded again; the grade of any other is simply proposed anew."""


class RegradingPending(Conflict):
    """This version is already to be graded again for this reason."""


def start(
    regrading_id: RegradingId, version: Version, provider_id: ParticipantId, trigger: Trigger, note: str,
    reported_by: str | None, now: datetime,
) -> Regrading:  # fmt: skip
    """Requires a version of an asset that is not withdrawn."""
    if not version.is_registered:
        raise VersionNotRegistered(state=version.state)
    return Regrading(
        regrading_id, version.asset_id, version.id, provider_id, trigger, note, reported_by, REGRADING.start, now,
        NextActor.PROVIDER, now + ANSWERED_WITHIN,
    )  # fmt: skip


def assess(regrading: Regrading, said: Grounds, now: datetime) -> Regrading:
    """Its provider has assessed the version afresh and found no more harm: an operator has to confirm that."""
    deadline = now + CONFIRMED_WITHIN
    waiting = {"next_actor": NextActor.OPERATOR, "deadline": deadline, "reason_code": None}
    return _move(regrading, ASSESSED, said=said, **waiting)


def close(regrading: Regrading, reason_code: str) -> Regrading:
    return _move(regrading, CLOSED, next_actor=None, deadline=None, reason_code=reason_code)


def pass_deadline(regrading: Regrading, *, registered: bool, now: datetime) -> Regrading:
    """Requires that the deadline has passed. An operator has to see to it, unless nothing is left to grade."""
    if not registered:
        return close(regrading, NOT_OFFERED)
    again = now + CONFIRMED_WITHIN
    return _move(regrading, OVERDUE, next_actor=NextActor.OPERATOR, deadline=again, reason_code=LATE)


def require_in_time(regrading: Regrading, now: datetime) -> None:
    """Raises from the deadline on, until that it passed is recorded."""
    if regrading.deadline and regrading.deadline <= now:
        raise DeadlinePassed(overdue="regrading")


def _move(regrading: Regrading, to: State, **changes: Any) -> Regrading:
    return replace(regrading, state=REGRADING.move(regrading.state, to), revision=regrading.revision + 1, **changes)
