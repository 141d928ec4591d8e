"""A cosignature: a witness's word that a checkpoint is the largest it saw of a log, and contains all it saw before.

Promises: the time stands in what is signed; a cosignature can never pass for a log's own signature, nor the reverse.
Does not: sign or verify (`shared/signing.py` holds the keys), or know whose word counts (`rules.policy`).
Source: C2SP tlog-cosignature, Ed25519 (`cosignature/v1`).
"""

from dataclasses import dataclass

from services.audit.rules.checkpoint import SIGNATURE_BYTES, NotANote, Note, VerifierKey, note_text

TIME_BYTES = 8
TIME_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Cosignature:
    """`time` in seconds since 1970. Requires a signature over `signed_bytes` of that time."""

    key: VerifierKey
    time: int
    signature: bytes

    def line(self) -> str:
        """The line that goes below a note."""
        return note_text("", [(self.key, self.time.to_bytes(TIME_BYTES, "big") + self.signature)]).removeprefix("\n")


def signed_bytes(time: int, text: str) -> bytes:
    """What a witness signs at that time below a note's text."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def cosignatures(note: Note, key: VerifierKey) -> list[Cosignature]:
    """What claims to be a cosignature by this key. Raises NotANote for one that is not of its form."""
    return [_parse(key, timed) for timed in note.signatures_by(key)]


def _parse(key: VerifierKey, timed: bytes) -> Cosignature:
    time = int.from_bytes(timed[:TIME_BYTES], "big")
    if len(timed) != TIME_BYTES + SIGNATURE_BYTES or time > TIME_MAX:
        raise NotANote(f"a cosignature by {key.name} is not a time and 64 bytes")
    return Cosignature(key, time, timed[TIME_BYTES:])
