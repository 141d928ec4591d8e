"""All tables of `catalog`: of entries, of their evidence, and of filings and objections, in one set."""

from services.catalog.tables import entries, evidence, filings

metadata = entries.metadata
APPEND_ONLY = evidence.APPEND_ONLY

__all__ = ["APPEND_ONLY", "filings", "metadata"]
