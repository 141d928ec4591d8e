"""Every endpoint of `trading`, of deals and of money."""

from fastapi import APIRouter

from services.trading.api import auctions, awards, custodian, entitlements, listings, orders, stream, wallet

router = APIRouter()
for part in (listings, auctions, awards, stream, orders, entitlements, wallet, custodian):
    router.include_router(part.router)
