"""How claims on an asset are kept.

Promises: what nobody offers, buys or holds any more claims nothing; a claim that overlaps an exclusive one cannot be
added, whoever asks at the same time, for the database refuses it too.
"""

from typing import Any

from sqlalchemy import Row, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.exc import DBAPIError

from services.trading.rules.auction import AUCTION
from services.trading.rules.claim import Claim
from services.trading.rules.entitlement import ENTITLEMENT
from services.trading.rules.listing import LISTING, RightsOverlap
from services.trading.rules.order import ORDER
from services.trading.tables.deals import auctions, claims, entitlements, listings, orders
from shared.database import Transaction
from shared.ids import AssetId, ListingId

OVERLAP = "claims_overlap"  # how the trigger says it


async def claims_on(tx: Transaction, asset_id: AssetId) -> list[Claim]:
    """What is claimed of the asset still. Requires the locked asset."""
    await _forget_what_is_over(tx, asset_id)
    await _end_with_their_rights(tx, asset_id)
    found = await tx.execute(select(*claims.c).where(claims.c.asset_id == asset_id).order_by(claims.c.listing_id))
    return [_claim(row) for row in found]


async def add_claim(tx: Transaction, claim: Claim) -> None:
    """Requires its listing."""
    row = {
        "listing_id": claim.listing_id, "asset_id": claim.asset_id, "field": claim.field,
        "territory": claim.territory, "exclusive": claim.exclusive, "starts_at": claim.starts_at,
        "ends_at": claim.ends_at,
    }  # fmt: skip
    try:
        await tx.execute(insert(claims).values(row))
    except DBAPIError as error:
        if OVERLAP not in str(error.orig):
            raise
        raise RightsOverlap() from error


async def claim_anew(tx: Transaction, asset_id: AssetId, listing_id: ListingId) -> None:
    """Have a listing's claim run as long as its rights do by now. Requires the locked asset, and that the rights are
    saved. Raises RightsOverlap if another claim begins before that."""
    for claim in await claims_on(tx, asset_id):
        if claim.listing_id == listing_id:
            await tx.execute(delete(claims).where(claims.c.listing_id == listing_id))
            await add_claim(tx, claim)


_offered = exists().where(listings.c.id == claims.c.listing_id, listings.c.state.in_(LISTING.open_states()))
_ordered = exists().where(orders.c.listing_id == claims.c.listing_id, orders.c.state.in_(ORDER.open_states()))
# The second may be asked for what is neither on offer any more nor ordered.
_auctioned = exists().where(auctions.c.listing_id == claims.c.listing_id, auctions.c.state.in_(AUCTION.open_states()))
_rights = and_(
    orders.c.listing_id == claims.c.listing_id, entitlements.c.order_id == orders.c.id,
    entitlements.c.state.in_(ENTITLEMENT.open_states()),
)  # fmt: skip


async def _forget_what_is_over(tx: Transaction, asset_id: AssetId) -> None:
    live = or_(_offered, _ordered, _auctioned, exists().where(_rights))
    await tx.execute(delete(claims).where(claims.c.asset_id == asset_id, ~live))


async def _end_with_their_rights(tx: Transaction, asset_id: AssetId) -> None:
    """What is only held, and offered or bought no more, ends with the last right."""
    last = select(func.max(entitlements.c.deadline)).where(_rights).scalar_subquery()
    held = update(claims).where(claims.c.asset_id == asset_id, ~_offered, ~_ordered, ~_auctioned)
    await tx.execute(held.values(ends_at=last))


def _claim(row: Row[Any]) -> Claim:
    return Claim(
        row.listing_id, row.asset_id, row.field, row.territory, row.exclusive, row.starts_at, row.ends_at
    )  # fmt: skip
