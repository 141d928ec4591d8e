"""Filings and objections by their rules alone: where every act leads, and that nothing waits for ever."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.rules import asset as asset_rules
from services.catalog.rules import filing as filing_rules
from services.catalog.rules import objection as objection_rules
from services.catalog.rules import registration
from services.catalog.rules.asset import Asset, Description, Entry, NextActor, NoSuchAsset
from services.catalog.rules.filing import (
    COURSES,
    FILING,
    Change,
    Filing,
    FilingState,
    Licence,
    NothingChanges,
    NotTheHolder,
    OwnParty,
    Particulars,
    RenewalTooEarly,
    TermMustLieAhead,
    Type,
)
from services.catalog.rules.objection import OBJECTION, Ground, Objection, ObjectionState, ObjectsToOwn
from services.catalog.rules.registration import Terms
from shared.errors import Failure
from shared.grades import G1, G4, Grade
from shared.ids import CertificateId, FilingId, ObjectionId, ParticipantId, VersionId
from shared.lifecycle import IllegalMove, Lifecycle
from tests.catalog.made import NOON, a_draft, a_registered, declared, submitted, with_pending
from tests.catalog.test_lifecycle import cells

NOTICE = Terms(notice=timedelta(days=5))
OTHER, STRANGER = ParticipantId.new(), ParticipantId.new()
ENTRY = a_registered()
ASSET = replace(ENTRY.asset, valid_until=NOON + timedelta(days=100))
LICENCE = Particulars(licence=Licence(OTHER, "科研", NOON + timedelta(days=365)))
TRANSFER = Particulars(new_holder_id=OTHER)
CHANGE = Particulars(change=Change(Description("新", "新", "transport", ASSET.about.update_cycle)))
ASKED = {
    Type.LICENCE: LICENCE, Type.TRANSFER: TRANSFER, Type.CHANGE: CHANGE, Type.RENEWAL: Particulars(),
    Type.REVOCATION: Particulars(), Type.DEREGISTRATION: Particulars(),
}  # fmt: skip


def a_filing(kind: Type = Type.TRANSFER, asset: Asset = ASSET) -> Filing:
    return filing_rules.file(FilingId.new(), kind, ASKED[kind], asset, asset.provider_id, NOON)


def reviewed(kind: Type = Type.TRANSFER, asset: Asset = ASSET) -> Filing:
    filing = a_filing(kind, asset)
    return filing_rules.consent(filing, OTHER, NOON) if COURSES[kind].consent else filing


def noticed(kind: Type = Type.TRANSFER) -> Filing:
    return filing_rules.agree(reviewed(kind), ASSET, "user_a", NOTICE.notice, NOON)


def an_objection(filing: Filing | None, asset: Asset = ASSET, now: datetime = NOON) -> Objection:
    return objection_rules.raise_(
        ObjectionId.new(), asset, filing, STRANGER, Ground.OWNERSHIP, "归我方", "ab" * 32, now
    )  # fmt: skip


HELD = filing_rules.hold(noticed(), NOON + timedelta(days=30))
SITUATIONS = {
    "submitted": a_filing(), "under_review": reviewed(), "under_notice": noticed(), "objected": HELD,
    "registered": filing_rules.pass_time(noticed()), "refused": filing_rules.refuse(reviewed(), "no", NOON),
    "lapsed": filing_rules.pass_time(a_filing()), "withdrawn": filing_rules.withdraw(a_filing(), NOON),
}  # fmt: skip
ACTS: dict[str, Callable[[Filing], Filing]] = {
    "consent": lambda filing: filing_rules.consent(filing, OTHER, NOON),
    "decline": lambda filing: filing_rules.decline(filing, OTHER, NOON),
    "agree": lambda filing: filing_rules.agree(filing, ASSET, "user_b", NOTICE.notice, NOON),
    "refuse": lambda filing: filing_rules.refuse(filing, "incomplete", NOON),
    "withdraw": lambda filing: filing_rules.withdraw(filing, NOON),
    "hold": lambda filing: filing_rules.hold(filing, NOON),
    "uphold": lambda filing: filing_rules.turn_down(filing, "objection_upheld"),
    "moot": filing_rules.moot,
    "time": filing_rules.pass_time,
}
BY_THE_PARTIES = """
              consent           decline           withdraw
