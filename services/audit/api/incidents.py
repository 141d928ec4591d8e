"""Incidents and vulnerabilities: entered by who sees one, kept by the operator for security, read by the regulator."""

from typing import Annotated

from fastapi import Query, Response

from services.audit.actions import incident as incidents
from services.audit.actions import vulnerability as vulnerabilities
from services.audit.api.service import PREFIX, AuditService
from services.audit.schemas.incidents import (
    Dismissal,
    DraftView,
    IncidentGrading,
    IncidentView,
    NewIncident,
    NewTelling,
    NewVulnerability,
    Report,
    To,
    VulnerabilityReport,
    VulnerabilityView,
)
from shared.idempotency import Keyed
from shared.ids import IncidentId, VulnerabilityId
from shared.permission import IncidentReader, IncidentReporter, OperatorSecurity
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=PREFIX)
WhichReport = Annotated[Report, Query()]
ToWhom = Annotated[To, Query()]


@router.post("/incidents", status_code=201)
async def open_incident(
    new: NewIncident, caller: IncidentReporter, once: Keyed, audit: AuditService, response: Response
) -> IncidentView:
    """Say that something happened. The term of the first report runs since you saw it: an hour, until it is known whose
    incident it is and how grave."""
    opened = await incidents.open_incident(audit, caller, new.kind, new.summary, new.discovered_at, new.graded(), once)
    created(response, f"{PREFIX}/incidents/{opened.id}")
    return IncidentView.of(opened)


@router.get("/incidents")
async def listed_incidents(caller: IncidentReader, audit: AuditService, page: PageQuery) -> Listing[IncidentView]:
    """Every incident, for the operator for security and the regulator; those you entered, for others; oldest first."""
    found = await incidents.listed(audit, caller, page)
    return Listing[IncidentView].of([IncidentView.of(each) for each in found], page, lambda one: one.id)


@router.get("/incidents/{incident_id}")
async def seen_incident(incident_id: IncidentId, caller: IncidentReader, audit: AuditService) -> IncidentView:
    """An incident: what is due until when, and who was told of it."""
    return IncidentView.of(await incidents.seen(audit, caller, incident_id))


@router.get("/incidents/{incident_id}/report-draft")
async def report_draft(
    incident_id: IncidentId, caller: IncidentReader, audit: AuditService, report: WhichReport = Report.FIRST,
    to: ToWhom = To.AUTHORITY,
) -> DraftView:  # fmt: skip
    """A report with every part that the law lists, filled as far as the register knows."""
    return DraftView.of(await incidents.drafted(audit, caller, incident_id, report, to))


@router.post("/incidents/{incident_id}/grading")
async def grade_incident(
    incident_id: IncidentId, new: IncidentGrading, operator: OperatorSecurity, once: Keyed, audit: AuditService
) -> IncidentView:
    """Say what is known of it by now. Its grade, and the term of its report, follow from that."""
    return IncidentView.of(await incidents.grade(audit, operator, incident_id, new.graded(), once))


@router.post("/incidents/{incident_id}/reports")
async def tell_of_incident(
    incident_id: IncidentId, new: NewTelling, operator: OperatorSecurity, once: Keyed, audit: AuditService
) -> IncidentView:
    """Enter that you told somebody. The first report to the authority ends the first term, the final one the rest."""
    told = new.told(operator.subject)
    return IncidentView.of(await incidents.tell(audit, operator, incident_id, told, once))


@router.post("/incidents/{incident_id}/containment")
async def contain_incident(
    incident_id: IncidentId, operator: OperatorSecurity, once: Keyed, audit: AuditService
) -> IncidentView:  # fmt: skip
    """The work on it is done. What had to be reported owes its final report within 30 days."""
    return IncidentView.of(await incidents.contain(audit, operator, incident_id, once))


@router.post("/incidents/{incident_id}/dismissal")
async def dismiss_incident(
    incident_id: IncidentId, why: Dismissal, operator: OperatorSecurity, once: Keyed, audit: AuditService
) -> IncidentView:
    """It was none."""
    return IncidentView.of(await incidents.dismiss(audit, operator, incident_id, why.reason_code, once))


@router.post("/vulnerabilities", status_code=201)
async def enter_vulnerability(
    new: NewVulnerability, caller: IncidentReporter, once: Keyed, audit: AuditService, response: Response
) -> VulnerabilityView:
    """Say that something is weak. Where it endangers national security or the public interest, 24 hours run."""
    told = (new.component, new.summary, new.found_at, new.endangers_public)
    entered = await vulnerabilities.enter(audit, caller, *told, once)
    created(response, f"{PREFIX}/vulnerabilities/{entered.id}")
    return VulnerabilityView.model_validate(entered)


@router.get("/vulnerabilities")
async def listed_vulnerabilities(
    caller: IncidentReader, audit: AuditService, page: PageQuery
) -> Listing[VulnerabilityView]:  # fmt: skip
    """Every one, for the operator for security and the regulator; those you entered, for others; oldest first."""
    found = await vulnerabilities.listed(audit, caller, page)
    shown = [VulnerabilityView.model_validate(each) for each in found]
    return Listing[VulnerabilityView].of(shown, page, lambda one: one.id)


@router.get("/vulnerabilities/{vulnerability_id}")
async def seen_vulnerability(
    vulnerability_id: VulnerabilityId, caller: IncidentReader, audit: AuditService
) -> VulnerabilityView:  # fmt: skip
    """A vulnerability, and what is due of it until when."""
    return VulnerabilityView.model_validate(await vulnerabilities.seen(audit, caller, vulnerability_id))


@router.post("/vulnerabilities/{vulnerability_id}/danger")
async def endanger(
    vulnerability_id: VulnerabilityId, operator: OperatorSecurity, once: Keyed, audit: AuditService
) -> VulnerabilityView:  # fmt: skip
    """It endangers national security or the public interest: 24 hours run since it was found."""
    return VulnerabilityView.model_validate(await vulnerabilities.endanger(audit, operator, vulnerability_id, once))


@router.post("/vulnerabilities/{vulnerability_id}/report")
async def report_vulnerability(
    vulnerability_id: VulnerabilityId, new: VulnerabilityReport, operator: OperatorSecurity, once: Keyed,
    audit: AuditService,
) -> VulnerabilityView:  # fmt: skip
    """Enter that you reported it."""
    reported = await vulnerabilities.report(audit, operator, vulnerability_id, new.reported(), once)
    return VulnerabilityView.model_validate(reported)


@router.post("/vulnerabilities/{vulnerability_id}/mending")
async def mend_vulnerability(
    vulnerability_id: VulnerabilityId, operator: OperatorSecurity, once: Keyed, audit: AuditService
) -> VulnerabilityView:  # fmt: skip
    """It is mended."""
    return VulnerabilityView.model_validate(await vulnerabilities.mend(audit, operator, vulnerability_id, once))


@router.post("/vulnerabilities/{vulnerability_id}/dismissal")
async def dismiss_vulnerability(
    vulnerability_id: VulnerabilityId, why: Dismissal, operator: OperatorSecurity, once: Keyed, audit: AuditService
) -> VulnerabilityView:
    """It was none."""
    done = await vulnerabilities.dismiss(audit, operator, vulnerability_id, why.reason_code, once)
    return VulnerabilityView.model_validate(done)
