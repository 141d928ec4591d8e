"""What happens to content that nobody names: a process died between writing its bytes and the row that says so.

Promises: nothing goes that a row names or is about to name. A row follows its bytes within seconds, and only what was
written a day ago is looked at. Requires a place in the store that no other database uses.
"""

import logging
from datetime import timedelta

from services.delivery.actions.depot import Depot
from services.delivery.store.naming import named

NAMED_WITHIN = timedelta(days=1)
log = logging.getLogger(__name__)


async def collect(depot: Depot) -> None:
    """Delete the contents that no row names, some hundreds at a time."""
    before = depot.clock.now() - NAMED_WITHIN
    async for contents in depot.content.written_before(before):
        async with depot.database.read() as tx:
            kept = await named(tx, contents)
        for content_id in contents:
            if content_id not in kept:
                await depot.content.delete(content_id)
                log.warning("content %s was named by nobody: deleted", content_id)
    await depot.content.clear_parts(before)
