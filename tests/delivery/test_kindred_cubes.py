"""Cubes of several versions: what two of them tell, subtracted, and what they spend together."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.delivery.rules import cube as cube_rules
from services.delivery.rules import tabulation
from services.delivery.rules.cube import Cube, CubeTooSmall, Declaration, Dimension, Level, Measure
from services.delivery.rules.cube_query import GROUP_EPSILON_MICRO_MAX, Family, Privacy, Rule, charge
from services.delivery.rules.disclosure import Cell
from services.delivery.rules.kindred import KINDRED_MAX, DeclaredOtherwise, TooManyKindred, kindred, require_alike
from shared.grades import C3, G3, G4, Grade, Mode
from shared.ids import AssetId, CubeId, EntitlementId, ParticipantId, VersionId
from tests.delivery.desk import ONE_DATABASE, Desk
from tests.delivery.made_cubes import Record, indicator, rank, tabulated
from tests.delivery.made_files import csv_of
from tests.delivery.test_cube_budget import WHOLE
from tests.delivery.test_cubes import AVERAGE, COUNT, SUM, ask, declare
from tests.support.bench import Person

Row = list[str]
COLUMNS = ["person", "region", "age", "spent", "half"]


def rows(first: int, count: int, region: str, *, seed: int = 7) -> list[Row]:
    chance = random.Random(seed + first)
    return [
        [f"p{number}", region, str(chance.choice([17, 30, 70])), str(chance.randint(100, 900)), "ab"[number % 2]]
        for number in range(first, first + count)
    ]


LAST_MONTH = [*rows(0, 150, "north"), *rows(150, 150, "south"), *rows(300, 150, "east")]


async def next_version(
    desk: Desk, provider: Person, before: VersionId, content: Sequence[Row], grade: Grade = G3
) -> VersionId:
    """A version of the same asset."""
    version_id = await desk.stocked(provider, csv_of(COLUMNS, content), grade)
    desk.shelf.change(version_id, asset_id=desk.shelf.versions[before].asset_id)
    return version_id


async def first_version(
    desk: Desk, content: Sequence[Row] = LAST_MONTH, grade: Grade = G3, **changes: Any
) -> tuple[Person, VersionId]:
    provider = await desk.bench.member("provider")
    version_id = await desk.stocked(provider, csv_of(COLUMNS, content), grade)
    assert (await declare(desk, provider, version_id, **changes)).status_code == 201
    return provider, version_id


async def bought(desk: Desk, *versions: VersionId) -> tuple[Person, list[EntitlementId]]:
    buyer = await desk.bench.member("buyer", clearance=C3)
    return buyer, [await desk.grant(buyer, version_id, Mode.COMPUTE) for version_id in versions]


# fmt: off
OF_FEW = [
    [*LAST_MONTH, ["p999", "north", "30", "777", "a"]],     # one has come
    LAST_MONTH[1:],                                         # one has gone
    [[*LAST_MONTH[0][:3], "901", "a"], *LAST_MONTH[1:]],    # one has spent more
    [*LAST_MONTH[5:], *rows(600, 4, "south")],              # nine of both
]
# fmt: on


@ONE_DATABASE
async def test_a_version_that_differs_by_a_few_tells_nothing_beside_the_last(desk: Desk):
    provider, first = await first_version(desk)
    for changed in OF_FEW:
        answer = await declare(desk, provider, await next_version(desk, provider, first, changed))
        assert (answer.status_code, answer.json()["reason_code"]) == (422, "too_like_another_version")


@ONE_DATABASE
async def test_a_region_of_which_few_rows_changed_is_withheld_and_the_others_are_told(desk: Desk):
    provider, first = await first_version(desk)
    changed = [*LAST_MONTH, *rows(600, 60, "south"), *rows(700, 1, "north")]
    second = await next_version(desk, provider, first, changed)
    cube = await declare(desk, provider, second)
    assert cube.status_code == 201, cube.text
    buyer, (before, after) = await bought(desk, first, second)
    old, new = [await ask(desk, buyer, one, ["region"], [COUNT, SUM, AVERAGE]) for one in (before, after)]
    assert [group["key"] for group in old.json()["groups"]] == [["east"], ["north"], ["south"]]
    # The whole and the south have 60 more, so that the north's one more would follow if both were told.
    assert ["north"] not in [group["key"] for group in new.json()["groups"]] and new.json()["withheld"]
    [east] = [group for group in new.json()["groups"] if group["key"] == ["east"]]
    assert east in old.json()["groups"]


@ONE_DATABASE
async def test_versions_of_an_asset_and_equal_contents_are_declared_alike(desk: Desk):
    provider, first = await first_version(desk)
    twin = await desk.stocked(provider, csv_of(COLUMNS, LAST_MONTH), G3)  # of another asset
    later = await next_version(desk, provider, first, rows(1_000, 300, "west"))
    other = await desk.stocked(provider, csv_of(COLUMNS, rows(2_000, 300, "west")), G3)
    finer: dict[str, Any] = {
        "dimensions": [{"column": "region"}, {"column": "age", "generalisation": "bands", "starts": [18, 66]}]
    }
    refused = [await declare(desk, provider, version_id, **finer) for version_id in (twin, later)]
    assert [one.json()["code"] for one in refused] == ["declared_otherwise"] * 2
    assert [one.json()["version_id"] for one in refused] == [first] * 2
    assert (await declare(desk, provider, other, **finer)).status_code == 201
    alike = [await declare(desk, provider, version_id) for version_id in (twin, later)]
    assert [one.status_code for one in alike] == [201, 201]
    assert [one.json()["cells"] for one in alike] == [9, 3]


async def test_versions_spend_one_budget(desk: Desk):
    provider, first = await first_version(desk, grade=G4, epsilon_micro=WHOLE)
    second = await next_version(desk, provider, first, rows(1_000, 400, "west"), G4)
    assert (await declare(desk, provider, second, epsilon_micro=WHOLE)).status_code == 201
    for version_id in (first, second):
        [cube] = (await desk.bench.get(provider, f"/delivery/v1/versions/{version_id}/cubes")).json()["items"]
        path = f"/delivery/v1/cubes/{cube['id']}/approve"
        await desk.bench.post(await desk.officer(version_id), path, {"reason": "已核验"})
    buyer, granted = await bought(desk, first, second)
    answers = [await ask(desk, buyer, one, [], [COUNT, SUM]) for one in granted]
    assert [one.json()["epsilon_micro_charged"] for one in answers] == [2 * WHOLE, 2 * WHOLE]
    assert (await ask(desk, buyer, granted[1], ["region"], [COUNT])).json()["code"] == "privacy"
    [fact] = await desk.facts("cube_refused")
    assert fact["reason_code"] == "group_budget_spent"
    stranger, theirs = await bought(desk, first, second)
    for one in theirs:
        assert (await ask(desk, stranger, one, ["age"], [COUNT, SUM])).status_code == 200
    third, last = await bought(desk, first)
    assert (await ask(desk, third, last[0], ["region"], [COUNT])).json()["code"] == "privacy"
    assert (await desk.facts("cube_refused"))[-1]["reason_code"] == "cube_budget_spent"


PROVIDER, ASSETS = ParticipantId.new(), [AssetId.new() for _ in range(4)]
DECLARED = Declaration(
    "person", (Dimension("region"), Dimension("age")), (Measure("spent", 0, 1000),),
    (("region",), ("age",), ("region", "age")), 1, WHOLE,
)  # fmt: skip


@given(st.data())
@settings(max_examples=40)
def test_no_combination_of_both_releases_tells_of_few(data: st.DataObject):
    """The attacker has the groups of both versions as equations over cells of rows that one has, the other, or both."""
    key = st.tuples(st.sampled_from(["10", "11", "01"]), st.sampled_from("ab"), st.sampled_from("xy"))
    counts = data.draw(st.dictionaries(key, st.sampled_from([1, 4, 11, 14]), min_size=3, max_size=9))
    numbers = itertools.count()
    records = [
        Record(next(numbers), key, (300 + 7 * (one % 5),)) for key, count in counts.items() for one in range(count)
    ]
    cells = tabulated(records)
    first = [cell for cell in cells if cell.key[0][1] == tabulation.HAS]
    try:
        before = tabulation.released(DECLARED, merged(first))
        after = tabulation.released(DECLARED, cells, [before])
    except CubeTooSmall:
        return
    equations = [
        indicator([index for index, cell in enumerate(cells) if holds(cell, content, positions, group.key)], len(cells))
        for content, release in enumerate((after, before))
        for positions, groups in zip(DECLARED.planned, release[Level.GROUPED].groups, strict=True)
        for group in groups
    ]
    known = rank(equations)
    for size in (1, 2, 3):
        for few in itertools.combinations(range(len(cells)), size):
            if sum(cells[index].rows for index in few) < 10:
                units = [indicator([index], len(cells)) for index in few]
                assert known + len(units) == rank([*equations, *units]), [cells[index].key for index in few]


def a_cube(asset: int | None, content: str, *, day: int = 1, declared: Declaration = DECLARED) -> Cube:
    return cube_rules.declare(
        CubeId.new(), VersionId.new(), PROVIDER, content_hash=content, declaration=declared, grade=G3, cells=1,
        rows_left_out=0, now=datetime(2026, 11, day, tzinfo=UTC), asset_id=None if asset is None else ASSETS[asset],
    )  # fmt: skip


def test_kindred_are_versions_of_an_asset_and_equal_contents_and_theirs():
    later, first = a_cube(0, "a", day=2), a_cube(0, "b", day=1)
    twin_elsewhere, its_next = a_cube(1, "b", day=3), a_cube(1, "c", day=4)
    unknown, stranger = a_cube(None, "d"), a_cube(2, "e")
    standing = [its_next, later, unknown, twin_elsewhere, stranger, first]
    assert kindred(standing, VersionId.new(), ASSETS[0], "z") == [first, later, twin_elsewhere, its_next]
    assert kindred(standing, first.version_id, ASSETS[0], "b") == [later, twin_elsewhere, its_next]
    assert kindred(standing, VersionId.new(), None, "d") == [unknown]
    assert kindred(standing, VersionId.new(), None, "z") == []
    assert kindred(standing, VersionId.new(), ASSETS[3], "z") == []


def test_at_most_six_are_compared_and_all_are_declared_alike():
    digest, alike = cube_rules.digest_of(DECLARED), [a_cube(0, str(number)) for number in range(KINDRED_MAX + 1)]
    require_alike(digest, [])
    require_alike(digest, alike[:KINDRED_MAX])
    with pytest.raises(TooManyKindred) as refused:
        require_alike(digest, alike)
    assert refused.value.facts == {"cubes_max": 6}
    other = a_cube(0, "o", declared=replace(DECLARED, epsilon_micro=WHOLE // 2))
    with pytest.raises(DeclaredOtherwise) as differing:
        require_alike(digest, [*alike[:2], other])
    assert differing.value.facts == {"cube_id": other.id, "version_id": other.version_id}


def test_what_was_spent_on_kindred_counts_to_the_last_part_of_the_budget():
    family = Family(0, 0)
    assert charge(frozenset(), [family], 10, GROUP_EPSILON_MICRO_MAX - 10) == (family,)
    assert charge({"1.1"}, [family], 10, GROUP_EPSILON_MICRO_MAX - 20) == (family,)
    with pytest.raises(Privacy) as spent:
        charge(frozenset(), [family], 10, GROUP_EPSILON_MICRO_MAX - 9)
    assert spent.value.rule is Rule.GROUP_BUDGET


def holds(cell: Cell, content: int, positions: tuple[int, ...], key: tuple[str, ...]) -> bool:
    return cell.key[0][content] == tabulation.HAS and tuple(cell.key[1 + place] for place in positions) == key


def merged(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells of a content by itself, as they were when nothing was compared with it."""
    records = [
        Record(number, cell.key[1:], (amount,))
        for cell in cells for number, amount in cell.parts[1].largest.items()
    ]  # fmt: skip
    return tabulated(records)
