"""All tables of `catalog`: of entries, of their evidence, and of access to them, in one set."""

from services.catalog.tables import access, evidence

metadata = access.metadata
APPEND_ONLY = evidence.APPEND_ONLY
