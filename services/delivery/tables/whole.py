"""All tables of `delivery`: of what comes in, of what goes out, and of what goes abroad, in one set."""

from services.delivery.tables import deliveries, desensitisation, exports, queries, uploads

metadata = deliveries.metadata
APPEND_ONLY = (
    *uploads.APPEND_ONLY, *exports.APPEND_ONLY, *desensitisation.APPEND_ONLY, *queries.APPEND_ONLY,
)  # fmt: skip
