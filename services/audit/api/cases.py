"""Regulators' cases (案件)."""

from typing import Annotated

from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from services.audit.actions import case as cases
from services.audit.actions import case_reading, excerpt
from services.audit.api.service import PREFIX, AuditService, Index, Size, tar
from services.audit.schemas.cases import CaseApproval, CaseClosing, CaseExtension, CaseRefusal, CaseView, NewCase
from services.audit.schemas.log import INTEGER_MAX, EntriesView, EntryView
from shared import web
from shared.idempotency import Keyed
from shared.ids import CaseId
from shared.permission import Regulator, SecondRegulator
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=PREFIX)


@router.post("/cases", status_code=201)
async def open_case(
    new: NewCase, regulator: Regulator, once: Keyed, audit: AuditService, response: Response
) -> CaseView:  # fmt: skip
    """Open a case 立案. One that reaches G5 waits up to seven days for a second regulator."""
    case = await cases.open_case(audit, regulator, new.form(), once)
    created(response, f"{PREFIX}/cases/{case.id}")
    return CaseView.of(case)


@router.get("/cases")
async def listed_cases(regulator: Regulator, audit: AuditService, page: PageQuery) -> Listing[CaseView]:
    """Your cases, and those that wait for a second regulator, oldest first."""
    found = await cases.listed(audit, regulator, page)
    return Listing[CaseView].of([CaseView.of(each) for each in found], page, lambda case: case.id)


@router.get("/cases/{case_id}")
async def seen_case(case_id: CaseId, regulator: Regulator, audit: AuditService) -> CaseView:
    """A case with every step of it, to its officers; one that waits for a second regulator, to every regulator."""
    return CaseView.of(await cases.seen(audit, regulator, case_id))


@router.post("/cases/{case_id}/approval")
async def approve_case(
    case_id: CaseId, yes: CaseApproval, regulator: SecondRegulator, once: Keyed, audit: AuditService
) -> CaseView:  # fmt: skip
    """A second regulator's yes to the scope of a case that reaches G5."""
    return CaseView.of(await cases.approve(audit, regulator, case_id, yes.reason, once))


@router.post("/cases/{case_id}/refusal")
async def refuse_case(
    case_id: CaseId, no: CaseRefusal, regulator: SecondRegulator, once: Keyed, audit: AuditService
) -> CaseView:  # fmt: skip
    """A regulator's no to a case that waits."""
    return CaseView.of(await cases.refuse(audit, regulator, case_id, no.reason_code, no.reason, once))


@router.post("/cases/{case_id}/extension")
async def extend_case(
    case_id: CaseId, more: CaseExtension, regulator: Regulator, once: Keyed, audit: AuditService
) -> CaseView:  # fmt: skip
    """More time for an open case: at most 90 days at once, three times. From G5 another officer gives it."""
    return CaseView.of(await cases.extend(audit, regulator, case_id, more.expires_at, more.reason, once))


@router.post("/cases/{case_id}/closing")
async def close_case(
    case_id: CaseId, end: CaseClosing, regulator: Regulator, once: Keyed, audit: AuditService
) -> CaseView:  # fmt: skip
    """The end of a case 结案, with its finding."""
    return CaseView.of(await cases.close(audit, regulator, case_id, end.outcome, end.finding, once))


@router.get("/cases/{case_id}/entries")
async def entries_of_case(
    case_id: CaseId,
    regulator: Regulator,
    audit: AuditService,
    after_index: Annotated[web.Whole, Query(ge=-1, le=INTEGER_MAX)] = -1,
    limit: Annotated[web.Whole, Query(ge=1, le=web.LIMIT_MAX)] = web.LIMIT_DEFAULT,
) -> EntriesView:
    """Entries that an open case reaches, in order. Each reading is an entry that names the case."""
    return await case_reading.entries(audit, regulator, case_id, after_index, limit)


@router.get("/cases/{case_id}/entries/{index}")
async def entry_of_case(case_id: CaseId, index: Index, regulator: Regulator, audit: AuditService) -> EntryView:
    """An entry that an open case reaches."""
    return await case_reading.one_entry(audit, regulator, case_id, index)


@router.get("/cases/{case_id}/bundle", response_class=StreamingResponse)
async def bundle_of_case(
    case_id: CaseId, regulator: Regulator, audit: AuditService, size: Size = None
) -> StreamingResponse:  # fmt: skip
    """The case's evidence for the offline verifier: every hash of the log, and the entries that the case reaches."""
    return tar(await excerpt.of_case(audit, regulator, case_id, size))
