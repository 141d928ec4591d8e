"""The rules of erasure: two persons of no side, a legal term, restricted before erased."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.audit.rules import redaction as rules
from services.audit.rules.case import SamePerson
from services.audit.rules.redaction import (
    DataKey,
    KeyState,
    LookedAt,
    OfAnOrganisation,
    Redaction,
    RedactionDeadlinePassed,
    RetentionRuns,
    State,
)
from shared.ids import DataKeyId, ParticipantId, RedactionId
from shared.lifecycle import IllegalMove

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
FIRST, SECOND, FIRM = "user_first", "user_second", ParticipantId(f"participant_{1:032x}")
KEY = DataKey(DataKeyId.new(), "user_x", "security", KeyState.ACTIVE, b"wrapped")
RESTRICTED = replace(KEY, state=KeyState.RESTRICTED)


def proposed(to: str = "restricted", key: DataKey = KEY) -> Redaction:
    return rules.propose(RedactionId.new(), key, KeyState(to), "个保法第四十七条", "撤回", FIRST, None, NOON)


def approved(redaction: Redaction, key: DataKey = KEY, at: datetime = NOON, by: str = SECOND, **facts: Any):  # noqa: ANN201
    told = {"fields": 3, "kept_until": None, "is_looked_at": False, "organisation": None} | facts
    organisation = told.pop("organisation")
    return rules.approve(redaction, key, by, organisation, at, **told)  # pyright: ignore[reportArgumentType]


def test_a_redaction_waits_for_the_auditor_for_fifteen_days():
    redaction = proposed()
    assert (redaction.state, redaction.next_actor, redaction.deadline) == (
        State.PROPOSED, "operator_audit", NOON + 15 * DAY
    )  # fmt: skip
    assert redaction.proposed_by == FIRST


def test_restricting_keeps_the_key_and_erasing_destroys_it():
    done, restricted = approved(proposed())
    assert (done.state, done.decided_by, done.field_count, done.deadline) == (State.DONE, SECOND, 3, None)
    assert restricted == replace(KEY, state=KeyState.RESTRICTED)
    _, erased = approved(proposed("erased", RESTRICTED), RESTRICTED)
    assert (erased.state, erased.wrapped) == (KeyState.ERASED, None)


@pytest.mark.parametrize("state, to", [
    ("active", "erased"), ("restricted", "restricted"), ("restricted", "active"), ("erased", "erased"),
    ("erased", "restricted"),
])  # fmt: skip
def test_only_the_next_step_is_proposed(state: str, to: str):
    with pytest.raises(IllegalMove):
        proposed(to, replace(KEY, state=KeyState(state)))


def test_what_moved_on_meanwhile_is_not_moved_twice():
    with pytest.raises(IllegalMove):
        approved(proposed(), RESTRICTED)


def test_the_same_person_does_not_agree_to_their_own_proposal_nor_refuse_it():
    with pytest.raises(SamePerson):
        approved(proposed(), by=FIRST)
    with pytest.raises(SamePerson):
        rules.refuse(proposed(), FIRST, None, "not_due", NOON)


def test_nobody_of_an_organisation_on_the_market_has_a_hand_in_it():
    with pytest.raises(OfAnOrganisation):
        rules.propose(RedactionId.new(), KEY, KeyState.RESTRICTED, "法", "因", FIRST, FIRM, NOON)
    with pytest.raises(OfAnOrganisation):
        approved(proposed(), organisation=FIRM)
    with pytest.raises(OfAnOrganisation):
        rules.refuse(proposed(), SECOND, FIRM, "not_due", NOON)


def test_nothing_is_erased_while_a_term_runs_and_it_is_restricted_all_the_same():
    redaction = proposed("erased", RESTRICTED)
    with pytest.raises(RetentionRuns) as running:
        approved(redaction, RESTRICTED, kept_until=NOON + TICK)
    assert running.value.facts == {"until": NOON + TICK}
    assert approved(redaction, RESTRICTED, kept_until=NOON)[1].state is KeyState.ERASED
    assert approved(proposed(), kept_until=NOON + DAY)[1].state is KeyState.RESTRICTED


def test_nothing_is_erased_that_a_case_looks_at():
    with pytest.raises(LookedAt):
        approved(proposed("erased", RESTRICTED), RESTRICTED, is_looked_at=True)
    assert approved(proposed(), is_looked_at=True)[1].state is KeyState.RESTRICTED


def test_it_is_decided_once_and_in_time():
    last = NOON + 15 * DAY
    assert approved(proposed(), at=last - TICK)[0].state is State.DONE
    with pytest.raises(RedactionDeadlinePassed) as late:
        approved(proposed(), at=last)
    assert late.value.facts == {"deadline": last}
    refused = rules.refuse(proposed(), SECOND, None, "not_due", NOON)
    assert (refused.state, refused.reason_code, refused.decided_by) == (State.REFUSED, "not_due", SECOND)
    lapsed = rules.pass_deadline(proposed())
    assert (lapsed.state, lapsed.reason_code, lapsed.revision) == (State.LAPSED, "not_decided_in_time", 2)
    for over in (refused, lapsed):
        with pytest.raises(IllegalMove):
            approved(over)
