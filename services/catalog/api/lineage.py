"""What can be asked about lineage: declared by a provider, read by whoever sees the entries, and the licence terms."""

from enum import StrEnum
from typing import Annotated

from fastapi import Query

from services.catalog.actions import lineage as actions
from services.catalog.api.service import PREFIX, CatalogService
from services.catalog.schemas.lineage import DeclaredLicenceView, LineageView, NewLicenceTerms, NewLineage
from shared.idempotency import Keyed
from shared.ids import VersionId
from shared.permission import Provider, Visitor
from shared.routing import Router
from shared.web import Whole

router = Router(prefix=PREFIX)


class Direction(StrEnum):
    UP = "up"  # what it is made from
    DOWN = "down"  # what is made from it
    BOTH = "both"


@router.post("/versions/{version_id}/lineage")
async def declare(
    version_id: VersionId, new: NewLineage, provider: Provider, once: Keyed, catalog: CatalogService
) -> LineageView:
    """Declare what your version is made from, all of it, until it is registered. It is graded again at once."""
    return await actions.declare(catalog, provider, version_id, new, once)


@router.get("/versions/{version_id}/lineage")
async def graph(
    version_id: VersionId, visitor: Visitor, catalog: CatalogService,
    depth: Annotated[Whole, Query(ge=1, le=10)] = 3, direction: Annotated[Direction, Query()] = Direction.BOTH,
) -> LineageView:  # fmt: skip
    """The graph around a version, so many steps far. What does not show to you is not in it, nor what lies beyond."""
    up, down = direction is not Direction.DOWN, direction is not Direction.UP
    return await actions.graph(catalog, visitor, version_id, depth, up=up, down=down)


@router.post("/versions/{version_id}/licence-terms")
async def declare_terms(
    version_id: VersionId, new: NewLicenceTerms, provider: Provider, once: Keyed, catalog: CatalogService
) -> DeclaredLicenceView:
    """Declare what may be granted of your version at most, until it is registered. Listings have to keep within it."""
    return await actions.declare_terms(catalog, provider, version_id, new.terms(), once)


@router.get("/versions/{version_id}/licence-terms")
async def terms(version_id: VersionId, visitor: Visitor, catalog: CatalogService) -> DeclaredLicenceView:
    """What may be granted of a version at most."""
    return await actions.terms(catalog, visitor, version_id)
