"""All tables of `pricing`, in one set."""

from services.pricing.tables import caps, market, owners, plans, results

metadata = owners.metadata
APPEND_ONLY = (*plans.APPEND_ONLY, *caps.APPEND_ONLY, *results.APPEND_ONLY, *market.APPEND_ONLY)
FORGOTTEN = ()
