"""Whose the rows of `trading` are, or why nobody's: docs/decisions/0022."""

from services.trading.tables.approvals import approvals
from services.trading.tables.base import metadata
from services.trading.tables.block_deals import block_deals, block_parts
from services.trading.tables.bundles import bundle_orders
from services.trading.tables.call_auctions import call_auctions, call_listings, unit_fills, unit_orders
from services.trading.tables.calling_off import proposals
from services.trading.tables.contracts import contract_documents, terminations
from services.trading.tables.credits import credits
from services.trading.tables.deals import (
    assets,
    auctions,
    bids,
    claims,
    contracts,
    entitlements,
    listings,
    orders,
    registrations,
    signatures,
    uses,
    version_grades,
)
from services.trading.tables.disputes import (
    arbiters,
    disputes,
    evidence,
    fee_holds,
    outcomes,
    rulings,
    seats,
    seeds,
    texts,
    votes,
)
from services.trading.tables.double_auctions import double_auctions
from services.trading.tables.inquiries import inquiries, invitations, opened_offers, sealed_offers
from services.trading.tables.money import (
    accounts,
    custodian_events,
    holds,
    instructions,
    statement_balances,
    statements,
    transfers,
)
from services.trading.tables.needs import needs, version_traits
from services.trading.tables.negotiations import negotiations, offers
from services.trading.tables.objections import objections
from services.trading.tables.payouts import payout_proposals
from services.trading.tables.returns import collections, receivables, return_payments, returns
from services.trading.tables.sealed import sealed_bids
from services.trading.tables.supervision import (
    complaint_counts,
    complaint_particulars,
    complaints,
    credit_appeals,
    credit_entries,
    freezes,
    sanctions,
)
from shared.owners import decided_by_all, declare, of, through

OWNED = {
    # A deal. How often a listing was ordered, and who is next in line, is decided by the orders of all.
    orders: decided_by_all("buyer_id", "provider_id"),
    contracts: decided_by_all("buyer_id", "provider_id"),
    signatures: through(contracts, "contract_id"),
    contract_documents: through(contracts, "contract_id"),
    terminations: through(contracts, "contract_id"),
    entitlements: decided_by_all("buyer_id", "provider_id"),
    uses: through(entitlements, "entitlement_id"),
    approvals: of("buyer_id", "provider_id"),
    needs: of("buyer_id"),  # providers read the open ones for everyone, as far as their grade shows
    inquiries: of("buyer_id", listed="invited"),
    invitations: through(inquiries, "inquiry_id"),
    sealed_offers: through(inquiries, "inquiry_id"),
    opened_offers: through(inquiries, "inquiry_id"),
    unit_orders: decided_by_all("participant_id"),  # an order's number in its call follows those of all
    unit_fills: through(unit_orders, "id", by="id"),
    negotiations: of("buyer_id", "provider_id"),
    offers: through(negotiations, "negotiation_id"),
    double_auctions: of("buyer_id", "provider_id"),
    block_deals: of("buyer_id", "provider_id"),
    block_parts: through(block_deals, "block_deal_id"),
    bundle_orders: of("buyer_id", "provider_id"),
    objections: of("buyer_id", "provider_id"),
    credits: of("buyer_id", "provider_id"),
    disputes: of("buyer_id", "provider_id"),
    seats: through(disputes, "dispute_id"),
    seeds: through(disputes, "dispute_id"),
    evidence: through(disputes, "dispute_id"),
    texts: through(disputes, "dispute_id"),
    votes: through(disputes, "dispute_id"),
    rulings: through(disputes, "dispute_id"),
    outcomes: through(disputes, "dispute_id"),
    fee_holds: through(disputes, "dispute_id"),
    # Money. A payment has two ends, and a share of it may pay somebody's debt to a third.
    accounts: decided_by_all("owner"),
    holds: decided_by_all("participant_id"),
    instructions: decided_by_all("participant_id"),
    payout_proposals: of("participant_id"),
    returns: through(orders, "order_id"),
    return_payments: through(orders, "order_id"),
    receivables: decided_by_all("debtor_id", "creditor"),
    collections: through(receivables, "receivable_id"),
    # Standing.
    credit_appeals: of("participant_id"),
    sanctions: decided_by_all("participant_id"),
    freezes: decided_by_all("owner_id", "counterparty_id"),
}
PUBLIC = "shown to everyone"
WITH_CUSTODIAN = "between the platform and the custodian"
BY_NUMBER = "shown to everyone, by the bidder's number"
COMPLAINT = "whoever complains without a name comes back with a code alone"
NOBODYS = {
    assets: "of the catalogue", version_grades: "of the catalogue", version_traits: "of the catalogue",
    listings: PUBLIC, claims: "what is taken of an asset binds everyone", auctions: PUBLIC,
    registrations: BY_NUMBER, bids: BY_NUMBER, sealed_bids: BY_NUMBER,
    call_auctions: PUBLIC, call_listings: PUBLIC,
    arbiters: "drawn for any dispute", proposals: "of the platform's staff",
    transfers: "paid into and out of the escrow of an order, which both its sides see",
    custodian_events: WITH_CUSTODIAN, statements: WITH_CUSTODIAN, statement_balances: WITH_CUSTODIAN,
    complaints: COMPLAINT, complaint_particulars: COMPLAINT, complaint_counts: COMPLAINT,
    credit_entries: "a credit record is public",
}  # fmt: skip
declare(metadata, OWNED, NOBODYS)
