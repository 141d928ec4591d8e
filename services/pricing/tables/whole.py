"""All tables of `pricing`, in one set."""

from services.pricing.tables import caps, plans, trades

metadata = trades.metadata
APPEND_ONLY = (*plans.APPEND_ONLY, *caps.APPEND_ONLY)
