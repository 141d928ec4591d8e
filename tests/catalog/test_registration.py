"""From a draft to a certificate, and every way back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from services.catalog.rules import asset as asset_rules
from services.catalog.rules import registration
from services.catalog.rules import version as version_rules
from services.catalog.rules.asset import (
    DRAFT,
    REFUSED,
    REGISTERED,
    SUBMITTED,
    WITHDRAWN,
    Entry,
    NextActor,
    PersonalInformationBasisMissing,
    UnderReview,
)
from services.catalog.rules.certificate import query_code
from services.catalog.rules.important_data import CoreDataNotTradable, ImportantDataNotAssessed
from services.catalog.rules.registration import (
    GradeDiffers,
    Late,
    NothingToReview,
    NotUnderReview,
    ReviewsOwnAsset,
    SecondPersonRequired,
    SourceMissing,
    VersionNotGraded,
)
from services.catalog.rules.version import (
    GRADED,
    INSPECTED,
    LAPSED,
    ContentAlreadyInspected,
    ContentNotInspected,
    GradeConfirmed,
    GradeNotRaised,
    GradeState,
)
from shared.errors import Failure
from shared.grades import G1, G2, G3, G4, G5, G6, Flag, Grade
from shared.ids import CertificateId, ParticipantId, VersionId
from shared.lifecycle import IllegalMove
from tests.catalog.made import (
    ABOUT,
    NOON,
    SOURCE,
    a_content,
    a_draft,
    a_graded,
    a_grading,
    a_registered,
    declared,
    registered,
    submitted,
    with_pending,
)

LATER = NOON + timedelta(days=30)
CERTIFICATE = CertificateId.new()


def a_submitted(grade: Grade = G1) -> Entry:
    return submitted(declared(with_pending(a_draft(), grade)))


def test_a_draft_waits_180_days_for_its_provider():
    asset = a_draft().asset
    assert (asset.state, asset.next_actor, asset.deadline) == (DRAFT, "provider", NOON + timedelta(days=180))


def test_a_submitted_asset_waits_15_days_for_an_operator():
    asset = a_submitted().asset
    assert (asset.state, asset.next_actor) == (SUBMITTED, NextActor.OPERATOR)
    assert asset.deadline == NOON + timedelta(days=15)


def test_a_registered_asset_waits_for_nobody_and_its_certificate_names_the_content():
    entry, certificate = registration.register(a_submitted(G2), G2, "user_a", CERTIFICATE, LATER)
    version = entry.versions[0]
    assert (entry.asset.state, entry.asset.next_actor, entry.asset.deadline) == (REGISTERED, None, None)
    assert entry.asset.grade is G2
    assert version.graded and version.graded.state is GradeState.CONFIRMED
    assert certificate and version.content and version.certificate_id == certificate.id
    assert certificate.content_hash == version.content.content_hash
    assert (certificate.rights_holder_id, certificate.registered_at) == (entry.asset.provider_id, LATER)
    assert certificate.operators == ("user_a",)


@pytest.mark.parametrize("entry, refusal", [
    (a_draft(), VersionNotGraded),
    (with_pending(a_draft()), SourceMissing),
    (declared(with_pending(a_draft(), G5)), ImportantDataNotAssessed),
    (declared(with_pending(a_draft(), G6)), CoreDataNotTradable),
    (declared(with_pending(a_draft(), G2, Flag.PERSONAL), replace(SOURCE, personal_information_basis=None)),
     PersonalInformationBasisMissing),
    (a_submitted(), UnderReview),
    (a_registered(), NothingToReview),
])  # fmt: skip
def test_what_is_not_taken_under_review(entry: Entry, refusal: type[Failure]):
    with pytest.raises(refusal):
        registration.submit(entry, NOON)


def test_an_operator_names_the_grade_that_was_computed():
    with pytest.raises(GradeDiffers) as refused:
        registration.register(a_submitted(G2), G1, "user_a", CERTIFICATE, NOON)
    assert refused.value.facts == {"grade": G2}


def test_up_to_g3_one_operator_registers():
    assert registration.register(a_submitted(G3), G3, "user_a", CERTIFICATE, NOON)[1]


def test_from_g4_a_second_operator_must_agree():
    first, none = registration.register(a_submitted(G4), G4, "user_a", CERTIFICATE, NOON)
    assert none is None and first.asset.state is SUBMITTED
    with pytest.raises(SecondPersonRequired):
        registration.register(first, G4, "user_a", CERTIFICATE, NOON)
    both, certificate = registration.register(first, G4, "user_b", CERTIFICATE, NOON)
    assert both.asset.state is REGISTERED
    assert certificate and certificate.operators == ("user_a", "user_b")


def test_nobody_reviews_what_their_own_organisation_provides():
    asset = a_submitted().asset
    with pytest.raises(ReviewsOwnAsset):
        registration.require_independent(asset, asset.provider_id)
    for organisation in (None, ParticipantId.new()):
        registration.require_independent(asset, organisation)


def test_what_is_registered_keeps_a_basis_for_its_personal_information():
    without = replace(SOURCE, personal_information_basis=None)
    with pytest.raises(PersonalInformationBasisMissing):
        asset_rules.declare_source(a_registered(G2, Flag.PERSONAL), without, LATER)
    assert asset_rules.declare_source(a_registered(G2), without, LATER).asset.source == without
    assert asset_rules.declare_source(a_draft(), without, LATER).asset.source == without


def test_a_first_yes_does_not_count_for_another_grading():
    waiting, _ = registration.register(a_submitted(G4), G4, "user_a", CERTIFICATE, NOON)
    version = waiting.versions[0]
    assert version.graded
    again = replace(version, graded=replace(version.graded, revision=version.graded.revision + 1))
    still_waiting, certificate = registration.register(waiting.replacing(again), G4, "user_b", CERTIFICATE, NOON)
    assert certificate is None
    assert still_waiting.asset.review and still_waiting.asset.review.first_operator == "user_b"


def test_a_version_raised_to_important_data_while_under_review_is_not_registered():
    entry = a_submitted(G3)
    raised = version_rules.raise_grade(entry.versions[0], a_grading(G5))
    with pytest.raises(ImportantDataNotAssessed):
        registration.register(entry.replacing(raised), G5, "user_a", CERTIFICATE, NOON)


def test_a_refused_asset_becomes_a_draft_by_being_changed_and_may_be_submitted_again():
    entry = registration.refuse(a_submitted(), "source_not_proven", LATER)
    assert (entry.asset.state, entry.asset.reason_code) == (REFUSED, "source_not_proven")
    assert (entry.asset.next_actor, entry.asset.deadline) == ("provider", LATER + timedelta(days=180))
    with pytest.raises(IllegalMove):
        registration.submit(entry, LATER)
    again = asset_rules.declare_source(entry, SOURCE, LATER)
    assert (again.asset.state, again.asset.reason_code) == (DRAFT, None)
    assert registration.submit(again, LATER).asset.state is SUBMITTED


def test_a_review_that_nobody_does_in_time_goes_back_to_its_provider():
    entry = registration.review_overdue(a_submitted(), LATER)
    assert (entry.asset.state, entry.asset.reason_code) == (DRAFT, "review_overdue")
    assert (entry.asset.next_actor, entry.asset.review) == ("provider", None)


def test_a_draft_that_nobody_finishes_is_withdrawn():
    asset = asset_rules.expire(a_draft().asset)
    assert (asset.state, asset.reason_code, asset.deadline) == (WITHDRAWN, "draft_expired", None)


def a_late_version() -> Entry:
    return asset_rules.add_version(a_registered(), VersionId.new(), NOON - timedelta(days=180))


@pytest.mark.parametrize("entry, due_in_days, expected", [
    (a_draft(), 180, Late.DRAFT),
    (registration.refuse(a_submitted(), "no", NOON), 180, Late.DRAFT),
    (a_submitted(), 15, Late.REVIEW),
    (a_late_version(), 0, Late.VERSION),
    (submitted(with_pending(a_late_version())), 15, Late.REVIEW),
])  # fmt: skip
def test_whose_time_is_up_and_when(entry: Entry, due_in_days: int, expected: Late):
    due_at = NOON + timedelta(days=due_in_days)
    assert registration.late(entry, due_at) is expected
    assert registration.late(entry, due_at - timedelta(microseconds=1)) is None


def test_a_registered_asset_is_never_late():
    assert registration.late(a_registered(), NOON + timedelta(days=36_500)) is None


@pytest.mark.parametrize("entry", [a_draft(), registration.refuse(a_submitted(), "no", NOON), a_registered()])
def test_what_may_be_withdrawn(entry: Entry):
    assert asset_rules.withdraw(entry.asset).state is WITHDRAWN


@pytest.mark.parametrize("entry", [a_submitted(), replace(a_draft(), asset=asset_rules.withdraw(a_draft().asset))])
def test_what_may_not(entry: Entry):
    with pytest.raises(IllegalMove):
        asset_rules.withdraw(entry.asset)


@pytest.mark.parametrize("entry", [a_submitted(), a_registered()])
def test_what_is_registered_or_under_review_is_not_described_anew(entry: Entry):
    with pytest.raises(IllegalMove):
        asset_rules.describe(entry.asset, ABOUT, NOON)


def test_a_new_version_of_a_draft_takes_the_place_of_the_one_before():
    entry = asset_rules.add_version(with_pending(a_draft()), VersionId.new(), NOON)
    first, second = entry.versions
    assert (first.state, first.reason_code) == (LAPSED, "superseded")
    assert entry.pending == second and second.number == 2


def test_a_new_version_of_a_registered_asset_is_reviewed_while_the_asset_stays_registered():
    entry = asset_rules.add_version(a_registered(G2), VersionId.new(), NOON)
    assert entry.versions[1].deadline == NOON + timedelta(days=180)
    under_review = submitted(with_pending(entry, G3))
    assert (under_review.asset.state, under_review.asset.next_actor) == (REGISTERED, NextActor.OPERATOR)
    assert under_review.asset.grade is G2

    done = registered(under_review)
    assert done.asset.grade is G2
    assert all(version.is_registered for version in done.versions)


@pytest.mark.parametrize("send_back", [
    partial(registration.refuse, reason_code="incomplete", now=LATER), partial(registration.review_overdue, now=LATER),
])  # fmt: skip
def test_a_new_version_that_is_not_registered_leaves_the_asset_as_it_was(send_back: Callable[[Entry], Entry]):
    before = a_registered(G2)
    after = send_back(submitted(with_pending(asset_rules.add_version(before, VersionId.new(), NOON))))
    assert (after.asset.state, after.asset.grade, after.asset.review) == (REGISTERED, G2, None)
    assert after.versions[0] == before.versions[0]
    assert after.pending and after.pending.deadline == LATER + timedelta(days=180)


def test_the_entry_shows_by_the_lowest_grade_of_its_registered_versions():
    entry = a_registered(G2)
    raised = entry.replacing(version_rules.raise_grade(entry.versions[0], a_grading(G4)))
    assert registration.after_regrading(raised).grade is G4
    pending = with_pending(asset_rules.add_version(raised, VersionId.new(), NOON), G1)
    assert registration.after_regrading(pending).grade is G4


def test_only_what_is_under_review_is_decided():
    for entry in (declared(with_pending(a_draft())), a_registered()):
        with pytest.raises(NotUnderReview):
            registration.register(entry, G1, "user_a", CERTIFICATE, NOON)
        with pytest.raises(NotUnderReview):
            registration.refuse(entry, "no", NOON)


def test_content_is_reported_once_and_a_repeated_report_changes_nothing():
    version, content = a_draft().versions[0], a_content()
    inspected = version_rules.report_content(version, content)
    assert inspected.state is INSPECTED
    assert version_rules.report_content(inspected, content) == inspected
    with pytest.raises(ContentAlreadyInspected):
        version_rules.report_content(inspected, a_content())
    with pytest.raises(ContentAlreadyInspected):
        version_rules.report_refusal(inspected, "not_utf8")


def test_a_refused_upload_may_be_followed_by_another():
    refused = version_rules.report_refusal(a_draft().versions[0], "not_utf8")
    assert refused.reason_code == "not_utf8"
    inspected = version_rules.report_content(version_rules.report_refusal(refused, "too_large"), a_content())
    assert (inspected.state, inspected.reason_code) == (INSPECTED, None)


def test_a_grade_needs_content_and_counts_its_revisions():
    version = a_draft().versions[0]
    with pytest.raises(ContentNotInspected):
        version_rules.propose_grade(version, a_grading())
    with pytest.raises(ContentNotInspected):
        version_rules.raise_grade(version, a_grading(G4))
    graded = a_graded(version, G3)
    again = version_rules.propose_grade(graded, a_grading(G2))
    raised = version_rules.raise_grade(again, a_grading(G4))
    revisions = [(one.state, one.graded.revision) for one in (graded, again, raised) if one.graded]
    assert revisions == [(GRADED, 1), (GRADED, 2), (GRADED, 3)]


def test_a_confirmed_grade_is_only_raised():
    version = a_registered(G3).versions[0]
    with pytest.raises(GradeConfirmed):
        version_rules.propose_grade(version, a_grading(G4))
    for grade in (G2, G3):
        with pytest.raises(GradeNotRaised):
            version_rules.raise_grade(version, a_grading(grade))
    raised = version_rules.raise_grade(version, a_grading(G5))
    assert raised.graded and raised.graded.state is GradeState.CONFIRMED


def test_a_query_code_can_be_read_out_and_belongs_to_one_certificate():
    codes = {query_code(CertificateId.new()) for _ in range(1_000)}
    assert len(codes) == 1_000
    assert all(len(code) == 14 and not set(code) & set("ILOU") for code in codes)
