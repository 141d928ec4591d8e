"""All tables of `catalog`: of entries, of their evidence and of what is on file for them, in one set."""

from services.catalog.tables import entries, evidence, files

metadata = entries.metadata
APPEND_ONLY = evidence.APPEND_ONLY + files.APPEND_ONLY
