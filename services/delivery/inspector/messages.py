"""What the service and its inspector say to each other: one job in, one answer out, both as JSON.

Promises: a job names the files it may touch; an answer never holds an error's text, which may quote the data.
"""

from datetime import date
from typing import Annotated

import msgspec

from services.delivery.rules.detection import Evidence
from services.delivery.rules.masking import Mask
from services.delivery.rules.upload import MediaType, Phase, Reason

INSPECTOR_VERSION = "2"
Count = Annotated[int, msgspec.Meta(ge=0)]


class Source(msgspec.Struct, frozen=True):
    """A file as declared, and a folder in which the child may write. `seed` picks the sampled rows."""

    path: str
    media_type: MediaType
    bytes: int
    folder: str
    seed: int


class Inspect(msgspec.Struct, frozen=True, tag="inspect"):
    """Say what the file holds. `today` tells who is under 14."""

    source: Source
    today: date


class TakeSample(msgspec.Struct, frozen=True, tag="take_sample"):
    source: Source
    rows_max: int
    masks: dict[str, Mask]


class Desensitise(msgspec.Struct, frozen=True, tag="desensitise"):
    """Write the masked rendition, in the source's format, to `output`."""

    source: Source
    masks: dict[str, Mask]
    output: str


Job = Inspect | TakeSample | Desensitise


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
    """A column as found. `distinct` is counted on 64-bit hashes of its values."""

    name: str
    type: str
    nulls: Count
    distinct: Count
    evidence: Evidence


class Profile(msgspec.Struct, frozen=True, tag="profile"):
    rows: Count
    fields: list[Field]


class SampleRows(msgspec.Struct, frozen=True, tag="sample_rows"):
    """Rows as text; null where there is no value."""

    fields: list[str]
    rows: list[list[str | None]]


class Rendition(msgspec.Struct, frozen=True, tag="rendition"):
    bytes: Count
    content_hash: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    reason: Reason
    line: int | None = None


Answer = Profile | SampleRows | Rendition | Refused


class Refusal(Exception):
    """The file is not taken. The line is the physical one in a text file, counted from 1."""

    def __init__(self, reason: Reason, line: int | None = None) -> None:
        super().__init__(reason)
        self.refused = Refused(reason, line)
