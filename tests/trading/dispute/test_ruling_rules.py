"""Splits, votes, panels, draws and fees: golden numbers, and the same by slow and simple code."""

import hashlib
import json
from statistics import median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import arbiter_draw
from services.trading.rules import ruling as rules
from services.trading.rules.arbiter_draw import (
    ACTIVE,
    RETIRED,
    Arbiter,
    Nonces,
    SeedNotCommitted,
    commitment,
    drawn,
    eligible,
)
from services.trading.rules.arbitration_fee import FeeHold, appeal_fee, charged, fee
from services.trading.rules.demand import EQUAL, Remedy, Side, Split, SplitNotWhole, all_to
from services.trading.rules.dispute_rules import Step
from services.trading.rules.market_rules import DEMO, STANDARD
from services.trading.rules.ruling import ChallengedAlready, NotSeated, VotedAlready, Why
from shared.ids import DisputeId, ParticipantId, TransferId, UserId
from shared.lifecycle import IllegalMove
from shared.money import Money
from tests.trading.dispute.cases import ARBITERS, RULES, SEED, a_panel, a_vote, goes
from tests.trading.made import NOON

points = st.integers(0, 10_000)
amounts = st.integers(1, 10**15)


@pytest.mark.parametrize("whole, claimant, parts", [
    (101,       5_000,  (51, 50)),        # the odd unit of a half is the claimant's
    (100,       3_333,  (33, 67)),
    (10_001,    3_333,  (3_333, 6_668)),
    (1,         4_999,  (0, 1)),
    (1,         5_000,  (1, 0)),
    (1,         0,      (0, 1)),
    (999_999,   10_000, (999_999, 0)),
    (1_234_567, 1,      (123, 1_234_444)),
])  # fmt: skip
def test_golden_splits(whole: int, claimant: int, parts: tuple[int, int]):
    split = Split(claimant, 10_000 - claimant)
    assert tuple(part.minor for part in split.of(Money(whole))) == parts
    assert tuple(split.part(Money(whole), side).minor for side in Side) == parts


@given(amounts, points)
def test_the_parts_of_a_split_make_the_whole_and_are_exact_to_a_unit(whole: int, claimant: int):
    mine, theirs = Split(claimant, 10_000 - claimant).of(Money(whole))
    assert mine.minor + theirs.minor == whole
    assert abs(mine.minor * 10_000 - whole * claimant) < 10_000 and min(mine.minor, theirs.minor) >= 0


@pytest.mark.parametrize("claimant, respondent", [(-1, 10_001), (10_001, -1), (5_000, 4_999), (5_000, 5_001), (0, 0)])
def test_what_does_not_make_the_whole_is_no_split(claimant: int, respondent: int):
    with pytest.raises(SplitNotWhole) as refused:
        Split(claimant, respondent)
    assert refused.value.facts == {"basis_points": 10_000}


def test_all_and_half():
    assert (all_to(Side.CLAIMANT), all_to(Side.RESPONDENT)) == (Split(10_000, 0), Split(0, 10_000))
    assert Split(5_000, 5_000) == EQUAL and (Side.CLAIMANT.other, Side.RESPONDENT.other) == tuple(reversed(Side))


@pytest.mark.parametrize("shares, median", [
    ([7_000], 7_000), ([1_000, 9_000, 10_000], 9_000), ([0, 0, 10_000], 0), ([2_000, 3_001], 2_500), ([4, 4], 4),
])  # fmt: skip
def test_golden_medians(shares: list[int], median: int):
    votes = tuple(a_vote(who, share, fees=share) for who, share in zip(ARBITERS, shares, strict=False))
    ruling = rules.combined(a_panel(2, votes=votes), NOON)
    assert (ruling.split, ruling.fees) == (Split(median, 10_000 - median), Split(median, 10_000 - median))
    assert (ruling.number, ruling.grounds, ruling.given_at) == (2, "ruled", NOON)


@given(st.lists(points, min_size=3, max_size=3), points)
def test_one_extreme_vote_of_three_never_leads_past_the_other_two(shares: list[int], extreme: int):
    votes = tuple(a_vote(who, share) for who, share in zip(ARBITERS, [*shares[:2], extreme], strict=False))
    share = rules.combined(a_panel(2, votes=votes), NOON).split.claimant
    assert min(shares[:2]) <= share <= max(shares[:2])
    assert share == median_low([*shares[:2], extreme])


