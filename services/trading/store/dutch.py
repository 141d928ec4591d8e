"""How Dutch auctions are kept, in the table of all auctions: whoever accepts leads, up to the most that they named."""

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row

from services.trading.rules.auction import State
from services.trading.rules.dutch import DutchAuction, DutchTerms
from services.trading.store import rows

_terms = TypeAdapter(DutchTerms)


def dutch_of(row: Row[Any]) -> DutchAuction:
    return DutchAuction(
        id=row.id, listing_id=row.listing_id, provider_id=row.provider_id, terms=_terms.validate_python(row.terms),
        state=State(row.state), last_at=row.last_at, winner_id=row.leader_id,
        price=rows.money(row.price_minor, row.currency), maximum=rows.money(row.leader_maximum_minor, row.currency),
        reason_code=row.reason_code, revision=row.revision,
    )  # fmt: skip


def row_of(auction: DutchAuction) -> dict[str, object]:
    return {
        "listing_id": auction.listing_id, "provider_id": auction.provider_id, "mechanism": auction.mechanism,
        "currency": auction.terms.start_price.currency, "state": auction.state, "closes_at": auction.closes_at,
        "last_at": auction.last_at, "extensions": 0, "bid_count": auction.bid_count,
        "award_count": auction.bid_count, "price_minor": auction.price and auction.price.minor,
        "leader_id": auction.winner_id, "leader_maximum_minor": auction.maximum and auction.maximum.minor,
        "reason_code": auction.reason_code, "revision": auction.revision,
    }  # fmt: skip
