"""All tables of `trading`: of deals, of inquiries and needs, and of money, in one set."""

from services.trading.tables import deals, inquiries, money

metadata = deals.metadata
APPEND_ONLY = (*deals.APPEND_ONLY, *inquiries.APPEND_ONLY, *money.APPEND_ONLY)
