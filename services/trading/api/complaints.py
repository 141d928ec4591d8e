"""What can be asked about complaints (投诉举报): by anyone, also without an account, and by those who handle them."""

from typing import Annotated

from fastapi import Header, Response

from services.trading.actions import complaint as actions
from services.trading.actions.complaint import Decision, Filed
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.complaints import (
    ComplaintFileView,
    ComplaintStateView,
    ComplaintView,
    NewComplaint,
    NewDecision,
    NewRejection,
    ReceiptView,
)
from shared import web
from shared.idempotency import Keyed
from shared.ids import ComplaintId
from shared.permission import BusinessOrRegulator, Public, Visitor
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)
Code = Annotated[str, Header(alias="Complaint-Code", max_length=100)]


@router.post("/complaints", status_code=201)
async def file(
    new: NewComplaint, caller: Visitor, once: Keyed, trading: TradingService, response: Response
) -> ReceiptView:
    """Say what is wrong. You need no account. You are told a number and a code: with both you can read what comes of
    it; we cannot give you the code again."""
    filed = Filed(new.kind, new.about(), new.narrative, new.contact, tuple(new.evidence))
    receipt = await actions.file(trading, caller, filed, once)
    web.created(response, f"{PREFIX}/complaint-receipts/{receipt.complaint.id}")
    return ReceiptView.of(receipt.complaint, receipt.code)


@router.get("/complaint-receipts/{complaint_id}")
async def see_receipt(
    complaint_id: ComplaintId, _: Public, trading: TradingService, code: Code = ""
) -> ComplaintStateView:
    """How your complaint stands, by its code in the header `Complaint-Code`."""
    return ComplaintStateView.of(await actions.receipt(trading, complaint_id, code))


@router.get("/complaints")
async def see_complaints(
    caller: BusinessOrRegulator, page: PageQuery, trading: TradingService
) -> Listing[ComplaintView]:
    """All complaints, newest first, without their words."""
    found = await actions.complaints(trading, caller, page)
    return Listing[ComplaintView].of([ComplaintView.of(each) for each in found], page, lambda view: view.id)


@router.get("/complaints/{complaint_id}")
async def see_complaint(
    complaint_id: ComplaintId, caller: BusinessOrRegulator, trading: TradingService
) -> ComplaintFileView:
    """A complaint with its words."""
    complaint, words = await actions.complaint(trading, caller, complaint_id)
    return ComplaintFileView(
        complaint=ComplaintView.of(complaint), narrative=words and words.narrative, contact=words and words.contact
    )


@router.post("/complaints/{complaint_id}/acceptance")
async def accept(
    complaint_id: ComplaintId, caller: BusinessOrRegulator, once: Keyed, trading: TradingService
) -> ComplaintView:
    """Take it up. The term for the decision runs from now on."""
    return ComplaintView.of(await actions.accept(trading, caller, complaint_id, once))


@router.post("/complaints/{complaint_id}/rejection")
async def reject(
    complaint_id: ComplaintId, new: NewRejection, caller: BusinessOrRegulator, once: Keyed, trading: TradingService
) -> ComplaintView:
    """Do not take it up, and say why."""
    return ComplaintView.of(await actions.reject(trading, caller, complaint_id, new.ground, new.reason, once))


@router.post("/complaints/{complaint_id}/investigation")
async def investigate(
    complaint_id: ComplaintId, caller: BusinessOrRegulator, once: Keyed, trading: TradingService
) -> ComplaintView:
    """Begin to look into it."""
    return ComplaintView.of(await actions.investigate(trading, caller, complaint_id, once))


@router.post("/complaints/{complaint_id}/decision")
async def decide(
    complaint_id: ComplaintId, new: NewDecision, caller: BusinessOrRegulator, once: Keyed, trading: TradingService
) -> ComplaintView:
    """Uphold it or not, with the reason. Upheld against a participant, it stands on their record."""
    told = Decision(new.upheld, new.reason, new.respondent_id)
    return ComplaintView.of(await actions.decide(trading, caller, complaint_id, told, once))
