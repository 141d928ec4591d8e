"""The self-monitor: a second pair of eyes, with a connection of its own that cannot write.

Promises: whatever is signed is read again, from the bytes of its entries, within seconds; everything is once a day; an
altered byte, a missing entry, a checkpoint that is not ours and a source that went silent are alerts in the log, so
that nobody can quietly take them back, and each opens an incident, whose clock runs. Does not: stop the log. What
contradicts a signature is for a person to look at.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.audit.actions import alarm
from services.audit.actions.audit import Audit
from services.audit.actions.rereading import ENTRIES_AT_ONCE, Checked, LogContradictsItself, opened, read_on
from services.audit.events.log import AlertRaised
from services.audit.rules import entry
from services.audit.rules.checkpoint import Checkpoint
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import entry as entry_store
from shared.database import Database, Transaction
from shared.facts import moment

AGAIN_FROM_THE_BEGINNING = timedelta(days=1)
SILENT = timedelta(minutes=3)
ALERT_AGAIN = timedelta(hours=1)
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Monitor:
    """`eyes` is the log's database by a connection of its own; only its readers are used."""

    audit: Audit
    eyes: Database
    began_at: datetime = field(init=False)
    _walk_began_at: datetime = field(init=False)
    _checked: Checked = Checked()
    _alerted: dict[str, datetime] = field(default_factory=dict[str, datetime])

    def __post_init__(self) -> None:
        self.began_at = self._walk_began_at = self.audit.clock.now()

    async def tick(self) -> None:
        """Read what was signed since the last time, or everything if a day is over; and listen for every source."""
        now = self.audit.clock.now()
        if now >= self._walk_began_at + AGAIN_FROM_THE_BEGINNING:
            self._checked, self._walk_began_at = Checked(), now
        try:
            await self._walk()
        except LogContradictsItself as contradiction:
            detail, size = str(contradiction.facts["detail"]), self._checked.edge.size
            await self._alert("log_altered", AlertRaised("log_altered", size=size, detail=detail))
        for service, heard_at in (await self._heard()).items():
            if now > max(heard_at, self.began_at) + SILENT:
                await self._alert(f"silent {service}", AlertRaised("source_silent", service=service))

    @property
    def size(self) -> int:
        """How far the log was read and found right."""
        return self._checked.edge.size

    async def _walk(self) -> None:
        async with self.eyes.read() as tx:
            newest = await checkpoint_store.newest_checkpoint(tx)
            if (newest.size if newest else 0) < self.size:
                raise LogContradictsItself(detail=f"the checkpoint at {self.size} is gone")
        while newest and self.size < newest.size:
            async with self.eyes.read() as tx:
                self._checked = await self._step(tx, self._checked, min(self.size + ENTRIES_AT_ONCE, newest.size))
            await asyncio.sleep(0)  # whoever asks for something goes first

    async def _step(self, tx: Transaction, checked: Checked, size: int) -> Checked:
        """Up to that size, from one checkpoint to the next."""
        keys = await self.audit.keys.lineage(tx)
        for signed in await checkpoint_store.checkpoints_between(tx, checked.edge.size, size):
            checked = await read_on(tx, checked, signed.size)
            point = Checkpoint(self.audit.origin, signed.size, checked.edge.root())
            if opened(signed.note, keys) != point:
                raise LogContradictsItself(detail=f"the checkpoint at {signed.size} is not ours, or not of its entries")
        return await read_on(tx, checked, size)

    async def _heard(self) -> dict[str, datetime]:
        """Of each service that ever reported, when it last did."""
        async with self.eyes.read() as tx:
            last = await entry_store.last_entries(tx)
        heard: dict[str, datetime] = {}
        for each in last:
            at = moment(entry.parse(each.leaf).ingested_at_us)
            heard[each.service] = max(at, heard.get(each.service, at))
        return heard

    async def _alert(self, what: str, alert: AlertRaised) -> None:
        """Say it, but the same not again within an hour."""
        now = self.audit.clock.now()
        log.critical("the monitor found: %s", alert)
        if what in self._alerted and now < self._alerted[what] + ALERT_AGAIN:
            return
        async with self.audit.database.transaction() as tx:
            at = await self.audit.database.now(tx)
            await alarm.record(self.audit.database, self.audit.outbox, tx, at, alert)
        self._alerted[what] = now
