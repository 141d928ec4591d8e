"""An evidence bundle: the answer to a question in one tar file, checked without the log and without us.

Members, in this order: `checkpoint`, the signed note; `documents/<SHA-256>/<name>`, whatever was given with it;
`entries/<index>`, each leaf; `policy`, whose witnesses suffice; `policy.json`; `proofs/<index>.tlog-proof`, for each
leaf, to be used alone; `query.json`, what was asked and what pins the answer; `tail/<first index>`, in packs of 256,
the entries that the map of keys does not reach. Indexes have sixteen digits, so that their order is that of the names.
Promises: the same answer gives the same bytes; documents can be put in by whoever has them, and change nothing else.
Sources: C2SP tlog-proof (0065ea5), ustar as in `bundle`.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256

from services.audit.rules import bundle, excerpt
from services.audit.rules.bundle import BLOCK_BYTES
from services.audit.rules.checkpoint import VerifierKey
from services.audit.rules.handover import Handover
from services.audit.rules.question import AboutSubjects, AtTime, FromSource, Question
from shared.errors import Conflict, Forbidden, Malformed

TAIL_WIDTH = 256
DOCUMENT_BYTES_MAX = 16 * 1024 * 1024
DUTY = frozenset({"trading"})  # whose disputes the entries are evidence in
_document_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,23}")
_SIZE = slice(124, 135)  # in a member's header


class NotADocument(Malformed):
    """A document has a plain name of at most 24 letters and digits, and at most 16 MiB."""


class NotYourDuty(Forbidden):
    """This service has no duty that needs entries of the log, or not on behalf of anyone."""


class EvidenceTooLarge(Conflict):
    """The evidence does not fit into one answer; a supervisor can take it as a file."""


def require_duty(service: str) -> None:
    if service not in DUTY:
        raise NotYourDuty(service=service)


def entry_name(index: int) -> str:
    return f"entries/{index:016d}"


def proof_name(index: int) -> str:
    return f"proofs/{index:016d}.tlog-proof"


def tail_name(first: int) -> str:
    return f"tail/{first:016d}"


def policy(key: VerifierKey, handovers: Sequence[Handover] = (), minimum_index: int = 0) -> bytes:
    return excerpt.policy(key, handovers, "evidence", minimum_index)


def proof(index: int, hashes: Sequence[bytes], note: bytes) -> bytes:
    """The proof of one entry, together with the checkpoint that it leads to."""
    lines = ["c2sp.org/tlog-proof@v1", f"index {index}", *(b64encode(each).decode() for each in hashes)]
    return "\n".join(lines).encode() + b"\n\n" + note


def question(asked: Question) -> dict[str, object]:
    match asked:
        case AboutSubjects():
            return {"kind": "subjects"}
        case FromSource():
            numbers = {"first_seq": asked.first_seq, "last_seq": asked.last_seq}
            return {"kind": "source", "service": asked.service, "stripe": asked.stripe, **numbers}
        case AtTime():
            return {"kind": asked.what, "from_us": asked.from_us, "until_us": asked.until_us}


def document(name: str, content: bytes) -> tuple[str, bytes]:
    """The document as a member. Raises NotADocument."""
    if not _document_name.fullmatch(name) or len(content) > DOCUMENT_BYTES_MAX:
        raise NotADocument(name=name)
    return f"documents/{sha256(content).hexdigest()}/{name}", content


def with_documents(evidence: bytes, documents: Mapping[str, bytes]) -> bytes:
    """The bundle with these documents, by name. Requires one that has none yet."""
    end = BLOCK_BYTES + -(-int(evidence[_SIZE], 8) // BLOCK_BYTES) * BLOCK_BYTES
    members = sorted(document(name, content) for name, content in documents.items())
    return evidence[:end] + b"".join(bundle.member(*each) for each in members) + evidence[end:]
