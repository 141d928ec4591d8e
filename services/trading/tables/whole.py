"""All tables of `trading`, in one set."""

from services.trading.tables import call_auctions, deals, money, negotiations

metadata = deals.metadata
APPEND_ONLY = (*deals.APPEND_ONLY, *money.APPEND_ONLY, *negotiations.APPEND_ONLY, *call_auctions.APPEND_ONLY)
