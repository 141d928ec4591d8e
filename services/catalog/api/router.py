"""Every endpoint of `catalog`: of the whole, of assets and their review, of versions and of certificates."""

from fastapi import APIRouter

from services.catalog.api import assets, certificates, reviews, search, versions

router = APIRouter(tags=["catalog"])
for part in (search, assets, reviews, versions, certificates):
    router.include_router(part.router)
