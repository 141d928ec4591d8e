"""Registration: an operator's review of an asset's pending version, and the certificate that it ends with.

Owns: what must be there before the review, who may decide it, its deadline, the public notice, and its outcome.
Promises: nothing is registered without a declared source, rights, a basis for personal information and the grade that
the rules computed; from G4 two different operators agree on one and the same grading; nobody reviews what their own
organisation provides; important and core data, another's content and disputed data do not pass; what a deadline has
decided is not forestalled.
Sources: Data Security Law arts 21, 33; PIPL art. 13; Network Data Security Regulation art. 31 (risk assessment before
important data are provided); 发改数据规〔2025〕26号 (certificate, query code, disclosure).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.catalog.rules import asset as asset_rules
from services.catalog.rules import certificate as certificate_rules
from services.catalog.rules import important_data, records
from services.catalog.rules import rights as rights_rules
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import (
    DRAFT,
    REFUSED,
    REGISTERED,
    REVIEW_OVERDUE,
    REVIEWED_WITHIN,
    SUBMITTED,
    UNDER_NOTICE,
    Asset,
    Entry,
    NextActor,
    Review,
    UnderReview,
)
from services.catalog.rules.certificate import Certificate
from services.catalog.rules.filing import TWO_PERSONS_FROM
from services.catalog.rules.important_data import NOTHING, OnFile
from services.catalog.rules.version import Version
from shared.errors import Conflict, Failure, Forbidden
from shared.grades import Grade
from shared.ids import CertificateId, ParticipantId


class Late(StrEnum):
    """What was left until its time was up."""

    REVIEW = "review"
    NOTICE = "notice"
    OBJECTION = "objection"
    DRAFT = "draft"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Terms:
    """How the register is run: how long a registration is under public notice first, and how long it is good for."""

    notice: timedelta = timedelta(0)
    validity: timedelta = timedelta(days=3 * 365)


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


class OwnershipConflict(Conflict):
    """Whose data these are is in dispute, or another provider has registered the same content: raise an objection."""


class NearDuplicate(Conflict):
    """Another provider has registered most of this content: raise an objection if it is yours, or say what differs."""


def submit(entry: Entry, now: datetime, on_file: OnFile = NOTHING) -> Entry:
    """The entry with its pending version under review. A registered asset stays registered meanwhile."""
    asset, version = entry.asset, entry.pending
    if asset.review is not None:
        raise UnderReview(deadline=asset.deadline)
    if version is None:
        raise NothingToReview(state=asset.state)
    if version.graded is None:
        raise VersionNotGraded(version_id=version.id, state=version.state)
    _gates(entry, version, now, on_file)
    under_review = {
        "review": Review(version.id), "next_actor": NextActor.OPERATOR, "deadline": now + REVIEWED_WITHIN,
        "reason_code": None,
    }  # fmt: skip
    if asset.state is not REGISTERED:
        return replace(entry, asset=asset_rules.move(asset, SUBMITTED, **under_review))
    waiting = replace(asset, revision=asset.revision + 1, **under_review)
    return replace(entry.replacing(version_rules.stop_time(version)), asset=waiting)


def register(
    entry: Entry, named: Grade, operator: str, certificate_id: CertificateId, now: datetime, terms: Terms = Terms(),
    on_file: OnFile = NOTHING,
) -> tuple[Entry, Certificate | None]:  # fmt: skip
    """The entry after an operator's yes, and its certificate, unless a second operator or public notice comes first.

    A grade below that of a parent is a lowering, which two confirm from G4 (market-rules B8.1 G3).
    Requires that the provider is in good standing, and that the operator is a person's subject.
    """
    asset, review, version = entry.asset, *_reviewed(entry)
    assert version.graded and version.content
    if review.notice_ends_at is not None:
        raise NotUnderReview(state=asset.state)
    if named is not version.graded.grade:
        raise GradeDiffers(grade=version.graded.grade)
    _gates(entry, version, now, on_file)
    # A first yes counts for the grading it was given to: if the grade rose since, it is asked again.
    first = review.first_operator if review.at_grade_revision == version.graded.revision else None
    confirmed = max(version.graded.grade, on_file.parents_grade or version.graded.grade)
    if first is None and confirmed >= TWO_PERSONS_FROM:
        waiting = Review(version.id, operator, version.graded.revision)
        return replace(entry, asset=replace(asset, review=waiting, revision=asset.revision + 1)), None
    if first == operator:
        raise SecondPersonRequired(grade=version.graded.grade)
    operators = (first, operator) if first else (operator,)
    if terms.notice:
        agreed = Review(version.id, operators[0], version.graded.revision, first and operator, now + terms.notice)
        return _under_notice(entry, agreed), None
    return _certified(entry, version, operators, certificate_id, now, terms)


def end_notice(
    entry: Entry, certificate_id: CertificateId, now: datetime, terms: Terms, on_file: OnFile = NOTHING
) -> tuple[Entry, Certificate | None]:
    """The entry registered, and its certificate; or back with the operators, if the grading is not the one agreed to.

    Requires that the notice's time is up and no objection is open, that `denial` knows no reason against it, and that
    the provider is in good standing.
    """
    review, version = _reviewed(entry)
    assert review.notice_ends_at and version.graded
    if review.at_grade_revision != version.graded.revision:
        return _reopened(entry, version, now), None
    _gates(entry, version, now, on_file)
    return _certified(entry, version, review.operators, certificate_id, now, terms)


def hold(entry: Entry, until: datetime) -> Entry:
    """A version under notice, with an objection that an operator decides. Requires that it is under notice."""
    asset = entry.asset
    held = max(until, asset.deadline or until) if asset.next_actor is NextActor.OPERATOR else until
    return _waiting(entry, NextActor.OPERATOR, held)


def resume(entry: Entry) -> Entry:
    """Once no objection to the version under notice is open any more: what is left of the notice goes on."""
    review, _ = _reviewed(entry)
    return _waiting(entry, NextActor.ANYONE, review.notice_ends_at)


def turn_down(entry: Entry, reason_code: str, now: datetime) -> Entry:
    """A version under notice, refused: an objection was upheld, or a gate does not let it pass any more."""
    _, version = _reviewed(entry)
    return _sent_back(entry, version, reason_code, now, REFUSED)


def set_aside(entry: Entry, reason_code: str, now: datetime) -> Entry:
    """A new version of a registered asset, back with its provider: the operators revoke the registration."""
    _, version = _reviewed(entry)
    return _sent_back(entry, version, reason_code, now, REFUSED)


def denial(entry: Entry, on_file: OnFile = NOTHING) -> Failure | None:
    """Why the pending version's grade, or a dispute, keeps it from being registered here at all, if it does."""
    version = entry.pending
    if version is None or version.graded is None:
        return None
    return OwnershipConflict() if entry.asset.objected else important_data.denial(version.graded.grade, on_file)


