"""Every endpoint of `trading`, of deals and of money."""

from fastapi import APIRouter

from services.trading.api import auctions, awards, custodian, entitlements, listings, orders, wallet

router = APIRouter()
for part in (listings, auctions, awards, orders, entitlements, wallet, custodian):
    router.include_router(part.router)
