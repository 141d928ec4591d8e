"""What a file is, by its first and last bytes: looked at before any parser sees it.

Promises: a file that shows itself as another kind than declared is refused unread, whatever its name says.
"""

import os

from services.delivery.inspector.messages import Refusal, Source
from services.delivery.rules.upload import MediaType, Reason

PARQUET, PARQUET_ENCRYPTED = b"PAR1", b"PARE"
PARQUET_BYTES_MIN = 12  # two magics and the length of the footer
HEAD_BYTES = 512

# fmt: off
OTHERS = (
    b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08",        # zip, xlsx, docx, jar
    b"\x1f\x8b", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07",
    b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18",             # zstd, lz4
    b"\xff\xff\xff\xff", b"\x89HDF\r\n\x1a\n", b"Obj\x01",  # Arrow IPC stream, HDF5, Avro
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",                # xls, doc
    b"%PDF", b"SQLite format 3\x00", b"\x7fELF",
)
LETTERS = (b"BZh", b"ARROW1", b"FEA1", b"ORC", b"MZ")   # bzip2, Arrow IPC file, Feather 1, ORC, a Windows program
MARKUP = (b"<?xml", b"<!doctype", b"<html", b"<svg")
# fmt: on
UTF_16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
TEXT = frozenset(b"\t\r\n") | frozenset(range(0x20, 0x100)) - {0x7F}
PICKLE = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))


def check(source: Source) -> None:
    """Raises Refusal unless the bytes may be what was declared."""
    size = os.path.getsize(source.path)
    with open(source.path, "rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(max(size - 4, 0))
        tail = file.read(4)
    if size == 0:
        raise Refusal(Reason.EMPTY)
    if size != source.bytes:
        raise Refusal(Reason.TRUNCATED)
    if source.media_type is MediaType.PARQUET:
        return _check_parquet(head, tail, size)
    if head.startswith(PARQUET):
        raise Refusal(Reason.WRONG_MAGIC)
    _refuse_others(head)
    if head.startswith(UTF_16_OR_32):
        raise Refusal(Reason.ENCODING)
    if b"ustar" in head[257:265]:
        raise Refusal(Reason.UNSUPPORTED_FORMAT)


def _check_parquet(head: bytes, tail: bytes, size: int) -> None:
    _refuse_others(head)
    if head.startswith(PARQUET_ENCRYPTED) or tail == PARQUET_ENCRYPTED:
        raise Refusal(Reason.ENCRYPTED)
    if not head.startswith(PARQUET):
        raise Refusal(Reason.WRONG_MAGIC)
    if size < PARQUET_BYTES_MIN or tail != PARQUET:
        raise Refusal(Reason.TRUNCATED)


def _refuse_others(head: bytes) -> None:
    head = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith((*OTHERS, *PICKLE)) or head.lower().startswith(MARKUP):
        raise Refusal(Reason.UNSUPPORTED_FORMAT)
    # A table may begin with such letters too (`ORCID`, `MZ` for 民族), but it goes on as text.
    if head.startswith(LETTERS) and not TEXT.issuperset(head):
        raise Refusal(Reason.UNSUPPORTED_FORMAT)
