"""What pricing says that public data may cost."""

from services.pricing.client import NoSuchPriceCap
from services.trading.actions.trading import Trading
from services.trading.store import listing as listing_store
from shared.grades import Flag
from shared.ids import ListingId
from shared.money import Money


async def price_cap_of(trading: Trading, listing_id: ListingId) -> Money | None:
    """The cap that holds now for what is offered, where it is public data and one is filed. Asked before any
    transaction."""
    async with trading.database.read() as tx:
        listing = await listing_store.listing(tx, listing_id)
    if Flag.PUBLIC_DATA not in listing.flags:
        return None
    try:
        return (await trading.pricing.price_cap(listing.version_id)).cap
    except NoSuchPriceCap:
        return None
