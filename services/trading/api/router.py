"""Every endpoint of `trading`, of deals and of money."""

from fastapi import APIRouter

from services.trading.api import (
    auctions,
    awards,
    custodian,
    entitlements,
    inquiries,
    listings,
    mechanisms,
    needs,
    orders,
    stream,
    wallet,
)

router = APIRouter()
for part in (
    listings, auctions, mechanisms, awards, stream, needs, inquiries, orders, entitlements, wallet, custodian
):  # fmt: skip
    router.include_router(part.router)
