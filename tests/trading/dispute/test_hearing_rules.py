"""How a dispute is heard: who sits and how they rule, more time, an appeal, and what silence does then."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.trading.rules import hearing
from services.trading.rules.demand import Remedy, Side, Split, SplitNotWhole
from services.trading.rules.dispute import (
    APPEAL,
    ENFORCED,
    EVIDENCE,
    REVIEW,
    RULED,
    RULED_AGAIN,
    AppealedAlready,
    Dispute,
    Extension,
    ExtensionTooLong,
)
from services.trading.rules.dispute_outcome import Basis
from services.trading.rules.ruling import BeyondTheClaim, NotSeated, Why
from shared.money import Money
from tests.trading.dispute.cases import (
    ARBITERS,
    SEED,
    a_panel,
    a_vote,
    by,
    goes,
    in_state,
    late,
    ruled,
    unfunded,
    with_rules,
)
from tests.trading.made import NOON


def sitting(dispute: Dispute) -> list[str]:
    return [str(each) for each in dispute.panel.seated] if dispute.panel else []


def test_a_ruling_keeps_to_what_is_asked_for_and_what_is_admitted():
    review = in_state(REVIEW, admitted=800)
    with pytest.raises(BeyondTheClaim) as refused:
        ruled(review, a_vote(ARBITERS[0], remedies=(Remedy.REDELIVER, Remedy.END_RIGHT)))
    assert refused.value.facts == {"remedies": ["redeliver"], "demanded": ["end_right"]}
    with pytest.raises(BeyondTheClaim) as refused:
        ruled(review, a_vote(ARBITERS[0], 999))
    assert refused.value.facts == {"admitted_minor": 800}
    assert ruled(review, a_vote(ARBITERS[0], 1_000, remedies=(Remedy.END_RIGHT,))).state is RULED
    with pytest.raises(SplitNotWhole):
        Split(5_000, 5_001)


def test_only_who_sits_rules_or_gives_time():
    review, extension = in_state(REVIEW), Extension(ARBITERS[1], REVIEW, 1, "ab" * 32, NOON)
    with pytest.raises(NotSeated):
        ruled(review, a_vote(ARBITERS[1]))
    with pytest.raises(NotSeated):
        hearing.extend(review, extension, by(20), NOON)
    empty = replace(review, panels=())
    with pytest.raises(NotSeated):
        ruled(empty, a_vote(ARBITERS[0]))
    with pytest.raises(NotSeated):
        hearing.step_down(empty, goes(ARBITERS[0]), SEED, by(6), NOON)
    with pytest.raises(NotSeated):
        hearing.extend(empty, replace(extension, arbiter_id=ARBITERS[0]), by(20), NOON)


@pytest.mark.parametrize(
    "length, times, ok", [(1, 1, True), (10, 2, True), (0, 1, False), (11, 1, False), (1, 3, False)]
)
def test_more_time_is_given_within_limits(length: int, times: int, ok: bool):
    dispute = in_state(REVIEW)

    def again(before: Dispute) -> Dispute:
        return hearing.extend(before, Extension(ARBITERS[0], REVIEW, length, "ab" * 32, NOON), by(20), NOON)

    for _ in range(times - 1):
        dispute = again(dispute)
    if ok:
        after = again(dispute)
        assert after.deadline == by(20).at and len(after.extensions) == times
    else:
        with pytest.raises(ExtensionTooLong) as refused:
            again(dispute)
        assert refused.value.facts == ({"extensions_max": 2} if times == 3 else {"length_max": 10})


def test_who_is_silent_steps_down_or_is_refused_is_followed_by_the_next():
    review = in_state(REVIEW)
    assert sitting(late(review)) == [ARBITERS[1]]
    assert late(review).deadline == by(10, review.deadline or NOON).at
    challenged = goes(ARBITERS[0], Why.CHALLENGED, "claimant")
    assert sitting(hearing.step_down(review, challenged, SEED, by(6), NOON)) == [ARBITERS[1]]
    assert hearing.step_down(review, goes(ARBITERS[0]), SEED, by(6), NOON).deadline == review.deadline


def test_where_nobody_is_left_nobody_wins_and_every_fee_goes_back():
    review = replace(in_state(REVIEW, admitted=100), panels=(a_panel(1, ARBITERS[:1]),))
    decided = late(review)
    assert (decided.state, decided.reason_code) == (RULED, "no_arbiter")
    ruling = decided.rulings[0]
    assert (ruling.split, ruling.fees, ruling.remedies, ruling.grounds) == (Split(5_000, 5_000), None, (), "no_arbiter")
    assert decided.commitments[1:] and decided.deadline == by(6, review.deadline or NOON).at


def test_nobody_gets_less_than_was_admitted_even_if_nobody_rules():
    review = replace(in_state(REVIEW, admitted=7_000), panels=())
    outcome = late(late(review)).outcome
    assert outcome and (outcome.claimant.minor, outcome.respondent.minor) == (7_000, 1_000)


def test_where_nobody_was_eligible_at_first_the_draw_is_made_at_the_next_deadline():
    unmanned = replace(in_state(EVIDENCE), panels=())
    review = late(unmanned, a_panel())
    assert (review.state, sitting(review)) == (REVIEW, [ARBITERS[0]])
    waiting = replace(in_state(REVIEW), panels=())
    manned = late(waiting, a_panel())
    assert (manned.state, sitting(manned)) == (REVIEW, [ARBITERS[0]])
    assert manned.deadline == by(10, waiting.deadline or NOON).at


def test_in_an_appeal_those_who_have_voted_rule_when_the_others_fall_silent():
    appeal = replace(in_state(APPEAL), panels=(in_state(REVIEW).panels[0], a_panel(2, ARBITERS[1:4])))
    voted = ruled(appeal, a_vote(ARBITERS[1], 2_000), a_vote(ARBITERS[2], 3_001))
    decided = late(voted)
    assert (decided.state, decided.rulings[1].split) == (RULED_AGAIN, Split(2_500, 7_500))
    silent = late(appeal)
    assert (silent.state, len(silent.rulings)) == (ENFORCED, 1), "the first ruling stands"


def test_the_second_ruling_is_final_and_due_at_once():
    decided = in_state(RULED_AGAIN)
    assert decided.deadline == decided.rulings[1].given_at and len(decided.commitments) == 2
    assert late(decided).outcome == replace(late(decided).outcome or pytest.fail(), claimant=Money(4_800))
    for state in (APPEAL, RULED_AGAIN, ENFORCED):
        with pytest.raises(AppealedAlready):
            hearing.file_appeal(in_state(state), Side.RESPONDENT, "ee" * 32, by(3), NOON)


@pytest.mark.parametrize("side", Side)
def test_an_appeal_waits_for_the_other_side_to_pay(side: Side):
    waiting = unfunded(side=side)
    assert (waiting.state, waiting.next_actor, waiting.panel, waiting.number) == (APPEAL, side.other, None, 2)
    assert waiting.awaits_funds and (waiting.nonces[1].claimant, waiting.nonces[1].respondent) == (
        ("ee" * 32, "") if side is Side.CLAIMANT else ("", "ee" * 32)
    )
    with pytest.raises(AppealedAlready):
        hearing.fund_appeal(waiting, side, "ff" * 32, by(10), NOON)
    funded = hearing.fund_appeal(waiting, side.other, "ff" * 32, by(10), NOON)
    assert (funded.next_actor, funded.deadline, funded.awaits_funds) == ("arbiter", by(10).at, False)
    assert {funded.nonces[1].claimant, funded.nonces[1].respondent} == {"ee" * 32, "ff" * 32}
    with pytest.raises(NotSeated):
        ruled(funded, a_vote(ARBITERS[1]))


def test_an_appeal_that_one_side_pays_for_is_heard_or_won_as_the_rules_have_it():
    heard = late(unfunded(), a_panel(2, ARBITERS[1:]))
    assert (heard.state, len(sitting(heard))) == (APPEAL, 3) and not heard.awaits_funds
    assert (heard.next_actor, heard.deadline) == ("arbiter", by(10, by(3).at).at)
    assert late(unfunded()).state is ENFORCED, "nobody can hear it: the first ruling stands"
    won = with_rules(lone_funder_wins=True)
    claimants, respondents = late(unfunded(won)).outcome, late(unfunded(won, Side.RESPONDENT, admitted=300)).outcome
    assert claimants and respondents
    assert (claimants.basis, claimants.claimant.minor, claimants.fees) == (Basis.LONE_FUNDER, 8_000, Split(0, 10_000))
    assert claimants.remedies == (Remedy.END_RIGHT,) and respondents.remedies == ()
    assert (respondents.claimant.minor, respondents.respondent.minor) == (300, 7_700)
    assert respondents.fees == Split(10_000, 0)


def test_no_vote_is_told_before_all_are_in():
    appeal = ruled(in_state(APPEAL), a_vote(ARBITERS[1]))
    assert [len(panel.votes) for panel in appeal.as_told.panels] == [1, 0]
    assert [len(panel.votes) for panel in in_state(RULED_AGAIN).as_told.panels] == [1, 3]


def test_who_sits_or_sat_is_known_to_the_case():
    review = hearing.step_down(in_state(REVIEW), goes(ARBITERS[0]), SEED, by(6), NOON)
    assert [review.knows(each) for each in ARBITERS[:3]] == [True, True, False]
    assert timedelta(0) < (review.deadline or NOON) - NOON
