"""A bundle: the log in one tar file that is the same byte for byte whoever makes it.

Promises: plain files without owners and times, so that nothing in the file is unaccounted for.
Requires of the maker: members in ascending order of name; then a verifier needs no memory, and a name has one content.
Source: ustar, IEEE 1003.1.
"""

from collections.abc import Sequence

from services.audit.rules.checkpoint import VerifierKey
from shared import canonical

FORMAT = 1
HISTORY_MAX = 1_000
BLOCK_BYTES = 512
NAME_BYTES_MAX = 100
END = bytes(2 * BLOCK_BYTES)


def member(name: str, content: bytes) -> bytes:
    """One file of the bundle: its header, its bytes, and zeros to the end of the block."""
    return _header(name, len(content)) + content + bytes(-len(content) % BLOCK_BYTES)


def history(sizes: Sequence[int]) -> list[int]:
    """Of all checkpoints up to the newest, those that a bundle carries: evenly thinned, so that it stays readable."""
    step = -(-len(sizes) // HISTORY_MAX) or 1
    return list(sizes[::-1][::step][::-1])


def policy(key: VerifierKey) -> bytes:
    """What a verifier must know of the log: who it says it is."""
    return canonical.encode({"format": FORMAT, "origin": key.name, "log_key": key.text()})


def _header(name: str, size: int) -> bytes:
    if len(name) > NAME_BYTES_MAX:
        raise ValueError(f"{name} is too long for a member")
    mode, owner, time = b"0000644\0", b"0000000\0", b"00000000000\0"
    before = name.encode("ascii").ljust(NAME_BYTES_MAX, b"\0") + mode + owner * 2 + b"%011o\0" % size + time
    behind = b"0" + bytes(100) + b"ustar\x0000"
    checksum = sum(before) + sum(behind) + 8 * ord(" ")
    return (before + b"%06o\0 " % checksum + behind).ljust(BLOCK_BYTES, b"\0")
