"""CSV and JSON lines, read strictly: one meaning for each byte or none.

Promises: UTF-8, or for CSV also GB18030 (`encodings.py`); every row has the header's width; a quote that opens closes;
a column of JSON lines has one type; no line, cell or header grows beyond its limit before it is refused. No delimiter
is guessed.
Sources: RFC 4180 (comma, double quote), RFC 8259 (no duplicate names, no NaN), ndjson (one object a line).
"""

import csv
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import TextIOWrapper
from typing import Any, TypeVar, cast
from unicodedata import is_normalized

from services.delivery.inspector.encodings import encoding_of
from services.delivery.inspector.messages import Refusal, Source
from services.delivery.inspector.progress import READING, Tell
from services.delivery.rules.upload import MediaType, Reason

COLUMNS_MAX = 1_000  # so that what is told of them fits a request, and looking at them the processor's time
NAME_CHARACTERS_MAX = 100
CELL_CHARACTERS_MAX = 64 * 1024
LINE_CHARACTERS_MAX = 1024 * 1024
STEP_ROWS = 4_096  # between two looks at how far the reading is

Row = list[str | None]
T = TypeVar("T")
# C0 and C1 controls but tab and line ends: no text has them, and terminals and logs obey them.
_control = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_surrogate = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class TextTable:
    """A text file as columns. `json_types` is empty for CSV, where every cell is text."""

    source: Source
    names: tuple[str, ...]
    encoding: str = "utf-8"
    json_types: dict[str, str] = field(default_factory=dict[str, str])

    def rows(self, tell: Tell) -> Iterator[Row]:
        with _open(self.source, self.encoding) as file:
            rows = _json_rows(file, self.names) if self.json_types else _csv_rows(file, len(self.names))
            yield from _told(rows, file, self.source, tell, 50 if self.json_types else 0)


def open_table(source: Source, tell: Tell) -> TextTable:
    """The table of a CSV or JSON lines file, its header or keys checked. Rows are checked as they are read."""
    if source.media_type is MediaType.CSV:
        encoding = encoding_of(source.path)
        with _open(source, encoding) as file:
            return TextTable(source, check_names(_csv_header(file)), encoding)
    with _open(source, "utf-8") as file:
        types = _json_types(_told(_json_objects(file), file, source, tell, 0, 50))
    return TextTable(source, check_names(tuple(types)), json_types=types)


