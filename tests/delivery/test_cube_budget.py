"""What is spent of privacy from G4 on, on both databases: drawn once, paid for by each group, never overspent."""

import asyncio
import itertools
import sys
from statistics import fmean
from typing import Any

import pytest

from services.delivery.actions import noise
from services.delivery.rules.cube import Declaration, Dimension, Measure
from services.delivery.rules.cube_query import CUBE_EPSILON_MICRO_MAX, GROUP_EPSILON_MICRO_MAX, Family
from services.delivery.store import cubes as store
from shared.errors import Unavailable
from shared.grades import G4, Mode
from shared.ids import EntitlementId, VersionId
from tests.delivery.desk import ONE_DATABASE, Desk
from tests.delivery.test_cubes import AVERAGE, COUNT, SUM, ask, cubed, keys, table
from tests.support.bench import AffiliationDeclared, Person

WHOLE = 1_000_000  # one epsilon for each draw: four for a group of organisations, eight for all
GROUPINGS: list[list[str]] = [[], ["region"], ["age"], ["region", "age"]]


async def noisy(desk: Desk, **changes: Any) -> tuple[Person, EntitlementId, VersionId]:
    buyer, entitlement_id, version_id, _ = await cubed(
        desk, table(factor=4), G4, **({"epsilon_micro": WHOLE} | changes)
    )
    return buyer, entitlement_id, version_id


async def another(desk: Desk, version_id: VersionId, **changes: Any) -> tuple[Person, EntitlementId]:
    buyer = await desk.bench.member("buyer", **changes)
    return buyer, await desk.grant(buyer, version_id, Mode.COMPUTE)


async def spent(desk: Desk, version_id: VersionId) -> int:
    async with desk.depot.database.read() as tx:
        cube = await store.standing_cube(tx, version_id)
    assert cube
    return cube.spent_micro


async def test_noise_is_drawn_once_for_everyone_and_paid_for_by_each(desk: Desk):
    buyer, entitlement_id, version_id = await noisy(desk)
    first = (await ask(desk, buyer, entitlement_id, ["region"], [SUM])).json()
    assert first["level"] == "noisy" and first["certificate"]["contributors_min"] == 20
    assert (first["certificate"]["epsilon_micro"], first["certificate"]["noise_scales"]) == (WHOLE, [1_000])
    again = (await ask(desk, buyer, entitlement_id, ["region"], [SUM])).json()
    other, granted = await another(desk, version_id)
    theirs = (await ask(desk, other, granted, ["region"], [SUM])).json()
    assert first["groups"] == again["groups"] == theirs["groups"]
    charged = [one["epsilon_micro_charged"] for one in (first, again, theirs)]
    assert charged == [WHOLE, 0, WHOLE] and await spent(desk, version_id) == WHOLE


async def test_an_average_filters_and_sums_of_the_same_family_cost_no_more(desk: Desk):
    buyer, entitlement_id, version_id = await noisy(desk)
    both = (await ask(desk, buyer, entitlement_id, ["region"], [AVERAGE])).json()
    assert both["epsilon_micro_charged"] == 2 * WHOLE
    filters = [{"column": "region", "values": ["north"]}]
    part = (await ask(desk, buyer, entitlement_id, ["region"], [COUNT, AVERAGE, SUM], filters=filters)).json()
    assert part["epsilon_micro_charged"] == 0 and await spent(desk, version_id) == 2 * WHOLE
    [north] = [group["numbers"] for group in both["groups"] if group["key"] == ["north"]]
    assert part["groups"][0]["numbers"][2] == north[0]


async def test_affiliates_are_one_group_whose_budget_is_one(desk: Desk):
    buyer, entitlement_id, version_id = await noisy(desk)
    sister, granted = await another(desk, version_id, affiliate_of=buyer)
    cousin, lent = await another(desk, version_id, affiliate_of=sister)
    for grouping in GROUPINGS[:2]:
        await ask(desk, buyer, entitlement_id, grouping, [COUNT, SUM])
    assert (await ask(desk, cousin, lent, ["region"], [COUNT])).json()["epsilon_micro_charged"] == 0
    beyond = await ask(desk, sister, granted, ["age"], [COUNT])
    assert (beyond.status_code, beyond.json()["code"]) == (403, "privacy")
    [fact] = await desk.facts("cube_refused")
    assert fact["reason_code"] == "group_budget_spent" and fact["entitlement_id"] == granted
    stranger, own = await another(desk, version_id)
    assert (await ask(desk, stranger, own, ["age"], [COUNT])).status_code == 200


@ONE_DATABASE
async def test_affiliates_that_become_so_later_have_spent_together(desk: Desk):
    buyer, entitlement_id, version_id = await noisy(desk)
    sister, granted = await another(desk, version_id)
    await ask(desk, buyer, entitlement_id, [], [COUNT, SUM])
    await ask(desk, sister, granted, ["region"], [COUNT, SUM])
    await desk.bench.member("buyer", affiliate_of=buyer)  # somebody else, which changes nothing
    assert (await ask(desk, sister, granted, ["age"], [COUNT])).status_code == 200
    assert buyer.participant_id and sister.participant_id
    await desk.bench.announce(AffiliationDeclared(buyer.participant_id, sister.participant_id))
    assert (await ask(desk, buyer, entitlement_id, ["age"], [SUM])).json()["code"] == "privacy"


