"""Views that a log shows to witnesses: honest ones, and others of the same key that contradict them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.audit.rules import checkpoint
from services.audit.rules.checkpoint import Checkpoint, VerifierKey
from services.audit.rules.submission import Submission
from services.witness import State, Witness
from shared.clock import Clock
from shared.signing import SigningKey
from tests.audit.test_tree import mth, subproof

ORIGIN = "yaosu.example/log"
LOG = SigningKey.from_seed(hashlib.sha256(b"log").digest())
LOG_KEY = VerifierKey(ORIGIN, LOG.public)


@dataclass(frozen=True)
class View:
    """The leaves that a log says it has, and what it would send of them."""

    leaves: Sequence[bytes]
    origin: str = ORIGIN
    key: SigningKey = LOG

    def point(self, size: int) -> Checkpoint:
        return Checkpoint(self.origin, size, mth(list(self.leaves[:size])))

    def note(self, size: int) -> str:
        body = self.point(size).body()
        return checkpoint.note_text(body, [(VerifierKey(self.origin, self.key.public), self.key.sign(body.encode()))])

    def proof(self, old_size: int, size: int) -> list[bytes]:
        return subproof(old_size, list(self.leaves[:size]), True) if 0 < old_size < size else []

    def submission(self, old_size: int, size: int) -> bytes:
        return Submission(old_size, self.proof(old_size, size), self.note(size)).body().encode()


TRUE = View([b"entry %d" % number for number in range(40)])
FORKED = View([*TRUE.leaves[:10], *(b"forged %d" % number for number in range(10, 40))])


def a_witness(
    folder: Path, clock: Clock, name: str = "witness.example/w1", logs: Sequence[VerifierKey] = (LOG_KEY,)
) -> Witness:
    key = SigningKey.from_seed(hashlib.sha256(name.encode()).digest())
    return Witness(name, key, logs, State(folder), clock)
