"""A proof that stands alone: where an entry is, the hashes that lead to the root, and the signed checkpoint.

Promises: one proof has one text, which needs nothing but the entry, the log's key and a policy to be checked.
Source: C2SP tlog-proof. What it may carry in addition, unauthenticated, these proofs do not.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from services.audit.rules.checkpoint import NotANote, decode
from services.audit.rules.tree import HASH_BYTES

FIRST_LINE = "c2sp.org/tlog-proof@v1"
_index = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Proof:
    """`hashes` lead from the leaf to the root of the checkpoint in `note`."""

    index: int
    hashes: Sequence[bytes]
    note: str

    def text(self) -> str:
        hashes = "".join(f"{b64encode(each).decode()}\n" for each in self.hashes)
        return f"{FIRST_LINE}\nindex {self.index}\n{hashes}\n{self.note}"


def parse(text: str) -> Proof:
    """Raises NotANote for anything but the text that `Proof.text` makes; the note itself is not read yet."""
    head, separator, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    index = _index.fullmatch(lines[0]) if lines else None
    if first != FIRST_LINE or not separator or not index:
        raise NotANote("a proof begins with its name and the entry's index")
    hashes = [decode(line) for line in lines[1:]]
    if any(len(each) != HASH_BYTES for each in hashes):
        raise NotANote("a line of the proof does not have 32 bytes")
    return Proof(int(index[1]), hashes, note)
