"""All tables of `catalog`: of entries, evidence, quality, lineage, files, persons, access and search, in one set."""

from services.catalog.tables import access, evidence, files, filings, lineage, owners, persons, quality, search

metadata = owners.metadata
APPEND_ONLY = (
    *access.APPEND_ONLY, *evidence.APPEND_ONLY, *filings.APPEND_ONLY, *files.APPEND_ONLY, *lineage.APPEND_ONLY,
    *persons.APPEND_ONLY, *quality.APPEND_ONLY,
)  # fmt: skip
BESIDE = search.BESIDE
FORGOTTEN = (lineage.lineage_edges,)
