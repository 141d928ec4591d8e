"""How revenue shares are kept: each once, as they were computed."""

from pydantic import TypeAdapter
from sqlalchemy import insert, select

from services.pricing.rules.shares import Fee, Method, NoSuchRevenueShares, RevenueShares, Share
from services.pricing.tables.results import revenue_shares
from shared.database import Transaction
from shared.ids import RevenueShareId
from shared.money import Money

FEES = TypeAdapter(tuple[Fee, ...])
SHARES = TypeAdapter(tuple[Share, ...])


async def add(tx: Transaction, found: RevenueShares) -> None:
    row = {
        "id": found.id, "method": found.method, "method_version": found.method_version, "asked_by": found.asked_by,
        "price_minor": found.price.minor, "currency": found.price.currency,
        "fees": FEES.dump_python(found.fees, mode="json"), "fee_schedule_id": found.fee_schedule_id,
        "shares": SHARES.dump_python(found.shares, mode="json"), "document": found.document,
        "document_hash": found.document_hash, "computed_at": found.computed_at,
    }  # fmt: skip
    await tx.execute(insert(revenue_shares).values(row))


async def shares(tx: Transaction, share_id: RevenueShareId) -> RevenueShares:
    """Raises NoSuchRevenueShares."""
    row = (await tx.execute(select(*revenue_shares.c).where(revenue_shares.c.id == share_id))).one_or_none()
    if row is None:
        raise NoSuchRevenueShares()
    return RevenueShares(
        row.id, Method(row.method), row.method_version, row.asked_by, Money(row.price_minor, row.currency),
        FEES.validate_python(row.fees), row.fee_schedule_id, SHARES.validate_python(row.shares), row.document,
        row.document_hash, row.computed_at,
    )  # fmt: skip
