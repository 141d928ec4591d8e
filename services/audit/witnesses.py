"""The port to witnesses: how one is asked for its word, by C2SP tlog-witness `add-checkpoint` over HTTP.

Promises: an answer within `SECONDS_MAX`, whatever the other side does; what a witness says is told apart from that it
says nothing. Does not: believe it. Whether a cosignature is the witness's own is for the caller to verify.
"""

import asyncio
import re
from dataclasses import dataclass

from httpx2 import HTTPError, Response

from shared.errors import Unavailable
from shared.rest import Directory

SECONDS_MAX = 2.0
ANSWER_BYTES_MAX = 64 * 1024
_size = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


@dataclass(frozen=True, slots=True)
class Cosigned:
    """Signature lines, as they came."""

    lines: str


@dataclass(frozen=True, slots=True)
class KnowsAnother:
    """The witness's newest checkpoint has another size than the one that the proof begins at."""

    size: int


@dataclass(frozen=True, slots=True)
class Contradicted:
    """The witness knows a checkpoint that this one does not contain."""

    words: str


@dataclass(frozen=True, slots=True)
class NoWord:
    """Out of reach, or not willing: of the log it says nothing."""

    words: str


Word = Cosigned | KnowsAnother | Contradicted | NoWord


async def add_checkpoint(directory: Directory, witness: str, body: str) -> Word:
    """What the witness of this name in the directory answers to a submission."""
    try:
        async with asyncio.timeout(SECONDS_MAX):
            answer = await directory.connection(witness).post("add-checkpoint", content=body.encode(), timeout=None)
    except (TimeoutError, HTTPError, Unavailable) as error:
        return NoWord(f"out of reach: {type(error).__name__}")
    return _read(answer)


def _read(answer: Response) -> Word:
    content = answer.content[:ANSWER_BYTES_MAX]
    words = content[:200].decode("ascii", "replace").strip()
    match answer.status_code:  # the protocol's own language: C2SP gives each of these a meaning
        case 200:
            return Cosigned(content.decode("utf-8", "replace"))
        case 409 if answer.headers.get("Content-Type") == "text/x.tlog.size" and (size := _size.fullmatch(content)):
            return KnowsAnother(int(size[1]))
        case 409 | 422:
            return Contradicted(words)
        case status:
            return NoWord(f"not willing: {status} {words}")