def refuse(entry: Entry, reason_code: str, now: datetime) -> Entry:
    """The entry after an operator's no. Of a registered asset, only the version is refused."""
    review, version = _reviewed(entry)
    if review.notice_ends_at is not None:
        raise NotUnderReview(state=entry.asset.state)
    return _sent_back(entry, version, reason_code, now, REFUSED)


def review_overdue(entry: Entry, now: datetime) -> Entry:
    """The entry back with its provider. Requires that the review's deadline has passed."""
    _, version = _reviewed(entry)
    return _sent_back(entry, version, REVIEW_OVERDUE, now, DRAFT)


def late(entry: Entry, now: datetime) -> Late | None:
    """Whose deadline has passed, if one has."""
    asset, version = entry.asset, entry.pending
    if asset.deadline is not None and asset.deadline <= now:
        return _late_review(asset) if asset.review else Late.DRAFT
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


def after_regrading(entry: Entry) -> Asset:
    """The asset, whose entry shows by the lowest grade of its registered versions."""
    grade = version_rules.lowest_grade(entry.versions)
    if grade == entry.asset.grade:
        return entry.asset
    return replace(entry.asset, grade=grade, revision=entry.asset.revision + 1)


def _gates(entry: Entry, version: Version, now: datetime, on_file: OnFile) -> None:
    if denied := denial(entry, on_file):
        raise denied
    asset = entry.asset
    if asset.source is None:
        raise SourceMissing()
    rights_rules.require(asset.source.rights, now)
    asset_rules.require_basis(asset.source, version)
    records.require_consents(version.graded.flags if version.graded else frozenset(), on_file.conditions)


def _reviewed(entry: Entry) -> tuple[Review, Version]:
    if entry.asset.review is None:
        raise NotUnderReview(state=entry.asset.state)
    return entry.asset.review, entry.version(entry.asset.review.version_id)


def _late_review(asset: Asset) -> Late:
    if asset.review is None or asset.review.notice_ends_at is None:
        return Late.REVIEW
    return Late.OBJECTION if asset.next_actor is NextActor.OPERATOR else Late.NOTICE


def _under_notice(entry: Entry, review: Review) -> Entry:
    waits = {"review": review, "next_actor": NextActor.ANYONE, "deadline": review.notice_ends_at, "reason_code": None}
    if entry.asset.state is REGISTERED:
        return replace(entry, asset=replace(entry.asset, revision=entry.asset.revision + 1, **waits))
    return replace(entry, asset=asset_rules.move(entry.asset, UNDER_NOTICE, **waits))


def _reopened(entry: Entry, version: Version, now: datetime) -> Entry:
    again = {"review": Review(version.id), "next_actor": NextActor.OPERATOR, "deadline": now + REVIEWED_WITHIN}
    if entry.asset.state is REGISTERED:
        return replace(entry, asset=replace(entry.asset, revision=entry.asset.revision + 1, **again))
    return replace(entry, asset=asset_rules.move(entry.asset, SUBMITTED, **again))


def _waiting(entry: Entry, actor: NextActor, deadline: datetime | None) -> Entry:
    revision = entry.asset.revision + 1
    return replace(entry, asset=replace(entry.asset, next_actor=actor, deadline=deadline, revision=revision))


def _certified(
    entry: Entry, version: Version, operators: tuple[str, ...], certificate_id: CertificateId, now: datetime,
    terms: Terms,
) -> tuple[Entry, Certificate]:  # fmt: skip
    certificate = certificate_rules.certificate_of(version, entry.asset, certificate_id, now)
    valid_until = rights_rules.ends_at(certificate.rights, now + terms.validity)
    certificate = replace(certificate, operators=operators, valid_until=valid_until)
    return _registered(entry.replacing(version_rules.certify(version, certificate_id, now)), valid_until), certificate


def _registered(entry: Entry, valid_until: datetime) -> Entry:
    grade = version_rules.lowest_grade(entry.versions)
    settled = {
        "review": None, "next_actor": None, "deadline": None, "reason_code": None, "grade": grade,
        "valid_until": max(valid_until, entry.asset.valid_until or valid_until),
    }  # fmt: skip
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
