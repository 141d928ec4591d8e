"""All tables of `trading`: of deals, of sealed bids, of inquiries and needs, and of money, in one set."""

from services.trading.tables import calling_off, deals, inquiries, money, sealed

assert sealed.sealed_bids.metadata is calling_off.metadata is deals.metadata
metadata = deals.metadata
APPEND_ONLY = (*deals.APPEND_ONLY, *inquiries.APPEND_ONLY, *money.APPEND_ONLY)
