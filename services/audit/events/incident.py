"""The facts of incidents and of vulnerabilities. Each tells the whole as it stands after the step."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.audit.rules import incident as incident_rules
from services.audit.rules import vulnerability as vulnerability_rules
from services.audit.rules.incident import Graded, Incident, Told
from services.audit.rules.severity import GUIDE_VERSION, OperatorType, Severity
from services.audit.rules.vulnerability import Reported, Vulnerability
from shared.facts import Category, Fact
from shared.ids import IncidentId, VulnerabilityId


@dataclass(frozen=True, slots=True)
class IncidentFact(Fact):
    """`revision` orders the facts of one incident. By which edition of the guide it is graded stands in each."""

    category: ClassVar[Category] = Category.SYSTEM
    incident_id: IncidentId
    state: incident_rules.State
    severity: Severity | None
    operator_type: OperatorType | None
    deadline: datetime | None
    overdue: int
    reason_code: str | None
    revision: int
    guide_version: str

    @classmethod
    def of(cls, incident: Incident) -> Self:
        return cls(*_head(incident))


@dataclass(frozen=True, slots=True)
class IncidentOpened(IncidentFact):
    """Somebody, or the monitor, says that something happened. The clock runs since the discovery."""

    kind: incident_rules.Kind
    summary: str
    discovered_at: datetime
    source: str | None
    graded: Graded

    @classmethod
    def of(cls, incident: Incident) -> Self:
        told = (incident.kind, incident.summary, incident.discovered_at, incident.source, incident.graded)
        return cls(*_head(incident), *told)


@dataclass(frozen=True, slots=True)
class IncidentGraded(IncidentFact):
    """What was measured or judged of it, and what follows from that."""

    graded: Graded

    @classmethod
    def of(cls, incident: Incident) -> Self:
        return cls(*_head(incident), incident.graded)


@dataclass(frozen=True, slots=True)
class IncidentTold(IncidentFact):
    """Somebody was told of it; the hashes say what they were sent, and what shows that they were."""

    told: Told

    @classmethod
    def of(cls, incident: Incident) -> Self:
        return cls(*_head(incident), incident.told[-1])


@dataclass(frozen=True, slots=True)
class IncidentContained(IncidentFact):
    """The work on it is done; what was reported still owes its final report."""


@dataclass(frozen=True, slots=True)
class IncidentDismissed(IncidentFact):
    """It was none."""


@dataclass(frozen=True, slots=True)
class IncidentOverdue(IncidentFact):
    """A term passed, and what was due in it is due still."""


@dataclass(frozen=True, slots=True)
class VulnerabilityFact(Fact):
    """`revision` orders the facts of one vulnerability."""

    category: ClassVar[Category] = Category.SYSTEM
    vulnerability_id: VulnerabilityId
    component: str
    found_at: datetime
    endangers_public: bool
    state: vulnerability_rules.State
    reported: Reported | None
    deadline: datetime | None
    overdue: int
    reason_code: str | None
    revision: int

    @classmethod
    def of(cls, found: Vulnerability) -> Self:
        return cls(
            found.id, found.component, found.found_at, found.endangers_public, found.state, found.reported,
            found.deadline, found.overdue, found.reason_code, found.revision,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class VulnerabilityEntered(VulnerabilityFact):
    """A weakness was found. What it is exactly stands in the register alone, until it is mended."""


@dataclass(frozen=True, slots=True)
class VulnerabilityEndangersPublic(VulnerabilityFact):
    """It is worse than it looked: it is reported within 24 hours of being found."""


@dataclass(frozen=True, slots=True)
class VulnerabilityReported(VulnerabilityFact):
    """It was reported to the authority."""


@dataclass(frozen=True, slots=True)
class VulnerabilityMended(VulnerabilityFact):
    """It is mended."""


@dataclass(frozen=True, slots=True)
class VulnerabilityDismissed(VulnerabilityFact):
    """It was none."""


@dataclass(frozen=True, slots=True)
class VulnerabilityOverdue(VulnerabilityFact):
    """A term passed, and what was due in it is due still."""


def _head(
    incident: Incident,
) -> tuple[
    IncidentId, incident_rules.State, Severity | None, OperatorType | None, datetime | None, int, str | None, int, str
]:  # fmt: skip
    return (
        incident.id, incident.state, incident.severity, incident.graded.operator_type, incident.deadline,
        incident.overdue, incident.reason_code, incident.revision, GUIDE_VERSION,
    )  # fmt: skip
