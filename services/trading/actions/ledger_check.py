"""Whether the ledger holds, looked at again and again, a few accounts at a time.

Promises: every guarded account is compared with the fold of its transfers, in one view of both, and the escrow of every
order that is over is looked into; a look costs the transfers of a few accounts, however many there are. What was found
is told at once, and stays told until a whole walk finds nothing. Does not: stop anything, nor correct.
"""

from collections import Counter

from services.trading.rules.ledger import AccountKind
from services.trading.store import ledger as ledger_store
from services.trading.store import order as order_store
from shared.clock import Clock
from shared.database import Database
from shared.metrics import Metrics

ACCOUNTS_AT_ONCE = 50


class LedgerCheck:
    def __init__(self, database: Database, clock: Clock, metrics: Metrics) -> None:
        self.clock, self.metrics, self._database = clock, metrics, database
        self._difference_minor = metrics.gauge(
            "ledger_difference_minor", "By how much accounts differ from their transfers, at the last walk.", "currency"
        )
        self._escrow_left_minor = metrics.gauge(
            "ledger_escrow_left_minor", "What nobody is promised in escrows of orders that are over.", "currency"
        )
        self._walked = metrics.gauge("ledger_walked_timestamp_seconds", "When every account had been looked at.")
        self._begin()

    async def look(self) -> None:
        """At the next few accounts. At the end of all of them, tell what was found, and begin again."""
        async with self._database.read() as tx:
            now = await self._database.now(tx)
            found = await ledger_store.looked_at_after(tx, self._after, ACCOUNTS_AT_ONCE)
            escrows = {each.account.owner: each for each in found if each.account.kind is AccountKind.ESCROW}
            over = await order_store.orders_over(tx, escrows)
        for each in found:
            self._differences[each.account.currency] += each.difference_minor
        for order_id in over:
            self._left[escrows[order_id].account.currency] += abs(escrows[order_id].fold.available)
        is_whole = len(found) < ACCOUNTS_AT_ONCE
        self._tell(is_whole)
        if is_whole:
            self._walked.set(now.timestamp())
            self._begin()
        else:
            self._after = found[-1].account.id

    def _begin(self) -> None:
        self._after, self._differences, self._left = "", Counter[str](), Counter[str]()

    def _tell(self, is_whole: bool) -> None:
        for gauge, sums in ((self._difference_minor, self._differences), (self._escrow_left_minor, self._left)):
            for currency, minor in sums.items():
                if minor or is_whole:
                    gauge.labels(currency).set(minor)
