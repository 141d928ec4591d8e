"""What crosses the wire about important data: filings, and the catalogue that they make."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.catalog.rules.important_catalogue import Kind, Snapshot, Status, figures
from services.catalog.rules.important_data import Basis, Declaration, Filing
from services.catalog.rules.version import GradeState
from shared.grades import Grade
from shared.ids import AssetId, AuthorityFilingId, CatalogueSnapshotId, ParticipantId, VersionId
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


class FiguresView(View):
    """What a yearly report says of a catalogue. `assessed`: whose risk assessment held on that day."""

    versions: int
    providers: int
    content_rows: int
    by_grade: dict[Grade, int]
    by_status: dict[Status, int]
    assessed: int


class SnapshotView(View):
    """重要数据目录快照 · The catalogue as it stood. `digest`: SHA-256 of its rows, which stands in the log."""

    id: CatalogueSnapshotId
    taken_at: datetime
    taken_by: str
    digest: str
    figures: FiguresView

    @classmethod
    def of(cls, taken: Snapshot) -> Self:
        told = FiguresView.model_validate(figures(taken))
        return cls(id=taken.id, taken_at=taken.taken_at, taken_by=taken.taken_by, digest=taken.digest, figures=told)


class RowView(View):
    version_id: VersionId
    asset_id: AssetId
    provider_id: ParticipantId
    title: str
    theme: str
    grade: Grade
    status: Status
    authority: str | None
    number: str | None
    is_registered: bool
    content_rows: int
    assessed_until: datetime | None


class ExportView(SnapshotView):
    """With every row, in the order of the versions: what is handed to the authority."""

    rows: list[RowView]

    @classmethod
    def of(cls, taken: Snapshot) -> Self:
        rows = [RowView.model_validate(row) for row in taken.rows]
        return cls(**SnapshotView.of(taken).model_dump(), rows=rows)


class ChangeView(View):
    """`fields`: what differs in a row that both catalogues have."""

    kind: Kind
    version_id: VersionId
    fields: list[str]


class ChangesView(View):
    """What leads from the earlier catalogue to this one, in the order of the versions."""

    since_id: CatalogueSnapshotId
    items: list[ChangeView]