def check_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names of the columns. Raises Refusal unless they can be told apart, also by a reader blind to case."""
    names = tuple(names)
    if len(names) > COLUMNS_MAX:
        raise Refusal(Reason.TOO_MANY_COLUMNS)
    if not all(map(_is_name, names)):
        raise Refusal(Reason.BAD_HEADER, 1)
    if len({name.strip().casefold() for name in names}) < len(names):
        raise Refusal(Reason.DUPLICATE_HEADER, 1)
    return names


def _is_name(name: str) -> bool:
    return bool(name.strip()) and len(name) <= NAME_CHARACTERS_MAX and name.isprintable() and is_normalized("NFC", name)


def _told(
    read: Iterator[T], file: TextIOWrapper, source: Source, tell: Tell, begin: int, end: int = 100
) -> Iterator[T]:
    """What is read, while it is told how far into the file that has come. It is read from `begin` to `end` percent."""
    for number, one in enumerate(read):
        if number % STEP_ROWS == 0:
            tell(READING, begin + (end - begin) * os.lseek(file.fileno(), 0, os.SEEK_CUR) // max(source.bytes, 1))
        yield one


def _open(source: Source, encoding: str) -> TextIOWrapper:
    # A byte order mark before CSV is Excel's habit and says nothing else; RFC 8259 forbids it before JSON.
    return open(source.path, encoding=encoding, errors="strict", newline="")


def _lines(file: TextIOWrapper) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        try:
            line = file.readline(LINE_CHARACTERS_MAX + 1)
        except UnicodeDecodeError as error:
            raise Refusal(Reason.ENCODING, number) from error
        if not line:
            return
        if len(line) > LINE_CHARACTERS_MAX:
            raise Refusal(Reason.CELL_TOO_LARGE, number)
        if _control.search(line):
            raise Refusal(Reason.ENCODING, number)
        yield line


def _csv_reader(file: TextIOWrapper) -> Any:
    csv.field_size_limit(CELL_CHARACTERS_MAX)
    return csv.reader(_lines(file), delimiter=",", quotechar='"', doublequote=True, strict=True)


def _csv_header(file: TextIOWrapper) -> tuple[str, ...]:
    head = file.readline(LINE_CHARACTERS_MAX + 1)
    if len(head) > LINE_CHARACTERS_MAX and head.count(",") > COLUMNS_MAX:
        raise Refusal(Reason.TOO_MANY_COLUMNS, 1)  # rather than a cell too large, which the line would be as a whole
    file.seek(0)
    names = next(_csv_records(_csv_reader(file)), None)
    if names is None:
        raise Refusal(Reason.EMPTY)
    if len(names) == 1 and set(names[0]) & set(";\t|"):
        raise Refusal(Reason.WRONG_DELIMITER, 1)
    return tuple(names)


def _csv_rows(file: TextIOWrapper, width: int) -> Iterator[Row]:
    reader = _csv_reader(file)
    records = _csv_records(reader)
    next(records)
    for record in records:
        if not record and width > 1:
            continue  # an empty line is no row, unless a row is a single cell
        if len(record) != width and record:
            raise Refusal(Reason.RAGGED, reader.line_num)
        yield [cell or None for cell in record] if record else [None]


def _csv_records(reader: Any) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise Refusal(_csv_reason(str(error)), reader.line_num) from error


def _csv_reason(message: str) -> Reason:
    # The module has one class of error; `test_bad_files` holds its words still.
    if "field limit" in message:
        return Reason.CELL_TOO_LARGE
    return Reason.UNCLOSED_QUOTE if "unexpected end of data" in message else Reason.MALFORMED


class _Number(str):
    """A JSON number as it is written: no digit of it is lost."""

    __slots__ = ("is_whole",)
    is_whole: bool


def _whole(text: str) -> _Number:
    number = _Number(text)
    number.is_whole = True
    return number


def _fraction(text: str) -> _Number:
    number = _Number(text)
    number.is_whole = False
    return number


def _no_constant(text: str) -> None:
    raise ValueError(text)


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refusal(Reason.DUPLICATE_HEADER)
    return found


_decoder = json.JSONDecoder(
    object_pairs_hook=_no_twins, parse_int=_whole, parse_float=_fraction, parse_constant=_no_constant
)


def _json_objects(file: TextIOWrapper) -> Iterator[tuple[int, dict[str, object]]]:
    for number, line in enumerate(_lines(file), 1):
        if not line.strip(" \t\r\n"):
            continue
        try:
            value = _decoder.decode(line)
        except Refusal as refusal:
            raise Refusal(refusal.refused.reason, number) from refusal
        except (ValueError, RecursionError) as error:
            raise Refusal(Reason.MALFORMED, number) from error
        if not isinstance(value, dict):
            raise Refusal(Reason.RAGGED, number)
        yield number, cast(dict[str, object], value)


def _json_types(objects: Iterable[tuple[int, dict[str, object]]]) -> dict[str, str]:
    """The keys in order of appearance, each with the one type of its values."""
    types: dict[str, str] = {}
    for number, found in objects:
        for key, value in found.items():
            if key not in types and len(types) == COLUMNS_MAX:
                raise Refusal(Reason.TOO_MANY_COLUMNS, number)
            types[key] = _common_type(types.get(key, "null"), _json_type(value, number), number)
    if not types:
        raise Refusal(Reason.NO_ROWS)
    return {key: "text" if kind == "null" else kind for key, kind in types.items()}


def _json_type(value: object, line: int) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case _Number():
            return "integer" if value.is_whole else "decimal"
        case str():
            return "text"
        case _:
            raise Refusal(Reason.NESTED_COLUMN, line)


def _common_type(one: str, other: str, line: int) -> str:
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    if {one, other} == {"integer", "decimal"}:
        return "decimal"
    raise Refusal(Reason.MIXED_TYPES, line)


def _json_rows(file: TextIOWrapper, names: tuple[str, ...]) -> Iterator[Row]:
    for number, found in _json_objects(file):
        yield [_json_cell(found.get(name), number) for name in names]


def _json_cell(value: object, line: int) -> str | None:
    if value is None:
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if len(text) > CELL_CHARACTERS_MAX:
        raise Refusal(Reason.CELL_TOO_LARGE, line)
    if _control.search(text) or _surrogate.search(text):
        raise Refusal(Reason.ENCODING, line)
    return text
