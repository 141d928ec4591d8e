"""A need (需求): what a buyer looks for, said once, so that providers can see it and offers can be asked for.

Promises: an open need ends by itself; it becomes one inquiry at most; its budget is the buyer's secret unless they say
otherwise; providers see an open need if they may see data of the grade that it goes up to.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules.inquiry_terms import BudgetIsNone
from shared.errors import Conflict, Malformed, NotFound
from shared.grades import Grade, Mode
from shared.ids import InquiryId, NeedId, ParticipantId
from shared.lifecycle import Lifecycle
from shared.money import Money

VALID_DAYS_MAX = 180


class State(StrEnum):
    OPEN = "open"  # 征集中
    INQUIRED = "inquired"  # 已转询价
    CLOSED = "closed"  # 已关闭
    EXPIRED = "expired"  # 已到期


OPEN, INQUIRED, CLOSED, EXPIRED = State

NEED = Lifecycle(start=OPEN, moves={
    OPEN:     {INQUIRED, CLOSED, EXPIRED},
    INQUIRED: set(),
    CLOSED:   set(),
    EXPIRED:  set(),
})  # fmt: skip
NEXT_ACTOR = {OPEN: "buyer"}


class Reason(StrEnum):
    BY_BUYER = "by_buyer"
    EXPIRED = "expired"
    BECAME_INQUIRY = "became_inquiry"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. Purpose, mode and grade ceiling must be kept to; the rest is matched as well as it can be.

    `update_days_max`: how many days may lie between two updates. None, or nothing named, asks for nothing.
    """

    title: str
    description: str
    purpose: str
    mode: Mode
    grade_ceiling: Grade
    fields: tuple[str, ...]
    themes: tuple[str, ...]
    territory: str | None
    rows_min: int | None
    update_days_max: int | None
    budget: Money | None
    budget_is_open: bool


@dataclass(frozen=True, slots=True)
class Need:
    id: NeedId
    buyer_id: ParticipantId
    wanted: Wanted
    state: State
    published_at: datetime
    deadline: datetime | None
    inquiry_id: InquiryId | None = None
    reason_code: str | None = None
    revision: int = 1

    @property
    def next_actor(self) -> str | None:
        return NEXT_ACTOR.get(self.state)


class NoSuchNeed(NotFound):
    """There is no such need, or you may not see it."""


class NeedNotOpen(Conflict):
    """This need is closed, expired, or an inquiry already."""


class NothingWanted(Malformed):
    """A need names at least one field or theme, or nothing could be matched."""


class BadValidity(Malformed):
    """A need is open until a moment to come, no further off than the facts say."""


def publish(need_id: NeedId, buyer_id: ParticipantId, wanted: Wanted, valid_until: datetime, now: datetime) -> Need:
    if not wanted.fields and not wanted.themes:
        raise NothingWanted()
    if wanted.budget_is_open and wanted.budget is None:
        raise BudgetIsNone()
    if not now < valid_until <= now + timedelta(days=VALID_DAYS_MAX):
        raise BadValidity(days_max=VALID_DAYS_MAX)
    return Need(need_id, buyer_id, wanted, NEED.start, now, valid_until)


def require_open(need: Need, now: datetime) -> None:
    """Raises NeedNotOpen once the need has ended, whether or not anyone has noticed."""
    if need.deadline is None or now >= need.deadline:
        raise NeedNotOpen(state=need.state, reason_code=need.reason_code or Reason.EXPIRED)


def become_inquiry(need: Need, inquiry_id: InquiryId, now: datetime) -> Need:
    require_open(need, now)
    return _end(need, INQUIRED, Reason.BECAME_INQUIRY, inquiry_id=inquiry_id)


def close(need: Need, now: datetime) -> Need:
    """Taken back by the buyer."""
    require_open(need, now)
    return _end(need, CLOSED, Reason.BY_BUYER)


def is_due(need: Need, now: datetime) -> bool:
    return need.deadline is not None and now >= need.deadline


def expire(need: Need) -> Need:
    """Requires that its time is up."""
    return _end(need, EXPIRED, Reason.EXPIRED)


def _end(need: Need, to: State, reason: Reason, **changes: Any) -> Need:
    moved = NEED.move(need.state, to)
    return replace(
        need, state=moved, reason_code=reason, deadline=None, revision=need.revision + 1, **changes
    )  # fmt: skip
