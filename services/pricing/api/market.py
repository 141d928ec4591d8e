"""What can be asked of reference prices and the price index."""

import re
from typing import Annotated

from fastapi import Query

from services.pricing.actions import market as actions
from services.pricing.api.service import PREFIX, PricingService
from services.pricing.schemas.market import IndexPointView, ReferencePriceView
from shared.permission import Public
from shared.routing import Router
from shared.web import BadCursor, Listing, Page, PageQuery

router = Router(prefix=PREFIX)
Theme = Annotated[str, Query(pattern=r"^[a-z][a-z_]{0,39}$")]
MONTH, MONTH_AND_MODE = r"[0-9]{4}-[0-9]{2}", r"[0-9]{4}-[0-9]{2}\.[a-z]+"


@router.get("/reference-prices")
async def reference_prices(
    theme: Theme, _: Public, pricing: PricingService, page: PageQuery
) -> Listing[ReferencePriceView]:
    """What licences to data of a theme were sold for, by mode and month, newest first."""
    found = await actions.reference_prices(pricing, theme, _after(page, MONTH_AND_MODE), page.limit)
    views = [ReferencePriceView.of(each) for each in found]
    return Listing[ReferencePriceView].of(views, page, key=lambda view: view.place)


@router.get("/price-index")
async def index(theme: Theme, _: Public, pricing: PricingService, page: PageQuery) -> Listing[IndexPointView]:
    """The price index of a theme, by month, newest first."""
    found = await actions.index(pricing, theme, _after(page, MONTH), page.limit)
    return Listing[IndexPointView].of([IndexPointView.of(each) for each in found], page, key=lambda view: view.month)


def _after(page: Page, shape: str) -> str | None:
    if page.after is not None and not re.fullmatch(shape, page.after):
        raise BadCursor()
    return page.after
