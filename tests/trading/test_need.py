"""What a need promises, how a field is found by its name, and how listings are ranked for it, with reasons."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import matching
from services.trading.rules import need as rules
from services.trading.rules.inquiry_terms import BudgetIsNone, Invitee
from services.trading.rules.listing import Listing
from services.trading.rules.matching import Find, Match, TooFewMatches, Wish, invited_by, rank
from services.trading.rules.mechanism import Pricing
from services.trading.rules.need import (
    CLOSED,
    EXPIRED,
    INQUIRED,
    NEED,
    OPEN,
    BadValidity,
    Need,
    NeedNotOpen,
    NothingWanted,
    Wanted,
)
from services.trading.rules.right import RightKind
from services.trading.rules.traits import SYNONYMS, Traits, found, words
from shared.grades import G2, G3, G4, Mode
from shared.ids import InquiryId, ListingId, NeedId, ParticipantId
from shared.lifecycle import IllegalMove
from shared.money import Money
from tests.trading.made import MICROSECOND, NOON, a_listing

UNTIL = NOON + timedelta(days=30)


def a_wish(**changes: Any) -> Wanted:
    made = Wanted(
        "机场", "全国机场", "route_planning", Mode.RAW, G3, ("经度", "passenger count"), ("transport",), territory=None,
        rows_min=None, update_days_max=None, budget=None, budget_is_open=False,
    )  # fmt: skip
    return replace(made, **changes)


def a_need(**changes: Any) -> Need:
    return replace(rules.publish(NeedId.new(), ParticipantId.new(), a_wish(), UNTIL, NOON), **changes)


def offered(number: int = 1, **changes: Any) -> Listing:
    made = a_listing(RightKind.UNLIMITED, Pricing.INQUIRY)
    return replace(made, id=ListingId(f"listing_{number:032x}"), **changes)


TRAITS = Traits("transport", 5_000, "daily", ("airport_name", "Longitude", "PassengerCount"))


def test_a_need_ends_by_becoming_an_inquiry_by_its_buyer_or_by_its_time():
    need, inquiry_id = a_need(), InquiryId.new()
    assert (need.state, need.deadline, need.next_actor) == (OPEN, UNTIL, "buyer")
    asked = rules.become_inquiry(need, inquiry_id, NOON)
    assert (asked.state, asked.reason_code, asked.inquiry_id) == (INQUIRED, "became_inquiry", inquiry_id)
    closed = rules.close(need, NOON)
    assert (closed.state, closed.reason_code, closed.inquiry_id) == (CLOSED, "by_buyer", None)
    expired = rules.expire(need)
    assert (expired.state, expired.reason_code) == (EXPIRED, "expired")
    for ended in (asked, closed, expired):
        assert (ended.deadline, ended.next_actor, ended.revision) == (None, None, 2)
        assert NEED.moves[ended.state] == set()
        with pytest.raises(NeedNotOpen) as refused:
            rules.require_open(ended, NOON)
        assert refused.value.facts == {"state": ended.state, "reason_code": ended.reason_code}
        with pytest.raises(IllegalMove):
            rules.expire(ended)
        assert not rules.is_due(ended, UNTIL)


def test_the_states_of_a_need_are_told_by_these_words():
    assert [*rules.State] == [OPEN, INQUIRED, CLOSED, EXPIRED] == ["open", "inquired", "closed", "expired"]


def test_a_need_is_open_until_its_time_and_not_at_it():
    need = a_need()
    rules.require_open(need, UNTIL - MICROSECOND)
    assert not rules.is_due(need, UNTIL - MICROSECOND)
    assert rules.is_due(need, UNTIL)
    for act in (rules.require_open, rules.close, lambda it, now: rules.become_inquiry(it, InquiryId.new(), now)):  # pyright: ignore
        with pytest.raises(NeedNotOpen) as refused:
            act(need, UNTIL)
        assert refused.value.facts == {"state": OPEN, "reason_code": "expired"}


@pytest.mark.parametrize("valid_for, fits", [
    (timedelta(0), False), (MICROSECOND, True), (timedelta(days=180), True), (timedelta(days=180) + MICROSECOND, False),
])  # fmt: skip
def test_a_need_is_valid_for_half_a_year_at_most(valid_for: timedelta, fits: bool):
    if fits:
        assert rules.publish(NeedId.new(), ParticipantId.new(), a_wish(), NOON + valid_for, NOON).state is OPEN
    else:
        with pytest.raises(BadValidity) as refused:
            rules.publish(NeedId.new(), ParticipantId.new(), a_wish(), NOON + valid_for, NOON)
        assert refused.value.facts == {"days_max": 180}


def test_a_need_names_a_field_or_a_theme_and_an_open_budget():
    for wanted, refused in ((a_wish(fields=(), themes=()), NothingWanted), (a_wish(budget_is_open=True), BudgetIsNone)):
        with pytest.raises(refused):
            rules.publish(NeedId.new(), ParticipantId.new(), wanted, UNTIL, NOON)
    for wanted in (a_wish(fields=()), a_wish(themes=()), a_wish(budget_is_open=True, budget=Money(1))):
        assert rules.publish(NeedId.new(), ParticipantId.new(), wanted, UNTIL, NOON).wanted == wanted


@pytest.mark.parametrize("name, read_as", [
    ("PassengerCount", {"passenger", "number"}),
    ("passenger_qty2024", {"passenger", "number", "2024"}),
    ("ＩＤ", {"id"}),
    ("address", {"address"}),
    ("class", {"category"}),
    ("gas", {"gas"}),
    ("prices", {"price"}),
    ("手机号码", {"phone"}),
    ("企业名称", {"company", "name"}),
    ("旅客数量", {"旅客", "number"}),
    ("数量合计", {"number", "合计"}),
    ("lon/lat", {"longitude", "latitude"}),
    ("Ünïcode_name", {"ünïcode", "name"}),
    ("!?", set[str]()),
])  # fmt: skip
def test_a_name_is_read_by_its_words(name: str, read_as: set[str]):
    assert words(name) == read_as


def test_each_synonym_stands_for_one_word():
    everything = [word for group in SYNONYMS for word in group]
    assert len(everything) == len(set(everything))
    assert all(words(word) == {group[0]} for group in SYNONYMS for word in group)


@pytest.mark.parametrize("wanted, fields, field", [
    ("longitude", ("lat", "lng"), "lng"),
    ("经度", ("airport_longitude", "Lon"), "Lon"),  # the fewest words beside
    ("passenger count", ("count", "passenger", "旅客"), None),
    ("count passenger", ("x", "passenger_qty_total"), "passenger_qty_total"),
    ("name", ("airport name", "city_name"), "airport name"),  # the earlier
    ("!", ("!",), None),
    ("name", (), None),
])  # fmt: skip
def test_a_wanted_field_is_found_by_all_of_its_words(wanted: str, fields: Sequence[str], field: str | None):
    assert found(wanted, fields) == field


@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=5))
def test_what_is_found_has_every_word_that_was_asked_for(wanted: str, fields: list[str]):
    field = found(wanted, fields)
    if field is not None:
        assert field in fields and words(wanted) and words(wanted) <= words(field)
    else:
        assert not words(wanted) or all(not words(wanted) <= words(each) for each in fields)


@given(st.text(min_size=1, max_size=20))
def test_a_field_is_found_under_its_own_name(name: str):
    assert found(name, (name,)) == (name if words(name) else None)


def grounds(wanted: Wanted, traits: Traits = TRAITS, **changes: Any) -> dict[Wish, tuple[int, int]]:
    [match] = rank(wanted, [(offered(**changes), traits)])
    return {ground.wish: (ground.points, ground.points_max) for ground in match.grounds}


def test_each_wish_gives_its_points_and_only_what_is_wished_counts():
    everything = a_wish(fields=("经度", "speed"), territory="CN-31", rows_min=10_000, update_days_max=1)
    [match] = rank(everything, [(offered(), TRAITS)])
    assert [(each.wish, each.points, each.points_max) for each in match.grounds] == [
        ("fields", 250, 500), ("theme", 150, 150), ("freshness", 150, 150), ("rows", 50, 100), ("territory", 100, 100),
    ]  # fmt: skip
    assert match.score == 700 * 10_000 // 1_000
    assert match.grounds[0].finds == (Find("经度", "Longitude"), Find("speed", None))
    assert match.grounds[0].words == "字段 1/2 · 1 of 2 fields"
    [plain] = rank(a_wish(), [(offered(), TRAITS)])
    assert (plain.score, [each.wish for each in plain.grounds]) == (10_000, ["fields", "theme"])


@pytest.mark.parametrize("wish, traits, points", [
    (Wish.THEME,     {"theme": "transport"},     150),
    (Wish.THEME,     {"theme": "health"},          0),
    (Wish.THEME,     {"theme": None},              0),
    (Wish.FRESHNESS, {"update_cycle": "weekly"}, 150),
    (Wish.FRESHNESS, {"update_cycle": "monthly"},  0),
    (Wish.FRESHNESS, {"update_cycle": "never"},    0),
    (Wish.FRESHNESS, {"update_cycle": None},       0),
    (Wish.ROWS,      {"rows": 3},                100),
    (Wish.ROWS,      {"rows": 2},                 66),
    (Wish.ROWS,      {"rows": 4},                100),
    (Wish.ROWS,      {"rows": 0},                  0),
    (Wish.ROWS,      {"rows": None},               0),
])  # fmt: skip
def test_a_wish_is_met_by_what_is_known_of_the_version(wish: Wish, traits: dict[str, Any], points: int):
    wanted = a_wish(rows_min=3, update_days_max=7)
    assert grounds(wanted, replace(TRAITS, **traits))[wish][0] == points


@pytest.mark.parametrize("cycle, days", [
    ("real_time", 0), ("daily", 1), ("weekly", 7), ("monthly", 31), ("quarterly", 92), ("yearly", 366),
])  # fmt: skip
def test_a_cycle_is_as_fresh_as_its_days(cycle: str, days: int):
    traits = replace(TRAITS, update_cycle=cycle)
    assert grounds(a_wish(update_days_max=days), traits)[Wish.FRESHNESS] == (150, 150)
    if days:
        assert grounds(a_wish(update_days_max=days - 1), traits)[Wish.FRESHNESS] == (0, 150)


@pytest.mark.parametrize("territory, points", [("CN", 100), ("CN-31", 100), ("SG", 0)])
def test_a_grant_for_a_country_is_one_for_its_parts(territory: str, points: int):
    assert grounds(a_wish(territory=territory))[Wish.TERRITORY] == (points, 100)
    part = replace(offered().right, territory="CN-31")
    assert grounds(a_wish(territory="CN"), right=part)[Wish.TERRITORY] == (0, 100)


def test_no_name_of_a_field_is_told_that_the_catalogue_would_not_show():
    hidden = offered(grade=G4, mode=Mode.COMPUTE)
    [match] = rank(a_wish(mode=Mode.COMPUTE, grade_ceiling=G4), [(hidden, TRAITS)])
    assert (match.grounds[0].points, match.grounds[0].points_max, match.grounds[0].finds) == (0, 500, ())
    assert match.score == 150 * 10_000 // 650
    assert grounds(a_wish(), grade=G3)[Wish.FIELDS] == (500, 500)


@pytest.mark.parametrize("changes", [
    {"mode": Mode.API}, {"grade": G4}, {"purposes": ("research",)},
], ids=str)  # fmt: skip
def test_what_a_need_must_be_kept_to_is_no_matter_of_points(changes: dict[str, Any]):
    assert rank(a_wish(), [(offered(**changes), TRAITS)]) == []
    assert rank(a_wish(), [(offered(grade=G3, purposes=("research", "route_planning")), TRAITS)]) != []
    assert rank(a_wish(), [(offered(grade=G2), TRAITS)]) != []


def test_what_meets_no_wish_is_no_match():
    assert rank(a_wish(), [(offered(), Traits())]) == []


def test_the_best_come_first_and_equals_by_their_ids():
    half = replace(TRAITS, fields=("lon",))
    listings = [(offered(3), TRAITS), (offered(1), half), (offered(2), TRAITS), (offered(4), half)]
    rankings = {tuple(match.listing.id[-1] for match in rank(a_wish(), order)) for order in permutations(listings)}
    assert rankings == {("2", "3", "1", "4")}


def test_a_page_goes_on_where_the_last_one_ended():
    half = replace(TRAITS, fields=("lon",))
    matches = rank(a_wish(), [(offered(3), TRAITS), (offered(1), half), (offered(2), TRAITS), (offered(4), half)])
    assert matching.after(matches, None) == matches
    for number, match in enumerate(matches):
        assert matching.after(matches, (match.score, match.listing.id)) == matches[number + 1 :]
    assert matching.after(matches, (10_001, matches[0].listing.id)) == matches


PROVIDERS = [ParticipantId(f"participant_{number:032x}") for number in range(5)]
BUYER = Invitee(ParticipantId(f"participant_{9:032x}"), False, frozenset())


def of_providers(*numbers: int) -> list[Match]:
    return [
        Match(offered(place, provider_id=PROVIDERS[number]), 10_000 - place, ())
        for place, number in enumerate(numbers)
    ]  # fmt: skip


def known(**changes: Any) -> dict[ParticipantId, Invitee]:
    """All five, the last of them with what a test says of it."""
    made = {each: Invitee(each, True, frozenset()) for each in PROVIDERS}
    return made | {PROVIDERS[4]: replace(made[PROVIDERS[4]], **changes)}


@pytest.mark.parametrize("numbers, changes, most, chosen", [
    ((0, 1, 2), {}, 10, [0, 1, 2]),
    ((2, 2, 0, 1, 0, 3), {}, 10, [2, 0, 1, 3]),
    ((0, 1, 2, 3), {}, 3, [0, 1, 2]),
    ((4, 0, 1, 2), {"is_provider": False}, 3, [0, 1, 2]),
    ((4, 0, 1, 2), {"affiliates": frozenset({BUYER.participant_id})}, 3, [0, 1, 2]),
    ((0, 4, 1, 2), {"affiliates": frozenset({PROVIDERS[0]})}, 3, [0, 1, 2]),
    ((4, 0, 1, 2), {"affiliates": frozenset({PROVIDERS[0]})}, 3, [4, 1, 2]),
], ids=[str(number) for number in range(7)])  # fmt: skip
def test_the_providers_of_the_best_are_invited_each_once_and_strangers(
    numbers: tuple[int, ...], changes: dict[str, Any], most: int, chosen: list[int]
):  # fmt: skip
    invited = invited_by(of_providers(*numbers), BUYER, known(**changes), most)
    assert [each.participant_id for each in invited] == [PROVIDERS[number] for number in chosen]


def test_fewer_than_three_providers_are_no_competition():
    with pytest.raises(TooFewMatches) as refused:
        invited_by(of_providers(0, 1, 0, 1), BUYER, known(), 10)
    assert refused.value.facts == {"providers": 2, "providers_min": 3}
