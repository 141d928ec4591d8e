"""All tables of `delivery`: of what comes in, of what goes out and abroad, and of what is computed, in one set."""

from services.delivery.tables import cubes, desensitisation, exports, owners, queries, uploads

metadata = owners.metadata
APPEND_ONLY = (
    *uploads.APPEND_ONLY, *exports.APPEND_ONLY, *desensitisation.APPEND_ONLY, *queries.APPEND_ONLY,
    *cubes.APPEND_ONLY,
)  # fmt: skip
FORGOTTEN = ()
