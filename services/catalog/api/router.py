"""Every endpoint of `catalog`: of the whole, of assets and filings, of versions and what is on file, and of access."""

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
    unassigned,
    versions,
)
from shared.routing import Router

router = Router()
for part in (
    search, assets, reviews, filings, objections, versions, certificates, quality, lineage, access, records, petitions,
    regradings, important_data, grading_rules, consents, personal_requests, unassigned,
):  # fmt: skip
    router.include(part.router)
