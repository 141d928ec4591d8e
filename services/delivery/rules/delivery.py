"""A delivery: one sending of a version's content to the buyer that is entitled to it.

Promises: whether it may start is decided at each delivery, on the grade, clearance, mode and flags of that moment; it
is decided again while the bytes flow; a use that is already charged may be retried for an hour, a few times, and no
more. Every delivery ends once, with its reason.
Does not: count uses (trading does, before the first byte), or hold the bytes.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import Conflict, Forbidden, NotFound, NotOffered
from shared.grades import Clearance, Decision, Flag, Grade, Mode, decide
from shared.ids import ContractId, DeliveryId, EntitlementId, ParticipantId, UseId, VersionId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    STARTED = "started"
    ENDED = "ended"


STARTED, ENDED = State
DELIVERY = Lifecycle(start=STARTED, moves={STARTED: {ENDED}, ENDED: set()})

SERVED = frozenset({Mode.RAW, Mode.DESENSITISED})
LASTS_AT_MOST = timedelta(hours=6)
RETRIED_WITHIN = timedelta(hours=1)
DELIVERIES_PER_USE_MAX = 5
CHECKED_EVERY = timedelta(seconds=4)  # at least every five, with the time that a check takes
WATCHED_EVERY = timedelta(seconds=1)  # for what is known without asking


class Reason(StrEnum):
    COMPLETED = "completed"
    ABORTED = "aborted"  # the buyer went away, or the connection did
    CUT = "cut"  # by us, because it is no longer allowed


class Cut(StrEnum):
    """Why a running delivery was ended."""

    REGRADED = "regraded"
    NOT_PERMITTED = "not_permitted"
    ENTITLEMENT_STOPPED = "entitlement_stopped"
    BUYER_NOT_ADMITTED = "buyer_not_admitted"
    UNCONFIRMED = "unconfirmed"  # from G3 on, what cannot be confirmed is not assumed
    TOO_SLOW = "too_slow"


@dataclass(frozen=True, slots=True)
class Entitled:
    """An entitlement, as trading's news tell of it."""

    entitlement_id: EntitlementId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    active: bool = True
    purposes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    id: DeliveryId
    entitlement_id: EntitlementId
    contract_id: ContractId
    use_id: UseId
    version_id: VersionId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    mode: Mode
    grade: Grade
    grade_revision: int
    content_hash: str
    bytes: int
    state: State
    started_at: datetime
    deadline: datetime | None
    bytes_sent: int = 0
    ended_at: datetime | None = None
    reason_code: Reason | None = None
    cut: Cut | None = None

    @property
    def next_actor(self) -> str | None:
        return "buyer" if self.state is STARTED else None


class NoSuchEntitlement(NotFound):
    """You have no such entitlement."""


class EntitlementNotActive(Conflict):
    """This entitlement is suspended or over."""


class NotPermitted(Forbidden):
    """The grade of this content does not allow its delivery to you in this form; the rules stand in the facts."""

    @property
    def told_code(self) -> str:
        return str(self.facts["reason_code"])


class ModeNotServed(NotOffered):
    """An entitlement in this mode is not served in this way; the modes that are stand in the facts."""


class UseTaken(Conflict):
    """This use belongs to another entitlement."""


class UseExpired(Conflict):
    """A use can be retried for one hour; draw a new one."""


class UseSpent(Conflict):
    """This use has been retried as often as it can be; draw a new one."""


class UseRunning(Conflict):
    """Another request with this use is being decided; try again."""


class DeliveryCut(Conflict):
    """This delivery was ended, because it is no longer allowed."""


class ContentMissing(Conflict):
    """The content of this version is not kept here."""


def permission(grade: Grade, mode: Mode, clearance: Clearance | None, flags: Set[Flag]) -> Decision:
    """May it be delivered now? No condition beyond the clearance is on record yet, so what needs one is denied."""
    return decide(grade, mode, clearance, flags)


def reason_to_cut(
    delivery: Delivery, *, grade: Grade, grade_revision: int, flags: Set[Flag], clearance: Clearance | None,
    entitlement_active: bool, now: datetime,
) -> Cut | None:  # fmt: skip
    """Why the delivery may not go on, given what is so now; None if it may. `clearance` is None if not admitted."""
    if delivery.deadline is not None and now >= delivery.deadline:
        return Cut.TOO_SLOW
    if not entitlement_active:
        return Cut.ENTITLEMENT_STOPPED
    if clearance is None:
        return Cut.BUYER_NOT_ADMITTED
    if grade_revision != delivery.grade_revision:
        return Cut.REGRADED
    return None if permission(grade, delivery.mode, clearance, flags).allowed else Cut.NOT_PERMITTED


def check_use(entitlement_id: EntitlementId, earlier: Sequence[Delivery], now: datetime) -> None:
    """Requires all deliveries of the use so far, oldest first."""
    if not earlier:
        return
    if earlier[0].entitlement_id != entitlement_id:
        raise UseTaken()
    if now - earlier[0].started_at >= RETRIED_WITHIN:
        raise UseExpired()
    if len(earlier) >= DELIVERIES_PER_USE_MAX:
        raise UseSpent(deliveries_max=DELIVERIES_PER_USE_MAX)


def end(delivery: Delivery, reason: Reason, bytes_sent: int, now: datetime, cut: Cut | None = None) -> Delivery:
    state = DELIVERY.move(delivery.state, ENDED)
    parts = {"bytes_sent": bytes_sent, "ended_at": now, "reason_code": reason, "cut": cut}
    return replace(delivery, state=state, deadline=None, **parts)
