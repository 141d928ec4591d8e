"""An objection 异议: a participant says that what is registered, or is about to be, is not the provider's to register.

Owns: the grounds, the lifecycle, and what an objection is against: a filing under notice, or a registered entry.
Promises: while one is open, what it is against goes no further: the filing is held, the entry is marked, not offered;
each ends with a reason that both sides see, by an operator, by its objector, or by its deadline. An objection that
nobody decides in time does not stand: otherwise anyone could keep anything off the register by saying something.
Sources: 扬州 2024 (异议登记 among the types; objections within the public notice), Shenzhen registration rule (no
registration with an unresolved ownership dispute).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.catalog.rules.asset import REGISTERED, Asset, NextActor, NoSuchAsset
from services.catalog.rules.filing import OBJECTED, UNDER_NOTICE, Filing
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import AssetId, FilingId, ObjectionId, ParticipantId
from shared.lifecycle import Lifecycle


class ObjectionState(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


OPEN, UPHELD, DISMISSED, WITHDRAWN, LAPSED = ObjectionState
OBJECTION = Lifecycle(start=OPEN, moves={
    OPEN:      {UPHELD, DISMISSED, WITHDRAWN, LAPSED},
    UPHELD:    set(),
    DISMISSED: set(),
    WITHDRAWN: set(),
    LAPSED:    set(),
})  # fmt: skip
DECIDED_WITHIN = timedelta(days=30)
OBJECTION_UPHELD, OBJECTION_OVERDUE, GONE = "objection_upheld", "objection_overdue", "what_it_was_against_is_gone"
WITHDRAWN_BY_OBJECTOR = "withdrawn_by_objector"


class Ground(StrEnum):
    OWNERSHIP = "ownership"  # the data are the objector's
    COPY = "copy"  # they were copied from the objector's
    UNLAWFUL_ACQUISITION = "unlawful_acquisition"
    PERSONAL_INFORMATION = "personal_information"
    FALSE_STATEMENT = "false_statement"


@dataclass(frozen=True, slots=True)
class Objection:
    """Against a filing under notice, or, without `filing_id`, against the entry. `evidence_hash` is SHA-256 in hex."""

    id: ObjectionId
    asset_id: AssetId
    filing_id: FilingId | None
    objector_id: ParticipantId
    ground: Ground
    statement: str
    evidence_hash: str
    raised_at: datetime
    state: ObjectionState
    next_actor: NextActor | None
    deadline: datetime | None
    reason_code: str | None = None
    reason: str | None = None
    revision: int = 1


class NoSuchObjection(NotFound):
    """There is no such objection, or you may not see it."""


class AlreadyObjected(Conflict):
    """You have an open objection to this already; wait for its outcome, or withdraw it."""


class ObjectsToOwn(Forbidden):
    """Nobody objects to what their own organisation registers."""


class ObjectionDecided(Conflict):
    """This objection is decided already."""


class ObjectionTimeUp(Conflict):
    """The time for this is up. What follows from that is about to be recorded; look again."""


def raise_(
    objection_id: ObjectionId, asset: Asset, filing: Filing | None, objector: ParticipantId, ground: Ground,
    statement: str, evidence_hash: str, now: datetime,
) -> Objection:  # fmt: skip
    """A new objection: to what is under notice, if something is, or else to the registered entry.

    `filing` is the asset's open one. Requires that the entry or its notice shows to the objector.
    """
    noticed = filing if filing and filing.state in {UNDER_NOTICE, OBJECTED} else None
    if noticed is None and asset.state is not REGISTERED:
        raise NoSuchAsset()
    if objector in {asset.provider_id, asset.rights_holder_id, noticed and noticed.counterparty_id}:
        raise ObjectsToOwn()
    if noticed and noticed.notice_ends_at and noticed.notice_ends_at <= now:
        raise ObjectionTimeUp(deadline=noticed.notice_ends_at)
    return Objection(
        objection_id, asset.id, noticed and noticed.id, objector, ground, statement, evidence_hash, now,
        OBJECTION.start, NextActor.OPERATOR, now + DECIDED_WITHIN,
    )  # fmt: skip


def uphold(objection: Objection, reason: str, now: datetime) -> Objection:
    return _decided(objection, UPHELD, OBJECTION_UPHELD, reason, now)


def dismiss(objection: Objection, reason_code: str, reason: str, now: datetime) -> Objection:
    return _decided(objection, DISMISSED, reason_code, reason, now)


def withdraw(objection: Objection, now: datetime) -> Objection:
    return _decided(objection, WITHDRAWN, WITHDRAWN_BY_OBJECTOR, None, now)


def lapse(objection: Objection, reason_code: str = OBJECTION_OVERDUE) -> Objection:
    """Requires that its deadline has passed, or that what it was against is gone."""
    return _ended(objection, LAPSED, reason_code, None)


def settle(objection: Objection) -> Objection:
    """Upheld with another objection to the same: what is refused needs no further decision."""
    return _ended(objection, UPHELD, OBJECTION_UPHELD, None)


def is_late(objection: Objection, now: datetime) -> bool:
    return objection.deadline is not None and objection.deadline <= now


def mark(asset: Asset, objected: bool) -> Asset:
    """The entry as disputed, or not any more."""
    return asset if asset.objected is objected else replace(asset, objected=objected, revision=asset.revision + 1)


def _decided(
    objection: Objection, to: ObjectionState, reason_code: str, reason: str | None, now: datetime
) -> Objection:
    if objection.state is not OPEN:
        raise ObjectionDecided(state=objection.state)
    if is_late(objection, now):
        raise ObjectionTimeUp(deadline=objection.deadline)
    return _ended(objection, to, reason_code, reason)


def _ended(objection: Objection, to: ObjectionState, reason_code: str, reason: str | None) -> Objection:
    return replace(
        objection, state=OBJECTION.move(objection.state, to), next_actor=None, deadline=None, reason_code=reason_code,
        reason=reason, revision=objection.revision + 1,
    )  # fmt: skip
