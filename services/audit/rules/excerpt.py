"""An excerpt: a bundle that holds every hash of the log and only some of its entries.

Promises: each entry in it is proved to be in the log, at its place, by the same hashes and the same signed checkpoint
as in a whole bundle; where one is withheld its hash stands in the tiles, so that nothing can be slipped in or out.
Does not: show that sources and subjects are complete, for that takes every entry. A verifier says so, and never "ok".
The layout: no `tile/entries`, but each entry under its index in `entry/`, and in `field/` what is opened of its
commitments; `policy.json` is of format 2, says which kind of bundle this is, and names the index below which entries
were pruned and are kept by nobody; of format 3, if the log's key was ever followed by another, which it tells as well.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from services.audit.rules.checkpoint import VerifierKey
from services.audit.rules.handover import Handover
from shared import canonical

FORMAT = 2
FORMAT_WITH_HANDOVERS = 3
INDEX_DIGITS = 16
Kind = Literal["whole", "excerpt", "evidence"]
ALWAYS_TOLD = frozenset({"audit.redaction_done", "audit.log_pruned"})  # what a verifier must know to read the rest


def entry_name(index: int) -> str:
    """The member of an entry. Names ascend as indexes do."""
    return f"entry/{index:0{INDEX_DIGITS}}"


def fields_name(index: int) -> str:
    """The member that opens committed fields of an entry."""
    return f"field/{index:0{INDEX_DIGITS}}"


def fields(opened: Mapping[str, tuple[str, str]]) -> bytes:
    """For each field that is opened, salt in hex and value: whoever has the entry can check them (SD-JWT, RFC 9901)."""
    return canonical.encode(
        {"fields": {name: {"salt": salt, "value": value} for name, (salt, value) in opened.items()}}
    )  # fmt: skip


def policy(key: VerifierKey, handovers: Sequence[Handover], kind: Kind, minimum_index: int) -> bytes:
    """What a verifier must know of the log, and of what kind this is, with entries from which index on."""
    told = {"origin": key.name, "log_key": key.text(), "kind": kind, "minimum_index": minimum_index}
    if not handovers:
        return canonical.encode({"format": FORMAT, **told})
    return canonical.encode({"format": FORMAT_WITH_HANDOVERS, **told, "handovers": [each.told() for each in handovers]})
