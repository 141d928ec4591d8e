"""All tables of `trading`, in one set."""

from services.trading.tables import (
    approvals,
    block_deals,
    bundles,
    call_auctions,
    calling_off,
    contracts,
    credits,
    deals,
    disputes,
    double_auctions,
    inquiries,
    money,
    negotiations,
    objections,
    owners,
    payouts,
    returns,
    sealed,
    supervision,
)

assert sealed.sealed_bids.metadata is calling_off.metadata is objections.metadata is returns.metadata is deals.metadata
assert credits.credits.metadata is owners.metadata is double_auctions.metadata is deals.metadata
assert block_deals.block_deals.metadata is bundles.bundle_orders.metadata is deals.metadata
assert payouts.payout_proposals.metadata is approvals.approvals.metadata is deals.metadata
metadata = deals.metadata
APPEND_ONLY = (
    *deals.APPEND_ONLY, *inquiries.APPEND_ONLY, *money.APPEND_ONLY, *negotiations.APPEND_ONLY,
    *call_auctions.APPEND_ONLY, *returns.APPEND_ONLY, *disputes.APPEND_ONLY, *contracts.APPEND_ONLY,
    *supervision.APPEND_ONLY, *block_deals.APPEND_ONLY, *bundles.APPEND_ONLY,
)  # fmt: skip
FORGOTTEN = (deals.claims, calling_off.proposals, supervision.complaint_particulars)
