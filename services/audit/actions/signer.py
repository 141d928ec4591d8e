"""The signer: reads again what was committed, and signs it if it is right.

Promises: no checkpoint is signed over bytes that were not read back from the database, by another connection than wrote
them; no two checkpoints of this log contradict each other; a log that contradicts itself is never signed again, and
takes nothing more until a person has looked at it (Yeti 2022: a bit flipped between computing and storing).
Does not: notice that the whole database was set back to a backup while no process was looking. That takes a witness
(`witnessing.py`).
"""

from services.audit.actions.log_keys import LogKeys
from services.audit.actions.rereading import ENTRIES_AT_ONCE, Checked, LogContradictsItself, opened, read_on
from services.audit.actions.sequencer import Sequencer
from services.audit.rules import tile
from services.audit.rules.checkpoint import Checkpoint
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import log as log_store
from services.audit.store.checkpoint import SignedCheckpoint
from services.audit.store.log import Log
from shared.database import Database, Transaction
from shared.faultpoint import faultpoint


class Signer:
    def __init__(self, database: Database, keys: LogKeys, sequencer: Sequencer) -> None:
        self._database, self._keys, self._sequencer = database, keys, sequencer
        self._origin = keys.key.name
        self._checked = Checked()

    async def sign(self) -> bool:
        """Sign the log if it has grown since the last checkpoint. Returns whether it had.

        Raises LogContradictsItself, and freezes the log, if what is read back is not what was appended; TooYoung while
        the key should not sign alone.
        """
        await self._sequencer.begin()
        try:
            async with self._database.read() as tx:
                await self._keys.require_due(self._database, tx)
                log, newest = await log_store.head(tx), await checkpoint_store.newest_checkpoint(tx)
                self._refuse_a_way_back(log.size, newest.size if newest else 0)
                if newest and newest.size == log.size:
                    return False
                checked = await self._read_again(tx, await self._last_checked(tx, newest), log)
        except LogContradictsItself as contradiction:
            self._sequencer.frozen_because = str(contradiction.facts["detail"])
            raise
        async with self._database.transaction() as tx:
            await log_store.head_for_update(tx)  # the signers of several processes, one after the other
            newest = await checkpoint_store.newest_checkpoint(tx)
            if newest and newest.size >= log.size:
                return False
            note = self._keys.note(Checkpoint(self._origin, log.size, log.root))
            await checkpoint_store.add_checkpoint(tx, SignedCheckpoint(log.size, note, await self._database.now(tx)))
            faultpoint("checkpoint.written")
        faultpoint("checkpoint.published")
        self._checked = checked
        return True

    def _refuse_a_way_back(self, size: int, signed_size: int) -> None:
        ours = self._checked.edge.size
        if max(signed_size, ours) > size:
            raise LogContradictsItself(detail="the log is shorter than what was signed of it")
        if ours > signed_size:
            raise LogContradictsItself(detail=f"the checkpoint at {ours} is gone")

    async def _last_checked(self, tx: Transaction, newest: SignedCheckpoint | None) -> Checked:
        signed_size = newest.size if newest else 0
        if self._checked.edge.size == signed_size:
            return self._checked
        unfinished = await log_store.unfinished_at(tx, signed_size)
        edge = tile.edge(unfinished)
        keys = await self._keys.lineage(tx)
        if newest and opened(newest.note, keys) != Checkpoint(self._origin, signed_size, edge.root()):
            raise LogContradictsItself(detail="the last checkpoint is not ours, or not of these tiles")
        return Checked(edge, unfinished)

    async def _read_again(self, tx: Transaction, checked: Checked, log: Log) -> Checked:
        while checked.edge.size < log.size:
            checked = await read_on(tx, checked, min(checked.edge.size + ENTRIES_AT_ONCE, log.size))
        if checked.edge.root() != log.root:
            raise LogContradictsItself(detail=f"the root at {log.size} is not that of the entries")
        return checked
