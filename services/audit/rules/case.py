"""A regulator's case 案件: what an authority looks into, in which of the log's entries, on which basis, until when.

Owns: the states of a case, which entries it reaches, and which readings of the log need one.
Promises: a case is bounded in time, and nothing outside of its scope is read under it; one that reaches G5 says nothing
before a second regulator has agreed to its scope; it ends by itself, or with a finding, and never begins again.
Does not: hold up what is being done on the market. That is an order to freeze, which names the case.
Sources: reliability 5.2 (the row "regulator: metadata, contracts, log"); Administrative Penalty Law (2021) art. 60, a
decision within 90 days; Network Data Security Regulation art. 51, no more is collected than the task needs.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from shared.errors import Conflict, Forbidden, Malformed, NotFound
from shared.grades import G1, G2, G3, G4, G5, G6, Grade
from shared.ids import AssetId, CaseId, ContractId, ParticipantId
from shared.lifecycle import Lifecycle

LASTS_MAX = timedelta(days=90)
EXTENSIONS_MAX = 3
APPROVED_WITHIN = timedelta(days=7)
EXPIRED, NOT_APPROVED = "expired", "not_approved_in_time"


class State(StrEnum):
    AWAITING_SECOND = "awaiting_second"
    OPEN = "open"
    CLOSED = "closed"
    EXPIRED = "expired"
    REFUSED = "refused"
    LAPSED = "lapsed"


CASE = Lifecycle(start=State.AWAITING_SECOND, moves={
    State.AWAITING_SECOND: {State.OPEN, State.REFUSED, State.LAPSED},
    State.OPEN:            {State.OPEN, State.CLOSED, State.EXPIRED},  # open again: extended
    State.CLOSED:          set(),
    State.EXPIRED:         set(),
    State.REFUSED:         set(),
    State.LAPSED:          set(),
})  # fmt: skip


class Need(IntEnum):
    """What reading an entry takes. Ordered: a later one takes more."""

    NOTHING = 0
    CASE = 1
    CASE_OF_TWO = 2


NEEDS: Mapping[str, Mapping[Grade, Need]] = {  # by role: what the log tells of data of a grade
    "regulator": {
        G1: Need.NOTHING, G2: Need.NOTHING, G3: Need.NOTHING,
        G4: Need.CASE, G5: Need.CASE_OF_TWO, G6: Need.CASE_OF_TWO,
    },
    # Row 41 gives the auditor every entry, for whoever keeps the log must be able to read it.
    "operator_audit": dict.fromkeys(Grade, Need.NOTHING),
}  # fmt: skip


class NextActor(StrEnum):
    REGULATOR = "regulator"
    SECOND_REGULATOR = "second_regulator"


class Outcome(StrEnum):
    """What a case found 结论."""

    NO_VIOLATION = "no_violation"
    VIOLATION = "violation"
    REFERRED = "referred"  # to another authority 移送


class Step(StrEnum):
    OPENED = "opened"
    APPROVED = "approved"
    REFUSED = "refused"
    EXTENDED = "extended"
    CLOSED = "closed"
    EXPIRED = "expired"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Taken:
    """One step of a case: who took it, when, and the words that they gave for it."""

    step: Step
    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a case looks at: entries of events from `since` to before `until`, on data up to a grade, that name one of
    these; or all of that time and grade, where the whole log is the matter."""

    participants: frozenset[ParticipantId]
    assets: frozenset[AssetId]
    contracts: frozenset[ContractId]
    since: datetime
    until: datetime
    highest: Grade
    is_whole_log: bool = False

    @property
    def named(self) -> frozenset[str]:
        return self.participants | self.assets | self.contracts


@dataclass(frozen=True, slots=True)
class Form:
    """What a regulator says at the opening. `officers` may read under the case beside the one who opens it."""

    purpose: str
    legal_basis: str
    scope: Scope
    expires_at: datetime
    officers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Case:
    id: CaseId
    opened_by: str
    form: Form
    state: State
    next_actor: NextActor | None
    deadline: datetime | None
    expires_at: datetime
    steps: tuple[Taken, ...]
    approved_by: str | None = None
    extensions: int = 0
    outcome: Outcome | None = None
    reason_code: str | None = None
    revision: int = 1

    @property
    def is_of_two(self) -> bool:
        return self.form.scope.highest >= G5


class NoSuchCase(NotFound):
    """There is no such case, or it is not yours to see."""


class ScopeEmpty(Malformed):
    """A case names whom or what it looks at, or says that it looks at the whole log."""


class TimesReversed(Malformed):
    """The time that a case looks at ends before it begins."""


class CaseEndsTooEarly(Malformed):
    """A case ends later than it begins, and each extension later than before."""


class CaseEndsTooLate(Malformed):
    """A case lasts 90 days at most, and each extension 90 days more."""


class ExtendedTooOften(Conflict):
    """A case is extended three times at most; close it with what was found, or open another."""


class CaseDeadlinePassed(Conflict):
    """The time for this is up. What follows from that is about to be recorded; look again."""


class SamePerson(Forbidden):
    """Another person than the one who asked must agree."""


class NotYourCase(Forbidden):
    """Only who opened the case may do this."""


class CaseNotOpen(Conflict):
    """Nothing is read under a case that is not open."""


class CaseNeeded(Forbidden):
    """This is read under an open case whose scope reaches it."""


def need(roles: Set[str], grade: Grade | None) -> Need:
    """What reading an entry about data of this grade takes. Requires one of the roles in the table; the one with the
    wider sight counts."""
    if grade is None:
        return Need.NOTHING
    return min(row[grade] for role, row in NEEDS.items() if role in roles)