submitted     under_review      refused           withdrawn
under_review  not_your_consent  not_your_consent  withdrawn
under_notice  not_your_consent  not_your_consent  withdrawn
objected      not_your_consent  not_your_consent  withdrawn
registered    not_your_consent  not_your_consent  illegal_move
refused       not_your_consent  not_your_consent  illegal_move
lapsed        not_your_consent  not_your_consent  illegal_move
withdrawn     not_your_consent  not_your_consent  illegal_move
"""
BY_THE_OPERATORS = """
              agree                    refuse                   uphold
submitted     filing_not_under_review  filing_not_under_review  refused
under_review  under_notice             refused                  refused
under_notice  filing_not_under_review  filing_not_under_review  refused
objected      filing_not_under_review  filing_not_under_review  refused
registered    filing_not_under_review  filing_not_under_review  illegal_move
refused       filing_not_under_review  filing_not_under_review  illegal_move
lapsed        filing_not_under_review  filing_not_under_review  illegal_move
withdrawn     filing_not_under_review  filing_not_under_review  illegal_move
"""
BY_WHAT_ELSE_HAPPENS = """
              hold          moot          time
submitted     illegal_move  withdrawn     lapsed
under_review  illegal_move  withdrawn     lapsed
under_notice  objected      withdrawn     registered
objected      objected      withdrawn     illegal_move
registered    illegal_move  illegal_move  illegal_move
refused       illegal_move  illegal_move  illegal_move
lapsed        illegal_move  illegal_move  illegal_move
withdrawn     illegal_move  illegal_move  illegal_move
"""


def outcome(filing: Filing, act: str) -> str:
    try:
        return ACTS[act](filing).state
    except Failure as failure:
        return failure.code()


def test_every_act_on_a_filing_in_every_state_ends_as_the_table_says():
    happened = {(name, act): outcome(SITUATIONS[name], act) for name, act in product(SITUATIONS, ACTS)}
    assert happened == cells(BY_THE_PARTIES) | cells(BY_THE_OPERATORS) | cells(BY_WHAT_ELSE_HAPPENS)
    assert set(SITUATIONS) == set(FilingState)


FILING_MOVES = {
    "submitted under_review", "submitted registered", "submitted refused", "submitted lapsed", "submitted withdrawn",
    "under_review under_notice", "under_review registered", "under_review refused", "under_review lapsed",
    "under_review withdrawn", "under_notice objected", "under_notice registered", "under_notice refused",
    "under_notice under_review", "under_notice withdrawn", "objected under_notice", "objected refused",
    "objected withdrawn",
}  # fmt: skip
OBJECTION_MOVES = {f"open {end}" for end in ("upheld", "dismissed", "withdrawn", "lapsed")}


@pytest.mark.parametrize("lifecycle, states, moves", [
    (FILING, FilingState, FILING_MOVES), (OBJECTION, ObjectionState, OBJECTION_MOVES),
])  # fmt: skip
def test_nothing_moves_but_as_written_by_hand(lifecycle: Lifecycle[Any], states: type[StrEnum], moves: set[str]):
    for state, to in product(states, states):
        if f"{state} {to}" in moves:
            assert lifecycle.move(state, to) is to
        else:
            with pytest.raises(IllegalMove):
                lifecycle.move(state, to)


@pytest.mark.parametrize("name", SITUATIONS)
def test_whoever_is_waited_for_is_said_with_a_deadline_and_what_has_ended_waits_for_nobody(name: str):
    filing = SITUATIONS[name]
    waits = (filing.next_actor is not None, filing.deadline is not None)
    assert waits == (filing.is_open, filing.is_open)
    assert filing.reason_code is not None or filing.state in {*FILING.open_states(), FilingState.REGISTERED}


@pytest.mark.parametrize("name", ["submitted", "under_review", "under_notice"])
def test_a_filing_that_nobody_touches_ends_by_itself(name: str):
    filing = SITUATIONS[name]
    assert filing.deadline and filing_rules.is_late(filing, filing.deadline)
    assert not filing_rules.is_late(filing, filing.deadline - timedelta(microseconds=1))
    assert not filing_rules.pass_time(filing).is_open


def test_a_held_filing_goes_on_when_its_objection_lapses_and_then_ends():
    objection = an_objection(noticed())
    assert objection.deadline and objection_rules.is_late(objection, objection.deadline)
    assert objection_rules.lapse(objection).state is ObjectionState.LAPSED
    resumed = filing_rules.resume(HELD)
    assert (resumed.state, resumed.deadline) == ("under_notice", resumed.notice_ends_at)
    assert filing_rules.pass_time(resumed).state is FilingState.REGISTERED


@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=12))
def test_whatever_is_done_an_open_filing_always_says_who_and_until_when(acts: list[str]):
    filing = a_filing()
    for act in acts:
        before = filing
        try:
            filing = ACTS[act](filing)
        except Failure:
            continue
        assert filing.revision == before.revision + 1
        assert (filing.deadline is not None) == (filing.next_actor is not None) == filing.is_open


@pytest.mark.parametrize("kind, grade, states", [
    (Type.LICENCE,    G1, ["under_notice"]),
    (Type.TRANSFER,   G4, ["under_review", "under_notice"]),
    (Type.CHANGE,     G1, ["under_notice"]),
    (Type.RENEWAL,    G1, ["registered"]),
    (Type.RENEWAL,    G4, ["under_review", "registered"]),
    (Type.REVOCATION, G1, ["under_review", "registered"]),
])  # fmt: skip
def test_who_agrees_and_whether_there_is_notice_goes_by_type_and_grade(kind: Type, grade: Grade, states: list[str]):
    asset = replace(ASSET, grade=grade)
    filing, seen = reviewed(kind, asset), list[str]()
    for operator in ("user_a", "user_b")[: len(states)]:
        filing = filing_rules.agree(filing, asset, operator, NOTICE.notice, NOON)
        seen.append(filing.state)
    assert seen == states
    assert filing.operators == ("user_a", "user_b")[: len(states)]


def test_the_same_operator_does_not_agree_twice():
    filing = filing_rules.agree(reviewed(Type.REVOCATION), ASSET, "user_a", NOTICE.notice, NOON)
    with pytest.raises(filing_rules.SecondOperatorRequired):
        filing_rules.agree(filing, ASSET, "user_a", NOTICE.notice, NOON)


def test_without_notice_days_a_filing_is_entered_with_the_last_yes():
    assert filing_rules.agree(reviewed(), ASSET, "user_a", timedelta(0), NOON).state is FilingState.REGISTERED


@pytest.mark.parametrize("asked, kind, asset, refusal", [
    (Particulars(new_holder_id=ASSET.provider_id), Type.TRANSFER, ASSET, OwnParty),
    (Particulars(licence=Licence(ASSET.provider_id, "科研", NOON)), Type.LICENCE, ASSET, OwnParty),
    (Particulars(licence=Licence(OTHER, "科研", NOON)), Type.LICENCE, ASSET, TermMustLieAhead),
    (Particulars(change=Change(ASSET.about)), Type.CHANGE, ASSET, NothingChanges),
    (Particulars(change=Change()), Type.CHANGE, ASSET, NothingChanges),
    (Particulars(), Type.RENEWAL, replace(ASSET, valid_until=NOON + timedelta(days=181)), RenewalTooEarly),
    (TRANSFER, Type.TRANSFER, a_draft().asset, filing_rules.AssetNotRegistered),
])  # fmt: skip
def test_what_makes_no_sense_is_not_filed(asked: Particulars, kind: Type, asset: Asset, refusal: type[Failure]):
    with pytest.raises(refusal):
        filing_rules.file(FilingId.new(), kind, asked, asset, asset.provider_id, NOON)


def test_after_a_transfer_the_holder_licenses_and_the_provider_changes():
    held = replace(ASSET, holder_id=OTHER)
    for kind in (Type.LICENCE, Type.TRANSFER):
        filing_rules.require_applicant(held, kind, OTHER)
        with pytest.raises(NotTheHolder):
            filing_rules.require_applicant(held, kind, held.provider_id)
    for kind in (Type.CHANGE, Type.RENEWAL):
        filing_rules.require_applicant(held, kind, held.provider_id)
        with pytest.raises(NotTheHolder):
            filing_rules.require_applicant(held, kind, OTHER)
    with pytest.raises(NoSuchAsset):
        filing_rules.require_applicant(held, Type.CHANGE, STRANGER)


def test_what_a_deadline_has_decided_is_not_forestalled():
    late = NOON + timedelta(days=40)
    for act in (
        lambda: filing_rules.consent(a_filing(), OTHER, late),
        lambda: filing_rules.agree(reviewed(), ASSET, "user_a", NOTICE.notice, late),
        lambda: filing_rules.withdraw(noticed(), late),
    ):
        with pytest.raises(filing_rules.FilingOverdue):
            act()
    objection = an_objection(noticed())
    for act in (
        lambda: objection_rules.uphold(objection, "", late), lambda: objection_rules.dismiss(objection, "no", "", late),
        lambda: objection_rules.withdraw(objection, late),
    ):  # fmt: skip
        with pytest.raises(objection_rules.ObjectionTimeUp):
            act()
    with pytest.raises(objection_rules.ObjectionTimeUp):
        an_objection(noticed(), now=NOON + NOTICE.notice)


@pytest.mark.parametrize(
    "filing, against_filing", [(noticed(), True), (HELD, True), (reviewed(), False), (None, False)]
)
def test_an_objection_is_against_what_is_under_notice_or_else_against_the_entry(
    filing: Filing | None, against_filing: bool
):
    assert (an_objection(filing).filing_id is not None) is against_filing


def test_nobody_objects_to_their_own_and_nothing_is_objected_to_before_it_is_seen():
    for party in (ASSET.provider_id, OTHER):
        with pytest.raises(ObjectsToOwn):
            objection_rules.raise_(
                ObjectionId.new(), ASSET, noticed(), party, Ground.COPY, "抄袭", "ab" * 32, NOON
            )  # fmt: skip
    with pytest.raises(NoSuchAsset):
        an_objection(None, submitted(declared(with_pending(a_draft()))).asset)


def under_notice(entry: Entry, grade: Grade = G1) -> Entry:
    for operator in ("user_a", "user_b"):
        entry, _ = registration.register(entry, grade, operator, CertificateId.new(), NOON, NOTICE)
        if entry.asset.review and entry.asset.review.notice_ends_at:
            return entry
    raise AssertionError("two operators suffice")


@pytest.mark.parametrize("grade, operators", [(G1, ("user_a",)), (G4, ("user_a", "user_b"))])
def test_a_first_registration_waits_for_the_end_of_its_notice(grade: Grade, operators: tuple[str, ...]):
    entry = under_notice(submitted(declared(with_pending(a_draft(), grade))), grade)
    asset = entry.asset
    assert (asset.state, asset.next_actor, asset.deadline) == ("under_notice", "anyone", NOON + timedelta(days=5))
    assert registration.late(entry, NOON + timedelta(days=5)) is registration.Late.NOTICE
    done, certificate = registration.end_notice(entry, CertificateId.new(), NOON, NOTICE)
    assert certificate and certificate.operators == operators
    assert (done.asset.state, done.asset.review) == ("registered", None)
    assert done.asset.valid_until == certificate.valid_until == NOON + NOTICE.validity


def test_while_under_notice_nobody_decides_or_changes_anything():
    entry = under_notice(submitted(declared(with_pending(a_draft()))))
    with pytest.raises(registration.NotUnderReview):
        registration.register(entry, G1, "user_b", CertificateId.new(), NOON, NOTICE)
    with pytest.raises(registration.NotUnderReview):
        registration.refuse(entry, "no", NOON)
    with pytest.raises(asset_rules.UnderReview):
        registration.submit(entry, NOON)
    with pytest.raises(IllegalMove):
        asset_rules.withdraw(entry.asset)


@pytest.mark.parametrize("base", [a_draft(), asset_rules.add_version(a_registered(), VersionId.new(), NOON)])
def test_a_grade_that_rose_during_the_notice_is_reviewed_again(base: Entry):
    entry = under_notice(submitted(declared(with_pending(base)) if base.asset.source is None else with_pending(base)))
    assert entry.pending and entry.pending.graded
    raised = replace(entry.pending, graded=replace(entry.pending.graded, revision=9))
    again, certificate = registration.end_notice(entry.replacing(raised), CertificateId.new(), NOON, NOTICE)
    assert certificate is None and again.asset.next_actor is NextActor.OPERATOR
    assert again.asset.review and again.asset.review.operators == () and again.asset.deadline


def test_a_new_version_under_notice_leaves_the_asset_registered_and_goes_back_if_an_objection_is_upheld():
    entry = under_notice(submitted(with_pending(asset_rules.add_version(a_registered(), VersionId.new(), NOON))))
    assert entry.asset.state == "registered"
    assert asset_rules.state_of(entry.asset, entry.versions[1]) == "under_notice"
    held = registration.hold(entry, NOON + timedelta(days=30))
    assert registration.late(held, NOON + timedelta(days=30)) is registration.Late.OBJECTION
    assert registration.resume(held).asset.deadline == NOON + timedelta(days=5)
    back = registration.turn_down(held, "objection_upheld", NOON)
    assert (back.asset.state, back.asset.review, back.asset.reason_code) == ("registered", None, "objection_upheld")
