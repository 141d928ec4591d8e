"""A delivery: one sending of a version's content to the buyer that is entitled to it.

Promises: whether it may start is decided at each delivery (`permission`), and again while the bytes flow; a use that
is already charged may be tried again for an hour, in as many parts as it takes, until it has sent the content five
times over. Every delivery ends once, with its reason.
Does not: count uses (trading does, before the first byte), or hold the bytes.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.delivery.rules.byte_range import Span, Wanted
from services.delivery.rules.permission import Requested, decide
from shared.errors import Conflict, NotFound, NotOffered
from shared.grades import G2, Grade, Mode
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
TIMES_PER_USE_MAX = 5  # how often one use may send the content over, be it whole or in parts
COUNTED_AT_LEAST = 2**20  # bytes: a smaller part counts as this many, so that nobody fetches a byte at a time
HANDED_OVER_AT_MOST = 64 * 2**20  # bytes: what the door sends by itself is decided at least this often
HANDED_OVER_UP_TO = G2
CHECKED_EVERY = timedelta(seconds=4)  # at least every five, with the time that a check takes
WATCHED_EVERY = timedelta(seconds=1)  # for what is known without asking


class Reason(StrEnum):
    COMPLETED = "completed"
    HANDED_OVER = "handed_over"  # to the door, which sends it: whether it arrived is not known here
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
    """An entitlement, as trading's news tell of it. None of a territory that was not told."""

    entitlement_id: EntitlementId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    purposes: tuple[str, ...]
    uses_left: int
    ends_at: datetime | None = None
    territory: str | None = None
    provider_id: ParticipantId | None = None
    active: bool = True


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
    purpose: str | None = None
    first_byte: int = 0
    last_byte: int | None = None
    bytes_counted: int | None = None

    @property
    def next_actor(self) -> str | None:
        return "buyer" if self.state is STARTED else None


@dataclass(frozen=True, slots=True)
class UseSoFar:
    """What a use has been used for: whose it is, since when, and how many bytes count against it."""

    entitlement_id: EntitlementId
    started_at: datetime
    bytes_counted: int


class NoSuchEntitlement(NotFound):
    """You have no such entitlement."""


class ModeNotServed(NotOffered):
    """An entitlement in this mode is not served in this way; the modes that are stand in the facts."""


class UseTaken(Conflict):
    """This use belongs to another entitlement."""


class UseExpired(Conflict):
    """A use can be retried for one hour; draw a new one."""


class UseSpent(Conflict):
    """This use has sent as much as it may; draw a new one."""


class UseRunning(Conflict):
    """Another request with this use is being decided; try again."""


class ExportRunning(Conflict):
    """Another transfer abroad of the same provider is being decided; try again."""


class DeliveryCut(Conflict):
    """This delivery was ended, because it is no longer allowed."""


class ContentMissing(Conflict):
    """The content of this version is not kept here."""


def reason_to_cut(delivery: Delivery, requested: Requested, grade_revision: int) -> Cut | None:
    """Why the delivery may not go on, given what is so now; None if it may."""
    if delivery.deadline is not None and requested.at >= delivery.deadline:
        return Cut.TOO_SLOW
    if not requested.active:
        return Cut.ENTITLEMENT_STOPPED
    if requested.clearance is None:
        return Cut.BUYER_NOT_ADMITTED
    if grade_revision != delivery.grade_revision:
        return Cut.REGRADED
    decision = decide(requested)
    if decision.allowed:
        return None
    return Cut.ENTITLEMENT_STOPPED if decision.rules[-1].startswith("entitlement.") else Cut.NOT_PERMITTED


def check_use(entitlement_id: EntitlementId, so_far: UseSoFar | None, span: Span, now: datetime) -> None:
    """That a use may send this span. Requires all of the use so far, or None if it is new."""
    if so_far is None:
        return
    if so_far.entitlement_id != entitlement_id:
        raise UseTaken()
    if now - so_far.started_at >= RETRIED_WITHIN:
        raise UseExpired()
    bytes_max = TIMES_PER_USE_MAX * span.size
    if so_far.bytes_counted + counted(span.bytes, span.size) > bytes_max:
        raise UseSpent(bytes_max=bytes_max, bytes_counted=so_far.bytes_counted, times_max=TIMES_PER_USE_MAX)


def counted(sent: int, size: int) -> int:
    """How many bytes count against the use, of so many sent."""
    return max(sent, min(COUNTED_AT_LEAST, size))


def is_handed_over(grade: Grade, wanted: Wanted, span: Span) -> bool:
    """Whether the door may send it by itself: of little harm, not much at a time, and as the door too reads it."""
    return grade <= HANDED_OVER_UP_TO and span.bytes <= HANDED_OVER_AT_MOST and wanted.is_plain


def end(delivery: Delivery, reason: Reason, bytes_sent: int, now: datetime, cut: Cut | None = None) -> Delivery:
    """The delivery once it is over. What did not leave counts no longer against the use."""
    state = DELIVERY.move(delivery.state, ENDED)
    parts = {"bytes_sent": bytes_sent, "ended_at": now, "reason_code": reason, "cut": cut}
    return replace(delivery, state=state, deadline=None, bytes_counted=counted(bytes_sent, delivery.bytes), **parts)
