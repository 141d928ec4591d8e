"""How orders are kept.

Promises: a quote becomes one order, an exclusive offer is sold once, whoever asks at the same time; an order that
changed since it was read is not saved.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, String, cast, func, insert, literal, select
from sqlalchemy.exc import IntegrityError

from services.trading.rules.acceptance_terms import AcceptanceTerms, standard_terms
from services.trading.rules.award import FrozenFees, SaleTax
from services.trading.rules.co_owner import Ownership
from services.trading.rules.instruction import CONFIRMED
from services.trading.rules.market_rules import Windows
from services.trading.rules.order import (
    AWAITING_ACCEPTANCE,
    AWAITING_PAYMENT,
    AWAITING_SIGNATURES,
    FAILED,
    ORDER,
    SETTLING,
    NoSuchOrder,
    Order,
    QuoteTaken,
    State,
)
from services.trading.rules.scope import Scope
from services.trading.store import rows
from services.trading.tables.deals import orders
from services.trading.tables.money import instructions
from shared.database import Transaction, for_update
from shared.grades import Mode
from shared.ids import AuctionId, ListingId, OrderId, ParticipantId, QuoteId, VersionId
from shared.metering import Meter
from shared.money import Money
from shared.web import Page

DUE_MAX = 100
UNPAID = (AWAITING_SIGNATURES, AWAITING_PAYMENT)
_fees = TypeAdapter(FrozenFees)
_windows = TypeAdapter(Windows)
_scope = TypeAdapter(Scope)
_acceptance = TypeAdapter(AcceptanceTerms)
_ownership = TypeAdapter(Ownership)
_tax = TypeAdapter(SaleTax)
_meter = TypeAdapter(Meter)


async def add_order(tx: Transaction, order: Order) -> None:
    """Requires the locked listing, so that only a quote can be taken twice."""
    row = _row(order) | {"fees": rows.told(order.fees), "windows": rows.told(order.windows)}
    row |= {"scope": order.scope and rows.told(order.scope), "acceptance": rows.told(order.acceptance)}
    row["ownership"] = order.ownership and rows.told(order.ownership)
    row["tax"] = order.tax and rows.told(order.tax)
    row["meter"] = order.meter and rows.told(order.meter)
    try:
        await tx.execute(insert(orders).values(row))
    except IntegrityError as error:
        raise QuoteTaken() from error


async def save_order(tx: Transaction, order: Order) -> None:
    await rows.save(tx, orders, order, _row(order))


async def save_tax(tx: Transaction, order: Order) -> None:
    """With the tax in its price, which is stated once, or changes with the price when a meter is read off."""
    await rows.save(tx, orders, order, _row(order) | {"tax": order.tax and rows.told(order.tax)})


async def save_amended(tx: Transaction, order: Order) -> None:
    """With what an amendment changes besides: its scope and its windows."""
    told = {"windows": rows.told(order.windows), "scope": order.scope and rows.told(order.scope)}
    await rows.save(tx, orders, order, _row(order) | told)


async def order(tx: Transaction, order_id: OrderId, party_id: ParticipantId | None) -> Order:
    """One of the party's own orders: another's is not there. For None, anyone's."""
    query = select(*orders.c).where(orders.c.id == order_id)
    row = (await tx.execute(query.where(*rows.whose(orders.c.buyer_id, orders.c.provider_id, party_id)))).one_or_none()
    if row is None:
        raise NoSuchOrder()
    return order_of(row)


async def order_for_update(tx: Transaction, order_id: OrderId) -> Order:
    row = (await tx.execute(for_update(select(*orders.c).where(orders.c.id == order_id), tx))).one_or_none()
    if row is None:
        raise NoSuchOrder()
    return order_of(row)


async def orders_by_id(tx: Transaction, order_ids: Iterable[OrderId]) -> list[Order]:
    query = select(*orders.c).where(orders.c.id.in_(sorted(order_ids))).order_by(orders.c.id)
    return [order_of(row) for row in await tx.execute(query)]


async def auction_of(tx: Transaction, order_id: OrderId) -> AuctionId | None:
    """The auction that made an order, which is locked before the order. None for other orders, and for none at all."""
    return await tx.scalar(select(orders.c.auction_id).where(orders.c.id == order_id))


