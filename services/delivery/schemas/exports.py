"""What crosses the wire about transfers abroad."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from services.delivery.rules.export import ExportClearance, Ground, Instrument
from shared import web
from shared.ids import EntitlementId, ExportClearanceId

Count = Annotated[int, Field(ge=0, le=2_000_000_000)]  # of natural persons


class NewExportClearance(web.Request):
    """By which path a content may go abroad, as it was checked. `persons`: the natural persons in the version.

    `ground`: why no path is needed, by arts 4 and 5 of CAC Order 16; `number`: the instrument's, as it was issued;
    `covers_persons`: for how many persons of one year, if it says so.
    """

    persons: Count
    sensitive_persons: Count
    ground: Annotated[Ground, Field(strict=False)] | None = None
    instrument: Annotated[Instrument, Field(strict=False)] | None = None
    number: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")] | None = None
    covers_persons: Annotated[int, Field(ge=1, le=2_000_000_000)] | None = None
    valid_until: web.Moment
    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class ExportClearanceView(web.View):
    id: ExportClearanceId
    entitlement_id: EntitlementId
    persons: int
    sensitive_persons: int
    ground: Ground | None
    instrument: Instrument | None
    number: str | None
    covers_persons: int | None
    valid_until: datetime
    reason: str
    recorded_at: datetime

    @classmethod
    def of(cls, clearance: ExportClearance) -> Self:
        return cls.model_validate(clearance)
