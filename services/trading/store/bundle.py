"""How bundles that were ordered are kept. Promises: a quote becomes one of them, whoever asks at the same time."""

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from services.trading.rules.bundle import BundleOrder, NoSuchBundleOrder
from services.trading.rules.order import QuoteTaken
from services.trading.store import rows
from services.trading.tables.bundles import bundle_orders
from shared.database import Transaction
from shared.ids import ParticipantId, QuoteId
from shared.money import Money


async def add_bundle(tx: Transaction, bundle: BundleOrder) -> None:
    """Raises QuoteTaken if the quote has become one."""
    row = {
        "quote_id": bundle.quote_id, "quote_version": bundle.quote_version, "plan_id": bundle.plan_id,
        "provider_id": bundle.provider_id, "buyer_id": bundle.buyer_id, "total_minor": bundle.total.minor,
        "currency": bundle.total.currency, "placed_at": bundle.placed_at,
    }  # fmt: skip
    try:
        await tx.execute(insert(bundle_orders).values(row))
    except IntegrityError as error:
        raise QuoteTaken(quote_id=bundle.quote_id) from error


async def is_ordered(tx: Transaction, quote_id: QuoteId) -> bool:
    return await tx.scalar(select(bundle_orders.c.plan_id).where(bundle_orders.c.quote_id == quote_id)) is not None


async def bundle(tx: Transaction, quote_id: QuoteId, party_id: ParticipantId | None) -> BundleOrder:
    """One of the party's own: another's is not there. For None, anyone's."""
    whose = rows.whose(bundle_orders.c.buyer_id, bundle_orders.c.provider_id, party_id)
    query = select(*bundle_orders.c).where(bundle_orders.c.quote_id == quote_id, *whose)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NoSuchBundleOrder()
    return BundleOrder(
        row.quote_id, row.quote_version, row.plan_id, row.provider_id, row.buyer_id,
        Money(row.total_minor, row.currency), row.placed_at,
    )  # fmt: skip
