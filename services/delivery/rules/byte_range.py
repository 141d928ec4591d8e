"""Which bytes of a content are asked for: one range, or the whole.

Promises: one spelling of a range is read, and everything else of the unit `bytes` is refused with 416 rather than
guessed; several ranges are refused, for they are one charge for many answers and an old way to exhaust a server.
Sources: RFC 9110 sections 13.1.5, 14.1, 14.2, 15.5.17.
"""

import re
from dataclasses import dataclass

from shared.errors import OutOfRange

ONE_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)", re.ASCII | re.IGNORECASE)
UNIT = re.compile(r"\s*bytes\s*=", re.IGNORECASE)
DIGITS_MAX = 18  # more than any content has: what is written longer is beyond its end


class RangeNotSatisfiable(OutOfRange):
    """This content has no such range; ask for one, as in `bytes=0-1048575`."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request says of the part it wants. `conditional`: it has conditions that are not judged here."""

    range: str | None = None
    if_range: str | None = None
    conditional: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether every other reader of the same headers reads the same range."""
        digits = re.findall("[0-9]+", self.range or "")
        return not self.conditional and all(len(number) <= DIGITS_MAX for number in digits)


EVERYTHING = Wanted()


@dataclass(frozen=True, slots=True)
class Span:
    """`bytes` of a content of `size`, from `first` on; `partial` where a range was asked for."""

    first: int
    bytes: int
    size: int
    partial: bool

    @property
    def last(self) -> int:
        return self.first + self.bytes - 1


def span(wanted: Wanted, size: int, content_hash: str) -> Span:
    """The bytes to send. Raises RangeNotSatisfiable.

    A range in another unit counts for nothing (RFC 9110, 14.2), nor does one for another content than it is now.
    """
    whole = Span(0, size, size, partial=False)
    if wanted.range is None or not UNIT.match(wanted.range):
        return whole
    if wanted.if_range is not None and wanted.if_range != f'"{content_hash}"':
        return whole
    found = ONE_RANGE.fullmatch(wanted.range)
    if found is None or found[0].endswith("=-"):
        raise RangeNotSatisfiable(size=size, reason_code="several_ranges" if "," in wanted.range else "no_range")
    first, last = _number(found[1]), _number(found[2])
    if first is None:
        first, last = max(size - (last or 0), 0), size - 1
    elif last is not None and last < first:
        raise RangeNotSatisfiable(size=size, reason_code="no_range")
    last = size - 1 if last is None else min(last, size - 1)
    if first > last:
        raise RangeNotSatisfiable(size=size, reason_code="beyond_the_end")
    return Span(first, last - first + 1, size, partial=True)


def _number(digits: str) -> int | None:
    if not digits:
        return None
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= DIGITS_MAX else 10**DIGITS_MAX
