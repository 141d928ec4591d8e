"""A good request for every write by which one buyer and one provider find their price."""

from services.demo.shelves import ALPHA, AVIATION
from tests.support.write import BUSINESS, HASH, YUAN, Write, id_of

OFFER = {
    "price": YUAN, "field": "research", "territory": "CN", "period_days": 30, "purposes": ["research"],
    "quota_uses": 1, "expires_at": "2030-01-03T00:00:00Z",
}  # fmt: skip

WITHDRAWN = {"reason_code": "price_not_agreed", "reason": "因为"}

PAIRS: dict[str, Write] = {
    "POST /trading/v1/bundle-orders": Write(ALPHA, {
        "listing_ids": [id_of("listing")] * 2, "quote_id": id_of("quote"), "quote_version": 1, "total": YUAN,
    }),
    "POST /trading/v1/bundle-orders/{bundle_quote_id}/payment": Write(ALPHA),
    "POST /trading/v1/block-deals": Write(AVIATION, {
        "buyer_id": id_of("participant"), "grounds": "因为", "expires_at": "2030-01-03T00:00:00Z",
        "parts": [{"listing_id": id_of("listing")} | {name: OFFER[name] for name in OFFER if name != "expires_at"}],
    }),
    "POST /trading/v1/block-deals/{block_deal_id}/acceptance": Write(ALPHA, {"terms_hash": HASH}),
    "POST /trading/v1/block-deals/{block_deal_id}/termination": Write(ALPHA, WITHDRAWN),
    "POST /trading/v1/block-deals/{block_deal_id}/approval": Write(BUSINESS, {"reason": "因为"}),
    "POST /trading/v1/block-deals/{block_deal_id}/refusal":
        Write(BUSINESS, {"reason_code": "grounds_missing", "reason": "因为"}),
    "POST /trading/v1/negotiations": Write(ALPHA, {
        "listing_id": id_of("listing"), "offer": OFFER, "concession": True, "rounds_max": 4,
    }),
    "POST /trading/v1/directed-negotiations": Write(AVIATION, {
        "listing_id": id_of("listing"), "buyer_id": id_of("participant"), "offer": OFFER, "concession": True,
        "rounds_max": 4,
    }),
    "POST /trading/v1/negotiations/{negotiation_id}/offers": Write(ALPHA, OFFER),
    "POST /trading/v1/negotiations/{negotiation_id}/acceptance":
        Write(ALPHA, {"offer_id": id_of("offer"), "terms_hash": HASH}),
    "POST /trading/v1/negotiations/{negotiation_id}/termination":
        Write(ALPHA, WITHDRAWN),
    "POST /trading/v1/negotiations/{negotiation_id}/approval": Write(BUSINESS, {"reason": "因为"}),
    "POST /trading/v1/negotiations/{negotiation_id}/refusal":
        Write(BUSINESS, {"reason_code": "grounds_missing", "reason": "因为"}),
    "POST /trading/v1/double-auctions": Write(ALPHA, {
        "listing_id": id_of("listing"), "field": "research", "territory": "CN", "period_days": 30,
        "purposes": ["research"], "quota_uses": 1, "bid_weight_percent": 50, "seal_by": "2030-01-03T00:00:00Z",
        "reveal_by": "2030-01-04T00:00:00Z",
    }),
    "POST /trading/v1/double-auctions/{double_auction_id}/prices": Write(ALPHA, {"commitment": HASH}),
    "POST /trading/v1/double-auctions/{double_auction_id}/reveals": Write(ALPHA, {"amount": YUAN, "nonce": HASH}),
    "POST /trading/v1/double-auctions/{double_auction_id}/decline": Write(ALPHA),
}  # fmt: skip
