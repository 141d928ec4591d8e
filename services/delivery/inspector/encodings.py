"""In which encoding a text file is written: UTF-8, or GB18030 where its bytes can be nothing else.

Promises: one encoding for the whole file or a refusal with the line, so that no cell is read as what was not written.
Text of another encoding that would pass as GB18030 by chance (Latin-1, for one) is refused: it makes no common Chinese.
Sources: RFC 3629, GB 18030-2022; GB 2312 for what is common.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from services.delivery.inspector.messages import Refusal
from services.delivery.rules.upload import Reason

UTF_8, GB_18030 = "utf-8-sig", "gb18030"
CHUNK_BYTES = 1024 * 1024
LINE_BYTES_MAX = 4 * CHUNK_BYTES  # four for each character of the longest line
COMMON_MIN_PERCENT = 50


def encoding_of(path: str) -> str:
    """Raises Refusal with the line that is neither, or not what the lines before it are."""
    with open(path, "rb") as file:
        return UTF_8 if _is_utf_8(file) else _chinese(file)


@dataclass(slots=True)
class _Seen:
    """Up to where a file was looked at: its first line of each encoding, and how common its Chinese is."""

    utf_8: int = 0
    gb_18030: int = 0
    characters: int = 0
    common: int = 0


def _is_utf_8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(CHUNK_BYTES):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _chinese(file: BinaryIO) -> str:
    seen = _Seen()
    for number, line in _lines(file):
        if not line.isascii():
            _look_at(line, number, seen)
        if seen.utf_8 and seen.gb_18030:
            raise Refusal(Reason.ENCODING, number)
    if seen.common * 100 < seen.characters * COMMON_MIN_PERCENT:
        raise Refusal(Reason.ENCODING, seen.gb_18030)
    return GB_18030


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    file.seek(0)
    number = 0
    while line := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX:
            raise Refusal(Reason.CELL_TOO_LARGE, number)
        yield number, line


def _look_at(line: bytes, number: int, seen: _Seen) -> None:
    chinese, is_utf_8 = _decoded(line, GB_18030), _decoded(line, "utf-8") is not None
    if chinese is None and not is_utf_8:
        raise Refusal(Reason.ENCODING, number)
    common = 0 if chinese is None else _common(chinese)
    characters = 0 if chinese is None else sum(not character.isascii() for character in chinese)
    if not is_utf_8:
        seen.gb_18030 = seen.gb_18030 or number
        seen.common += common
        seen.characters += characters
    elif chinese is None or common < characters:  # a few bytes of common Chinese are UTF-8 too, by chance
        seen.utf_8 = seen.utf_8 or number


def _decoded(line: bytes, encoding: str) -> str | None:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return None


def _common(text: str) -> int:
    """How many characters of the text GB 2312 knows, beside ASCII."""
    return sum(not character.isascii() for character in text.encode("gb2312", "ignore").decode("gb2312"))
