"""What can be asked of quotes."""

from fastapi import Response

from services.pricing.actions import quote as actions
from services.pricing.api.service import PREFIX, PricingService
from services.pricing.schemas.quotes import NewQuote, QuoteView
from shared import web
from shared.idempotency import Keyed
from shared.ids import QuoteId
from shared.permission import Buyer, Service, ServiceOrParty
from shared.routing import Router

router = Router(prefix=PREFIX)


@router.post("/quotes", status_code=201)
async def quote(new: NewQuote, buyer: Buyer, once: Keyed, pricing: PricingService, response: Response) -> QuoteView:
    """Ask for a quote: one price for you, which stands for a day."""
    given = await actions.quote(pricing, buyer, new.plan_id, new.ask(), once)
    web.created(response, f"/pricing/v1/quotes/{given.id}")
    return QuoteView.of(given)


@router.get("/quotes/{quote_id}")
async def quote_of(quote_id: QuoteId, asker: ServiceOrParty, pricing: PricingService) -> QuoteView:
    """A quote that you asked for or that was asked of you."""
    return QuoteView.of(await actions.quote_of(pricing, asker, quote_id))


@router.post("/quotes/{quote_id}/renew")
async def renew(quote_id: QuoteId, buyer: Buyer, once: Keyed, pricing: PricingService) -> QuoteView:
    """Ask for a quote of yours as it would be given now: its next version, unless it stands and nothing has changed."""
    return QuoteView.of(await actions.renew(pricing, buyer, quote_id, once))


@router.get("/quotes/{quote_id}/overlapping")
async def overlapping(quote_id: QuoteId, caller: Service, pricing: PricingService) -> list[QuoteId]:
    """The buyer's other quotes that charge for something that this one charges for; for trading, before it orders."""
    return await actions.overlapping(pricing, caller, quote_id)
