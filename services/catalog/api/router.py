"""Every endpoint of `catalog`: of the whole, of assets and filings, of versions and what is on file, and of access."""

from fastapi import APIRouter

from services.catalog.api import (
    access,
    assets,
    certificates,
    consents,
    filings,
    grading_rules,
    important_data,
    lineage,
    objections,
    personal_requests,
    petitions,
    quality,
    records,
    regradings,
    reviews,
    search,
    versions,
)

router = APIRouter(tags=["catalog"])
for part in (
    search, assets, reviews, filings, objections, versions, certificates, quality, lineage, access, records, petitions,
    regradings, important_data, grading_rules, consents, personal_requests,
):  # fmt: skip
    router.include_router(part.router)
