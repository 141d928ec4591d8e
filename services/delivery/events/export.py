"""The facts of transfers abroad: what was checked, and who says so."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.delivery.rules.export import ExportClearance, Ground, Instrument
from shared.facts import Category, Fact, Retention
from shared.ids import EntitlementId, ExportClearanceId


@dataclass(frozen=True, slots=True)
class ExportClearanceRecorded(Fact):
    """The platform has checked and recorded by which path a content may go abroad under one entitlement."""

    category: ClassVar[Category] = Category.DELIVERY
    schema_version: ClassVar[int] = 2
    retention: ClassVar[Retention] = Retention.TRANSACTION
    clearance_id: ExportClearanceId
    entitlement_id: EntitlementId
    persons: int
    sensitive_persons: int
    ground: Ground | None
    instrument: Instrument | None
    number: str | None
    valid_until: datetime
    reason: str
    covers_persons: int | None = None

    @classmethod
    def of(cls, clearance: ExportClearance) -> Self:
        return cls(
            clearance.id, clearance.entitlement_id, clearance.persons, clearance.sensitive_persons, clearance.ground,
            clearance.instrument, clearance.number, clearance.valid_until, clearance.reason,
            clearance.covers_persons,
        )  # fmt: skip
