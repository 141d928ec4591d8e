"""What witnesses have to say before and after a checkpoint is signed.

Promises: nothing is signed, and nothing is taken at the start of a process, before every witness that can be reached
has confirmed the newest checkpoint; so a log that was set back to a backup is never signed a second time from there,
whoever set it back and whenever. A witness that knows more, or another log, stops the log until a person has looked at
it; one that says nothing stops nothing, and is an alert in the log. No witness is asked inside a transaction.
Does not: choose the witnesses. The policy does (`rules.policy`).
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from services.audit import witnesses
from services.audit.actions import alarm, proofs
from services.audit.actions.log_keys import LogKeys
from services.audit.actions.rereading import LogContradictsItself
from services.audit.actions.sequencer import Sequencer
from services.audit.actions.signer import Signer
from services.audit.events.log import AlertRaised
from services.audit.rules import checkpoint, cosignature, policy
from services.audit.rules.checkpoint import Checkpoint, NotANote, VerifierKey
from services.audit.rules.cosignature import Cosignature
from services.audit.rules.policy import Policy, Witness
from services.audit.rules.submission import Submission
from services.audit.rules.tree import EMPTY_ROOT
from services.audit.store import checkpoint as checkpoint_store
from services.audit.store import log as log_store
from services.audit.store.checkpoint import SignedCheckpoint
from services.audit.witnesses import Contradicted, Cosigned, KnowsAnother, NoWord
from shared.clock import Clock
from shared.database import Database
from shared.errors import Failure
from shared.outbox import Outbox
from shared.rest import Directory
from shared.signing import verifies
from shared.together import together

IDLE = timedelta(seconds=60)  # so often the log's silence is confirmed
RETRY = timedelta(seconds=10)  # so long a witness that says nothing is left alone
ALERT_AGAIN = timedelta(minutes=5)
ATTEMPTS_MAX = 4
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Another process of ours has signed, and shown, a larger checkpoint meanwhile."""


Answer = Cosignature | Contradicted | NoWord | Overtaken


@dataclass(slots=True)
class Standing:
    """What is known of a witness: how far it is, and whether it has been silent."""

    size: int | None = None
    asked_again_at: datetime | None = None
    alerted_at: datetime | None = None


