"""All tables of `delivery`: of what comes in and of what goes out, in one set."""

from services.delivery.tables import deliveries, queries, uploads

metadata = deliveries.metadata
APPEND_ONLY = uploads.APPEND_ONLY + queries.APPEND_ONLY
