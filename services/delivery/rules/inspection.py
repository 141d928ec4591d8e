"""What an inspection says of a content: its rows, and its fields with what was detected in them.

Promises: ratios are whole basis points, so that every reader computes the same; nothing here is a value of the data.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from services.delivery.rules.detection import WHOLE, Evidence, FieldDetection, detect
from services.delivery.rules.upload import Reason


@dataclass(frozen=True, slots=True)
class Counted:
    """A field as the inspector counted it, over all rows but for the evidence."""

    name: str
    type: str
    nulls: int
    distinct: int
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class InspectedField:
    name: str
    type: str
    null_basis_points: int
    distinct: int
    detections: tuple[FieldDetection, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    rows: int
    fields: tuple[InspectedField, ...]
    fingerprint: tuple[str, ...] = ()  # a sketch of its rows

    @property
    def detections(self) -> tuple[FieldDetection, ...]:
        return tuple(detection for field in self.fields for detection in field.detections)


Outcome = Inspection | Reason  # what was found in a content, or why it is not taken


def conclude(rows: int, fields: Iterable[Counted], fingerprint: Iterable[str] = ()) -> Inspection:
    """Requires at least one row."""
    return Inspection(rows, tuple(_concluded(rows, field) for field in fields), tuple(fingerprint))


def _concluded(rows: int, field: Counted) -> InspectedField:
    nulls = field.nulls * WHOLE // rows
    return InspectedField(field.name, field.type, nulls, field.distinct, detect(field.evidence))
