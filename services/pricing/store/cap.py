"""How price caps are kept: they are only added to."""

from typing import Any

from sqlalchemy import Row, insert, select, true

from services.pricing.rules.cap import NoSuchPriceCap, PriceCap
from services.pricing.tables.caps import price_caps
from shared.database import Transaction
from shared.ids import PriceCapId, VersionId
from shared.money import Money


async def add_cap(tx: Transaction, cap: PriceCap) -> None:
    row = {
        "id": cap.id, "version_id": cap.version_id, "provider_id": cap.provider_id, "cap_minor": cap.cap.minor,
        "currency": cap.cap.currency, "reference": cap.reference, "authority": cap.authority,
        "valid_from": cap.valid_from, "valid_until": cap.valid_until, "filed_at": cap.filed_at,
    }  # fmt: skip
    await tx.execute(insert(price_caps).values(row))


async def cap(tx: Transaction, cap_id: PriceCapId) -> PriceCap:
    row = (await tx.execute(select(*price_caps.c).where(price_caps.c.id == cap_id))).one_or_none()
    if row is None:
        raise NoSuchPriceCap()
    return _cap(row)


async def caps_of(tx: Transaction, version_id: VersionId) -> list[PriceCap]:
    query = select(*price_caps.c).where(price_caps.c.version_id == version_id)
    return [_cap(row) for row in await tx.execute(query)]


async def page_of_caps(tx: Transaction, version_id: VersionId, limit: int, before: str | None) -> list[PriceCap]:
    """The filings for a version, newest first, at most `limit`, with ids below `before`."""
    older = price_caps.c.id < before if before else true()
    query = select(*price_caps.c).where(price_caps.c.version_id == version_id, older)
    return [_cap(row) for row in await tx.execute(query.order_by(price_caps.c.id.desc()).limit(limit))]


def _cap(row: Row[Any]) -> PriceCap:
    return PriceCap(
        row.id, row.version_id, row.provider_id, Money(row.cap_minor, row.currency), row.reference, row.authority,
        row.valid_from, row.valid_until, row.filed_at,
    )  # fmt: skip
