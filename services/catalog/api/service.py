"""What every endpoint of `catalog` takes for granted."""

from typing import Annotated

from fastapi import Depends

from services.catalog.actions.catalog import Catalog
from shared import web

PREFIX = "/catalog/v1"
CatalogService = Annotated[Catalog, Depends(web.service)]
