"""How an auction whose time is up is closed, by its mechanism."""

from services.trading.actions import auction as english
from services.trading.actions import dutch, sealed
from services.trading.actions.trading import Trading
from services.trading.rules.mechanism import Mechanism
from services.trading.store import auction as store
from shared.ids import AuctionId


async def close(trading: Trading, auction_id: AuctionId) -> None:
    """Close it, if nobody has yet, in one commit."""
    async with trading.database.read() as tx:
        mechanism = await store.mechanism_of(tx, auction_id)
    match mechanism:
        case Mechanism.ENGLISH:
            await english.close(trading, auction_id)
        case Mechanism.DUTCH:
            await dutch.close(trading, auction_id)
        case _:
            await sealed.close(trading, auction_id)
