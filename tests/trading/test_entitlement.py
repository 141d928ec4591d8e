"""A right to receive: its quota, its end, and what a raised grade does to it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import entitlement as rules
from services.trading.rules.entitlement import (
    ACTIVE,
    ENDED,
    SUSPENDED,
    Entitlement,
    EntitlementEnded,
    EntitlementSuspended,
    GradeChanged,
    QuotaSpent,
    State,
    UseNotPermitted,
)
from shared.errors import Failure
from shared.grades import C3, G2, G4, Mode, decide
from shared.ids import EntitlementId, UseId
from tests.trading.made import MICROSECOND, NOON, a_listing, an_order

ALLOWED, DENIED = decide(G2, Mode.RAW, C3), decide(G4, Mode.RAW, C3)


def an_entitlement(quota: int = 3, state: State = ACTIVE) -> Entitlement:
    listing = replace(a_listing(), quota_uses=quota)
    return replace(rules.grant(EntitlementId.new(), an_order(listing), listing, NOON), state=state)


@given(quota=st.integers(1, 20), tries=st.integers(0, 40))
def test_uses_never_exceed_the_quota(quota: int, tries: int):
    entitlement, made = an_entitlement(quota), list[int]()
    for _ in range(tries):
        try:
            entitlement, use = rules.use(entitlement, UseId.new(), ALLOWED, 1, NOON)
            made.append(use.uses_left)
        except QuotaSpent:
            assert entitlement.uses_left == 0
    assert made == list(range(quota - 1, max(quota - tries, 0) - 1, -1))


def test_a_right_counts_until_its_end_and_not_at_it():
    entitlement, end = an_entitlement(), NOON + timedelta(days=365)
    assert entitlement.deadline == end
    rules.use(entitlement, UseId.new(), ALLOWED, 1, end - MICROSECOND)
    with pytest.raises(EntitlementEnded):
        rules.use(entitlement, UseId.new(), ALLOWED, 1, end)


def test_a_use_decided_by_an_older_grade_is_refused():
    with pytest.raises(GradeChanged):
        rules.use(replace(an_entitlement(), grade_revision=2), UseId.new(), ALLOWED, 1, NOON)


def test_a_grade_that_denies_suspends_and_one_that_allows_resumes():
    suspended = rules.regrade(an_entitlement(), DENIED, 2)
    assert (suspended.state, suspended.reason_code) == (SUSPENDED, "mode_not_allowed_for_grade")
    resumed = rules.regrade(suspended, ALLOWED, 3)
    assert (resumed.state, resumed.reason_code) == (ACTIVE, None)


@pytest.mark.parametrize("state", State)
def test_old_news_of_a_grade_changes_nothing(state: State):
    entitlement = an_entitlement(state=state)
    assert rules.regrade(entitlement, DENIED, 1) is entitlement


def test_what_was_charged_counts_as_long_as_the_right_is_in_force_whatever_is_left_of_the_quota():
    entitlement, end = replace(an_entitlement(), uses_spent=3), NOON + timedelta(days=365)
    rules.require_in_force(entitlement, ALLOWED, 1, end - MICROSECOND)
    for decision, at, refused in ((ALLOWED, end, EntitlementEnded), (DENIED, NOON, UseNotPermitted)):
        with pytest.raises(refused):
            rules.require_in_force(entitlement, decision, 1, at)


@pytest.mark.parametrize("state", State)
def test_every_act_in_every_state(state: State):
    entitlement = an_entitlement(state=state)
    refused = {ACTIVE: UseNotPermitted, SUSPENDED: EntitlementSuspended, ENDED: EntitlementEnded}[state]
    with pytest.raises(refused):
        rules.use(entitlement, UseId.new(), DENIED, 1, NOON)
    if state is not ENDED:
        used = rules.use(entitlement, UseId.new(), ALLOWED, 1, NOON)[0]
        assert (used.state, used.uses_spent, used.revision) == (ACTIVE, 1, entitlement.revision + 1)
    assert rules.regrade(entitlement, DENIED, 2).state is (ENDED if state is ENDED else SUSPENDED)
    assert rules.regrade(entitlement, ALLOWED, 2).state is (ENDED if state is ENDED else ACTIVE)
    if state is ENDED:
        assert rules.end(entitlement, "why") is entitlement
    else:
        assert rules.pass_deadline(entitlement).reason_code == "period_over"


def test_what_is_delivered_anew_may_be_received_once_more():
    spent = replace(an_entitlement(), uses_spent=3)
    assert spent.deadline
    restored = rules.restore_use(spent, spent.deadline - MICROSECOND)
    assert (restored.uses_left, restored.revision) == (1, spent.revision + 1)
    assert rules.use(restored, UseId.new(), ALLOWED, 1, NOON)[1].uses_left == 0
    with pytest.raises(EntitlementEnded) as ended:
        rules.restore_use(spent, spent.deadline)
    assert ended.value.facts == {"reason_code": "period_over"}


@pytest.mark.parametrize("state, refused", [(ENDED, EntitlementEnded), (SUSPENDED, EntitlementSuspended)])
def test_nothing_is_delivered_anew_to_whom_it_may_not_go(state: State, refused: type[Failure]):
    with pytest.raises(refused) as why:
        rules.restore_use(replace(an_entitlement(state=state), reason_code="why"), NOON)
    assert why.value.facts == {"reason_code": "why"}
