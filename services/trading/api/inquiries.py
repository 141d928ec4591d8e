"""What can be asked about inquiries (询价)."""

from typing import Annotated

from fastapi import Query, Response

from services.trading.actions import inquiry as actions
from services.trading.actions.inquiry import Wanted
from services.trading.actions.trading import party_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.inquiries import InquiryState, InquiryView, NewInquiry, NewOpening, NewSealedOffer
from shared import web
from shared.idempotency import Keyed
from shared.ids import InquiryId
from shared.permission import Buyer, InquiryReader, Provider
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/inquiries", status_code=201)
async def publish(
    new: NewInquiry, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> InquiryView:
    """Ask at least three providers for sealed offers, and say how you will compare them. Nothing of it changes."""
    budget = new.budget.money() if new.budget else None
    wanted = Wanted(
        new.title, new.description, new.asked(), new.scoring.rule(), budget, new.budget_is_open, new.offers_until,
        tuple(new.invited),
    )  # fmt: skip
    inquiry = await actions.publish(trading, caller, wanted, once)
    web.created(response, f"{PREFIX}/inquiries/{inquiry.id}")
    return InquiryView.of(inquiry, caller.participant_id)


@router.get("/inquiries")
async def see_inquiries(
    caller: InquiryReader,
    page: PageQuery,
    trading: TradingService,
    state: Annotated[InquiryState | None, Query()] = None,
) -> Listing[InquiryView]:
    """Those that you published or are invited to; newest first."""
    party_id = party_of(caller)
    found = await actions.inquiries(trading, party_id, page, state)
    return Listing[InquiryView].of([InquiryView.of(each, party_id) for each in found], page, lambda view: view.id)


@router.get("/inquiries/{inquiry_id}")
async def see_inquiry(inquiry_id: InquiryId, caller: InquiryReader, trading: TradingService) -> InquiryView:
    """One inquiry, for its buyer and those who are invited. Offers show once all are opened together."""
    party_id = party_of(caller)
    return InquiryView.of(await actions.inquiry(trading, party_id, inquiry_id), party_id)


@router.post("/inquiries/{inquiry_id}/offers", status_code=201)
async def seal_offer(
    inquiry_id: InquiryId, new: NewSealedOffer, caller: Provider, once: Keyed, trading: TradingService,
    response: Response,
) -> InquiryView:  # fmt: skip
    """Make your one offer, sealed by a commitment. It cannot be changed; keep it and its salt to open it."""
    inquiry = await actions.seal_offer(trading, caller, inquiry_id, new.commitment, once)
    web.created(response, f"{PREFIX}/inquiries/{inquiry_id}")
    return InquiryView.of(inquiry, caller.participant_id)


@router.post("/inquiries/{inquiry_id}/openings", status_code=201)
async def open_offer(
    inquiry_id: InquiryId, new: NewOpening, caller: Provider, once: Keyed, trading: TradingService, response: Response
) -> InquiryView:
    """Open your offer in the window after the deadline. What is not opened counts for nothing."""
    inquiry = await actions.open_offer(trading, caller, inquiry_id, new.proposal(), new.salt, once)
    web.created(response, f"{PREFIX}/inquiries/{inquiry_id}")
    return InquiryView.of(inquiry, caller.participant_id)


@router.post("/inquiries/{inquiry_id}/cancel")
async def cancel(inquiry_id: InquiryId, caller: Buyer, once: Keyed, trading: TradingService) -> InquiryView:
    """Call your inquiry off, as long as nobody has offered."""
    return InquiryView.of(await actions.cancel(trading, caller, inquiry_id, once), caller.participant_id)
