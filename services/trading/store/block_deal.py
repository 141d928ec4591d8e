"""How block deals are kept.

Promises: a deal that changed since it was read is not saved; its parts are added with it, and never changed.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, insert, select

from services.trading.rules.award import FrozenFees
from services.trading.rules.block_deal import BLOCK_DEAL, BlockDeal, NoSuchBlockDeal, Part, Reference, State
from services.trading.rules.negotiation import Approval, Ending
from services.trading.rules.negotiation_terms import Terms
from services.trading.store import rows
from services.trading.tables.block_deals import block_deals, block_parts
from services.trading.tables.deals import orders
from shared.database import Transaction, for_update
from shared.ids import BlockDealId, OrderId, ParticipantId
from shared.web import Page

DUE_MAX = 100
_fees = TypeAdapter(FrozenFees)
_approval = TypeAdapter(Approval)
_ending = TypeAdapter(Ending)
_terms = TypeAdapter(Terms)
_reference = TypeAdapter(Reference)


async def add_block_deal(tx: Transaction, deal: BlockDeal) -> None:
    """With its parts."""
    row = {
        "id": deal.id, "provider_id": deal.provider_id, "buyer_id": deal.buyer_id, "total_minor": deal.total.minor,
        "currency": deal.total.currency, "terms_hash": deal.terms_hash, "band_basis_points": deal.band_basis_points,
        "grounds": deal.grounds, "fees": rows.told(deal.fees), "approval_seconds": deal.approval_seconds,
        "offered_at": deal.offered_at, "expires_at": deal.expires_at,
    }  # fmt: skip
    await rows.add(tx, block_deals, row | _changing(deal))
    parts = [
        {
            "block_deal_id": deal.id, "listing_id": part.terms.listing_id, "price_minor": part.terms.price.minor,
            "terms": rows.told(part.terms), "reference": part.reference and rows.told(part.reference),
        }
        for part in deal.parts
    ]  # fmt: skip
    await tx.execute(insert(block_parts), parts)


async def save_block_deal(tx: Transaction, deal: BlockDeal) -> None:
    await rows.save(tx, block_deals, deal, _changing(deal))


async def block_deal(tx: Transaction, block_deal_id: BlockDealId, party_id: ParticipantId | None) -> BlockDeal:
    """One of the party's own: another's is not there. For None, anyone's."""
    whose = rows.whose(block_deals.c.buyer_id, block_deals.c.provider_id, party_id)
    query = select(*block_deals.c).where(block_deals.c.id == block_deal_id, *whose)
    return await _one(tx, (await tx.execute(query)).one_or_none())


async def block_deal_for_update(tx: Transaction, block_deal_id: BlockDealId) -> BlockDeal:
    query = select(*block_deals.c).where(block_deals.c.id == block_deal_id)
    return await _one(tx, (await tx.execute(for_update(query, tx))).one_or_none())


async def block_deals_due(tx: Transaction, now: datetime) -> list[BlockDealId]:
    """Those that time has ended and nobody has yet noticed, at most a hundred, the longest overdue first."""
    where = (block_deals.c.state.in_(BLOCK_DEAL.open_states()), block_deals.c.deadline <= now)
    query = select(block_deals.c.id).where(*where).order_by(block_deals.c.deadline)
    return list(await tx.scalars(query.limit(DUE_MAX)))


async def page_of_block_deals(
    tx: Transaction, page: Page, party_id: ParticipantId | None, state: State | None
) -> list[BlockDeal]:
    query = select(*block_deals.c).where(*rows.whose(block_deals.c.buyer_id, block_deals.c.provider_id, party_id))
    if state is not None:
        query = query.where(block_deals.c.state == state)
    found = await tx.execute(rows.newest_first(query, block_deals.c.id, BlockDealId, page))
    return await _with_parts(tx, found.all())


async def _one(tx: Transaction, row: Row[Any] | None) -> BlockDeal:
    if row is None:
        raise NoSuchBlockDeal()
    return (await _with_parts(tx, [row]))[0]


async def _with_parts(tx: Transaction, found: Sequence[Row[Any]]) -> list[BlockDeal]:
    """However many, three statements for all."""
    ids = [row.id for row in found]
    parts, ordered = defaultdict[BlockDealId, list[Part]](list), defaultdict[BlockDealId, list[OrderId]](list)
    query = select(*block_parts.c).where(block_parts.c.block_deal_id.in_(ids)).order_by(block_parts.c.listing_id)
    for each in await tx.execute(query):
        reference = each.reference and _reference.validate_python(each.reference)
        parts[each.block_deal_id].append(Part(_terms.validate_python(each.terms), reference))
    made = select(orders.c.block_deal_id, orders.c.id).where(orders.c.block_deal_id.in_(ids))
    for each in await tx.execute(made.order_by(orders.c.listing_id)):
        ordered[each.block_deal_id].append(each.id)
    return [_block_deal(row, tuple(parts[row.id]), tuple(ordered[row.id])) for row in found]


def _block_deal(row: Row[Any], parts: tuple[Part, ...], order_ids: tuple[OrderId, ...]) -> BlockDeal:
    return BlockDeal(
        id=row.id, provider_id=row.provider_id, buyer_id=row.buyer_id, parts=parts,
        band_basis_points=row.band_basis_points, grounds=row.grounds, fees=_fees.validate_python(row.fees),
        approval_seconds=row.approval_seconds, offered_at=row.offered_at, expires_at=row.expires_at,
        state=State(row.state), last_at=row.last_at, deadline=row.deadline, accepted_at=row.accepted_at,
        approval=row.approval and _approval.validate_python(row.approval),
        ending=row.ending and _ending.validate_python(row.ending), order_ids=order_ids, revision=row.revision,
    )  # fmt: skip


def _changing(deal: BlockDeal) -> dict[str, object]:
    return {
        "state": deal.state, "last_at": deal.last_at, "deadline": deal.deadline, "accepted_at": deal.accepted_at,
        "approval": deal.approval and rows.told(deal.approval), "ending": deal.ending and rows.told(deal.ending),
        "revision": deal.revision,
    }  # fmt: skip
