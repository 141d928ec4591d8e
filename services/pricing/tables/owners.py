"""Whose the rows of `pricing` are, or why nobody's: docs/decisions/0022."""

from services.pricing.tables.base import metadata
from services.pricing.tables.caps import price_caps
from services.pricing.tables.market import index_points, reference_prices, version_themes
from services.pricing.tables.plans import grids, plans, price_lists, quotes
from services.pricing.tables.results import cost_sheets, revenue_shares, valuations
from services.pricing.tables.trades import listings, trades
from shared.owners import declare, of

OWNED = {
    quotes: of("buyer_id", "provider_id"),
    valuations: of("provider_id"),
    cost_sheets: of("provider_id"),
    revenue_shares: of("asked_by", listed="shares"),
}
PUBLIC = "a price list is shown to everyone"
MARKET = "prices of a month are told of all that was traded"
NOBODYS = {
    plans: PUBLIC, price_lists: PUBLIC, grids: PUBLIC, price_caps: PUBLIC, listings: PUBLIC,
    trades: MARKET, version_themes: MARKET, reference_prices: MARKET, index_points: MARKET,
}  # fmt: skip
declare(metadata, OWNED, NOBODYS)
