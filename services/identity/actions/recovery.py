"""What happens to log-ins when the tables were set back to a backup: all of before are over."""

from datetime import datetime

from services.identity.actions.identity import Identity
from services.identity.store import epoch as store
from shared.database import Transaction


async def begin(identity: Identity) -> None:
    """Sign by the name that the key has in the present epoch."""
    async with identity.database.read() as tx:
        identity.issuer.begin(await store.present(tx))


async def begin_again(tx: Transaction, now: datetime) -> tuple[int, int]:
    """Begin another epoch: no access token of before is good, and no session. Returns its number, and how many ended.

    Requires that no process of identity runs: each reads the epoch once, when it starts.
    """
    return await store.begin(tx, now), await store.end_sessions(tx, now)
