"""What can be asked of the catalogue as a whole: by anyone, as far as it shows to them."""

from typing import Annotated

from fastapi import Depends, Query

from services.catalog.actions import search as actions
from services.catalog.actions.search import Sought
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.search import (
    CatalogueView,
    Category,
    Cycle,
    FoundView,
    Pricing,
    Region,
    Sort,
    SuggestionsView,
    Text,
    Theme,
    asked,
    place_in,
)
from shared.grades import Grade, Mode
from shared.ids import ParticipantId
from shared.permission import Visitor
from shared.routing import Router
from shared.web import PageQuery, Whole

router = Router(prefix=PREFIX)


async def question(
    q: Text | None = None,
    theme: Theme | None = None,
    category: Category | None = None,
    grade: Grade | None = None,
    mode: Mode | None = None,
    pricing: Pricing | None = None,
    update_cycle: Cycle | None = None,
    provider_id: ParticipantId | None = None,
    region: Region | None = None,
    sort: Sort | None = None,
) -> Sought:
    return asked(
        q, sort, theme=theme, category=category, grade=grade, mode=mode, pricing=pricing, update_cycle=update_cycle,
        provider_id=provider_id, region=region,
    )  # fmt: skip


@router.get("/assets")
async def listed(
    visitor: Visitor, catalog: CatalogService, page: PageQuery, sought: Annotated[Sought, Depends(question)]
) -> CatalogueView:
    """The catalogue as it shows to you. Every word of `q` must be there, in whatever order; signs between them mean
    nothing. Sorted by relevance if words are sought, else the newest first."""
    found = await actions.find(catalog, visitor, sought, page.limit, place_in(sought, page))
    views = [FoundView.found(entry, found.viewer, sought, told.offered, told.price, told.quality_score)
             for entry, told in found.entries]  # fmt: skip
    ranked = found.ranked
    return CatalogueView.found(views, ranked.places, page, sought, ranked.counts, ranked.total, found.viewer)


@router.get("/suggestions")
async def suggestions(
    visitor: Visitor, catalog: CatalogService, q: Text, limit: Annotated[Whole, Query(ge=1, le=20)] = 10
) -> SuggestionsView:
    """What `q` may go on to: its last word completed from the titles and keywords that show to you."""
    return SuggestionsView(items=await actions.suggest(catalog, visitor, q, limit))
