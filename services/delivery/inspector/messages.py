"""What the service and its inspector say to each other: one job in, one answer out, both as JSON.

Promises: a job names the files it may touch; an answer never holds an error's text, which may quote the data.
"""

from datetime import date
from typing import Annotated

import msgspec

from services.delivery.rules.detection import Evidence
from services.delivery.rules.effect import Cut, Groups
from services.delivery.rules.masking import Mask
from services.delivery.rules.query import QueryReason
from services.delivery.rules.upload import MediaType, Phase, Reason

INSPECTOR_VERSION = "2"
Count = Annotated[int, msgspec.Meta(ge=0)]


class Source(msgspec.Struct, frozen=True):
    """A file as declared, and a folder in which the child may write. `seed` picks the sampled rows.

    `inspected`: these very bytes were checked whole before, or are of our own writing, and need not be decoded twice.
    """

    path: str
    media_type: MediaType
    bytes: int
    folder: str
    seed: int
    inspected: bool = False


class Inspect(msgspec.Struct, frozen=True, tag="inspect"):
    """Say what the file holds. `today` tells who is under 14."""

    source: Source
    today: date


class Secret(msgspec.Struct, frozen=True):
    """What a key is spread over, in hex. It reaches the child on its standard input and is never printed."""

    outer_pad: str
    inner_pad: str
    shift_days: int

    def __repr__(self) -> str:
        return "Secret(…)"


class Care(msgspec.Struct, frozen=True):
    """What is done beside the masks. `quasi_identifiers` are columns of which rows share all, in groups of at least
    `smallest_group`; `clears_texts`: texts that are kept quote nobody's number; `persons`: they are about persons."""

    smallest_group: int = 1
    quasi_identifiers: list[str] = []
    clears_texts: bool = False
    persons: bool = False
    secret: Secret | None = None


NO_CARE = Care()


class TakeSample(msgspec.Struct, frozen=True, tag="take_sample"):
    source: Source
    rows_max: int
    masks: dict[str, Mask]
    care: Care = NO_CARE


class Desensitise(msgspec.Struct, frozen=True, tag="desensitise"):
    """Write the masked rendition, in the source's format, to `output`."""

    source: Source
    masks: dict[str, Mask]
    output: str
    care: Care = NO_CARE


class Measure(msgspec.Struct, frozen=True, tag="measure"):
    """Count the groups of rows that share these columns, and the distinct values of the columns in `distinct`."""

    source: Source
    quasi_identifiers: list[str]
    sensitive_fields: list[str]
    distinct: list[str]


class WriteColumns(msgspec.Struct, frozen=True, tag="write_columns"):
    """Write the source as Parquet to `output`, its columns as what their values are, its rows in their order."""

    source: Source
    output: str


class RunQuery(msgspec.Struct, frozen=True, tag="run_query"):
    """Answer one SELECT over the table `data`, which the service has checked.

    Of the source, `columns` are loaded, masked by `masks`, and nothing else; under the name `row_number`, if it is
    given, stands beside them the number of each row in the file, counted from 1. The rows of `others` follow, under
    the name `source_number` the number of the file that a row is from; all values are text then.
    """

    source: Source
    sql: str
    columns: list[str]
    masks: dict[str, Mask]
    rows_max: int
    bytes_max: int
    row_number: str | None = None
    others: list[Source] = []
    source_number: str | None = None

    @property
    def bytes_read(self) -> int:
        return self.source.bytes + sum(other.bytes for other in self.others)


Job = Inspect | TakeSample | Desensitise | Measure | WriteColumns | RunQuery


class Order(msgspec.Struct, frozen=True):
    """A job with what it may take: processor time, and the size of the largest file that it may write."""

    job: Job
    processor_seconds: int
    file_bytes: int


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How much of a phase is done. Told on a line of its own, before the answer."""

    phase: Phase
    percent: Annotated[int, msgspec.Meta(ge=0, le=100)]


class Field(msgspec.Struct, frozen=True):
    """A column as found. `distinct` is counted on 64-bit hashes of its values; `fitting` are those of the type that
    most of them have."""

    name: str
    type: str
    nulls: Count
    distinct: Count
    evidence: Evidence
    fitting: Count = 0


class Profile(msgspec.Struct, frozen=True, tag="profile"):
    """`fingerprint`: a sketch of the rows, of hashes in hex; none where they are too few. `duplicate_rows`: those that
    repeat another; None where nobody could count them."""

    rows: Count
    fields: list[Field]
    fingerprint: list[str] = []
    duplicate_rows: Count | None = None


class SampleRows(msgspec.Struct, frozen=True, tag="sample_rows"):
    """Rows as text; null where there is no value."""

    fields: list[str]
    rows: list[list[str | None]]


class Rendition(msgspec.Struct, frozen=True, tag="rendition"):
    bytes: Count
    content_hash: str
    cut: Cut = Cut(0, 0)


class Measured(msgspec.Struct, frozen=True, tag="measured"):
    groups: Groups
    distinct: dict[str, int]


class QueryRows(msgspec.Struct, frozen=True, tag="query_rows"):
    """What a query found, or the first of it if it was `truncated`. Decimals, moments and bytes are exact text, as are
    integers beyond 2^53 - 1, which JSON tools read differently."""

    fields: list[str]
    types: list[str]
    rows: list[list[bool | int | float | str | None]]
    truncated: bool


class QueryFailed(msgspec.Struct, frozen=True, tag="query_failed"):
    """By our own code only: what DuckDB says may quote the data."""

    reason: QueryReason


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    reason: Reason
    line: int | None = None


Answer = Profile | SampleRows | Rendition | Measured | QueryRows | QueryFailed | Refused


class Refusal(Exception):
    """The file is not taken. The line is the physical one in a text file, counted from 1."""

    def __init__(self, reason: Reason, line: int | None = None) -> None:
        super().__init__(reason)
        self.refused = Refused(reason, line)
