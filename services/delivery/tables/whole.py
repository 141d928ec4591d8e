"""All tables of `delivery`: of what comes in and of what goes out, in one set."""

from services.delivery.tables import deliveries, desensitisation, uploads

metadata = deliveries.metadata
APPEND_ONLY = (*uploads.APPEND_ONLY, *desensitisation.APPEND_ONLY)
