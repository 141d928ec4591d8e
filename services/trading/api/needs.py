"""What can be asked about needs (需求) and what meets them (撮合)."""

from fastapi import Response

from services.trading.actions import need as actions
from services.trading.actions.need import ToInquiry
from services.trading.actions.trading import party_of
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.inquiries import InquiryView
from services.trading.schemas.needs import MatchView, NeedView, NewNeed, NewNeedInquiry, place_in_ranking
from shared import web
from shared.idempotency import Keyed
from shared.ids import NeedId
from shared.permission import Buyer, InquiryReader, Provider
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/needs", status_code=201)
async def publish(new: NewNeed, caller: Buyer, once: Keyed, trading: TradingService, response: Response) -> NeedView:
    """Say what you look for. Providers see it; the budget only if you open it."""
    need = await actions.publish(trading, caller, new.wanted(), new.valid_until, once)
    web.created(response, f"{PREFIX}/needs/{need.id}")
    return NeedView.of(need, caller.participant_id)


@router.get("/needs")
async def see_own_needs(caller: InquiryReader, page: PageQuery, trading: TradingService) -> Listing[NeedView]:
    """Your organisation's needs, open or not; newest first."""
    party_id = party_of(caller)
    found = await actions.own_needs(trading, party_id, page)
    return Listing[NeedView].of([NeedView.of(each, party_id) for each in found], page, lambda view: view.id)


@router.get("/open-needs")
async def see_open_needs(caller: Provider, page: PageQuery, trading: TradingService) -> Listing[NeedView]:
    """What buyers look for now, as far as the grade that it goes up to lets you see it; newest first."""
    found = await actions.open_needs(trading, caller, page)
    views = [NeedView.of(each, caller.participant_id) for each in found]
    return Listing[NeedView].of(views, page, lambda view: view.id)


@router.get("/needs/{need_id}")
async def see_need(need_id: NeedId, caller: InquiryReader, trading: TradingService) -> NeedView:
    """A need of your own, or an open one that you may see as a provider."""
    party_id = party_of(caller)
    return NeedView.of(await actions.need(trading, caller, party_id, need_id), party_id)


@router.get("/needs/{need_id}/matches")
async def see_matches(
    need_id: NeedId, caller: Buyer, page: PageQuery, trading: TradingService
) -> Listing[MatchView]:  # fmt: skip
    """The listings that meet your need, the best first, with what each wish gave and why. Of at most 500: those of a
    wanted theme, then the newest."""
    found = await actions.matches(trading, caller, need_id, place_in_ranking(page), page.limit)
    return Listing[MatchView].of([MatchView.of(each) for each in found], page, lambda view: view.place)


@router.post("/needs/{need_id}/inquiry", status_code=201)
async def become_inquiry(
    need_id: NeedId, new: NewNeedInquiry, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> InquiryView:
    """Ask the providers of the best listings for sealed offers, in one act: at least three, strangers to one another,
    whose listings could be had as what you ask for."""
    right = new.right
    to = ToInquiry(
        right.kind, right.field, right.territory, right.period_days, new.quota_uses, new.scoring.rule(),
        new.offers_until, new.invited_max,
    )  # fmt: skip
    inquiry = await actions.become_inquiry(trading, caller, need_id, to, once)
    web.created(response, f"{PREFIX}/inquiries/{inquiry.id}")
    return InquiryView.of(inquiry, caller.participant_id)


@router.post("/needs/{need_id}/close")
async def close(need_id: NeedId, caller: Buyer, once: Keyed, trading: TradingService) -> NeedView:
    """Take your need back."""
    return NeedView.of(await actions.close(trading, caller, need_id, once), caller.participant_id)