@ONE_DATABASE
async def test_every_reason_of_privacy_looks_the_same_and_is_charged_no_use(desk: Desk):
    buyer, entitlement_id, version_id = await noisy(desk)
    for grouping in GROUPINGS[:2]:
        await ask(desk, buyer, entitlement_id, grouping, [COUNT, SUM])
    other, granted = await another(desk, version_id)
    for grouping in GROUPINGS[2:]:
        await ask(desk, other, granted, grouping, [COUNT, SUM])
    used = len(desk.counter.used)
    few = [{"column": "region", "values": ["absent"]}]
    answers = [
        await ask(desk, buyer, entitlement_id, ["age"], [COUNT]),
        await ask(desk, other, granted, ["region"], [COUNT], filters=few),
    ]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert bodies[0] == bodies[1] and [answer.status_code for answer in answers] == [403, 403]
    assert len(desk.counter.used) == used
    assert [fact["reason_code"] for fact in await desk.facts("cube_refused")] == [
        "group_budget_spent", "nothing_released",
    ]  # fmt: skip


async def test_the_cube_itself_is_spent_by_all_together(desk: Desk):
    measures = [{"column": "spent", "low": 0, "high": 1000}]
    buyer, entitlement_id, version_id = await noisy(
        desk, measures=measures, groupings=[["region"], ["age"], ["region", "age"]]
    )
    people = [(buyer, entitlement_id), *[await another(desk, version_id) for _ in range(2)]]
    for (person, granted), grouping in zip(people[:2], (GROUPINGS[:2], GROUPINGS[2:]), strict=True):
        for one in grouping:
            assert (await ask(desk, person, granted, one, [COUNT, SUM])).status_code == 200
    assert await spent(desk, version_id) == CUBE_EPSILON_MICRO_MAX
    person, granted = people[2]
    assert (await ask(desk, person, granted, ["age"], [COUNT])).status_code == 200  # drawn already, by another


async def test_fifty_at_once_never_overspend(desk: Desk):
    buyer, entitlement_id, version_id = await noisy(
        desk, dimensions=[{"column": "region"}, {"column": "age", "generalisation": "bands", "starts": [18, 65]},
                          {"column": "half"}],
        groupings=[["region"], ["age"], ["half"], ["region", "age"], ["age", "half"]],
    )  # fmt: skip
    people = [(buyer, entitlement_id), *[await another(desk, version_id) for _ in range(4)]]
    wanted = itertools.product([[], ["region"], ["age"], ["half"], ["age", "half"]], [COUNT, SUM])
    asked = [(*person, grouping, measure) for (grouping, measure), person in itertools.product(wanted, people)]
    answers = await asyncio.gather(*(ask(desk, one, held, group, [part]) for one, held, group, part in asked))
    assert len(answers) == 50 and {answer.status_code for answer in answers} <= {200, 403, 503}
    told = [(answer.json(), one) for answer, one in zip(answers, asked, strict=True) if answer.status_code == 200]
    assert len(told) >= 8 and await spent(desk, version_id) <= CUBE_EPSILON_MICRO_MAX
    charged, numbers = dict[str, int](), dict[str, Any]()
    for fact in await desk.facts("cube_answered"):
        amount = fact["epsilon_micro_charged"]
        assert isinstance(amount, int)
        charged[str(fact["buyer_id"])] = charged.get(str(fact["buyer_id"]), 0) + amount
    assert max(charged.values()) <= GROUP_EPSILON_MICRO_MAX
    for answer, (_, _, grouping, measure) in told:
        question = f"{grouping}{measure}"
        assert numbers.setdefault(question, answer["groups"]) == answer["groups"]
    assert len(numbers) * WHOLE == await spent(desk, version_id)


@ONE_DATABASE
async def test_a_use_that_is_not_confirmed_spends_nothing_and_is_charged_once(desk: Desk):
    buyer, entitlement_id, version_id = await noisy(desk)
    desk.counter.failure = Unavailable(service="trading")
    answer = await ask(desk, buyer, entitlement_id)
    assert (answer.status_code, answer.json()["code"]) == (503, "use_unconfirmed")
    assert await spent(desk, version_id) == 0 and not await desk.facts("cube_answered")
    desk.counter.failure = None
    assert (await ask(desk, buyer, entitlement_id)).status_code == 200
    assert [use for _, use, _ in desk.counter.used] == [answer.json()["use_id"]]


@ONE_DATABASE
async def test_without_the_package_no_noise_and_no_answer_but_the_way_out(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    buyer, entitlement_id, version_id = await noisy(desk)
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    answer = await ask(desk, buyer, entitlement_id, ["region"])
    assert (answer.status_code, answer.json()["code"]) == (503, "noise_unavailable")
    assert "extra `noise`" in answer.json()["detail"] and answer.headers["Retry-After"] == "3600"
    assert not desk.counter.used and await spent(desk, version_id) == 0
    monkeypatch.undo()
    assert keys(await ask(desk, buyer, entitlement_id, ["region"])) == ["east", "north", "south"]


async def test_noise_is_as_wide_as_declared_and_leans_to_neither_side():
    declared = Declaration("p", (Dimension("d"),), (Measure("m", 0, 100),), (), 1, 500_000)
    draw = await noise.drawn(declared, Family(0, 1), [7_000] * 4_000)
    off = [number - 7_000 for number in draw.numbers]
    assert draw.scale == 200 and abs(fmean(off)) < 40
    assert 170 < fmean(abs(one) for one in off) < 230