async def is_quote_taken(tx: Transaction, quote_id: QuoteId) -> bool:
    return await tx.scalar(select(orders.c.id).where(orders.c.quote_id == quote_id)) is not None


async def orders_at(tx: Transaction, quote_ids: Sequence[QuoteId]) -> list[OrderId]:
    """The orders at these quotes that have not failed."""
    query = select(orders.c.id).where(orders.c.quote_id.in_(quote_ids), orders.c.state.not_in(sorted(FAILED)))
    return list(await tx.scalars(query.order_by(orders.c.id)))


async def orders_standing(tx: Transaction, listing_id: ListingId) -> int:
    """How many orders of a listing have not failed. Requires the locked listing."""
    standing = (orders.c.listing_id == listing_id, orders.c.state.not_in(sorted(FAILED)))
    return await tx.scalar(select(func.count()).select_from(orders).where(*standing)) or 0


async def unpaid_orders(tx: Transaction, version_id: VersionId) -> list[Order]:
    """Locked, in the order of their ids, together with the unpaid parts of the bundles that they are parts of."""
    own = (orders.c.version_id == version_id) & orders.c.state.in_(UNPAID)
    bundles = list(await tx.scalars(select(orders.c.bundle_quote_id).where(own, orders.c.bundle_quote_id.is_not(None))))
    beside = orders.c.bundle_quote_id.in_(bundles) & orders.c.state.in_(UNPAID)
    query = select(*orders.c).where(own | beside).order_by(orders.c.id)
    found = [order_of(row) for row in await tx.execute(for_update(query, tx))]
    return [order for order in found if order.version_id == version_id]


async def lock_bundle(tx: Transaction, order_id: OrderId) -> None:
    """Lock all parts of the bundle that an order is a part of, if it is one, in the order of their ids."""
    quote_id = await tx.scalar(select(orders.c.bundle_quote_id).where(orders.c.id == order_id))
    if quote_id is not None:
        await parts_of_bundle(tx, quote_id, lock=True)


async def parts_of_bundle(tx: Transaction, quote_id: QuoteId, *, lock: bool = False) -> list[Order]:
    """The orders that a bundle became, in the order of their ids."""
    query = select(*orders.c).where(orders.c.bundle_quote_id == quote_id).order_by(orders.c.id)
    return [order_of(row) for row in await tx.execute(for_update(query, tx) if lock else query)]


async def orders_due(tx: Transaction, now: datetime) -> list[OrderId]:
    """Those whose deadline has passed, at most a hundred, the longest overdue first."""
    thawed = orders.c.frozen_until.is_(None) | (orders.c.frozen_until <= now)
    where = (orders.c.state.in_(ORDER.open_states()), orders.c.deadline <= now, thawed)
    return list(
        await tx.scalars(select(orders.c.id).where(*where).order_by(orders.c.deadline, orders.c.id).limit(DUE_MAX))
    )


async def meters_due(tx: Transaction, now: datetime) -> list[OrderId]:
    """Orders whose measured period is over, at most a hundred, the longest overdue first."""
    running = (orders.c.state == AWAITING_ACCEPTANCE, orders.c.meter.is_not(None), orders.c.metered_units.is_(None))
    thawed = orders.c.frozen_until.is_(None) | (orders.c.frozen_until <= now)
    query = select(orders.c.id).where(*running, orders.c.deadline <= now, thawed)
    return list(await tx.scalars(query.order_by(orders.c.deadline).limit(DUE_MAX)))


async def orders_over(tx: Transaction, ids: Iterable[str]) -> set[str]:
    """Those of these that have come to their end."""
    over = (orders.c.id.in_([OrderId(each) for each in ids]), orders.c.state.not_in(ORDER.open_states()))
    return set(await tx.scalars(select(orders.c.id).where(*over)))


async def buyers_of(tx: Transaction, ids: Iterable[str]) -> dict[str, ParticipantId]:
    """Who bought by each of these orders."""
    query = select(orders.c.id, orders.c.buyer_id).where(orders.c.id.in_([OrderId(each) for each in ids]))
    return {row.id: row.buyer_id for row in await tx.execute(query)}


