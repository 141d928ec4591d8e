"""All tables of `catalog`: of entries, of their evidence and of the search, in one set."""

from services.catalog.tables import entries, evidence, search

metadata = entries.metadata
APPEND_ONLY = evidence.APPEND_ONLY
BESIDE = search.BESIDE
