"""Every endpoint of `trading`, of deals and of money."""

from fastapi import APIRouter

from services.trading.api import (
    auctions,
    awards,
    call_auctions,
    custodian,
    entitlements,
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
for part in (
    listings, auctions, mechanisms, awards, stream, needs, inquiries, negotiations, call_auctions, orders,
    entitlements, wallet, custodian,
):  # fmt: skip
    router.include_router(part.router)
