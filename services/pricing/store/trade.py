"""How trades are kept: each as trading told of it last, whatever order its facts came in.

Promises: a fact sets only what it tells; a state that is older than what is known changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, case, select

from services.pricing.rules.trade import PLACED, Trade
from services.pricing.tables.trades import listings, trades
from shared.database import Transaction, insert_into
from shared.grades import Mode
from shared.ids import AssetId, ListingId, OrderId
from shared.money import Money

UNTOLD = {"state": PLACED, "revision": 0}  # of an order of which something else was told first


async def put_listing(tx: Transaction, listing_id: ListingId, asset_id: AssetId, right_kind: str) -> None:
    """What is offered, which never changes."""
    row = {"listing_id": listing_id, "asset_id": asset_id, "right_kind": right_kind}
    await tx.execute(insert_into(tx, listings).values(row).on_conflict_do_nothing())


async def put_agreed(tx: Transaction, trade: Trade) -> None:
    """What the first fact of an order tells: what was agreed. Only its price may be another at the end, where use was
    measured."""
    terms = {
        "listing_id": trade.listing_id, "version_id": trade.version_id, "mode": trade.mode,
        "exclusive": trade.exclusive, "buyer_id": trade.buyer_id, "provider_id": trade.provider_id,
        "quote_id": trade.quote_id, "currency": trade.price.currency, "placed_at": trade.placed_at,
    }  # fmt: skip
    until_settled = case((trades.c.settled_at.is_(None), trade.price.minor), else_=trades.c.price_minor)
    added = insert_into(tx, trades).values(
        {"order_id": trade.order_id, **UNTOLD, **terms, "price_minor": trade.price.minor}
    )
    told = terms | {"price_minor": until_settled}
    await tx.execute(added.on_conflict_do_update(index_elements=["order_id"], set_=told))


async def put_state(tx: Transaction, order_id: OrderId, state: str, revision: int) -> None:
    """What a later fact tells; one that is older than what is known changes nothing."""
    told = {"state": state, "revision": revision}
    added = insert_into(tx, trades).values(order_id=order_id, **told)
    older = trades.c.revision < revision
    await tx.execute(added.on_conflict_do_update(index_elements=["order_id"], set_=told, where=older))


async def put_paid(tx: Transaction, order_id: OrderId, at: datetime) -> None:
    await _put(tx, order_id, {"paid_at": at})


async def put_settled(tx: Transaction, order_id: OrderId, price: Money, at: datetime) -> None:
    await _put(tx, order_id, {"settled_at": at, "price_minor": price.minor})


async def trade(tx: Transaction, order_id: OrderId) -> Trade | None:
    row = (await tx.execute(known_trades().where(trades.c.order_id == order_id))).one_or_none()
    return None if row is None else trade_of(row)


def known_trades() -> Select[Any]:
    """The trades whose terms have been told; each row is for `trade_of`."""
    query = select(*trades.c, listings.c.asset_id, listings.c.right_kind)
    joined = trades.outerjoin(listings, listings.c.listing_id == trades.c.listing_id)
    return query.select_from(joined).where(trades.c.placed_at.is_not(None))


def trade_of(row: Row[Any]) -> Trade:
    return Trade(
        row.order_id, row.listing_id, row.version_id, Mode(row.mode), row.exclusive, row.buyer_id, row.provider_id,
        row.quote_id, Money(row.price_minor, row.currency), row.placed_at, row.state, row.paid_at, row.settled_at,
        row.asset_id, row.right_kind,
    )  # fmt: skip


async def _put(tx: Transaction, order_id: OrderId, told: Mapping[str, Any]) -> None:
    added = insert_into(tx, trades).values({"order_id": order_id, **UNTOLD, **told})
    await tx.execute(added.on_conflict_do_update(index_elements=["order_id"], set_=dict(told)))
