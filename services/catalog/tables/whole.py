"""All tables of `catalog`: of entries, evidence, quality, lineage, files, persons, access and search, in one set."""

from services.catalog.tables import access, base, evidence, files, filings, lineage, persons, quality, search

metadata = base.metadata
APPEND_ONLY = (
    *access.APPEND_ONLY, *evidence.APPEND_ONLY, *filings.APPEND_ONLY, *files.APPEND_ONLY, *lineage.APPEND_ONLY,
    *persons.APPEND_ONLY, *quality.APPEND_ONLY,
)  # fmt: skip
BESIDE = search.BESIDE
