"""What an agent may do for its principal: each limit by itself, and at its edge."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.delegation import Act, Limits, OutsideDelegation
from shared.grades import C1, C2, C3, Clearance
from shared.ids import AssetId, ListingId, ParticipantId
from shared.money import Money
from shared.standing import Standing

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)
END = NOON + timedelta(days=1)
ASSET, LISTING = AssetId.new(), ListingId.new()
BIDS = Limits(frozenset({Act.PLACE_BIDS}), NOON, END)


@pytest.mark.parametrize("limits, act, now, amount, passed", [
    (BIDS,                                              Act.PLACE_BIDS, NOON,            1,   None),
    (BIDS,                                              Act.LIST,       NOON,            1,   "acts"),
    (BIDS,                                              Act.PLACE_BIDS, NOON - A_MOMENT, 1,   "period"),
    (BIDS,                                              Act.PLACE_BIDS, END - A_MOMENT,  1,   None),
    (BIDS,                                              Act.PLACE_BIDS, END,             1,   "period"),
    (replace(BIDS, asset_ids=frozenset({ASSET})),       Act.PLACE_BIDS, NOON,            1,   None),
    (replace(BIDS, asset_ids=frozenset({AssetId.new()})), Act.PLACE_BIDS, NOON,          1,   "asset_ids"),
    (replace(BIDS, asset_ids=frozenset()),              Act.PLACE_BIDS, NOON,            1,   "asset_ids"),
    (replace(BIDS, listing_ids=frozenset({LISTING})),   Act.PLACE_BIDS, NOON,            1,   None),
    (replace(BIDS, listing_ids=frozenset({ListingId.new()})), Act.PLACE_BIDS, NOON,      1,   "listing_ids"),
    (replace(BIDS, amount_max=Money(100)),              Act.PLACE_BIDS, NOON,            100, None),
    (replace(BIDS, amount_max=Money(100)),              Act.PLACE_BIDS, NOON,            101, "amount_max"),
    (replace(BIDS, amount_max=Money(100, "USD")),       Act.PLACE_BIDS, NOON,            1,   "amount_max"),
], ids=range(13))  # fmt: skip
def test_each_limit_holds_by_itself(limits: Limits, act: Act, now: datetime, amount: int, passed: str | None):
    if passed is None:
        limits.require(act, now, ASSET, LISTING, Money(amount))
        return
    with pytest.raises(OutsideDelegation) as refused:
        limits.require(act, now, ASSET, LISTING, Money(amount))
    assert refused.value.facts["limit"] == passed


def test_a_new_listing_is_none_of_those_that_are_named():
    lists = Limits(frozenset({Act.LIST}), NOON, END, listing_ids=frozenset({LISTING}))
    with pytest.raises(OutsideDelegation) as refused:
        lists.require(Act.LIST, NOON, ASSET)
    assert refused.value.facts == {"limit": "listing_ids"}
    replace(lists, listing_ids=None, amount_max=Money(1)).require(Act.LIST, NOON, ASSET)  # names no amount


@pytest.mark.parametrize("act, now, holds", [
    (Act.PLACE_BIDS, NOON, True), (Act.PLACE_BIDS, NOON - A_MOMENT, False), (Act.PLACE_BIDS, END, False),
    (Act.LIST, NOON, False),
])  # fmt: skip
def test_what_is_in_force(act: Act, now: datetime, holds: bool):
    assert BIDS.in_force(act, now) is holds


ROLES = st.frozensets(st.sampled_from(("buyer", "provider")))
SOME = [ParticipantId.new() for _ in range(4)]


@st.composite
def standings(draw: st.DrawFn, own: ParticipantId) -> Standing:
    clearance = draw(st.sampled_from((None, C1, C2, C3)))
    return Standing(own, "admitted", draw(ROLES), clearance, draw(st.frozensets(st.sampled_from(SOME))))


@given(principal=standings(SOME[0]), agent=standings(SOME[1]), other=st.sampled_from(SOME))
def test_an_agent_has_what_both_have_and_is_kept_from_what_either_is(
    principal: Standing, agent: Standing, other: ParticipantId
):
    together = principal.represented_by(agent)
    assert together.participant_id == principal.participant_id
    assert together.roles == {role for role in principal.roles if role in agent.roles}
    wanted: list[Clearance] = [C1, C2, C3]

    def trusted(standing: Standing, clearance: Clearance) -> bool:
        return standing.clearance is not None and standing.clearance >= clearance

    for clearance in wanted:
        assert trusted(together, clearance) == (trusted(principal, clearance) and trusted(agent, clearance))
    assert together.is_related_to(other) == (principal.is_related_to(other) or agent.is_related_to(other))
