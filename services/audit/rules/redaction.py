"""Erasure: how a value behind a commitment is closed to all, and then destroyed, while every proof stays as it was.

Owns: the states of what is kept about a subject for a purpose, and of the redaction that moves it on.
Promises: two persons, neither of them of an organisation on the market, and a legal basis; restricted before erased;
nothing is erased while a legal term runs or a case looks at it; nothing but the value of a committed field is ever
touched: who acted, what, when and with which outcome stay in the log for good.
Sources: Personal Information Protection Law art. 47; Network Data Security Regulation art. 24, only storage and
protection where a term runs.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.audit.rules.case import SamePerson
from shared.errors import Conflict, Forbidden, Malformed, NotFound
from shared.ids import DataKeyId, ParticipantId, RedactionId
from shared.lifecycle import Lifecycle

DECIDED_WITHIN = timedelta(days=15)  # Network Data Security Regulation art. 23: answered in time
NOT_DECIDED = "not_decided_in_time"


class KeyState(StrEnum):
    """Of everything that is kept about a subject for a purpose, under one key."""

    ACTIVE = "active"
    RESTRICTED = "restricted"  # stored and protected; opened in a case of two only
    ERASED = "erased"  # key, salts and ciphertexts are gone


DISCLOSURE = Lifecycle(start=KeyState.ACTIVE, moves={
    KeyState.ACTIVE:     {KeyState.RESTRICTED},
    KeyState.RESTRICTED: {KeyState.ERASED},
    KeyState.ERASED:     set(),
})  # fmt: skip


class State(StrEnum):
    PROPOSED = "proposed"
    DONE = "done"
    REFUSED = "refused"
    LAPSED = "lapsed"


REDACTION = Lifecycle(start=State.PROPOSED, moves={
    State.PROPOSED: {State.DONE, State.REFUSED, State.LAPSED},
    State.DONE:     set(),
    State.REFUSED:  set(),
    State.LAPSED:   set(),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of what is kept about a subject for a purpose, wrapped; none once it is erased."""

    id: DataKeyId
    subject: str
    purpose: str
    state: KeyState
    wrapped: bytes | None


@dataclass(frozen=True, slots=True)
class Field:
    """A committed field of an entry: the one thing that can be redacted."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class Redaction:
    id: RedactionId
    data_key_id: DataKeyId
    subject: str
    purpose: str
    to: KeyState
    legal_basis: str
    reason: str
    proposed_by: str
    state: State
    next_actor: str | None
    deadline: datetime | None
    decided_by: str | None = None
    reason_code: str | None = None
    field_count: int | None = None
    revision: int = 1


class NothingKept(NotFound):
    """Nothing is kept of this subject for this purpose."""


class NoSuchRedaction(NotFound):
    """There is no such redaction."""


class CommitmentNotOpened(Malformed):
    """This name, value and salt are not what was committed to."""


class SaltReused(Malformed):
    """This salt opened another commitment already; each field of each entry has a salt of its own."""


class NotCommitted(NotFound):
    """The log has no such committed field of yours."""


class FieldErased(Conflict):
    """The value of this field was erased and is not taken again."""


class OfAnOrganisation(Forbidden):
    """Whoever acts for an organisation on the market may not do this."""


class RetentionRuns(Conflict):
    """A legal term for keeping this still runs; until then it is restricted, not erased."""


class LookedAt(Conflict):
    """This is kept for the time being."""


class RedactionDeadlinePassed(Conflict):
    """Nobody decided in time; propose it again."""


def propose(
    redaction_id: RedactionId, key: DataKey, to: KeyState, legal_basis: str, reason: str, by: str,
    organisation: ParticipantId | None, now: datetime,
) -> Redaction:  # fmt: skip
    """The first person's word. Requires that what is kept can go there next."""
    _require_staff(organisation)
    DISCLOSURE.move(key.state, to)
    told = (key.id, key.subject, key.purpose, to, legal_basis, reason, by)
    return Redaction(redaction_id, *told, REDACTION.start, "operator_audit", now + DECIDED_WITHIN)


def approve(
    redaction: Redaction, key: DataKey, by: str, organisation: ParticipantId | None, now: datetime, *,
    fields: int, kept_until: datetime | None, is_looked_at: bool,
) -> tuple[Redaction, DataKey]:  # fmt: skip
    """The second person's yes, with which it is done. Requires until when the law keeps the entries of these fields."""
    _require_deciding(redaction, by, organisation, now)
    if redaction.to is KeyState.ERASED and kept_until is not None and now < kept_until:
        raise RetentionRuns(until=kept_until)
    if redaction.to is KeyState.ERASED and is_looked_at:
        raise LookedAt()
    state = DISCLOSURE.move(key.state, redaction.to)
    after = replace(key, state=state, wrapped=None if state is KeyState.ERASED else key.wrapped)
    return _over(redaction, State.DONE, decided_by=by, field_count=fields), after


def refuse(
    redaction: Redaction, by: str, organisation: ParticipantId | None, reason_code: str, now: datetime
) -> Redaction:  # fmt: skip
    _require_deciding(redaction, by, organisation, now)
    return _over(redaction, State.REFUSED, decided_by=by, reason_code=reason_code)


def pass_deadline(redaction: Redaction) -> Redaction:
    """Requires a redaction whose deadline has passed."""
    return _over(redaction, State.LAPSED, reason_code=NOT_DECIDED)


def _require_deciding(redaction: Redaction, by: str, organisation: ParticipantId | None, now: datetime) -> None:
    _require_staff(organisation)
    REDACTION.move(redaction.state, State.DONE)
    if by == redaction.proposed_by:
        raise SamePerson()
    if redaction.deadline is not None and redaction.deadline <= now:
        raise RedactionDeadlinePassed(deadline=redaction.deadline)


def _require_staff(organisation: ParticipantId | None) -> None:
    if organisation is not None:
        raise OfAnOrganisation()


def _over(redaction: Redaction, to: State, **changes: object) -> Redaction:
    moved = {"state": REDACTION.move(redaction.state, to), "revision": redaction.revision + 1}
    return replace(redaction, next_actor=None, deadline=None, **moved, **changes)  # pyright: ignore[reportArgumentType]
