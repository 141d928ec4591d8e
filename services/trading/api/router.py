"""Every endpoint of `trading`, of deals and of money."""

from services.trading.api import (
    account_statement,
    auctions,
    awards,
    bids,
    block_deals,
    bundles,
    call_auctions,
    complaints,
    contracts,
    credit_record,
    credits,
    custodian,
    disputes,
    double_auctions,
    entitlements,
    freezes,
    inquiries,
    invoice,
    listings,
    mechanisms,
    needs,
    negotiations,
    objections,
    orders,
    returning,
    sale_tax,
    stream,
    wallet,
)
from shared.routing import Router

router = Router()
bids.add_to(router)  # first, for routes are looked for in their order
for part in (
    listings, auctions, mechanisms, awards, stream, needs, inquiries, negotiations, call_auctions, double_auctions,
    block_deals, orders, bundles, objections, contracts, credits, returning, sale_tax, entitlements, disputes, wallet,
    account_statement, invoice, custodian, freezes, complaints, credit_record,
):  # fmt: skip
    router.include(part.router)
