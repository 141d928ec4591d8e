"""All tables of `delivery`: of what comes in and of what goes out, in one set."""

from services.delivery.tables import deliveries, uploads

metadata = deliveries.metadata
APPEND_ONLY = uploads.APPEND_ONLY
