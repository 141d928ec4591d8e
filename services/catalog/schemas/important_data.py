"""What crosses the wire about important data: filings, and the catalogue that they make."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.catalog.rules.important_data import Basis, Declaration, Filing
from services.catalog.rules.version import GradeState
from shared.grades import Grade
from shared.ids import AssetId, AuthorityFilingId, ParticipantId, VersionId
from shared.web import Moment, Request, View

Name = Annotated[str, Limits(min_length=1, max_length=120, pattern=r"\S")]


class NewFiling(Request):
    """备案: `basis` says how it is known that the data are important."""

    basis: Annotated[Basis, Limits(strict=False)]
    authority: Name
    number: Name
    filed_at: Moment

    def declaration(self) -> Declaration:
        return Declaration(self.basis, self.authority, self.number, self.filed_at)


class FilingView(View):
    id: AuthorityFilingId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    basis: Basis
    authority: str
    number: str
    filed_at: datetime
    recorded_at: datetime

    @classmethod
    def of(cls, filing: Filing) -> Self:
        declared = filing.declared
        return cls(
            id=filing.id, asset_id=filing.asset_id, version_id=filing.version_id, provider_id=filing.provider_id,
            basis=declared.basis, authority=declared.authority, number=declared.number, filed_at=declared.filed_at,
            recorded_at=filing.recorded_at,
        )  # fmt: skip


class ImportantDataView(View):
    """A version of important or core data. `filing` is the newest; `assessed_until` is null without an accepted risk
    assessment."""

    version_id: VersionId
    asset_id: AssetId
    provider_id: ParticipantId
    title: str
    theme: str
    grade: Grade
    grade_state: GradeState
    is_registered: bool
    content_rows: int
    filing: FilingView | None
    assessed_until: datetime | None
