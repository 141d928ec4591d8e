"""Registration: an operator's review of an asset's pending version, and the certificate that it ends with.

Owns: what must be there before the review, who may decide it, its deadline, and the certificate.
Promises: nothing is registered without a declared source, a basis for personal information and the grade that the rules
computed; from G4 two different operators agree on one and the same grading; nobody reviews what their own organisation
provides; important and core data do not pass; what a deadline has decided is not forestalled.
Sources: Data Security Law arts 21, 33; PIPL art. 13; Network Data Security Regulation art. 31 (risk assessment before
important data are provided); 发改数据规〔2025〕26号 (certificate, query code, disclosure).
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.catalog.rules import asset as asset_rules
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import (
    DRAFT,
    REFUSED,
    REGISTERED,
    REVIEW_OVERDUE,
    REVIEWED_WITHIN,
    SUBMITTED,
    Asset,
    Entry,
    NextActor,
    Review,
    UnderReview,
)
from services.catalog.rules.version import Version
from shared.errors import Conflict, Forbidden, NotFound
from shared.grades import G4, G5, G6, Grade
from shared.ids import AssetId, CertificateId, ParticipantId, VersionId

TWO_PERSONS_FROM = G4
QUERY_CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that reads like another
QUERY_CODE_LENGTH = 12


class Late(StrEnum):
    """What was left until its time was up."""

    REVIEW = "review"
    DRAFT = "draft"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Certificate:
    """登记证书: who registered which content, when. Whoever has the query code can look it up."""

    id: CertificateId
    query_code: str
    asset_id: AssetId
    version_id: VersionId
    rights_holder_id: ParticipantId
    title: str
    content_hash: str
    grade: Grade
    registered_at: datetime
    operators: tuple[str, ...]


class NoSuchCertificate(NotFound):
    """There is no such certificate."""


class NothingToReview(Conflict):
    """There is no version that could be reviewed: add one, upload its content, and propose its grade."""


class VersionNotGraded(Conflict):
    """The version has no grade yet: upload its content, and propose its grade."""


class SourceMissing(Conflict):
    """The source of the data must be declared first (Data Security Law art. 33)."""


class IdentityUnverified(Conflict):
    """The provider is not in good standing (Data Security Law art. 33)."""


class NotUnderReview(Conflict):
    """Nothing of this asset is under review."""


class DeadlinePassed(Conflict):
    """The time for this is up. What follows from that is about to be recorded; look again."""


class GradeDiffers(Conflict):
    """The version has another grade than the one you name."""


class SecondPersonRequired(Conflict):
    """A second operator must agree."""


class ReviewsOwnAsset(Forbidden):
    """Nobody reviews what their own organisation provides."""


class CoreDataNotTradable(Forbidden):
    """Core data are not traded (Data Security Law art. 21)."""


class ImportantDataNotAssessed(Forbidden):
    """Important data are not registered without a risk assessment (Network Data Security Regulation art. 31)."""


def submit(entry: Entry, now: datetime) -> Entry:
    """The entry with its pending version under review. A registered asset stays registered meanwhile."""
    asset, version = entry.asset, entry.pending
    if asset.review is not None:
        raise UnderReview(deadline=asset.deadline)
    if version is None:
        raise NothingToReview(state=asset.state)
    if version.graded is None:
        raise VersionNotGraded(version_id=version.id, state=version.state)
    _gates(entry, version)
    under_review = {
        "review": Review(version.id), "next_actor": NextActor.OPERATOR, "deadline": now + REVIEWED_WITHIN,
        "reason_code": None,
    }  # fmt: skip
    if asset.state is not REGISTERED:
        return replace(entry, asset=asset_rules.move(asset, SUBMITTED, **under_review))
    waiting = replace(asset, revision=asset.revision + 1, **under_review)
    return replace(entry.replacing(version_rules.stop_time(version)), asset=waiting)


def register(
    entry: Entry, named: Grade, operator: str, certificate_id: CertificateId, now: datetime
) -> tuple[Entry, Certificate | None]:
    """The entry after an operator's yes, and its certificate, unless a second operator must agree first.

    Requires that the provider is in good standing, and that the operator is a person's subject.
    """
    asset, review, version = entry.asset, *_reviewed(entry)
    assert version.graded and version.content
    if named is not version.graded.grade:
        raise GradeDiffers(grade=version.graded.grade)
    _gates(entry, version)
    # A first yes counts for the grading it was given to: if the grade rose since, it is asked again.
    first = review.first_operator if review.at_grade_revision == version.graded.revision else None
    if first is None and version.graded.grade >= TWO_PERSONS_FROM:
        waiting = Review(version.id, operator, version.graded.revision)
        return replace(entry, asset=replace(asset, review=waiting, revision=asset.revision + 1)), None
    if first == operator:
        raise SecondPersonRequired(grade=version.graded.grade)
    certificate = Certificate(
        certificate_id, query_code(certificate_id), asset.id, version.id, asset.provider_id, asset.about.title,
        version.content.content_hash, version.graded.grade, now, (first, operator) if first else (operator,),
    )  # fmt: skip
    return _registered(entry.replacing(version_rules.certify(version, certificate_id))), certificate


def denial(entry: Entry) -> Forbidden | None:
    """Why the pending version's grade keeps it from being registered here at all, if it does."""
    version = entry.pending
    if version is None or version.graded is None:
        return None
    if version.graded.grade is G6:
        return CoreDataNotTradable(grade=version.graded.grade)
    if version.graded.grade is G5:
        return ImportantDataNotAssessed(grade=version.graded.grade)
    return None


