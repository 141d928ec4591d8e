"""All tables of `trading`: of deals and of money, in one set."""

from services.trading.tables import deals, money

metadata = deals.metadata
APPEND_ONLY = (*deals.APPEND_ONLY, *money.APPEND_ONLY)
