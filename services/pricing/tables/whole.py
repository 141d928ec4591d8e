"""All tables of `pricing`, in one set."""

from services.pricing.tables import market, plans, results, trades

metadata = trades.metadata
APPEND_ONLY = (*plans.APPEND_ONLY, *results.APPEND_ONLY, *market.APPEND_ONLY)
