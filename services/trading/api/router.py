"""Every endpoint of `trading`, of deals and of money."""

from fastapi import APIRouter

from services.trading.api import auctions, bids, custodian, entitlements, listings, orders, wallet

router = APIRouter()
# Routes are looked for in this order, so the one that is asked most comes first.
for part in (bids, listings, auctions, orders, entitlements, wallet, custodian):
    router.include_router(part.router)
