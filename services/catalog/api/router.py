"""Every endpoint of `catalog`, of assets and their review, of versions, filings, objections and certificates."""

from fastapi import APIRouter

from services.catalog.api import assets, certificates, filings, objections, reviews, versions

router = APIRouter(tags=["catalog"])
for part in (assets, reviews, filings, objections, versions, certificates):
    router.include_router(part.router)
