"""Every endpoint of `trading`, of deals and of money."""

from fastapi import APIRouter

from services.trading.api import (
    auctions,
    call_auctions,
    custodian,
    entitlements,
    listings,
    negotiations,
    orders,
    wallet,
)

router = APIRouter()
for part in (listings, auctions, negotiations, call_auctions, orders, entitlements, wallet, custodian):
    router.include_router(part.router)