def refuse(entry: Entry, reason_code: str, now: datetime) -> Entry:
    """The entry after an operator's no. Of a registered asset, only the version is refused."""
    _, version = _reviewed(entry)
    return _sent_back(entry, version, reason_code, now, REFUSED)


def review_overdue(entry: Entry, now: datetime) -> Entry:
    """The entry back with its provider. Requires that the review's deadline has passed."""
    _, version = _reviewed(entry)
    return _sent_back(entry, version, REVIEW_OVERDUE, now, DRAFT)


def late(entry: Entry, now: datetime) -> Late | None:
    """Whose deadline has passed, if one has."""
    asset, version = entry.asset, entry.pending
    if asset.deadline is not None and asset.deadline <= now:
        return Late.REVIEW if asset.review else Late.DRAFT
    if version is not None and version.deadline is not None and version.deadline <= now:
        return Late.VERSION
    return None


def require_independent(asset: Asset, organisation: ParticipantId | None) -> None:
    """Raises if the reviewer is of the provider's own organisation, whatever roles a token may give them."""
    if organisation == asset.provider_id:
        raise ReviewsOwnAsset()


def require_in_time(entry: Entry, now: datetime) -> None:
    """Raises from a deadline on: whoever acts then must not forestall what the deadline has already decided."""
    if overdue := late(entry, now):
        raise DeadlinePassed(overdue=overdue)


def after_raise(entry: Entry) -> Asset:
    """The asset, whose entry shows by the lowest grade of its registered versions."""
    grade = version_rules.lowest_grade(entry.versions)
    if grade == entry.asset.grade:
        return entry.asset
    return replace(entry.asset, grade=grade, revision=entry.asset.revision + 1)


def query_code(certificate_id: CertificateId) -> str:
    """A code short enough to read out, that a certificate can be asked for by: `K3XW-9QTM-2C4H`."""
    number = int.from_bytes(hashlib.sha256(certificate_id.encode()).digest())
    letters = [QUERY_CODE_ALPHABET[number >> 5 * place & 31] for place in range(QUERY_CODE_LENGTH)]
    return "-".join("".join(letters[start : start + 4]) for start in range(0, QUERY_CODE_LENGTH, 4))


def _gates(entry: Entry, version: Version) -> None:
    if denied := denial(entry):
        raise denied
    asset = entry.asset
    if asset.source is None:
        raise SourceMissing()
    asset_rules.require_basis(asset.source, version)


def _reviewed(entry: Entry) -> tuple[Review, Version]:
    if entry.asset.review is None:
        raise NotUnderReview(state=entry.asset.state)
    return entry.asset.review, entry.version(entry.asset.review.version_id)


def _registered(entry: Entry) -> Entry:
    grade = version_rules.lowest_grade(entry.versions)
    settled = {"review": None, "next_actor": None, "deadline": None, "reason_code": None, "grade": grade}
    if entry.asset.state is REGISTERED:
        return replace(entry, asset=replace(entry.asset, revision=entry.asset.revision + 1, **settled))
    return replace(entry, asset=asset_rules.move(entry.asset, REGISTERED, **settled))


def _sent_back(entry: Entry, version: Version, reason_code: str, now: datetime, to: asset_rules.State) -> Entry:
    """Back to the provider, who has a draft's time again."""
    if entry.asset.state is REGISTERED:
        asset = replace(
            entry.asset, review=None, next_actor=None, deadline=None, reason_code=reason_code,
            revision=entry.asset.revision + 1,
        )  # fmt: skip
        return replace(entry.replacing(version_rules.give_time(version, now)), asset=asset)
    deadline = now + asset_rules.DRAFTED_WITHIN
    asset = asset_rules.move(
        entry.asset, to, review=None, next_actor=NextActor.PROVIDER, deadline=deadline, reason_code=reason_code
    )
    return replace(entry, asset=asset)
