"""All tables of `trading`, in one set."""

from services.trading.tables import (
    call_auctions,
    calling_off,
    deals,
    inquiries,
    money,
    negotiations,
    sealed,
    supervision,
)

assert sealed.sealed_bids.metadata is calling_off.metadata is supervision.metadata is deals.metadata
metadata = deals.metadata
APPEND_ONLY = (
    *deals.APPEND_ONLY, *inquiries.APPEND_ONLY, *money.APPEND_ONLY, *negotiations.APPEND_ONLY,
    *call_auctions.APPEND_ONLY, *supervision.APPEND_ONLY,
)  # fmt: skip
