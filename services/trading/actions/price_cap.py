"""What pricing says that public data may cost."""

from services.pricing.client import NoSuchPriceCap
from services.trading.actions.trading import Trading
from services.trading.rules.listing import Listing
from shared.grades import Flag
from shared.money import Money


async def price_cap_of(trading: Trading, listing: Listing) -> Money | None:
    """The cap that holds now for what is offered, where it is public data and one is filed. Asked before any
    transaction."""
    if Flag.PUBLIC_DATA not in listing.flags:
        return None
    try:
        return (await trading.pricing.price_cap(listing.version_id)).cap
    except NoSuchPriceCap:
        return None
