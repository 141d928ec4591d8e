"""What can be asked about negotiations."""

from fastapi import Response

from services.trading.actions import negotiation as actions
from services.trading.actions.negotiation import Wanted
from services.trading.api.service import PREFIX, TradingService
from services.trading.schemas.negotiations import (
    NegotiationState,
    NegotiationView,
    NewAcceptance,
    NewApproval,
    NewDirectedNegotiation,
    NewNegotiation,
    NewOffer,
    NewRefusal,
    NewTermination,
)
from shared import web
from shared.idempotency import Keyed
from shared.ids import NegotiationId
from shared.permission import Buyer, NegotiationReader, OperatorBusiness, Party, Provider
from shared.routing import Router
from shared.web import Listing, PageQuery

router = Router(prefix=PREFIX)


@router.post("/negotiations", status_code=201)
async def request(
    new: NewNegotiation, caller: Buyer, once: Keyed, trading: TradingService, response: Response
) -> NegotiationView:
    """Ask for terms of a listing that is sold by negotiation 协议. The provider answers."""
    wanted = Wanted(new.listing_id, new.offer.proposal(), new.concession, new.rounds_max)
    negotiation = await actions.request(trading, caller, wanted, once)
    web.created(response, f"{PREFIX}/negotiations/{negotiation.id}")
    return NegotiationView.of(negotiation)


@router.post("/directed-negotiations", status_code=201)
async def direct(
    new: NewDirectedNegotiation, caller: Provider, once: Keyed, trading: TradingService, response: Response
) -> NegotiationView:
    """Offer a listing of yours to one buyer 协议转让. A deal of it needs an operator's approval."""
    wanted = Wanted(new.listing_id, new.offer.proposal(), new.concession, new.rounds_max, new.buyer_id)
    negotiation = await actions.direct(trading, caller, wanted, once)
    web.created(response, f"{PREFIX}/negotiations/{negotiation.id}")
    return NegotiationView.of(negotiation)


@router.get("/negotiations")
async def see_negotiations(
    caller: NegotiationReader, page: PageQuery, trading: TradingService, state: NegotiationState | None = None
) -> Listing[NegotiationView]:
    """Yours, on either side, newest first; the directed ones for those who approve, all for supervisors."""
    found = await actions.negotiations(trading, caller, page, state)
    return Listing[NegotiationView].of([NegotiationView.of(each) for each in found], page, lambda view: view.id)


@router.get("/negotiations/{negotiation_id}")
async def see_negotiation(
    negotiation_id: NegotiationId, caller: NegotiationReader, trading: TradingService
) -> NegotiationView:
    """One of yours, with every offer: whose turn it is, and until when."""
    return NegotiationView.of(await actions.negotiation(trading, caller, negotiation_id))


@router.post("/negotiations/{negotiation_id}/offers", status_code=201)
async def answer(
    negotiation_id: NegotiationId, new: NewOffer, caller: Party, once: Keyed, trading: TradingService,
    response: Response,
) -> NegotiationView:  # fmt: skip
    """Make a counter-offer in your turn. It takes the place of the offer that it answers."""
    negotiation = await actions.answer(trading, caller, negotiation_id, new.proposal(), once)
    web.created(response, f"{PREFIX}/negotiations/{negotiation_id}")
    return NegotiationView.of(negotiation)


@router.post("/negotiations/{negotiation_id}/acceptance")
async def accept(
    negotiation_id: NegotiationId, new: NewAcceptance, caller: Party, once: Keyed, trading: TradingService
) -> NegotiationView:
    """Take the other side's offer. It becomes an order and a contract, at once or with the approval that it needs."""
    return NegotiationView.of(
        await actions.accept(trading, caller, negotiation_id, new.offer_id, new.terms_hash, once)
    )  # fmt: skip


@router.post("/negotiations/{negotiation_id}/termination")
async def terminate(
    negotiation_id: NegotiationId, new: NewTermination, caller: Party, once: Keyed, trading: TradingService
) -> NegotiationView:
    """End it without a deal, and tell the other side why."""
    return NegotiationView.of(
        await actions.terminate(trading, caller, negotiation_id, new.reason_code, new.reason, once)
    )  # fmt: skip


@router.post("/negotiations/{negotiation_id}/approval")
async def approve(
    negotiation_id: NegotiationId, new: NewApproval, caller: OperatorBusiness, once: Keyed, trading: TradingService
) -> NegotiationView:
    """Approve a directed deal that both sides want, for a reason that both see."""
    return NegotiationView.of(await actions.approve(trading, caller, negotiation_id, new.reason, once))


@router.post("/negotiations/{negotiation_id}/refusal")
async def refuse(
    negotiation_id: NegotiationId, new: NewRefusal, caller: OperatorBusiness, once: Keyed, trading: TradingService
) -> NegotiationView:
    """Refuse a directed deal, for a reason that both see."""
    return NegotiationView.of(
        await actions.refuse(trading, caller, negotiation_id, new.reason_code, new.reason, once)
    )  # fmt: skip
