"""What happens when something of the log itself is wrong: it is said in the log, and opens an incident in one commit.

Promises: the same alert about the same source opens no second incident while the first is under way. Nobody has graded
it, nor said whose it is: the shortest term runs until a person does.
"""

from datetime import datetime

from services.audit import supervision
from services.audit.events.incident import IncidentOpened
from services.audit.events.log import AlertRaised
from services.audit.rules import incident as rules
from services.audit.rules.incident import Graded, Incident, Kind
from shared.database import Database, Transaction
from shared.facts import Fact
from shared.ids import IncidentId
from shared.outbox import Outbox

UNDER_WAY_MAX = 1_000
SILENCES = frozenset({"source_silent", "witness_silent"})


async def record(database: Database, outbox: Outbox, tx: Transaction, now: datetime, *facts: Fact) -> None:
    """Record the facts, and before them the incidents that the alerts among them open."""
    opened = [
        IncidentOpened.of(incident)
        for alert in facts
        if isinstance(alert, AlertRaised) and (incident := await _opened(database, outbox, tx, alert, now))
    ]
    await outbox.record(tx, outbox.itself, now, *opened, *facts)


async def _opened(
    database: Database, outbox: Outbox, tx: Transaction, alert: AlertRaised, now: datetime
) -> Incident | None:
    whose = alert.service or alert.witness
    source = f"{alert.kind} {whose}" if whose else str(alert.kind)
    if not await database.claim(tx, f"incident of {source}"):
        return None
    if any(one.source == source for one in await supervision.matters_under_way(tx, Incident, None, UNDER_WAY_MAX)):
        return None
    kind = Kind.OUTAGE if alert.kind in SILENCES else Kind.TAMPERING
    summary = f"审计日志告警 · Alert of the log: {source}"
    opened = rules.open_incident(IncidentId.new(), kind, summary, outbox.service, now, Graded(), now, source=source)
    await supervision.add_matter(tx, opened)
    return opened
