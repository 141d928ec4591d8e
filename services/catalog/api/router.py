"""Every endpoint of `catalog`: of assets and their review, of versions, of what is on file for them, and of access."""

from fastapi import APIRouter

from services.catalog.api import (
    access,
    assets,
    certificates,
    important_data,
    lineage,
    petitions,
    quality,
    records,
    regradings,
    reviews,
    versions,
)

router = APIRouter(tags=["catalog"])
for part in (
    assets, reviews, versions, certificates, quality, lineage, access, records, petitions, regradings, important_data,
):  # fmt: skip
    router.include_router(part.router)
