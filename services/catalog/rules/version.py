"""A version: the content of an asset, which never changes, and its grade, which may.

Owns: the states of a version's content, the order in which content, grade and certificate come to it, and the day by
which a registered version is to be graded again.
Promises: content is reported once and never replaced; a version without inspected content has no grade; a confirmed
grade is raised by whoever knows of more harm, and lowered only by a petition that was granted; whoever compares
`graded.revision` learns of every change of the grade, and of what is on record for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.catalog.rules.grading import Grading
from shared.errors import Conflict, Forbidden, NotFound
from shared.grades import Flag, Grade
from shared.ids import AssetId, CertificateId, UploadId, VersionId
from shared.lifecycle import Lifecycle


class VersionState(StrEnum):
    AWAITING_CONTENT = "awaiting_content"
    INSPECTED = "inspected"
    REFUSED = "refused"
    GRADED = "graded"
    LAPSED = "lapsed"


AWAITING_CONTENT, INSPECTED, REFUSED, GRADED, LAPSED = VersionState
VERSION = Lifecycle(start=AWAITING_CONTENT, moves={
    AWAITING_CONTENT: {INSPECTED, REFUSED, LAPSED},
    REFUSED:          {INSPECTED, REFUSED, LAPSED},  # another upload may follow
    INSPECTED:        {GRADED, LAPSED},
    GRADED:           {GRADED, LAPSED},              # graded again, until it is registered
    LAPSED:           set(),
})  # fmt: skip
FINISHED_WITHIN = timedelta(days=180)
REGRADED_WITHIN = timedelta(days=365)
INSPECTOR = "delivery"


class GradeState(StrEnum):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Content:
    """What the inspector saw of an upload. `content_hash` is SHA-256 in hex."""

    upload_id: UploadId
    content_hash: str
    bytes: int
    rows: int
    media_type: str
    inspector_version: str


@dataclass(frozen=True, slots=True)
class Graded:
    grade: Grade
    flags: frozenset[Flag]
    state: GradeState
    revision: int
    rule_version: str


@dataclass(frozen=True, slots=True)
class Version:
    """The provider must finish it by `deadline`; the version of a draft has none, for it goes with its asset.

    A registered version is to be graded again by `regrade_by`; `regrade_overdue` marks one that was not.
    """

    id: VersionId
    asset_id: AssetId
    number: int
    state: VersionState
    deadline: datetime | None = None
    reason_code: str | None = None
    content: Content | None = None
    graded: Graded | None = None
    certificate_id: CertificateId | None = None
    revision: int = 1
    regrade_by: datetime | None = None
    regrade_overdue: bool = False

    @property
    def rows(self) -> int:
        return self.content.rows if self.content else 0

    @property
    def is_registered(self) -> bool:
        return self.certificate_id is not None

    @property
    def is_pending(self) -> bool:
        """Whether it may still become registered."""
        return not self.is_registered and self.state is not LAPSED


class NoSuchVersion(NotFound):
    """There is no such version, or you may not see it."""


class NotTheInspector(Forbidden):
    """Only the service that inspects content reports on it."""


class ContentAlreadyInspected(Conflict):
    """This version has its content, and content never changes: add a new version."""


class ContentNotInspected(Conflict):
    """A version is graded once its content has been inspected."""


class GradeConfirmed(Conflict):
    """The grade is confirmed; from now on it is raised by an operator or the regulator, and lowered by petition."""


class GradeNotRaised(Conflict):
    """This does not raise the grade, nor add a flag to it."""


class GradeNotLowered(Conflict):
    """Without what you name the grade and its flags would be the same: it rests on other grounds too."""


def report_content(version: Version, content: Content) -> Version:
    """With the content that was inspected; unchanged if this very content was reported before."""
    if version.content == content:
        return version
    if version.content is not None:
        raise ContentAlreadyInspected(content_hash=version.content.content_hash)
    return _move(version, INSPECTED, content=content, reason_code=None)


def report_refusal(version: Version, reason_code: str) -> Version:
    if version.content is not None:
        raise ContentAlreadyInspected(content_hash=version.content.content_hash)
    return _move(version, REFUSED, reason_code=reason_code)


def propose_grade(version: Version, grading: Grading) -> Version:
    """Requires a grading of this version's own fields."""
    if version.content is None:
        raise ContentNotInspected(state=version.state)
    if version.graded and version.graded.state is GradeState.CONFIRMED:
        raise GradeConfirmed(grade=version.graded.grade)
    return _move(version, GRADED, graded=_graded(version, grading, GradeState.PROPOSED))


