"""Every endpoint of `trading`, of deals and of money."""

from fastapi import APIRouter

from services.trading.api import auctions, bids, custodian, entitlements, listings, orders, wallet

router = APIRouter()
bids.add_to(router)  # first, for routes are looked for in their order
for part in (listings, auctions, orders, entitlements, wallet, custodian):
    router.include_router(part.router)
