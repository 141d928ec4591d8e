"""All tables of `catalog`: of entries and of their evidence, in one set."""

from services.catalog.tables import entries, evidence

metadata = entries.metadata
APPEND_ONLY = evidence.APPEND_ONLY
