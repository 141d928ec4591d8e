"""All tables of `delivery`: of what comes in, of what goes out, and of what is computed, in one set."""

from services.delivery.tables import cubes, deliveries, uploads

metadata = deliveries.metadata
APPEND_ONLY = (*uploads.APPEND_ONLY, *cubes.APPEND_ONLY)
