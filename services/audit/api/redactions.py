"""What stands behind commitments: disclosed, restricted, erased; and what the terms of keeping are."""

from fastapi import Response

from services.audit.actions import disclosure, pruning
from services.audit.actions import redaction as redactions
from services.audit.api.service import PREFIX, AuditService, Index
from services.audit.schemas.redactions import (
    FieldView,
    NewDisclosure,
    NewRedaction,
    OpenedFieldView,
    RedactionCountView,
    RedactionRefusal,
    RedactionView,
    RetentionView,
)
from shared.idempotency import Keyed
from shared.ids import CaseId, RedactionId
from shared.permission import OperatorSecurity, Public, Regulator, SecondAudit, Service, Staff, Supervisor
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=PREFIX)


@router.post("/disclosures", status_code=201)
async def disclose(new: NewDisclosure, caller: Service, audit: AuditService) -> FieldView:
    """Tell what a commitment in a fact of yours stands for. The same again changes nothing."""
    told = disclosure.Told(
        new.fact_id, new.name, new.value, bytes.fromhex(new.salt), new.subject, new.purpose
    )  # fmt: skip
    return FieldView.model_validate(await disclosure.disclose(audit, caller, told))


@router.get("/cases/{case_id}/entries/{index}/fields")
async def fields_of_case(
    case_id: CaseId, index: Index, regulator: Regulator, audit: AuditService
) -> list[OpenedFieldView]:  # fmt: skip
    """What stands behind the commitments of an entry that an open case reaches."""
    found = await disclosure.fields(audit, regulator, case_id, index)
    return [OpenedFieldView.model_validate(each) for each in found]


@router.post("/redactions", status_code=201)
async def propose_redaction(
    new: NewRedaction, operator: OperatorSecurity, once: Keyed, audit: AuditService, response: Response
) -> RedactionView:  # fmt: skip
    """Ask that what is kept of a subject for a purpose be restricted, or erased. An auditor decides within 15 days."""
    proposed = await redactions.propose(audit, operator, *new.told(), once)
    created(response, f"{PREFIX}/redactions/{proposed.id}")
    return RedactionView.model_validate(proposed)


@router.get("/redactions")
async def listed_redactions(_: Staff, audit: AuditService, page: PageQuery) -> Listing[RedactionView]:
    """Every redaction, oldest first."""
    found = await redactions.listed(audit, page)
    return Listing[RedactionView].of([RedactionView.model_validate(each) for each in found], page, lambda one: one.id)


@router.get("/redactions/{redaction_id}")
async def seen_redaction(redaction_id: RedactionId, _: Staff, audit: AuditService) -> RedactionView:
    """A redaction, and who decides on it until when."""
    return RedactionView.model_validate(await redactions.seen(audit, redaction_id))


@router.post("/redactions/{redaction_id}/approval")
async def approve_redaction(
    redaction_id: RedactionId, operator: SecondAudit, once: Keyed, audit: AuditService
) -> RedactionView:  # fmt: skip
    """The second person's yes, with which it is done."""
    return RedactionView.model_validate(await redactions.approve(audit, operator, redaction_id, once))


@router.post("/redactions/{redaction_id}/refusal")
async def refuse_redaction(
    redaction_id: RedactionId, no: RedactionRefusal, operator: SecondAudit, once: Keyed, audit: AuditService
) -> RedactionView:  # fmt: skip
    """The second person's no."""
    return RedactionView.model_validate(
        await redactions.refuse(audit, operator, redaction_id, no.reason_code, no.reason, once)
    )


@router.get("/redaction-counts")
async def redaction_counts(_: Supervisor, audit: AuditService) -> list[RedactionCountView]:
    """How often each operator had a hand in a redaction, so that it is noticed where there are many."""
    found = await redactions.counts(audit)
    return [RedactionCountView(operator=operator, count=count) for operator, count in sorted(found.items())]


@router.get("/retention")
async def retention(_: Public, audit: AuditService) -> RetentionView:
    """How long the log keeps entries of each class, and from which index on it still has them (C2SP minimum index)."""
    policy, minimum_index = await pruning.terms(audit)
    return RetentionView(policy_id=policy.id, days={**policy.days}, minimum_index=minimum_index)