@dataclass(slots=True)
class Witnessing:
    """Without a policy, or without addresses in it, nobody is asked."""

    database: Database
    outbox: Outbox
    clock: Clock
    sequencer: Sequencer
    signer: Signer
    keys: LogKeys
    policy: Policy | None
    places: Directory
    _standings: dict[str, Standing] = field(default_factory=dict[str, Standing])
    _confirmed_at: datetime | None = None

    def __post_init__(self) -> None:
        self._standings = {each.name: Standing() for each in self._witnesses()}
        self.sequencer.guard = self._guard if self._standings else None

    async def sign(self) -> bool:
        """Sign the log if it has grown, and let its witnesses confirm it. Returns whether it had.

        Raises LogContradictsItself, and freezes the log, if what is read back is not what was appended, or if a witness
        knows better.
        """
        if not self._standings:
            return await self.signer.sign()
        if self.sequencer.frozen_because:
            raise LogContradictsItself(detail=self.sequencer.frozen_because)
        if await self._has_grown():
            await self.ask()
        signed = await self.signer.sign()
        if signed or self._is_due():
            await self.ask()
        return signed

    async def ask(self) -> None:
        """Have the newest checkpoint confirmed by every witness that can be reached, and keep what they say."""
        stored = await self._stored()
        newest = stored or self._nothing()
        asked = [each for each in self._witnesses() if self._may_be_asked(each)]
        answers = await together(*(self._ask(each, newest) for each in asked))
        given = {each.name: said for each, said in zip(asked, answers, strict=True) if isinstance(said, Cosignature)}
        if stored and given:
            await self._keep(stored.size, given.values())
        for each, said in zip(asked, answers, strict=True):
            match said:
                case Contradicted(words):
                    await self._freeze(each, newest.size, words)
                case NoWord(words):
                    await self._miss(each, newest.size, words)
                case _:
                    self._standings[each.name].asked_again_at = None
        if len(given) == len(self._standings):
            self._confirmed_at = self.clock.now()

    async def compare(self) -> dict[str, Answer]:
        """What each witness says of the newest checkpoint, by its name. Nothing of it is kept."""
        newest = await self._stored() or self._nothing()
        asked = self._witnesses()
        answers = await together(*(self._ask(each, newest) for each in asked))
        return {each.name: said for each, said in zip(asked, answers, strict=True)}

    async def _stored(self) -> SignedCheckpoint | None:
        async with self.database.read() as tx:
            return await checkpoint_store.newest_checkpoint(tx)

    def _witnesses(self) -> list[Witness]:
        """Those of the policy that have an address."""
        return [each for each in self.policy.witnesses if each.url] if self.policy else []

    def _nothing(self) -> SignedCheckpoint:
        """The checkpoint of an empty log: it contradicts none, and a witness answers it with what it knows."""
        note = self.keys.note(Checkpoint(self.keys.key.name, 0, EMPTY_ROOT))
        return SignedCheckpoint(0, note, self.clock.now())

    async def _guard(self) -> None:
        """Before the first entry is taken. What is found stands in `frozen_because`."""
        try:
            await self.ask()
        except LogContradictsItself:
            log.critical("the log takes nothing: %s", self.sequencer.frozen_because)

    async def _has_grown(self) -> bool:
        await self.sequencer.begin()
        async with self.database.read() as tx:
            newest = await checkpoint_store.newest_checkpoint(tx)
            return newest is None or (await log_store.head(tx)).size > newest.size

    def _is_due(self) -> bool:
        now, silent = self.clock.now(), [each.asked_again_at for each in self._standings.values()]
        return self._confirmed_at is None or now >= self._confirmed_at + IDLE or any(at and now >= at for at in silent)

    def _may_be_asked(self, witness: Witness) -> bool:
        again = self._standings[witness.name].asked_again_at
        return again is None or self.clock.now() >= again

    async def _ask(self, witness: Witness, newest: SignedCheckpoint) -> Answer:
        standing = self._standings[witness.name]
        old_size = newest.size if standing.size is None else min(standing.size, newest.size)
        for _ in range(ATTEMPTS_MAX):
            async with self.database.read() as tx:
                proof = await proofs.consistency(tx, old_size, newest.size)
            sent = Submission(old_size, proof, newest.note.decode())
            match await witnesses.add_checkpoint(self.places, witness.name, sent.body()):
                case Cosigned(lines):
                    standing.size = newest.size
                    return self._opened(witness.key, newest.note.decode(), lines)
                case KnowsAnother(size) if size > newest.size:
                    return await self._beyond(size)
                case KnowsAnother(size):
                    old_size = size
                case said:
                    return said
        return NoWord("never stands where it says it does")

    async def _beyond(self, size: int) -> Answer:
        async with self.database.read() as tx:
            newest = await checkpoint_store.newest_checkpoint(tx)
        ours = newest.size if newest else 0
        if ours >= size:
            return Overtaken()
        return Contradicted(f"it has seen {size} entries, and here are {ours} signed: the log was set back")

    def _opened(self, key: VerifierKey, note: str, lines: str) -> Answer:
        try:
            opened = checkpoint.parse_note(note + lines)
            for each in cosignature.cosignatures(opened, key):
                if verifies(key.public, cosignature.signed_bytes(each.time, opened.text), each.signature):
                    return each
        except NotANote:
            pass
        return NoWord("answers with something else than its own cosignature")

    async def _keep(self, size: int, given: Iterable[Cosignature]) -> None:
        assert self.policy
        async with self.database.transaction() as tx:
            await checkpoint_store.add_cosignatures(tx, size, given)
            keys = await checkpoint_store.witnesses_of(tx, size)
            if self.policy.is_met([each.name for each in self.policy.witnesses if each.key.name in keys]):
                await checkpoint_store.add_witnessed(tx, size, await self.database.now(tx))

    async def _freeze(self, witness: Witness, size: int, words: str) -> None:
        self.sequencer.frozen_because = f"the witness {witness.name} contradicts it: {words}"
        log.critical("nothing more is signed: %s", self.sequencer.frozen_because)
        await self._alert(AlertRaised("witness_contradicts", witness=witness.name, size=size, detail=words))
        raise LogContradictsItself(detail=self.sequencer.frozen_because)

    async def _miss(self, witness: Witness, size: int, words: str) -> None:
        standing, now = self._standings[witness.name], self.clock.now()
        standing.asked_again_at = now + RETRY
        log.error("the witness %s gives no word on the log at %s: %s", witness.name, size, words)
        if standing.alerted_at is None or now >= standing.alerted_at + ALERT_AGAIN:
            standing.alerted_at = now
            await self._alert(AlertRaised("witness_silent", witness=witness.name, size=size, detail=words))

    async def _alert(self, alert: AlertRaised) -> None:
        try:
            async with self.database.transaction() as tx:
                await alarm.record(self.database, self.outbox, tx, await self.database.now(tx), alert)
        except Failure:
            log.exception("this alert could not be recorded: %s", alert)


def read_policy(path: Path, own_key: VerifierKey) -> Policy:
    """The policy in a file. Requires that it knows this log by this key, and that its quorum can be met by being asked.

    Raises ValueError that names the file.
    """
    try:
        read = policy.parse(path.read_bytes())
    except (OSError, policy.NotAPolicy) as error:
        raise ValueError(f"log_policy: {path}: {error}") from error
    if not read.knows(own_key):
        raise ValueError(f"log_policy: {path} does not know this log by its key: {own_key.text()}")
    if not read.is_met([each.name for each in read.witnesses if each.url]):
        raise ValueError(f"log_policy: {path} asks for more witnesses than it gives addresses of")
    return read