@pytest.mark.parametrize("wanted, ordered", [
    ([[Remedy.END_RIGHT], [], []], ()),
    ([[Remedy.END_RIGHT], [Remedy.END_RIGHT], []], (Remedy.END_RIGHT,)),
    ([[Remedy.END_RIGHT], []], ()),
    ([[Remedy.SUSPEND_RIGHT, Remedy.REDELIVER], [Remedy.REDELIVER], [Remedy.SUSPEND_RIGHT]],
     (Remedy.REDELIVER, Remedy.SUSPEND_RIGHT)),
])  # fmt: skip
def test_what_most_want_is_ordered(wanted: list[list[Remedy]], ordered: tuple[Remedy, ...]):
    votes = tuple(a_vote(who, remedies=tuple(each)) for who, each in zip(ARBITERS, wanted, strict=False))
    assert rules.combined(a_panel(2, votes=votes), NOON).remedies == ordered


def test_the_first_of_the_order_sit_and_whoever_goes_is_followed():
    panel = a_panel(2, ARBITERS[:5])
    assert panel.seated == panel.undecided == ARBITERS[:3] and not panel.is_complete
    panel = rules.take(panel, a_vote(ARBITERS[1]))
    panel = rules.leave(panel, goes(ARBITERS[0]))
    assert (panel.seated, panel.undecided) == ((*ARBITERS[1:4],), (*ARBITERS[2:4],))
    panel = rules.let_go(panel, NOON)
    assert (panel.seated, [each.why for each in panel.gone]) == (
        (ARBITERS[1], ARBITERS[4]),
        ["recused", "overdue", "overdue"],
    )
    assert rules.take(panel, a_vote(ARBITERS[4])).is_complete


def test_a_vote_is_given_once_and_only_by_who_sits():
    panel = rules.take(a_panel(2), a_vote(ARBITERS[0]))
    with pytest.raises(VotedAlready):
        rules.take(panel, a_vote(ARBITERS[0], 1))
    with pytest.raises(VotedAlready):
        rules.leave(panel, goes(ARBITERS[0]))
    for act in (lambda: rules.take(panel, a_vote(ARBITERS[3])), lambda: rules.leave(panel, goes(ARBITERS[3]))):
        with pytest.raises(NotSeated):
            act()


def test_each_side_refuses_one_arbiter_in_a_round():
    panel = rules.leave(a_panel(2), goes(ARBITERS[0], Why.CHALLENGED, "claimant"))
    with pytest.raises(ChallengedAlready):
        rules.leave(panel, goes(ARBITERS[1], Why.CHALLENGED, "claimant"))
    panel = rules.leave(panel, goes(ARBITERS[1], Why.CHALLENGED, "respondent"))
    assert panel.seated == ARBITERS[2:5]
    assert rules.leave(panel, goes(ARBITERS[2], Why.RECUSED, "claimant")).seated == ARBITERS[3:6]


# --- the draw


def by_hand(
    seed: str, dispute: str, number: int, nonces: Nonces, among: tuple[UserId, ...], more: dict[str, str] | None = None
) -> list[str]:
    """The public rule, as somebody without our code would write it down."""
    lots = list[tuple[str, str]]()
    for arbiter in among:
        said = {
            "arbiter": arbiter, "dispute": dispute,
            "nonces": {"claimant": nonces.claimant, "respondent": nonces.respondent}, "round": number, "seed": seed,
        } | (more or {})  # fmt: skip
        line = json.dumps(said, separators=(",", ":"), sort_keys=True).encode()
        lots.append((hashlib.sha256(b"yaosu arbiter draw v1\n" + line).hexdigest(), arbiter))
    return [arbiter for _, arbiter in sorted(lots)]


@given(st.binary(min_size=32, max_size=32), st.sampled_from([1, 2]), st.text("0123456789abcdef", max_size=64))
def test_whoever_knows_the_rule_draws_the_same(seed: bytes, number: int, nonce: str):
    told, dispute_id, nonces = seed.hex(), DisputeId.new(), Nonces(nonce, "aa")
    order = drawn(told, commitment(told), dispute_id, number, nonces, ARBITERS)
    assert list(order) == by_hand(told, dispute_id, number, nonces, ARBITERS)
    assert sorted(order) == list(ARBITERS)


