"""All tables of `pricing`, in one set."""

from services.pricing.tables import base, plans

metadata = base.metadata
APPEND_ONLY = plans.APPEND_ONLY
