"""How call auctions and their orders are kept.

Promises: a call that changed since it was read is not saved; orders are added, each under its own number, and never
changed; what each came to is written once, by the close.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, insert, select

from services.trading.rules.award import FrozenFees
from services.trading.rules.call_auction import Direction, UnitOrder
from services.trading.rules.call_session import (
    CALL_AUCTION,
    CallAuction,
    NoSuchCallAuction,
    Placed,
    State,
    Unit,
)
from services.trading.rules.market_rules import Windows
from services.trading.rules.sight import Sight
from services.trading.store import rows
from services.trading.store.sight import seen
from services.trading.tables.call_auctions import call_auctions, call_listings, unit_fills, unit_orders
from services.trading.tables.deals import listings
from shared.database import Transaction, for_update
from shared.ids import CallAuctionId, ListingId, ParticipantId, UnitOrderId
from shared.money import Money
from shared.web import BadCursor, Page

DUE_MAX = 100
_unit = TypeAdapter(Unit)
_fees = TypeAdapter(FrozenFees)
_windows = TypeAdapter(Windows)


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """An order, with what it came to once its call is closed."""

    placed: Placed
    units: int | None
    left_out: str | None


async def add_call(tx: Transaction, call: CallAuction) -> None:
    row = {
        "id": call.id, "unit": rows.told(call.unit), "reference_minor": call.reference.minor,
        "currency": call.reference.currency, "fees": rows.told(call.fees), "windows": rows.told(call.windows),
        "opened_at": call.opened_at, "closes_at": call.closes_at,
    }  # fmt: skip
    await rows.add(tx, call_auctions, row | _changing(call))
    named = [{"call_auction_id": call.id, "listing_id": listing_id} for listing_id in call.listing_ids]
    await tx.execute(insert(call_listings), named)


async def save_call(tx: Transaction, call: CallAuction) -> None:
    await rows.save(tx, call_auctions, call, _changing(call))


async def call_for_update(tx: Transaction, call_auction_id: CallAuctionId) -> CallAuction:
    query = select(*call_auctions.c).where(call_auctions.c.id == call_auction_id)
    return await _one(tx, (await tx.execute(for_update(query, tx))).one_or_none())


async def call(tx: Transaction, call_auction_id: CallAuctionId, sight: Sight) -> CallAuction:
    """Raises NoSuchCallAuction for whoever may not see all that it names."""
    query = _seen(sight).where(call_auctions.c.id == call_auction_id)
    return await _one(tx, (await tx.execute(query)).one_or_none())


async def page_of_calls(tx: Transaction, page: Page, sight: Sight, state: State | None) -> list[CallAuction]:
    query = _seen(sight)
    if state is not None:
        query = query.where(call_auctions.c.state == state)
    found = await tx.execute(rows.newest_first(query, call_auctions.c.id, CallAuctionId, page))
    return await _with_listings(tx, found.all())


async def calls_due(tx: Transaction, now: datetime) -> list[CallAuctionId]:
    """Those whose time is up and which nobody has yet closed, at most a hundred, the longest overdue first."""
    where = (call_auctions.c.state.in_(CALL_AUCTION.open_states()), call_auctions.c.closes_at <= now)
    query = select(call_auctions.c.id).where(*where).order_by(call_auctions.c.closes_at)
    return list(await tx.scalars(query.limit(DUE_MAX)))


async def add_order(tx: Transaction, placed: Placed) -> None:
    order = placed.order
    row = {
        "call_auction_id": placed.call_auction_id, "sequence": order.sequence, "id": placed.id,
        "participant_id": order.participant_id, "direction": order.direction, "listing_id": placed.listing_id,
        "limit_minor": order.limit_minor, "quantity": order.quantity, "salt": placed.salt,
        "placed_at": placed.placed_at,
    }  # fmt: skip
    await rows.add(tx, unit_orders, row)


async def book_of(tx: Transaction, call_auction_id: CallAuctionId) -> list[Placed]:
    """Every order, in its sequence."""
    query = select(*unit_orders.c).where(unit_orders.c.call_auction_id == call_auction_id)
    return [_placed(row) for row in await tx.execute(query.order_by(unit_orders.c.sequence))]


async def add_fills(
    tx: Transaction, filled: Mapping[UnitOrderId, int], left_out: Mapping[UnitOrderId, str]
) -> None:  # fmt: skip
    told = [{"id": id, "units": units, "left_out": left_out.get(id)} for id, units in filled.items()]
    if told:
        await tx.execute(insert(unit_fills), told)


async def page_of_orders(
    tx: Transaction, call_auction_id: CallAuctionId, page: Page, party_id: ParticipantId | None
) -> list[ShownOrder]:
    """The party's orders in their sequence. For None, everyone's."""
    query = (
        select(*unit_orders.c, unit_fills.c.units, unit_fills.c.left_out)
        .join(unit_fills, unit_fills.c.id == unit_orders.c.id, isouter=True)
        .where(unit_orders.c.call_auction_id == call_auction_id)
        .order_by(unit_orders.c.sequence)
    )
    if party_id is not None:
        query = query.where(unit_orders.c.participant_id == party_id)
    if page.after is not None:
        if not page.after.isascii() or not page.after.isdigit() or len(page.after) > 9:
            raise BadCursor()
        query = query.where(unit_orders.c.sequence > int(page.after))
    found = await tx.execute(query.limit(page.limit + 1))
    return [ShownOrder(_placed(row), row.units, row.left_out) for row in found]


def _seen(sight: Sight) -> Select[Any]:
    """Calls of which every listing is in sight."""
    hidden = ~seen(sight)
    names = (call_listings.c.call_auction_id == call_auctions.c.id) & (call_listings.c.listing_id == listings.c.id)
    return select(*call_auctions.c).where(~select(listings.c.id).where(names, hidden).exists())


async def _one(tx: Transaction, row: Row[Any] | None) -> CallAuction:
    if row is None:
        raise NoSuchCallAuction()
    return (await _with_listings(tx, [row]))[0]


async def _with_listings(tx: Transaction, found: Sequence[Row[Any]]) -> list[CallAuction]:
    """However many, two statements for all."""
    here = call_listings.c.call_auction_id.in_([row.id for row in found])
    named = defaultdict[CallAuctionId, list[ListingId]](list)
    for each in await tx.execute(select(*call_listings.c).where(here).order_by(call_listings.c.listing_id)):
        named[each.call_auction_id].append(each.listing_id)
    return [_call(row, tuple(named[row.id])) for row in found]


def _call(row: Row[Any], listing_ids: tuple[ListingId, ...]) -> CallAuction:
    return CallAuction(
        id=row.id, unit=_unit.validate_python(row.unit), listing_ids=listing_ids,
        reference=Money(row.reference_minor, row.currency), fees=_fees.validate_python(row.fees),
        windows=_windows.validate_python(row.windows), state=State(row.state), opened_at=row.opened_at,
        closes_at=row.closes_at, last_at=row.last_at, order_count=row.order_count,
        price=None if row.price_minor is None else Money(row.price_minor, row.currency), volume=row.volume,
        reason_code=row.reason_code, reason=row.reason, revision=row.revision,
    )  # fmt: skip


def _placed(row: Row[Any]) -> Placed:
    order = UnitOrder(row.sequence, row.participant_id, Direction(row.direction), row.limit_minor, row.quantity)
    return Placed(row.id, row.call_auction_id, order, row.listing_id, row.salt, row.placed_at)


def _changing(call: CallAuction) -> dict[str, object]:
    return {
        "state": call.state, "last_at": call.last_at, "order_count": call.order_count,
        "price_minor": call.price and call.price.minor, "volume": call.volume, "reason_code": call.reason_code,
        "reason": call.reason, "revision": call.revision,
    }  # fmt: skip
