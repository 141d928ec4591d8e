"""Incidents and vulnerabilities, as they are entered and shown."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from services.audit.rules.incident import Graded, Incident, Kind, Report, State, To, Told
from services.audit.rules.incident_report import Draft, text
from services.audit.rules.severity import OperatorType, Severity, Signs
from services.audit.rules.vulnerability import Reported
from services.audit.rules.vulnerability import State as VulnerabilityState
from services.audit.schemas.log import Hash
from services.audit.schemas.words import ReasonCode, Words
from shared import web
from shared.ids import IncidentId, VulnerabilityId

Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Short = Annotated[str, Field(min_length=1, max_length=120, pattern=r"\S")]


class SignsBody(web.Request):
    """What was measured, as far as it is known. The outages are of critical infrastructure; `persons`: whose
    information was leaked; `affected`: whose work or life it disturbs."""

    outage_minutes: Count | None = None
    main_function_outage_minutes: Count | None = None
    affected: Count | None = None
    province_share_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    persons: Count | None = None
    loss_minor: Count | None = None

    def signs(self) -> Signs:
        return Signs(**self.model_dump())


class IncidentGrading(web.Request):
    """研判 · `judged` raises what the signs give, and never lowers it."""

    operator_type: Annotated[OperatorType, Field(strict=False)] | None = None
    judged: Annotated[Severity, Field(strict=False)] | None = None
    signs: SignsBody = SignsBody()

    def graded(self) -> Graded:
        return Graded(self.signs.signs(), self.judged, self.operator_type)


class NewIncident(IncidentGrading):
    """安全事件 · What was seen, and when. The clock of the first report runs since then."""

    kind: Annotated[Kind, Field(strict=False)]
    summary: Words
    discovered_at: web.Moment


class NewTelling(web.Request):
    """报告留痕 · Whom you told, how and when, with SHA-256 of what you sent and of what shows that it was sent."""

    report: Annotated[Report, Field(strict=False)]
    to: Annotated[To, Field(strict=False)]
    recipient: Short
    channel: Short
    sent_at: web.Moment
    content_hash: Hash
    proof_hash: Hash

    def told(self, by: str) -> Told:
        return Told(
            self.report, self.to, self.recipient, self.channel, self.sent_at, self.content_hash, self.proof_hash, by
        )


class Dismissal(web.Request):
    reason_code: ReasonCode


class SignsView(web.View):
    outage_minutes: int | None
    main_function_outage_minutes: int | None
    affected: int | None
    province_share_percent: int | None
    persons: int | None
    loss_minor: int | None


class ToldView(web.View):
    report: Report
    to: To
    recipient: str
    channel: str
    sent_at: datetime
    content_hash: str
    proof_hash: str
    by: str


class IncidentView(web.View):
    """`severity` is null before it is graded; it may have to be reported then. `overdue`: how many terms passed."""

    id: IncidentId
    kind: Kind
    summary: str
    source: str | None
    discovered_at: datetime
    opened_at: datetime
    state: State
    next_actor: str | None
    deadline: datetime | None
    overdue: int
    operator_type: OperatorType | None
    severity: Severity | None
    judged: Severity | None
    must_be_reported: bool
    signs: SignsView
    told: list[ToldView]
    reason_code: str | None
    ended_at: datetime | None
    revision: int

    @classmethod
    def of(cls, incident: Incident) -> Self:
        graded = incident.graded
        return cls.model_validate({
            "id": incident.id, "kind": incident.kind, "summary": incident.summary, "source": incident.source,
            "discovered_at": incident.discovered_at, "opened_at": incident.opened_at, "state": incident.state,
            "next_actor": incident.next_actor, "deadline": incident.deadline, "overdue": incident.overdue,
            "operator_type": graded.operator_type, "severity": graded.severity, "judged": graded.judged,
            "must_be_reported": incident.must_be_reported, "signs": SignsView.model_validate(graded.signs),
            "told": [ToldView.model_validate(each) for each in incident.told], "reason_code": incident.reason_code,
            "ended_at": incident.ended_at, "revision": incident.revision,
        })  # fmt: skip


class PartView(web.View):
    """A part that the law lists; without text where the register cannot know it."""

    title: str
    article: str
    text: str | None


class DraftView(web.View):
    """报告草稿 · The report as far as the register can write it, part by part, and as one text."""

    title: str
    recipient: str
    due: datetime | None
    parts: list[PartView]
    text: str

    @classmethod
    def of(cls, draft: Draft) -> Self:
        parts = [PartView.model_validate(each) for each in draft.parts]
        return cls(title=draft.title, recipient=draft.recipient, due=draft.due, parts=parts, text=text(draft))


class NewVulnerability(web.Request):
    """漏洞 · What was found, and when. `endangers_public`: national security or the public interest."""

    component: Short
    summary: Words
    found_at: web.Moment
    endangers_public: bool


class VulnerabilityReport(web.Request):
    """To whom it was reported, when, and SHA-256 of what shows that it was."""

    recipient: Short
    sent_at: web.Moment
    proof_hash: Hash

    def reported(self) -> Reported:
        return Reported(self.recipient, self.sent_at, self.proof_hash)


class ReportedView(web.View):
    recipient: str
    sent_at: datetime
    proof_hash: str


class VulnerabilityView(web.View):
    id: VulnerabilityId
    component: str
    summary: str
    found_at: datetime
    opened_at: datetime
    endangers_public: bool
    state: VulnerabilityState
    next_actor: str | None
    deadline: datetime | None
    overdue: int
    reported: ReportedView | None
    reason_code: str | None
    ended_at: datetime | None
    revision: int
