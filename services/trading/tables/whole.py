"""All tables of `trading`: of deals and of money, in one set."""

from services.trading.tables import calling_off, deals, money

metadata = calling_off.metadata
APPEND_ONLY = (*deals.APPEND_ONLY, *money.APPEND_ONLY)
