"""Every endpoint of `catalog`: of assets and their review, of versions, of certificates, and of what is on file."""

from fastapi import APIRouter

from services.catalog.api import (
    assets,
    certificates,
    grading_rules,
    important_data,
    petitions,
    records,
    regradings,
    reviews,
    versions,
)

router = APIRouter(tags=["catalog"])
for part in (assets, reviews, versions, certificates, records, petitions, regradings, important_data, grading_rules):
    router.include_router(part.router)