def test_another_number_of_either_side_is_another_draw():
    dispute_id = DisputeId(f"dispute_{1:032x}")

    def first(nonces: Nonces, number: int = 1) -> tuple[UserId, ...]:
        return drawn(SEED, commitment(SEED), dispute_id, number, nonces, ARBITERS)

    draws = {first(Nonces(mine, theirs), number) for mine in "ab" for theirs in "ab" for number in (1, 2)}
    assert len(draws) == 8


@given(st.binary(min_size=32, max_size=32), st.text("0123456789abcdef", min_size=1, max_size=64))
def test_where_a_side_said_nothing_a_checkpoint_takes_part_in_its_place(seed: bytes, beacon: str):
    told, dispute_id, nonces = seed.hex(), DisputeId.new(), Nonces("aa")
    order = drawn(told, commitment(told), dispute_id, 1, nonces, ARBITERS, beacon)
    assert list(order) == by_hand(told, dispute_id, 1, nonces, ARBITERS, {"beacon": beacon})


@pytest.mark.parametrize("claimant, respondent, one_sided", [
    ("aa", "bb", False), ("aa", "", True), ("", "bb", True), ("", "", True),
])  # fmt: skip
def test_a_number_is_missing_if_either_side_said_none(claimant: str, respondent: str, one_sided: bool):
    assert Nonces(claimant, respondent).is_one_sided is one_sided


def test_a_seed_that_was_not_committed_to_draws_nobody():
    with pytest.raises(SeedNotCommitted) as refused:
        drawn("22" * 32, commitment(SEED), DisputeId.new(), 1, Nonces(), ARBITERS)
    assert refused.value.facts == {"commitment": commitment(SEED)}
    assert commitment(SEED) == hashlib.sha256(b"yaosu arbiter draw v1\n" + bytes.fromhex(SEED)).hexdigest()


def test_whoever_is_tied_retired_or_barred_is_in_no_draw():
    party, other = ParticipantId.new(), ParticipantId.new()
    free, tied = Arbiter(ARBITERS[2], (other,), NOON), Arbiter(ARBITERS[0], (other, party), NOON)
    retired, barred = arbiter_draw.retire(Arbiter(ARBITERS[1], (), NOON)), Arbiter(ARBITERS[3], (), NOON)
    last = Arbiter(ARBITERS[4], (), NOON)
    assert eligible([last, free, tied, retired, barred], [party], [ARBITERS[3]]) == (ARBITERS[2], ARBITERS[4])
    assert (retired.state, retired.revision, free.state) == (RETIRED, 2, ACTIVE)
    with pytest.raises(IllegalMove):
        arbiter_draw.retire(retired)


# --- fees


@pytest.mark.parametrize("disputed, each", [(1, 1_000), (100_000, 1_000), (100_050, 1_000), (100_051, 1_001),
                                            (10_000_000, 100_000)])  # fmt: skip
def test_golden_fees(disputed: int, each: int):
    """1 %, and 10 yuan at least; the odd half stays with who pays."""
    assert fee(RULES, Money(disputed)) == Money(each)


@pytest.mark.parametrize("claimant, fees", [(5_000, (2_000, 2_000)), (5_001, (1_000, 2_000)), (0, (2_000, 1_000))])
def test_whoever_did_not_win_pays_twice_to_go_on(claimant: int, fees: tuple[int, int]):
    ruling = rules.combined(a_panel(votes=(a_vote(ARBITERS[0], claimant),)), NOON)
    assert tuple(appeal_fee(RULES, Money(50_000), ruling, side).minor for side in Side) == fees


def a_hold(side: Side, minor: int) -> FeeHold:
    return FeeHold(TransferId.new(), DisputeId.new(), 1, side, ParticipantId.new(), Money(minor))


@given(st.integers(1, 10**12), points)
def test_two_equal_holds_are_charged_one_fee_together(minor: int, claimant: int):
    fees = Split(claimant, 10_000 - claimant)
    assert sum(charged(a_hold(side, minor), fees).minor for side in Side) == minor
    assert [charged(a_hold(side, minor), None).minor for side in Side] == [0, 0]


def test_golden_charges():
    assert [charged(a_hold(side, 1_001), Split(2_500, 7_500)).minor for side in Side] == [250, 751]


def test_each_step_has_its_length_and_standard_rules_count_in_working_days():
    lengths = [STANDARD.dispute.length(step) for step in Step]
    assert (STANDARD.dispute.unit, lengths) == ("working_days", [3, 5, 5, 10, 5, 3])
    assert DEMO.dispute.unit == "seconds" and all(DEMO.dispute.length(step) <= 120 for step in Step)
