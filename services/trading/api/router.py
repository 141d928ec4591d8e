"""Every endpoint of `trading`, of deals and of money."""

from fastapi import APIRouter

from services.trading.api import (
    auctions,
    awards,
    custodian,
    entitlements,
    listings,
    mechanisms,
    orders,
    stream,
    wallet,
)

router = APIRouter()
for part in (listings, auctions, mechanisms, awards, stream, orders, entitlements, wallet, custodian):
    router.include_router(part.router)