def raise_grade(version: Version, grading: Grading) -> Version:
    """Requires a grading on all grounds of the present grade, and more."""
    if version.graded is None:
        raise ContentNotInspected(state=version.state)
    if not raises(version.graded, grading):
        raise GradeNotRaised(grade=version.graded.grade)
    return _move(version, GRADED, graded=_graded(version, grading, version.graded.state))


def raises(graded: Graded, grading: Grading) -> bool:
    """Whether the grading is stricter: by its grade, or by a flag at the same grade."""
    return grading.grade > graded.grade or (grading.grade is graded.grade and grading.flags > graded.flags)


def lower_grade(version: Version, grading: Grading) -> Version:
    """Requires a grading on fewer grounds than the present one's, which were struck by who may."""
    if version.graded is None:
        raise ContentNotInspected(state=version.state)
    if (grading.grade, grading.flags) == (version.graded.grade, version.graded.flags):
        raise GradeNotLowered(grade=version.graded.grade, flags=sorted(version.graded.flags))
    return _move(version, GRADED, graded=_graded(version, grading, version.graded.state))


def keep_grade(version: Version) -> Version:
    """The grade stands under a new revision: what is on record for the version has changed. Requires a grade."""
    assert version.graded
    graded = replace(version.graded, revision=version.graded.revision + 1)
    return replace(version, graded=graded, revision=version.revision + 1)


def certify(version: Version, certificate_id: CertificateId, now: datetime) -> Version:
    """Requires a grade."""
    assert version.graded
    confirmed = replace(version.graded, state=GradeState.CONFIRMED)
    due = {"regrade_by": now + REGRADED_WITHIN}
    return _move(version, GRADED, graded=confirmed, certificate_id=certificate_id, deadline=None, **due)


def renew(version: Version, now: datetime) -> Version:
    """Its grade was looked at again: the next time is in a year."""
    again = now + REGRADED_WITHIN
    return replace(version, regrade_by=again, regrade_overdue=False, revision=version.revision + 1)


def fall_due(version: Version) -> Version:
    """The year is over: a duty to grade it again is open now, and has a deadline of its own."""
    return replace(version, regrade_by=None, revision=version.revision + 1)


def mark_overdue(version: Version) -> Version:
    return replace(version, regrade_overdue=True, revision=version.revision + 1)


def recertify(version: Version, certificate_id: CertificateId) -> Version:
    """With the certificate that follows on its present one. Requires a registered version."""
    return replace(version, certificate_id=certificate_id, revision=version.revision + 1)


def lapse(version: Version, reason_code: str) -> Version:
    return _move(version, LAPSED, reason_code=reason_code, deadline=None)


def give_time(version: Version, now: datetime) -> Version:
    return replace(version, deadline=now + FINISHED_WITHIN, revision=version.revision + 1)


def stop_time(version: Version) -> Version:
    """While it is under review, its provider's time stands still."""
    return replace(version, deadline=None, revision=version.revision + 1)


def pending(versions: Iterable[Version]) -> Version | None:
    """The one that may still become registered: there is never more than one."""
    return next((version for version in versions if version.is_pending), None)


def lowest_grade(versions: Iterable[Version]) -> Grade | None:
    """The grade that the asset's entry shows by: the lowest of its registered versions."""
    return min((version.graded.grade for version in versions if version.is_registered and version.graded), default=None)


def _graded(version: Version, grading: Grading, state: GradeState) -> Graded:
    revision = version.graded.revision + 1 if version.graded else 1
    return Graded(grading.grade, grading.flags, state, revision, grading.rule_version)


def _move(version: Version, to: VersionState, **changes: Any) -> Version:
    return replace(version, state=VERSION.move(version.state, to), revision=version.revision + 1, **changes)
