"""The log's keys: the one that signs, the one that will follow it and signs beside it, and those of before.

Promises: a key signs alone only after it was announced, by the key before it and by itself, and has signed beside that
one for as long as the settings say.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta

from services.audit.events.log import LogKeyAnnounced
from services.audit.rules import checkpoint, handover
from services.audit.rules.checkpoint import Checkpoint, VerifierKey
from services.audit.rules.handover import Handover, TooYoung
from services.audit.store import handover as store
from shared.database import Database, Transaction
from shared.outbox import Outbox
from shared.signing import SigningKey

OVERLAP = timedelta(days=30)
log = logging.getLogger(__name__)


class LogKeys:
    def __init__(
        self, origin: str, key: SigningKey, following: SigningKey | None = None, overlap: timedelta = OVERLAP
    ) -> None:
        self.key = VerifierKey(origin, key.public)
        self.following = VerifierKey(origin, following.public) if following else None
        self._overlap, self._private = overlap, {self.key: key}
        if self.following and following:
            self._private[self.following] = following
        self._is_announced = self._is_due = False
        self._told: dict[str, object] | None = None

    def sign(self, message: bytes) -> bytes:
        """By the log's key alone."""
        return self._private[self.key].sign(message)

    def note(self, point: Checkpoint) -> bytes:
        """The signed note of a checkpoint that is known to contradict none that was signed before."""
        body = point.body()
        signed = [(key, private.sign(body.encode())) for key, private in self._private.items()]
        return checkpoint.note_text(body, signed).encode()

    async def announce(self, database: Database, outbox: Outbox) -> None:
        """Say in the log, once, that the key will be followed; unless it is the one before that signs beside it."""
        if self.following is None or self._is_announced:
            return
        async with database.transaction() as tx:
            if self.following not in await self.lineage(tx):
                announced = self._handed_over(self.following, now := await database.now(tx))
                if await store.add_handover(tx, announced):
                    await outbox.record(tx, outbox.itself, now, LogKeyAnnounced.of(announced))
        self._is_announced = True

    async def require_due(self, database: Database, tx: Transaction) -> None:
        """Raises TooYoung while the key should still sign beside the one that it follows."""
        if self._is_due:
            return
        for each in await store.all_handovers(tx):
            until = each.at + self._overlap
            if each.after == self.key and self.following is None and await database.now(tx) < until:
                raise TooYoung(key=self.key.text(), before=each.before.text(), until=until.isoformat())
        self._is_due = True

    @contextmanager
    def unless_too_young(self) -> Generator[None]:
        """Leave what is done here where the key is too young for it. That is said in one line, and once: it passes by
        itself, or with another setting."""
        try:
            yield
        except TooYoung as refusal:
            if refusal.facts != self._told:
                log.error(
                    "nothing is signed before %(until)s: %(key)s is too young to do without %(before)s", refusal.facts
                )
            self._told = refusal.facts

    def _handed_over(self, following: VerifierKey, now: datetime) -> Handover:
        said = handover.signed_bytes(self.key, following, now)
        return Handover(self.key, following, now, *(self._private[key].sign(said) for key in (self.key, following)))

    async def lineage(self, tx: Transaction) -> tuple[VerifierKey, ...]:
        """The keys by which checkpoints of this log were signed."""
        return handover.lineage(self.key, await store.all_handovers(tx))
