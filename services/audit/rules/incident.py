"""The register of incidents 网络安全事件: what befell whom, how grave it is, who was told when, what is still due.

Owns: the states of an incident, the clock of each, and who acts next.
Promises: the clock of the first report runs from the discovery, not from the entry or the grading; what is graded later
never gets more time than the term counted from there; nothing is closed before it is reported, where it must be, and
nothing that was reported ends without its final report within thirty days; a term that has passed is said again and
again, and the regulator sees it; each telling stands with whom it was told to, how, and the hash of its proof.
Sources: 国家网络安全事件报告管理办法 arts 4 (terms), 7 (contents), 8 (final report within 30 days); PIPL art. 57 (what
persons and the authority are told of a leak); Data Security Law art. 29; Network Data Security Regulation art. 11.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.audit.rules import severity as severity_rules
from services.audit.rules.severity import OperatorType, Severity, Signs
from shared.errors import Conflict, Malformed, NotFound
from shared.ids import IncidentId
from shared.lifecycle import Lifecycle

HANDLED_WITHIN = timedelta(days=7)  # ours: a further word is due, so that no incident is forgotten
GRADED_WITHIN = timedelta(days=1)  # ours: an ordinary incident is looked at within a day
FINAL_REPORT_WITHIN = timedelta(days=30)


class State(StrEnum):
    OPEN = "open"
    REPORTED = "reported"
    CONTAINED = "contained"  # 处置结束: the final report is due
    CLOSED = "closed"
    DISMISSED = "dismissed"  # it was none


INCIDENT = Lifecycle(start=State.OPEN, moves={
    State.OPEN:      {State.OPEN, State.REPORTED, State.CLOSED, State.DISMISSED},  # closed at once only if ordinary
    State.REPORTED:  {State.REPORTED, State.CONTAINED},
    State.CONTAINED: {State.CONTAINED, State.CLOSED},
    State.CLOSED:    set(),
    State.DISMISSED: set(),
})  # fmt: skip


class Kind(StrEnum):
    """What happened, as it first looks."""

    DATA_LEAK = "data_leak"  # 数据泄露
    TAMPERING = "tampering"  # 篡改
    LOSS = "loss"  # 毁损、丢失
    OUTAGE = "outage"  # 中断
    INTRUSION = "intrusion"  # 入侵、恶意程序
    RANSOMWARE = "ransomware"  # 勒索
    OTHER = "other"


class To(StrEnum):
    """Who is told."""

    AUTHORITY = "authority"
    POLICE = "police"
    PERSONS = "persons"  # PIPL art. 57
    PARTICIPANTS = "participants"  # Network Data Security Regulation art. 11


class Report(StrEnum):
    FIRST = "first"
    PROGRESS = "progress"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Told:
    """A telling, with its proof: `content_hash` is SHA-256 in hex of what was sent, `proof_hash` of what shows that it
    was (a receipt, a registered letter, a minute of a call)."""

    report: Report
    to: To
    recipient: str
    channel: str
    sent_at: datetime
    content_hash: str
    proof_hash: str
    by: str


@dataclass(frozen=True, slots=True)
class Graded:
    """`operator_type` and `severity` are None until a person or the signs say them."""

    signs: Signs = Signs()
    judged: Severity | None = None
    operator_type: OperatorType | None = None

    @property
    def severity(self) -> Severity | None:
        return severity_rules.severity_of(self.signs, self.judged)


@dataclass(frozen=True, slots=True)
class Incident:
    """`source`: the alert of the monitor that opened it, if one did."""

    id: IncidentId
    kind: Kind
    summary: str
    opened_by: str
    discovered_at: datetime
    opened_at: datetime
    state: State
    deadline: datetime | None
    graded: Graded = Graded()
    source: str | None = None
    told: tuple[Told, ...] = ()
    overdue: int = 0
    reason_code: str | None = None
    ended_at: datetime | None = None
    revision: int = 1

    @property
    def next_actor(self) -> str | None:
        return "operator_security" if self.deadline else None

    @property
    def severity(self) -> Severity | None:
        return self.graded.severity

    @property
    def must_be_reported(self) -> bool:
        return severity_rules.must_be_reported(self.severity)


class NoSuchIncident(NotFound):
    """There is no such incident, or it is not yours to see."""


class DiscoveredInFuture(Malformed):
    """An incident was discovered, and a report sent after that, before either is entered here."""


class ReportMissing(Conflict):
    """An incident of this gravity is reported to its authority before it is closed (办法 art. 4)."""


class FinalReportMissing(Conflict):
    """An incident that was reported is closed with its final report to the authority (办法 art. 8)."""


class GravityNotLowered(Conflict):
    """An incident that was graded as one to be reported is graded lower by nobody alone: report it, or dismiss it."""


def open_incident(
    incident_id: IncidentId, kind: Kind, summary: str, by: str, discovered_at: datetime, graded: Graded, now: datetime,
    source: str | None = None,
) -> Incident:  # fmt: skip
    """A new incident; its clock runs since the discovery."""
    if discovered_at > now:
        raise DiscoveredInFuture(discovered_at=discovered_at)
    incident = Incident(incident_id, kind, summary, by, discovered_at, now, INCIDENT.start, None, graded, source)
    return replace(incident, deadline=_first_due(incident))


def grade(incident: Incident, graded: Graded, now: datetime) -> Incident:
    """With what is known by now. An open one gets the term that follows from it, counted from the discovery."""
    had = incident.severity
    INCIDENT.move(incident.state, incident.state)
    if had is not None and severity_rules.must_be_reported(had) and not _graded_so(graded):
        raise GravityNotLowered(severity=had)
    after = replace(incident, graded=graded, revision=incident.revision + 1)
    if after.state is not State.OPEN or incident.overdue:
        return after
    return replace(after, deadline=_first_due(after))


def tell(incident: Incident, told: Told, now: datetime) -> Incident:
    """A telling that was sent. The first report to the authority ends the first clock, the final one the incident."""
    if not incident.discovered_at <= told.sent_at <= now:
        raise DiscoveredInFuture(sent_at=told.sent_at)
    to, deadline, ended_at = incident.state, incident.deadline, None
    is_to_authority = told.to is To.AUTHORITY
    if incident.state is State.OPEN and is_to_authority:
        to, deadline = State.REPORTED, now + HANDLED_WITHIN
    elif incident.state is State.REPORTED and told.report is Report.PROGRESS:
        deadline = now + HANDLED_WITHIN
    elif incident.state is State.CONTAINED and is_to_authority and told.report is Report.FINAL:
        to, deadline, ended_at = State.CLOSED, None, now
    return _move(incident, to, told=(*incident.told, told), deadline=deadline, ended_at=ended_at)


def contain(incident: Incident, now: datetime) -> Incident:
    """The work on it is done. What had to be reported still owes its final report, thirty days from now."""
    if incident.state is State.OPEN and incident.must_be_reported:
        raise ReportMissing(deadline=incident.deadline)
    if incident.state is State.OPEN:
        return _move(incident, State.CLOSED, deadline=None, ended_at=now)
    if incident.state is State.CONTAINED:
        raise FinalReportMissing(deadline=incident.deadline)
    return _move(incident, State.CONTAINED, deadline=now + FINAL_REPORT_WITHIN)


def dismiss(incident: Incident, reason_code: str, now: datetime) -> Incident:
    """It was none: a false alarm, or a twin of another. What the authority was told of is closed, not dismissed."""
    return _move(incident, State.DISMISSED, deadline=None, reason_code=reason_code, ended_at=now)


def pass_deadline(incident: Incident, now: datetime) -> Incident:
    """Requires that its deadline has passed. What was due is due still, and is asked for again after another term."""
    again = severity_rules.reported_within(incident.graded.operator_type)
    return _move(incident, incident.state, deadline=now + again, overdue=incident.overdue + 1)


def _first_due(incident: Incident) -> datetime:
    term = severity_rules.reported_within(incident.graded.operator_type)
    return incident.discovered_at + (term if incident.must_be_reported else GRADED_WITHIN)


def _graded_so(graded: Graded) -> bool:
    return severity_rules.must_be_reported(graded.severity)


def _move(incident: Incident, to: State, **changes: Any) -> Incident:
    return replace(incident, state=INCIDENT.move(incident.state, to), revision=incident.revision + 1, **changes)
