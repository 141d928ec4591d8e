"""What the log says of the calls that a claim is about. Asked before the transaction that takes the claim.

Promises: no claim waits for it, and none is lost by it: without a log, or with more entries than are read, nothing is
measured, and the claim is as good as it was.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from services.trading.actions.trading import Trading
from services.trading.rules.entitlement import Entitlement
from services.trading.rules.measured import BY_GATE, Measured, Told, calls_of, measured
from services.trading.rules.service_level import Figures, Period, ServiceLevel
from shared import canonical
from shared.errors import Unavailable
from shared.facts import moment

ENTRIES_MAX = 5_000


async def measure(
    trading: Trading, right: Entitlement, level: ServiceLevel, period: Period, claimed: Figures, now: datetime
) -> Measured | None:
    """None where nothing was seen: a right that is not used at the gate, no call, no log, or too much of it."""
    leaves: Sequence[str] | None = None
    if right.mode in BY_GATE:
        with suppress(Unavailable):
            leaves = await trading.log.leaves_of(right.id, ENTRIES_MAX)
    told = [_told(leaf) for leaf in leaves or ()]
    return measured(calls_of(told, now), level, period, claimed)


def _told(leaf: str) -> Told:
    event: dict[str, Any] = canonical.decode(leaf.split("\n")[1])
    data = event["data"]
    return Told(event["act"], moment(event["ts"]), data.get("use_id"), data.get("reason_code"))
