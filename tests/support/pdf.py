"""The text of a PDF as typst writes them: its glyphs, by the font's own table of what they stand for."""

import re
import zlib
from collections.abc import Iterator

STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.S)
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def text_of(document: bytes) -> str:
    """All that is shown, in its order, without the places where lines may break. Requires one font."""
    streams = [_unpacked(found) for found in STREAM.findall(document)]
    (table,) = (_table(told) for told in streams if b"begincmap" in told)
    glyphs = b"".join(string for told in streams if b"\nBT 0 Tr" in told for string in _shown(told))
    numbers = (int.from_bytes(glyphs[at : at + 2], "big") for at in range(0, len(glyphs), 2))
    return "".join(table.get(number, "\ufffd") for number in numbers).replace("\u200b", "")


def _unpacked(told: bytes) -> bytes:
    try:
        return zlib.decompress(told)
    except zlib.error:
        return b""


def _table(told: bytes) -> dict[int, str]:
    pairs = re.findall(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]+)>\n", told)
    return {int(glyph, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for glyph, text in pairs}


def _shown(told: bytes) -> Iterator[bytes]:
    """The strings before each Tj or TJ: in parentheses, until one that is neither escaped nor of a pair, or in hex."""
    at, held = 0, list[bytes]()
    while at < len(told):
        match told[at : at + 1]:
            case b"(":
                end = _end_of_string(told, at)
                held.append(_bytes(told[at + 1 : end]))
                at = end
            case b"<" if told[at + 1 : at + 2] != b"<":
                end = told.index(b">", at)
                held.append(bytes.fromhex(told[at + 1 : end].decode()))
                at = end
            case b"<":
                at = told.index(b">>", at) + 1  # the properties of a marked part
            case b"T" if told[at : at + 2] in {b"Tj", b"TJ"}:
                yield from held
                held = []
            case _:
                pass
        at += 1


def _end_of_string(told: bytes, at: int) -> int:
    depth = 0
    while True:
        match told[at : at + 1]:
            case b"\\":
                at += 1
            case b"(":
                depth += 1
            case b")":
                depth -= 1
            case _:
                pass
        if not depth:
            return at
        at += 1


def _bytes(string: bytes) -> bytes:
    """A literal string with its escapes resolved."""

    def one(match: re.Match[bytes]) -> bytes:
        return bytes([int(match[1], 8)]) if match[1].isdigit() else ESCAPES.get(match[1], match[1])

    return re.sub(rb"\\([0-7]{1,3}|.)", one, string, flags=re.S)
