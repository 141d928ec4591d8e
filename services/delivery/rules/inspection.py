"""What an inspection says of a content: its rows, and its fields with what was detected in them.

Promises: ratios are whole basis points, so that every reader computes the same; nothing here is a value of the data.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from services.delivery.rules.detection import WHOLE, Evidence, FieldDetection, detect_all
from services.delivery.rules.upload import Reason

# What the catalogue takes in one request is a mebibyte; a thousand honest columns need less than half of it.
REPORT_BYTES_MAX = 1_000 * 1024
PREVAILS_FROM = 8_000  # basis points of a column's values that are of one type, so that the others are dirt in it
FIELD_BYTES, DETECTION_BYTES = 185, 160  # of a report, beside the name, at most


@dataclass(frozen=True, slots=True)
class Counted:
    """A field as the inspector counted it, over all rows but for the evidence."""

    name: str
    type: str
    nulls: int
    distinct: int
    evidence: Evidence
    fitting: int = 0  # values of the type that most of them have


@dataclass(frozen=True, slots=True)
class InspectedField:
    name: str
    type: str
    null_basis_points: int
    distinct: int
    detections: tuple[FieldDetection, ...]
    fit_basis_points: int | None = None  # of the values that are there; None where no type prevails


@dataclass(frozen=True, slots=True)
class Inspection:
    rows: int
    fields: tuple[InspectedField, ...]
    fingerprint: tuple[str, ...] = ()  # a sketch of its rows
    duplicate_rows: int | None = None

    @property
    def detections(self) -> tuple[FieldDetection, ...]:
        return tuple(detection for field in self.fields for detection in field.detections)


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Why a content is not taken, and at which line of the file that shows, counted from 1."""

    reason: Reason
    line: int | None = None


Outcome = Inspection | NotTaken  # what was found in a content, or why it is not taken


def conclude(
    rows: int, fields: Iterable[Counted], fingerprint: Iterable[str] = (), duplicate_rows: int | None = None
) -> Outcome:
    """Requires at least one row. Columns of which there is more to tell than one report holds are too many."""
    counted = tuple(fields)
    found = detect_all([field.evidence for field in counted])
    concluded = (_concluded(rows, field, detections) for field, detections in zip(counted, found, strict=True))
    inspection = Inspection(rows, tuple(concluded), tuple(fingerprint), duplicate_rows)
    return inspection if report_bytes(inspection) <= REPORT_BYTES_MAX else NotTaken(Reason.TOO_MANY_COLUMNS)


def _concluded(rows: int, field: Counted, detections: tuple[FieldDetection, ...]) -> InspectedField:
    present = rows - field.nulls
    fit = field.fitting * WHOLE // present if present else 0
    prevails = fit if fit >= PREVAILS_FROM else None  # otherwise it is text, and any text fits
    return InspectedField(field.name, field.type, field.nulls * WHOLE // rows, field.distinct, detections, prevails)


def report_bytes(found: Inspection) -> int:
    """What a report of it takes at most."""
    names = sum(len(field.name.encode()) + field.name.count('"') + field.name.count("\\") for field in found.fields)
    return names + FIELD_BYTES * len(found.fields) + DETECTION_BYTES * len(found.detections)
