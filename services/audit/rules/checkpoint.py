"""The checkpoint: the log's size and root as a note that its key signs.

Promises: one checkpoint has one text; a note that is not exactly in the format is refused, so that what is shown to a
reader is what was signed.
Does not: sign or verify (`shared/signing.py` holds the keys), or know which keys to trust.
Sources: C2SP signed-note and tlog-checkpoint (5ba5ee8). Checkpoints of this log carry no extension lines.
"""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass

from services.audit.rules.tree import HASH_BYTES

ED25519 = b"\x01"  # a log's signature over the text itself
COSIGNATURE = b"\x04"  # a witness's, over the time and the text (rules.cosignature)
KEY_BYTES = 32
KEY_ID_BYTES = 4
SIGNATURE_BYTES = 64
SIGNATURES_MAX = 16
_BREAK = "\n\n"
_signature_line = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_size = re.compile(r"0|[1-9][0-9]{0,18}")


class NotANote(ValueError):
    """The text is not a signed note, or not a checkpoint of this form. The message says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Requires an origin without line breaks and a root of 32 bytes."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public Ed25519 key, the name under which it signs, and the kind of signatures that it makes.

    Requires a name without spaces and without `+`.
    """

    name: str
    public: bytes
    kind: bytes = ED25519

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[^\s+]+", self.name) or len(self.public) != KEY_BYTES:
            raise NotANote("a key has a name without spaces and `+`, and 32 bytes")

    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:KEY_ID_BYTES]

    def text(self) -> str:
        return f"{self.name}+{self.id().hex()}+{b64encode(self.kind + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends in a line break, and the signatures over exactly that text."""

    text: str
    signatures: tuple[Signature, ...]

    def signatures_by(self, key: VerifierKey) -> list[bytes]:
        """What claims to be signed by this key; other keys' signatures are not our business."""
        return [each.signature for each in self.signatures if (each.name, each.key_id) == (key.name, key.id())]


def note_text(text: str, signatures: Iterable[tuple[VerifierKey, bytes]]) -> str:
    """The signed note. Requires a text that ends in a line break, and each signature made over its UTF-8 bytes."""
    lines = [f"— {key.name} {b64encode(key.id() + signature).decode()}\n" for key, signature in signatures]
    return f"{text}\n{''.join(lines)}"


def parse_note(note: str) -> Note:
    text, separator, block = note.rpartition(_BREAK)
    lines = block.removesuffix("\n").split("\n")
    if not separator or not block.endswith("\n"):
        raise NotANote("there are no signature lines")
    if any(character < " " and character != "\n" for character in note):
        raise NotANote("there is a control character")
    if len(lines) > SIGNATURES_MAX:
        raise NotANote(f"there are more than {SIGNATURES_MAX} signatures")
    return Note(text + "\n", tuple(_parse_signature(line) for line in lines))


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in a note's text. Requires the canonical spelling of size and root, and nothing after them."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise NotANote("a checkpoint has three lines")
    if not _size.fullmatch(lines[1]):
        raise NotANote("the size is not a plain number")
    root = decode(lines[2])
    if len(root) != HASH_BYTES:
        raise NotANote("the root does not have 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)


def parse_verifier_key(text: str, kind: bytes = ED25519) -> VerifierKey:
    """The key in its text form `name+id+base64`. Requires this kind and the id that belongs to name and key."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    key = decode(encoded)
    if key[:1] != kind:
        raise NotANote(f"the key is not an Ed25519 key of kind {kind.hex()}")
    parsed = VerifierKey(name, key[1:], kind)
    if parsed.id().hex() != key_id:
        raise NotANote("the key id does not belong to this name and key")
    return parsed


def _parse_signature(line: str) -> Signature:
    match = _signature_line.fullmatch(line)
    if not match:
        raise NotANote("a signature line is not of the form `— name base64`")
    signed = decode(match[2])
    if len(signed) <= KEY_ID_BYTES:
        raise NotANote("a signature line holds no signature")
    return Signature(match[1], signed[:KEY_ID_BYTES], signed[KEY_ID_BYTES:])


def decode(text: str) -> bytes:
    """The bytes of base64 in its one spelling."""
    try:
        decoded = b64decode(text, validate=True)
    except ValueError as error:
        raise NotANote("the base64 cannot be decoded") from error
    if b64encode(decoded).decode() != text:
        raise NotANote("the base64 has stray bits")
    return decoded
