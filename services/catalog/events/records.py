"""The facts of legal records, and of what they prove for a version."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.events.version import VersionFact, head
from services.catalog.rules.asset import Asset
from services.catalog.rules.records import Assessment, Consent, Kind, Record
from services.catalog.rules.version import Version
from shared.facts import Category, Fact, Retention
from shared.grades import Condition, Flag, Grade
from shared.ids import AssetId, ParticipantId, RecordId, VersionId


@dataclass(frozen=True, slots=True)
class RecordFact(Fact):
    """`revision` orders the facts of one record."""

    category: ClassVar[Category] = Category.GRADE
    schema_version: ClassVar[int] = 2
    retention: ClassVar[Retention] = Retention.REGISTRATION
    record_id: RecordId
    asset_id: AssetId
    provider_id: ParticipantId
    version_id: VersionId | None
    kind: Kind
    revision: int


@dataclass(frozen=True, slots=True)
class RecordAdded(RecordFact):
    """A provider puts on record what its data may be provided by; the evidence itself stays with it."""

    evidence_hash: str
    valid_until: datetime
    consent: Consent | None
    assessment: Assessment | None

    @classmethod
    def of(cls, record: Record) -> Self:
        evidence, content = record.evidence, record.evidence.content
        return cls(
            *_head(record), evidence.evidence_hash, evidence.valid_until,
            content if isinstance(content, Consent) else None, content if isinstance(content, Assessment) else None,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RecordWithdrawn(RecordFact):
    """From now on it proves nothing: what rests on it stops."""

    reason_code: str

    @classmethod
    def of(cls, record: Record) -> Self:
        assert record.reason_code
        return cls(*_head(record), record.reason_code)


@dataclass(frozen=True, slots=True)
class RecordExpired(RecordFact):
    """Its time is up; it proved nothing from that moment on."""

    reason_code: str

    @classmethod
    def of(cls, record: Record) -> Self:
        assert record.reason_code
        return cls(*_head(record), record.reason_code)


@dataclass(frozen=True, slots=True)
class ConditionsChanged(VersionFact):
    """What is on record for a version is no longer what it was, so its grade has a new revision. Trading and delivery
    decide anew."""

    category: ClassVar[Category] = Category.GRADE
    schema_version: ClassVar[int] = 2
    grade: Grade
    flags: frozenset[Flag]
    grade_revision: int
    on_record: frozenset[Condition]

    @classmethod
    def of(cls, asset: Asset, version: Version, on_record: frozenset[Condition]) -> Self:
        graded = version.graded
        assert graded
        return cls(*head(asset, version), graded.grade, graded.flags, graded.revision, on_record)


def _head(record: Record) -> tuple[RecordId, AssetId, ParticipantId, VersionId | None, Kind, int]:
    return (
        record.id, record.asset_id, record.provider_id, record.version_id, record.evidence.kind, record.revision,
    )  # fmt: skip
