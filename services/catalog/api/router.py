"""Every endpoint of `catalog`, of assets and their review, of versions, certificates and access."""

from fastapi import APIRouter

from services.catalog.api import access, assets, certificates, lineage, quality, reviews, versions

router = APIRouter(tags=["catalog"])
for part in (assets, reviews, versions, certificates, quality, lineage, access):
    router.include_router(part.router)
