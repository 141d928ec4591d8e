"""A submission: what a log sends to a witness, so that it cosigns a checkpoint.

Promises: one submission has one text; anything that only resembles it is refused.
Source: C2SP tlog-witness, `add-checkpoint`.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from services.audit.rules.checkpoint import NotANote, decode
from services.audit.rules.tree import HASH_BYTES

PROOF_LINES_MAX = 63
_old = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Submission:
    """The size that the witness is believed to know, the proof from there, and the signed checkpoint as text."""

    old_size: int
    proof: Sequence[bytes]
    note: str

    def body(self) -> str:
        hashes = "".join(f"{b64encode(each).decode()}\n" for each in self.proof)
        return f"old {self.old_size}\n{hashes}\n{self.note}"


def parse(body: str) -> Submission:
    """Raises NotANote for anything but the text that `Submission.body` makes; the note itself is not read yet."""
    head, separator, note = body.partition("\n\n")
    first, *lines = head.split("\n")
    old = _old.fullmatch(first)
    if not separator or not old:
        raise NotANote("a submission begins with `old`, the size, the proof and an empty line")
    if len(lines) > PROOF_LINES_MAX:
        raise NotANote(f"a proof has more than {PROOF_LINES_MAX} lines")
    proof = [decode(line) for line in lines]
    if any(len(each) != HASH_BYTES for each in proof):
        raise NotANote("a line of the proof does not have 32 bytes")
    return Submission(int(old[1]), proof, note)
