"""Which process closes an auction, where several look for those that are due."""

from services.trading.actions.trading import Trading
from shared.database import Transaction
from shared.ids import AuctionId

LOCK_SECONDS_MAX = 0.25  # one auction that is stuck must not keep the others waiting


async def take_to_close(trading: Trading, tx: Transaction, auction_id: AuctionId) -> bool:
    """Whether this transaction closes it. An auction that another process is closing is left to it; a bid that is
    being decided is waited for, but not long."""
    if not await trading.database.claim(tx, f"close {auction_id}"):
        return False
    await trading.database.wait_at_most(tx, LOCK_SECONDS_MAX)
    return True