async def orders_paid_out(tx: Transaction) -> list[OrderId]:
    """Settling orders whose end the custodian has confirmed, at most a hundred."""
    of_the_order = instructions.c.natural_key == literal("end:").concat(cast(orders.c.id, String))
    where = (orders.c.state == SETTLING, instructions.c.state == CONFIRMED)
    query = select(orders.c.id).join(instructions, of_the_order).where(*where)
    return list(await tx.scalars(query.order_by(orders.c.id).limit(DUE_MAX)))


async def page_of_orders(
    tx: Transaction, page: Page, party_id: ParticipantId | None, states: Iterable[State] = ()
) -> list[Order]:
    """A party's orders, on either side. For None, everyone's."""
    query = select(*orders.c).where(*rows.whose(orders.c.buyer_id, orders.c.provider_id, party_id))
    if wanted := sorted(states):
        query = query.where(orders.c.state.in_(wanted))
    return [order_of(row) for row in await tx.execute(rows.newest_first(query, orders.c.id, OrderId, page))]


def order_of(row: Row[Any]) -> Order:
    windows = _windows.validate_python(row.windows)
    return Order(
        id=row.id, listing_id=row.listing_id, version_id=row.version_id, mode=Mode(row.mode), exclusive=row.exclusive,
        buyer_id=row.buyer_id, provider_id=row.provider_id, price=Money(row.price_minor, row.currency),
        quote_id=row.quote_id, auction_id=row.auction_id, inquiry_id=row.inquiry_id,
        negotiation_id=row.negotiation_id, call_auction_id=row.call_auction_id, contract_id=row.contract_id,
        columns=rows.names(row.columns),
        fees=_fees.validate_python(row.fees), windows=windows, state=State(row.state),
        placed_at=row.placed_at, deadline=row.deadline, entitlement_id=row.entitlement_id,
        reason_code=row.reason_code, overdue=row.overdue, revision=row.revision,
        scope=row.scope and _scope.validate_python(row.scope), refund_minor=row.refund_minor,
        acceptance=_acceptance.validate_python(row.acceptance) if row.acceptance else standard_terms(windows),
        ownership=row.ownership and _ownership.validate_python(row.ownership), returned_minor=row.returned_minor,
        released_minor=row.released_minor,
        credit_minor=row.credit_minor,
        tax=row.tax and _tax.validate_python(row.tax), renews=row.renews, frozen_until=row.frozen_until,
        settled_at=row.settled_at,
        meter=row.meter and _meter.validate_python(row.meter), metered_units=row.metered_units,
        double_auction_id=row.double_auction_id, block_deal_id=row.block_deal_id,
        bundle_quote_id=row.bundle_quote_id,
    )  # fmt: skip


def _row(order: Order) -> dict[str, object]:
    return {
        "id": order.id, "listing_id": order.listing_id, "version_id": order.version_id, "mode": order.mode,
        "exclusive": order.exclusive, "buyer_id": order.buyer_id, "provider_id": order.provider_id,
        "price_minor": order.price.minor, "currency": order.price.currency, "quote_id": order.quote_id,
        "auction_id": order.auction_id, "inquiry_id": order.inquiry_id, "negotiation_id": order.negotiation_id,
        "call_auction_id": order.call_auction_id, "contract_id": order.contract_id,
        "columns": None if order.columns is None else list(order.columns),
        "state": order.state,
        "placed_at": order.placed_at, "deadline": order.deadline, "entitlement_id": order.entitlement_id,
        "reason_code": order.reason_code, "overdue": order.overdue, "revision": order.revision,
        "refund_minor": order.refund_minor, "released_minor": order.released_minor,
        "returned_minor": order.returned_minor, "credit_minor": order.credit_minor,
        "renews": order.renews,
        "frozen_until": order.frozen_until, "settled_at": order.settled_at,
        "metered_units": order.metered_units, "double_auction_id": order.double_auction_id,
        "block_deal_id": order.block_deal_id, "bundle_quote_id": order.bundle_quote_id,
    }  # fmt: skip
