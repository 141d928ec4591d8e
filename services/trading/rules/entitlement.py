"""An entitlement (授权): the right to receive one version in one mode, for some purposes, so many times, until its end.

Promises: uses never exceed the quota; a suspended or ended one gives nothing; a grade that rises suspends what it no
longer allows, and only lifting that cause resumes it. Source: Network Data Security Regulation art. 12.
Does not: know who is asking now. Standing and grade are decided anew at each use, by `shared.grades.decide`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules.listing import Listing
from services.trading.rules.order import Order
from shared.errors import Conflict, Forbidden, NotFound
from shared.grades import Decision, Mode
from shared.ids import ContractId, EntitlementId, OrderId, ParticipantId, UseId, VersionId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


ACTIVE, SUSPENDED, ENDED = State

ENTITLEMENT = Lifecycle(start=ACTIVE, moves={
    ACTIVE:    {SUSPENDED, ENDED},
    SUSPENDED: {ACTIVE, ENDED},
    ENDED:     set(),
})  # fmt: skip
NEXT_ACTOR = {ACTIVE: "buyer", SUSPENDED: "operator"}


class Reason(StrEnum):
    FROZEN = "frozen"  # by a freeze order, whatever the grade says
    PERIOD_OVER = "period_over"
    ORDER_REFUNDED = "order_refunded"
    METER_CLOSED = "meter_closed"
    RULED = "ruled"  # by whoever decided a dispute over it
    TERMINATED_BY_AGREEMENT = "terminated_by_agreement"


@dataclass(frozen=True, slots=True)
class Entitlement:
    id: EntitlementId
    order_id: OrderId
    contract_id: ContractId
    version_id: VersionId
    buyer_id: ParticipantId
    provider_id: ParticipantId
    mode: Mode
    exclusive: bool
    purposes: tuple[str, ...]
    quota_uses: int
    uses_spent: int
    grade_revision: int
    state: State
    granted_at: datetime
    deadline: datetime | None  # the end of the period
    reason_code: str | None = None
    revision: int = 1
    columns: tuple[str, ...] | None = None  # that may be asked about; None for all of them
    begins_at: datetime | None = None  # the beginning of the period, if later than the grant

    @property
    def uses_left(self) -> int:
        return self.quota_uses - self.uses_spent

    @property
    def is_frozen(self) -> bool:
        return self.state is SUSPENDED and self.reason_code == Reason.FROZEN

    @property
    def is_held(self) -> bool:
        """Suspended by a freeze order or a ruling, which no grade ends."""
        return self.is_frozen or (self.state is SUSPENDED and self.reason_code == Reason.RULED)

    @property
    def next_actor(self) -> str | None:
        return "regulator" if self.is_frozen else NEXT_ACTOR.get(self.state)


@dataclass(frozen=True, slots=True)
class Use:
    """One charged use. `uses_left` is what it left of the quota."""

    use_id: UseId
    entitlement_id: EntitlementId
    contract_id: ContractId
    order_id: OrderId
    buyer_id: ParticipantId
    version_id: VersionId
    mode: Mode
    purposes: tuple[str, ...]
    uses_left: int
    used_at: datetime


class NoSuchEntitlement(NotFound):
    """You have no such entitlement."""


class EntitlementSuspended(Conflict):
    """This entitlement is suspended; the reason stands in the facts."""


class EntitlementEnded(Conflict):
    """This entitlement is over."""


class EntitlementNotBegun(Conflict):
    """This entitlement begins later."""


class QuotaSpent(Conflict):
    """Every use that was bought has been made."""


class UseOfAnother(Conflict):
    """This use was charged to another entitlement."""


class BeyondColumns(Forbidden):
    """This right is for some columns alone, and this use reads others, or does not say which."""


class UseNotPermitted(Forbidden):
    """The grade of the data does not permit this to you now; the reason stands in the facts."""


class GradeChanged(Conflict):
    """The version was graded anew; look again before you deliver."""


def grant(entitlement_id: EntitlementId, order: Order, listing: Listing, now: datetime) -> Entitlement:
    """The right that a paid order gives: so many uses and days as were bought, or else as were offered. Requires the
    commit that pays it."""
    begins_at = listing.right.begins_at(now)
    return Entitlement(
        id=entitlement_id, order_id=order.id, contract_id=order.contract_id, version_id=order.version_id,
        buyer_id=order.buyer_id, provider_id=order.provider_id, mode=order.mode, exclusive=order.exclusive,
        purposes=listing.purposes, quota_uses=listing.quota_uses, uses_spent=0,
        grade_revision=listing.grade_revision, state=ENTITLEMENT.start, granted_at=now,
        deadline=begins_at + timedelta(days=listing.right.period_days),
        begins_at=begins_at if begins_at > now else None,
        columns=order.columns,
    )  # fmt: skip


def entitle(order: Order, entitlement: Entitlement) -> Order:
    """The order with the right that it gave, to be delivered once that has begun. Requires the commit that moves it to
    awaiting delivery."""
    given = replace(order, entitlement_id=entitlement.id)
    if entitlement.begins_at is None:
        return given
    return replace(given, deadline=entitlement.begins_at + timedelta(seconds=order.windows.delivery_seconds))


def use(
    entitlement: Entitlement, use_id: UseId, decision: Decision, grade_revision: int, now: datetime
) -> tuple[Entitlement, Use]:
    """The entitlement with one use less, and that use. `decision` is by the grade with that revision, and of now.

    What suspended a right may have passed (a clearance was raised); then this use resumes it.
    """
    require_in_force(entitlement, decision, grade_revision, now)
    if entitlement.uses_left <= 0:
        raise QuotaSpent(quota_uses=entitlement.quota_uses)
    spent = _change(entitlement, state=ACTIVE, reason_code=None, uses_spent=entitlement.uses_spent + 1)
    made = Use(
        use_id, spent.id, spent.contract_id, spent.order_id, spent.buyer_id, spent.version_id, spent.mode,
        spent.purposes, spent.uses_left, now,
    )  # fmt: skip
    return spent, made


def require_in_force(entitlement: Entitlement, decision: Decision, grade_revision: int, now: datetime) -> None:
    """Raises whatever keeps its buyer from receiving now, be it by a use that was charged before."""
    if entitlement.state is ENDED or (entitlement.deadline and now >= entitlement.deadline):
        raise EntitlementEnded(reason_code=entitlement.reason_code or Reason.PERIOD_OVER)
    if entitlement.begins_at and now < entitlement.begins_at:
        raise EntitlementNotBegun(begins_at=entitlement.begins_at)
    if grade_revision < entitlement.grade_revision:
        raise GradeChanged(grade_revision=entitlement.grade_revision)
    if entitlement.is_held or (entitlement.state is SUSPENDED and not decision.allowed):
        raise EntitlementSuspended(reason_code=entitlement.reason_code)
    if not decision.allowed:
        raise UseNotPermitted(reason_code=decision.reason_code, rules=list(decision.rules))


def require_columns(entitlement: Entitlement, columns: Sequence[str] | None) -> None:
    """Raises BeyondColumns unless the right is for all that a use reads; None if the use does not say what that is."""
    if entitlement.columns is not None and (columns is None or not set(columns) <= set(entitlement.columns)):
        raise BeyondColumns(columns=None if columns is None else sorted(columns), allowed=sorted(entitlement.columns))


def restore_use(entitlement: Entitlement, now: datetime) -> Entitlement:
    """The right with one use more, to receive what is delivered anew. Raises what keeps its buyer from that."""
    if entitlement.state is ENDED or (entitlement.deadline and now >= entitlement.deadline):
        raise EntitlementEnded(reason_code=entitlement.reason_code or Reason.PERIOD_OVER)
    if entitlement.state is SUSPENDED:
        raise EntitlementSuspended(reason_code=entitlement.reason_code)
    return _change(entitlement, quota_uses=entitlement.quota_uses + 1)


def regrade(entitlement: Entitlement, decision: Decision, grade_revision: int) -> Entitlement:
    """Suspended if the new grade denies it to its buyer, resumed if it no longer does. Old news changes nothing."""
    if entitlement.state is ENDED or grade_revision <= entitlement.grade_revision:
        return entitlement
    told = replace(entitlement, grade_revision=grade_revision)
    if told.is_held:
        return _change(told)
    if decision.allowed:
        return _change(told) if told.state is ACTIVE else _move(told, ACTIVE, reason_code=None)
    if told.state is SUSPENDED:
        return _change(told, reason_code=decision.reason_code)
    return _move(told, SUSPENDED, reason_code=decision.reason_code)


def reconsider(entitlement: Entitlement, decision: Decision) -> Entitlement:
    """Suspended if it is denied to its buyer now, resumed if it no longer is, under the same grade."""
    if entitlement.state is ENDED or entitlement.is_held or decision.allowed is (entitlement.state is ACTIVE):
        return entitlement
    if decision.allowed:
        return _move(entitlement, ACTIVE, reason_code=None)
    return _move(entitlement, SUSPENDED, reason_code=decision.reason_code)


def freeze(entitlement: Entitlement) -> Entitlement:
    """Resting by a freeze order, which its grade cannot end. Its period runs on: it is a period of the calendar."""
    if entitlement.state is ENDED or entitlement.is_held:
        return entitlement
    if entitlement.state is SUSPENDED:
        return _change(entitlement, reason_code=Reason.FROZEN)
    return _move(entitlement, SUSPENDED, reason_code=Reason.FROZEN)


def thaw(entitlement: Entitlement) -> Entitlement:
    """In force again once no freeze order holds it: every use is decided by the grade of its moment anyway."""
    return _move(entitlement, ACTIVE, reason_code=None) if entitlement.is_frozen else entitlement


def end(entitlement: Entitlement, reason_code: str) -> Entitlement:
    """The right once its period is over, or its order is refunded. An ended one stays as it is."""
    if entitlement.state is ENDED:
        return entitlement
    return _move(entitlement, ENDED, reason_code=reason_code, deadline=None)


def suspend(entitlement: Entitlement, reason_code: str) -> Entitlement:
    """The right that rests until its period is over, whatever its grade. An ended one stays as it is."""
    if entitlement.state is ENDED:
        return entitlement
    if entitlement.state is SUSPENDED:
        return _change(entitlement, reason_code=reason_code)
    return _move(entitlement, SUSPENDED, reason_code=reason_code)


def redeliver(entitlement: Entitlement) -> Entitlement:
    """One more use, at no price. An ended right stays as it is."""
    if entitlement.state is ENDED:
        return entitlement
    return _change(entitlement, quota_uses=entitlement.quota_uses + 1)


def pass_deadline(entitlement: Entitlement) -> Entitlement:
    """Requires that the deadline has passed."""
    return end(entitlement, Reason.PERIOD_OVER)


def _move(entitlement: Entitlement, to: State, **changes: Any) -> Entitlement:
    return _change(entitlement, state=ENTITLEMENT.move(entitlement.state, to), **changes)


def _change(entitlement: Entitlement, **changes: Any) -> Entitlement:
    return replace(entitlement, revision=entitlement.revision + 1, **changes)
