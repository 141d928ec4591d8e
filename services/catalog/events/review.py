"""The facts of a review: submitted, agreed to, registered, denied, refused, or lapsed."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.catalog.events.version import VersionFact, head
from services.catalog.rules.asset import Entry
from services.catalog.rules.certificate import Certificate
from services.catalog.rules.version import Version
from shared.facts import Outcome
from shared.grades import Grade
from shared.ids import CertificateId


@dataclass(frozen=True, slots=True)
class ReviewFact(VersionFact):
    grade: Grade
    grade_revision: int


@dataclass(frozen=True, slots=True)
class AssetSubmitted(ReviewFact):
    """A provider hands a version to the operators for review."""

    deadline: datetime | None

    @classmethod
    def of(cls, entry: Entry, version: Version) -> Self:
        return cls(*head(entry.asset, version), *_graded(version), entry.asset.deadline)


@dataclass(frozen=True, slots=True)
class RegistrationAgreed(ReviewFact):
    """The first of two operators agrees; the second decides."""

    note: str

    @classmethod
    def of(cls, entry: Entry, version: Version, note: str) -> Self:
        return cls(*head(entry.asset, version), *_graded(version), note)


@dataclass(frozen=True, slots=True)
class AssetRegistered(ReviewFact):
    """A version is registered, and its grade confirmed."""

    certificate_id: CertificateId
    content_hash: str
    operators: tuple[str, ...]
    note: str

    @classmethod
    def of(cls, entry: Entry, certificate: Certificate, note: str) -> Self:
        version = entry.version(certificate.version_id)
        return cls(
            *head(entry.asset, version), *_graded(version), certificate.id, certificate.content_hash,
            certificate.operators, note,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RegistrationDenied(ReviewFact):
    """A gate keeps it from being registered: its grade, another's content, or a dispute."""

    outcome: ClassVar[Outcome] = "deny"
    reason_code: str

    @classmethod
    def of(cls, entry: Entry, version: Version, reason_code: str) -> Self:
        return cls(*head(entry.asset, version), *_graded(version), reason_code)


@dataclass(frozen=True, slots=True)
class AssetRefused(VersionFact):
    """The operators do not register the version, and say why."""

    reason_code: str
    reason: str

    @classmethod
    def of(cls, entry: Entry, version: Version, reason: str) -> Self:
        assert entry.asset.reason_code
        return cls(*head(entry.asset, version), entry.asset.reason_code, reason)


@dataclass(frozen=True, slots=True)
class ReviewLapsed(VersionFact):
    """Nobody reviewed it in time; it is its provider's turn again."""

    reason_code: str

    @classmethod
    def of(cls, entry: Entry, version: Version) -> Self:
        assert entry.asset.reason_code
        return cls(*head(entry.asset, version), entry.asset.reason_code)


def _graded(version: Version) -> tuple[Grade, int]:
    assert version.graded
    return version.graded.grade, version.graded.revision
