"""The facts of important and core data: filed, and stopped."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.events.version import VersionFact, head
from services.catalog.rules.asset import Asset
from services.catalog.rules.important_catalogue import Snapshot
from services.catalog.rules.important_data import Basis, CoreDataNotTradable, Filing
from services.catalog.rules.version import Version
from shared.facts import Category, Fact, Outcome, Retention
from shared.grades import Grade
from shared.ids import AssetId, AuthorityFilingId, CatalogueSnapshotId, ParticipantId, VersionId


@dataclass(frozen=True, slots=True)
class ImportantDataFiled(Fact):
    """A provider tells where and under which number its important data are filed."""

    category: ClassVar[Category] = Category.GRADE
    retention: ClassVar[Retention] = Retention.REGISTRATION
    authority_filing_id: AuthorityFilingId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    basis: Basis
    authority: str
    number: str
    filed_at: datetime

    @classmethod
    def of(cls, filing: Filing) -> Self:
        return cls(
            filing.id, filing.asset_id, filing.version_id, filing.provider_id, filing.declared.basis,
            filing.declared.authority, filing.declared.number, filing.declared.filed_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CoreDataStopped(VersionFact):
    """A registered version turned out to be core data: nobody may be offered or given it any more."""

    category: ClassVar[Category] = Category.GRADE
    outcome: ClassVar[Outcome] = "deny"
    grade: Grade
    grade_revision: int
    reason_code: str

    @classmethod
    def of(cls, asset: Asset, version: Version) -> Self:
        assert version.graded
        code = CoreDataNotTradable.code()
        return cls(*head(asset, version), version.graded.grade, version.graded.revision, code)


@dataclass(frozen=True, slots=True)
class CatalogueTaken(Fact):
    """The catalogue of important data was kept as it stood; its rows stand behind the digest."""

    category: ClassVar[Category] = Category.GRADE
    retention: ClassVar[Retention] = Retention.REGISTRATION
    snapshot_id: CatalogueSnapshotId
    row_count: int
    digest: str

    @classmethod
    def of(cls, taken: Snapshot) -> Self:
        return cls(taken.id, len(taken.rows), taken.digest)
