"""All tables of `catalog`: of entries, their evidence, quality and lineage, and access to them, in one set."""

from services.catalog.tables import access, base, evidence, lineage, quality

metadata = base.metadata
APPEND_ONLY = (*access.APPEND_ONLY, *evidence.APPEND_ONLY, *lineage.APPEND_ONLY, *quality.APPEND_ONLY)
