"""How double auctions are kept.

Promises: a buyer's second one of a listing is not added while the first is under way; one that changed since it was
read is not saved.
"""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, insert, select
from sqlalchemy.exc import IntegrityError

from services.trading.rules.double_auction import (
    DOUBLE_AUCTION,
    DoubleAuction,
    DoubleAuctionUnderWay,
    DoubleTerms,
    NoSuchDoubleAuction,
    SealedPrice,
    State,
)
from services.trading.store import rows
from services.trading.tables.double_auctions import double_auctions
from shared.database import Transaction, for_update
from shared.ids import DoubleAuctionId, ParticipantId
from shared.web import Page

DUE_MAX = 100
_terms = TypeAdapter(DoubleTerms)
_sealed = TypeAdapter(SealedPrice)


async def add_double_auction(tx: Transaction, auction: DoubleAuction) -> None:
    """Raises DoubleAuctionUnderWay."""
    row = {
        "id": auction.id, "listing_id": auction.listing_id, "provider_id": auction.provider_id,
        "buyer_id": auction.buyer_id, "terms": rows.told(auction.terms),
    }  # fmt: skip
    try:
        await tx.execute(insert(double_auctions).values(row | _changing(auction)))
    except IntegrityError as error:
        raise DoubleAuctionUnderWay() from error


async def save_double_auction(tx: Transaction, auction: DoubleAuction) -> None:
    await rows.save(tx, double_auctions, auction, _changing(auction))


async def double_auction(
    tx: Transaction, double_auction_id: DoubleAuctionId, party_id: ParticipantId | None
) -> DoubleAuction:
    """One of the party's own: another's is not there. For None, anyone's."""
    whose = rows.whose(double_auctions.c.buyer_id, double_auctions.c.provider_id, party_id)
    query = select(*double_auctions.c).where(double_auctions.c.id == double_auction_id, *whose)
    return _one((await tx.execute(query)).one_or_none())


async def double_auction_for_update(tx: Transaction, double_auction_id: DoubleAuctionId) -> DoubleAuction:
    query = select(*double_auctions.c).where(double_auctions.c.id == double_auction_id)
    return _one((await tx.execute(for_update(query, tx))).one_or_none())


async def double_auctions_due(tx: Transaction, now: datetime) -> list[DoubleAuctionId]:
    """Those that are to be decided and that nobody yet has, at most a hundred, the longest overdue first."""
    where = (double_auctions.c.state.in_(DOUBLE_AUCTION.open_states()), double_auctions.c.deadline <= now)
    query = select(double_auctions.c.id).where(*where).order_by(double_auctions.c.deadline)
    return list(await tx.scalars(query.limit(DUE_MAX)))


async def page_of_double_auctions(
    tx: Transaction, page: Page, party_id: ParticipantId | None, state: State | None
) -> list[DoubleAuction]:
    whose = rows.whose(double_auctions.c.buyer_id, double_auctions.c.provider_id, party_id)
    query = select(*double_auctions.c).where(*whose)
    if state is not None:
        query = query.where(double_auctions.c.state == state)
    found = await tx.execute(rows.newest_first(query, double_auctions.c.id, DoubleAuctionId, page))
    return [_double_auction(row) for row in found]


def _one(row: Row[Any] | None) -> DoubleAuction:
    if row is None:
        raise NoSuchDoubleAuction()
    return _double_auction(row)


def _double_auction(row: Row[Any]) -> DoubleAuction:
    return DoubleAuction(
        id=row.id, listing_id=row.listing_id, provider_id=row.provider_id, buyer_id=row.buyer_id,
        terms=_terms.validate_python(row.terms), state=State(row.state), last_at=row.last_at,
        bid=row.bid and _sealed.validate_python(row.bid), ask=row.ask and _sealed.validate_python(row.ask),
        price=rows.money(row.price_minor, row.currency), reason_code=row.reason_code, order_id=row.order_id,
        revision=row.revision,
    )  # fmt: skip


def _changing(auction: DoubleAuction) -> dict[str, object]:
    price = auction.price
    return {
        "state": auction.state, "last_at": auction.last_at, "deadline": auction.deadline,
        "bid": auction.bid and rows.told(auction.bid), "ask": auction.ask and rows.told(auction.ask),
        "price_minor": price and price.minor, "currency": price and price.currency,
        "reason_code": auction.reason_code, "order_id": auction.order_id, "revision": auction.revision,
    }  # fmt: skip
