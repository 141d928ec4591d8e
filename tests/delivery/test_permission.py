"""The one decision: each rule denies by itself, what is not known denies, and nothing worse ever allows more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.rules.export import Export
from services.delivery.rules.permission import POLICY_VERSION, Requested, agreed_purpose, decide, refusal
from shared import grades
from shared.grades import C1, C2, C3, C4, C5, G1, G2, G3, G4, G5, Condition, Flag, Grade, Mode

NOW = datetime(2030, 6, 1, tzinfo=UTC)
EVERYTHING = frozenset(Condition)
ALLOWED = Requested(
    Mode.RAW, G2, C2, NOW, active=True, ends_at=NOW + timedelta(days=1), uses_left=1, purposes=("research", "training"),
    purpose="research", territory="CN",
)  # fmt: skip


def test_a_request_that_nothing_forbids_is_allowed_by_every_rule():
    decision = decide(ALLOWED)
    assert decision.allowed and decision.reason_code is None and decision.policy_version == POLICY_VERSION
    assert decision.rules[:6] == (
        "entitlement.active", "entitlement.period", "entitlement.quota", "purpose.named", "purpose.agreed",
        "matrix.G2.raw",
    )  # fmt: skip


PERSONAL = frozenset({Flag.PERSONAL})
IMPORTANT: dict[str, Any] = {"grade": G5, "mode": Mode.COMPUTE, "clearance": C5, "on_record": EVERYTHING}


@pytest.mark.parametrize("changes, rule, reason", [
    ({"active": False},             "entitlement.active",    "entitlement_not_active"),
    ({"ends_at": NOW},              "entitlement.period",    "period_over"),
    ({"uses_left": 0},              "entitlement.quota",     "quota_spent"),
    ({"uses_left": None},           "entitlement.quota",     "quota_spent"),
    ({"purpose": None},             "purpose.named",         "purpose_missing"),
    ({"purpose": "marketing"},      "purpose.agreed",        "purpose_not_agreed"),
    ({"purposes": ()},              "purpose.agreed",        "purpose_not_agreed"),
    ({"grade": None},               "grade.known",           "grade_unknown"),
    ({"clearance": None},           "matrix.G2.raw",         "clearance_too_low"),
    ({"clearance": C1},             "matrix.G2.raw",         "clearance_too_low"),
    ({"grade": G4},                 "matrix.G4.raw",         "mode_not_allowed_for_grade"),
    ({"flags": PERSONAL},           "overlay.pipl_23",       "separate_consent_missing"),
    (IMPORTANT | {"territory": "SG"}, "export.important_data", "security_assessment_missing"),
    ({"territory": "SG", "flags": PERSONAL, "on_record": EVERYTHING}, "export.facts_known", "needs_info"),
    ({"territory": None, "flags": PERSONAL, "on_record": EVERYTHING}, "export.facts_known", "needs_info"),
])  # fmt: skip
def test_each_rule_denies_by_itself_and_says_so(changes: dict[str, Any], rule: str, reason: str):
    requested = replace(ALLOWED, **changes)
    decision = decide(requested)
    assert (decision.allowed, decision.rules[-1], decision.reason_code) == (False, rule, reason)
    code = {"entitlement.period": "entitlement_not_active"}.get(rule, reason)
    assert refusal(requested, decision).told_code == ("export_blocked" if rule.startswith("export.") else code)


def test_nothing_known_is_nothing_allowed():
    for mode in Mode:
        assert not decide(Requested(mode, None, None, NOW)).allowed
        assert not decide(Requested(mode, G1, C5, NOW)).allowed


def test_a_use_that_is_tried_again_asks_for_no_more_of_the_quota():
    assert decide(replace(ALLOWED, uses_left=0, names_use=True)).allowed
    assert not decide(replace(ALLOWED, ends_at=NOW, names_use=True)).allowed


def test_what_names_nobody_and_is_not_important_goes_anywhere():
    decision = decide(replace(ALLOWED, territory="SG"))
    assert decision.allowed and decision.rules[-1] == "export.exempt"


@pytest.mark.parametrize("purposes, named, purpose", [
    (["research"],             None,        "research"),
    (["research"],             "research",  "research"),
    (["research"],             "marketing", "marketing"),  # and is then refused
    (["research", "training"], None,        None),
    (["research", "training"], "training",  "training"),
    ([],                       None,        None),
])  # fmt: skip
def test_the_only_purpose_need_not_be_named(purposes: list[str], named: str | None, purpose: str | None):
    assert agreed_purpose(purposes, named) == purpose


def requests() -> st.SearchStrategy[Requested]:
    return st.builds(
        Requested, st.sampled_from(Mode), st.sampled_from(Grade), st.sampled_from([None, C1, C2, C3, C4, C5]),
        st.just(NOW), st.frozensets(st.sampled_from(Flag)), st.frozensets(st.sampled_from(Condition)),
        st.booleans(), st.sampled_from([None, NOW, NOW + timedelta(days=1)]), st.sampled_from([None, 0, 1]),
        st.booleans(), st.sampled_from([("research",), ("research", "training")]),
        st.sampled_from([None, "research", "marketing"]), st.sampled_from([None, "CN", "SG"]), st.just(Export()),
    )  # fmt: skip


@given(requests(), st.data())
def test_nothing_that_is_worse_ever_allows_more(requested: Requested, data: st.DataObject):
    if decide(requested).allowed:
        return
    assert requested.grade
    higher = data.draw(st.sampled_from([grade for grade in Grade if grade >= requested.grade]))
    cleared = [each for each in (C1, C2, C3, C4, C5) if each <= (requested.clearance or "")]
    lower = data.draw(st.sampled_from([None, *cleared]))
    flags = requested.flags | data.draw(st.frozensets(st.sampled_from(Flag)))
    on_record = requested.on_record - data.draw(st.frozensets(st.sampled_from(Condition)))
    worse = {"grade": higher, "clearance": lower, "flags": flags, "on_record": on_record, "territory": "SG"}
    assert not decide(replace(requested, **worse)).allowed


@given(requests())
def test_nothing_is_allowed_that_the_matrix_denies(requested: Requested):
    if decide(requested).allowed:
        assert requested.grade
        parts = (requested.grade, requested.mode, requested.clearance, requested.flags, requested.on_record)
        assert grades.decide(*parts).allowed
        assert requested.active and requested.purpose in requested.purposes
        assert requested.names_use or requested.uses_left


def test_a_higher_grade_needs_what_a_lower_one_does():
    assert decide(replace(ALLOWED, grade=G3, clearance=C3)).allowed
    assert not decide(replace(ALLOWED, grade=G3)).allowed