def open_case(case_id: CaseId, by: str, form: Form, now: datetime) -> Case:
    """A new case: open at once, or from G5 once a second regulator agrees, within seven days."""
    scope = form.scope
    if not scope.named and not scope.is_whole_log:
        raise ScopeEmpty()
    if scope.until <= scope.since:
        raise TimesReversed(since=scope.since, until=scope.until)
    _require_lasting(now, form.expires_at, now)
    taken = Taken(Step.OPENED, now, by, form.purpose)
    if scope.highest >= G5:
        waits_until = min(now + APPROVED_WITHIN, form.expires_at)
        ahead = (CASE.start, NextActor.SECOND_REGULATOR, waits_until)
    else:
        ahead = (CASE.move(CASE.start, State.OPEN), NextActor.REGULATOR, form.expires_at)
    return Case(case_id, by, form, *ahead, form.expires_at, (taken,))


def approve(case: Case, by: str, reason: str, now: datetime) -> Case:
    """A second regulator's yes to the scope: from now on they may read under the case too."""
    _require_waiting(case, now)
    if by == case.opened_by:
        raise SamePerson()
    taken = Taken(Step.APPROVED, now, by, reason)
    ahead = {"next_actor": NextActor.REGULATOR, "deadline": case.expires_at, "approved_by": by}
    return _move(case, State.OPEN, taken, **ahead)


def refuse(case: Case, by: str, reason_code: str, reason: str, now: datetime) -> Case:
    """A second regulator's no, or the first one's change of mind."""
    _require_waiting(case, now)
    return _over(case, State.REFUSED, Taken(Step.REFUSED, now, by, reason), reason_code)


def extend(case: Case, by: str, expires_at: datetime, reason: str, now: datetime) -> Case:
    """More time. From G5 on the second regulator gives it to the first, never someone to themselves."""
    _require_open(case, now)
    _require_officer(case, by)
    if case.is_of_two and by == case.opened_by:
        raise SamePerson()
    if not case.is_of_two and by != case.opened_by:
        raise NotYourCase()
    if case.extensions == EXTENSIONS_MAX:
        raise ExtendedTooOften(extensions=EXTENSIONS_MAX)
    _require_lasting(case.expires_at, expires_at, now)
    ahead = {"deadline": expires_at, "expires_at": expires_at, "extensions": case.extensions + 1}
    return _move(case, State.OPEN, Taken(Step.EXTENDED, now, by, reason), **ahead)


def close(case: Case, by: str, outcome: Outcome, finding: str, now: datetime) -> Case:
    """The end of a case, with what was found."""
    _require_officer(case, by)
    _require_open(case, now)
    if by != case.opened_by:
        raise NotYourCase()
    return _over(case, State.CLOSED, Taken(Step.CLOSED, now, by, finding), str(outcome), outcome=outcome)


def pass_deadline(case: Case, by: str, now: datetime) -> Case:
    """Requires a case whose deadline has passed."""
    if case.state is State.OPEN:
        return _over(case, State.EXPIRED, Taken(Step.EXPIRED, now, by, EXPIRED), EXPIRED)
    return _over(case, State.LAPSED, Taken(Step.LAPSED, now, by, NOT_APPROVED), NOT_APPROVED)


def officers(case: Case) -> frozenset[str]:
    """Who may read under the case: who opened it, who agreed to it, and whom the opening named."""
    return case.form.officers | {case.opened_by} | ({case.approved_by} if case.approved_by else set[str]())


def shows_to(case: Case, subject: str) -> bool:
    """Officers see a case; while it waits for a second regulator, every regulator does, for any of them may agree."""
    return subject in officers(case) or case.state is State.AWAITING_SECOND


def require_reading(case: Case, by: str, now: datetime) -> None:
    """Raises unless this regulator may read under the case now."""
    _require_officer(case, by)
    if case.state is not State.OPEN or _is_late(case, now):
        raise CaseNotOpen(state=case.state, deadline=case.deadline)


def reaches(scope: Scope, names: Set[str], at: datetime, grade: Grade | None) -> bool:
    """Whether an entry is in the scope: its event names these, happened then, and is about data of this grade."""
    if not scope.since <= at < scope.until:
        return False
    if grade is not None and grade > scope.highest:
        return False
    return scope.is_whole_log or not scope.named.isdisjoint(names)


def _require_lasting(begins_at: datetime, expires_at: datetime, now: datetime) -> None:
    if expires_at <= max(begins_at, now):
        raise CaseEndsTooEarly(after=max(begins_at, now))
    if expires_at > begins_at + LASTS_MAX:
        raise CaseEndsTooLate(until=begins_at + LASTS_MAX)


def _require_officer(case: Case, by: str) -> None:
    if by not in officers(case):
        raise NoSuchCase()


def _require_waiting(case: Case, now: datetime) -> None:
    CASE.move(case.state, State.REFUSED)
    _require_in_time(case, now)


def _require_open(case: Case, now: datetime) -> None:
    CASE.move(case.state, State.CLOSED)
    _require_in_time(case, now)


def _require_in_time(case: Case, now: datetime) -> None:
    if _is_late(case, now):
        raise CaseDeadlinePassed(deadline=case.deadline)


def _is_late(case: Case, now: datetime) -> bool:
    return case.deadline is not None and case.deadline <= now


def _over(case: Case, to: State, taken: Taken, reason_code: str, **changes: object) -> Case:
    return _move(case, to, taken, next_actor=None, deadline=None, reason_code=reason_code, **changes)


def _move(case: Case, to: State, taken: Taken, **changes: object) -> Case:
    moved = {"state": CASE.move(case.state, to), "steps": (*case.steps, taken), "revision": case.revision + 1}
    return replace(case, **moved, **changes)  # pyright: ignore[reportArgumentType]
