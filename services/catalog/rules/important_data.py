"""Important data (重要数据): what must be on file before they are registered, and where they were filed.

Owns: the filing with an authority, and the gate that a version of G5 or G6 meets.
Promises: core data pass no gate; important data pass it only with a filing and a valid, passed risk assessment.
Sources: Data Security Law arts 21 (catalogues; core data), 30 (risk assessment); Network Data Security Regulation
arts 29 (identify and declare important data), 31 (risk assessment before providing them).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.catalog.rules.version import LAPSED, Version
from shared.errors import Conflict, Forbidden, Malformed
from shared.grades import G5, G6, Condition, Grade
from shared.ids import AssetId, AuthorityFilingId, ParticipantId, VersionId


class Basis(StrEnum):
    """How it is known that the data are important."""

    DECLARED = "declared"  # 申报: by the provider itself
    NOTIFIED = "notified"  # 告知: the authority told the provider
    PUBLISHED = "published"  # 公开发布: a published catalogue names them


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a provider tells of a filing: with which authority, under which number, when."""

    basis: Basis
    authority: str
    number: str
    filed_at: datetime


@dataclass(frozen=True, slots=True)
class Filing:
    """备案. A later one of the same version takes the place of the earlier."""

    id: AuthorityFilingId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    declared: Declaration
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class OnFile:
    """What is on file for a version at one moment. `parents_grade`: the highest of what it is derived from."""

    conditions: frozenset[Condition] = frozenset()
    filed: bool = False
    parents_grade: Grade | None = None


NOTHING = OnFile()


class CoreDataNotTradable(Forbidden):
    """Core data are not traded (Data Security Law art. 21)."""


class ImportantDataNotFiled(Forbidden):
    """Important data are filed with their authority first (Network Data Security Regulation art. 29)."""


class ImportantDataNotAssessed(Forbidden):
    """Important data are not registered without a risk assessment (Network Data Security Regulation art. 31)."""


class NotImportantData(Conflict):
    """The version is not graded as important data; there is nothing to file or to assess."""


class FiledInFuture(Malformed):
    """A filing is told of once it was made."""


def require_important(version: Version) -> None:
    """Raises NotImportantData below G5, CoreDataNotTradable above it: for core data no paper helps."""
    grade = version.graded.grade if version.graded and version.state is not LAPSED else None
    if grade is G6:
        raise CoreDataNotTradable(grade=grade)
    if grade is not G5:
        raise NotImportantData(grade=grade)


def file(
    filing_id: AuthorityFilingId, version: Version, provider_id: ParticipantId, declared: Declaration, now: datetime
) -> Filing:
    """Raises NotImportantData or CoreDataNotTradable for a version that nothing is filed of."""
    require_important(version)
    if declared.filed_at > now:
        raise FiledInFuture(filed_at=declared.filed_at)
    return Filing(filing_id, version.asset_id, version.id, provider_id, declared, now)


def denial(grade: Grade, on_file: OnFile) -> Forbidden | None:
    """Why data of this grade are not registered here at all, if they are not."""
    if grade is G6:
        return CoreDataNotTradable(grade=grade)
    if grade is G5 and Condition.RISK_ASSESSMENT not in on_file.conditions:
        return ImportantDataNotAssessed(grade=grade)
    if grade is G5 and not on_file.filed:
        return ImportantDataNotFiled(grade=grade)
    return None
