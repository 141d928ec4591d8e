"""How an auction whose time is up is closed, by its mechanism."""

import asyncio

from services.trading.actions import auction as english
from services.trading.actions import dutch, sealed
from services.trading.actions.trading import Trading
from services.trading.rules.mechanism import Mechanism
from services.trading.store import auction as store
from shared import capitals
from shared.ids import AuctionId


async def prepare() -> None:
    """Load what a contract is written with, so that the first auction that is open does not wait for it at its end."""
    await asyncio.to_thread(capitals.prepare)


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
