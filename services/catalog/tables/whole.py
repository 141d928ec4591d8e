"""All tables of `catalog`: of entries, their evidence, quality and lineage, what is on file, and access, in one set."""

from services.catalog.tables import access, base, evidence, files, lineage, quality

metadata = base.metadata
APPEND_ONLY = (
    *access.APPEND_ONLY, *evidence.APPEND_ONLY, *files.APPEND_ONLY, *lineage.APPEND_ONLY, *quality.APPEND_ONLY,
)  # fmt: skip
