"""Every endpoint of `trading`, of deals and of money."""

from fastapi import APIRouter

from services.trading.api import (
    auctions,
    awards,
    bids,
    call_auctions,
    complaints,
    credit_record,
    custodian,
    entitlements,
    freezes,
    inquiries,
    listings,
    mechanisms,
    needs,
    negotiations,
    orders,
    stream,
    wallet,
)

router = APIRouter()
bids.add_to(router)  # first, for routes are looked for in their order
for part in (
    listings, auctions, mechanisms, awards, stream, needs, inquiries, negotiations, call_auctions, orders,
    entitlements, wallet, custodian, freezes, complaints, credit_record,
):  # fmt: skip
    router.include_router(part.router)
