"""A handover: the log's key is followed by another, and both sign that it is so.

Promises: whoever trusts one key of the log can follow it to the newest, and knows which keys signed before that one.
For a time both sign every checkpoint, so that nobody has to change over on a certain day.
Does not: take a key back. One that leaked is the end of that log: a new origin begins, and witnesses hold what was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.audit.rules.checkpoint import VerifierKey
from shared import canonical
from shared.errors import Conflict
from shared.facts import microseconds

DOMAIN = b"yaosu log key v1\n"  # so that its signature can never pass for a checkpoint's or a receipt's


class TooYoung(Conflict):
    """This key has not signed beside the one before it for long enough: let that one be log_key until then."""


@dataclass(frozen=True, slots=True)
class Handover:
    before: VerifierKey
    after: VerifierKey
    at: datetime
    signature_before: bytes
    signature_after: bytes

    def told(self) -> dict[str, object]:
        """As a bundle carries it."""
        return _statement(self.before, self.after, self.at) | {
            "signature_from": self.signature_before.hex(), "signature_to": self.signature_after.hex(),
        }  # fmt: skip


def signed_bytes(before: VerifierKey, after: VerifierKey, at: datetime) -> bytes:
    """What both keys sign."""
    return DOMAIN + canonical.encode(_statement(before, after, at))


def lineage(newest: VerifierKey, handovers: Sequence[Handover]) -> tuple[VerifierKey, ...]:
    """The key, and those that led to it, the youngest first. Requires handovers in the order of their time."""
    found = [newest]
    for each in reversed(handovers):
        if each.after == found[-1] and each.before not in found:
            found.append(each.before)
    return tuple(found)


def _statement(before: VerifierKey, after: VerifierKey, at: datetime) -> dict[str, object]:
    return {"from": before.text(), "to": after.text(), "at": microseconds(at)}
