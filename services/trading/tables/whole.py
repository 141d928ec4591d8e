"""All tables of `trading`, in one set."""

from services.trading.tables import call_auctions, calling_off, contracts, deals, inquiries, money, negotiations, sealed

assert sealed.sealed_bids.metadata is calling_off.metadata is deals.metadata
metadata = deals.metadata
APPEND_ONLY = (
    *deals.APPEND_ONLY, *inquiries.APPEND_ONLY, *money.APPEND_ONLY, *negotiations.APPEND_ONLY,
    *call_auctions.APPEND_ONLY, *contracts.APPEND_ONLY,
)  # fmt: skip
