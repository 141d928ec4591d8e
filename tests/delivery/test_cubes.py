"""Cubes over HTTP: declared over real content, tabulated in DuckDB, asked by buyers, attacked by solving."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from services.delivery.inspector.messages import Answer, Job, QueryFailed, RunQuery
from services.delivery.rules.cube import APPROVED_WITHIN
from services.delivery.rules.query import QueryReason
from services.delivery.sandbox import Sandbox
from shared.grades import C1, C3, C5, G1, G3, G4, G5, Flag, Grade, Mode
from shared.ids import EntitlementId, VersionId
from tests.delivery.desk import ONE_DATABASE, Desk, suspend
from tests.delivery.desk import desk as desk_with
from tests.delivery.made_cubes import solved
from tests.delivery.made_files import csv_of
from tests.support.bench import Bench, Person

pytestmark = ONE_DATABASE  # both: test_cube_budget.py

REGIONS, AGES = ["north", "south", "east"], [17, 30, 70]
# So many persons in each region and age: two cells of few.
PERSONS = {("north", 17): 12, ("north", 30): 14, ("north", 70): 13, ("south", 17): 11, ("south", 30): 3,
           ("south", 70): 15, ("east", 17): 16, ("east", 30): 12, ("east", 70): 4}  # fmt: skip
DECLARED: dict[str, Any] = {
    "contributor": "person",
    "dimensions": [
        {"column": "region"},
        {"column": "age", "generalisation": "bands", "starts": [18, 65]},
    ],
    "measures": [{"column": "spent", "low": 0, "high": 1000}],
    "groupings": [["region"], ["age"], ["region", "age"]],
}
COUNT, SUM = {"function": "count"}, {"function": "sum", "column": "spent"}
AVERAGE = {"function": "average", "column": "spent"}


def table(persons: dict[tuple[str, int], int] = PERSONS, factor: int = 1) -> bytes:
    chance, number, rows = random.Random(7), itertools.count(), list[list[str]]()
    for (region, age), count in persons.items():
        for _ in range(count * factor):
            one = next(number)
            rows.append([f"p{one}", region, str(age), str(chance.randint(100, 900)), "ab"[one % 2]])
    chance.shuffle(rows)
    return csv_of(["person", "region", "age", "spent", "half"], rows)


async def declare(desk: Desk, provider: Person, version_id: VersionId, key: str | None = None, **changes: Any):
    return await desk.bench.post(provider, f"/delivery/v1/versions/{version_id}/cubes", DECLARED | changes, key)


async def ask(
    desk: Desk, buyer: Person, entitlement_id: EntitlementId, grouping: Sequence[str] = (),
    measures: Sequence[object] = (COUNT, SUM), key: str | None = None, **more: object,
) -> Any:  # fmt: skip
    body = {"grouping": list(grouping), "measures": list(measures)} | more
    return await desk.bench.post(buyer, f"/delivery/v1/entitlements/{entitlement_id}/cube-queries", body, key)


async def cubed(desk: Desk, content: bytes, grade: Grade = G3, *flags: Flag, clearance: Any = C3, **changes: Any):
    """A buyer with an entitlement to compute over a version with a cube; from G4 on, an approved one."""
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer", clearance=clearance)
    version_id = await desk.stocked(provider, content, grade, *flags)
    answer = await declare(desk, provider, version_id, **changes)
    assert answer.status_code == 201, answer.text
    if answer.json()["state"] == "awaiting_approval":
        path = f"/delivery/v1/cubes/{answer.json()['id']}/approve"
        await desk.bench.post(await desk.officer(version_id, min(grade, G5)), path, {"reason": "已核验"})
    return buyer, await desk.grant(buyer, version_id, Mode.COMPUTE), version_id, provider


def keys(answer: Any) -> list[str]:
    return ["/".join(group["key"]) for group in answer.json()["groups"]]


async def test_a_declared_cube_answers_in_rounded_numbers_with_a_certificate(desk: Desk):
    buyer, entitlement_id, version_id, _ = await cubed(desk, table())
    answer = await ask(desk, buyer, entitlement_id, ["region"], [AVERAGE, SUM, COUNT])
    told = answer.json()
    assert answer.status_code == 200 and keys(answer) == ["east", "north", "south"]
    assert [(one["function"], one["decimals"], one["rounded_to"]) for one in told["columns"]] == [
        ("count", 0, 5), ("sum", 0, 100), ("average", 2, 100),
    ]  # fmt: skip
    for count, total, average in (group["numbers"] for group in told["groups"]):
        assert count % 5 == total % 100 == average % 100 == 0 and abs(average / 100 - total / count) < 60
    assert told["withheld"] is False and told["level"] == "grouped"
    certificate = told["certificate"]
    assert certificate["content_hash"] == (await desk.facts("content_inspected"))[0]["content_hash"]
    assert (certificate["contributors_min"], certificate["epsilon_micro"], certificate["noise_scales"]) == (10, 0, [])
    [fact] = await desk.facts("cube_answered")
    assert fact["certificate"] == certificate and fact["version_id"] == version_id
    decision = fact["decision"]
    assert isinstance(decision, dict) and decision["allowed"]


async def test_whatever_is_asked_and_solved_the_few_stay_hidden(desk: Desk):
    """Every grouping, with every filter that leaves one value out, by two buyers who put their answers together."""
    one, first, version_id, _ = await cubed(desk, table())
    other = await desk.bench.member("buyer")
    second = await desk.grant(other, version_id, Mode.COMPUTE)
    cells = list(itertools.product(["<18", "18 to <65", ">=65"], REGIONS))
    told = list[tuple[list[int], int]]()
    for grouping in ([], ["region"], ["age"], ["region", "age"]):
        for buyer, entitlement_id in ((one, first), (other, second)):
            answer = await ask(desk, buyer, entitlement_id, grouping, [COUNT])
            for group in answer.json()["groups"]:
                kept = [all(value in cell for value in group["key"]) for cell in cells]
                told.append((list(map(int, kept)), group["numbers"][0]))
    assert len(told) == 2 * (1 + 3 + 3 + len(keys(answer)))
    few = [("18 to <65", "south"), (">=65", "east")]
    for cell in few:
        assert solved(told, [int(one == cell) for one in cells]) is None
    assert "east/>=65" not in keys(answer) and "south/18 to <65" not in keys(answer)
    assert len(keys(answer)) >= 2  # not more: here a third would tell the difference of the two small ones
    for region in REGIONS:
        rest = [{"column": "region", "values": [one for one in REGIONS if one != region]}]
        narrowed = await ask(desk, one, first, ["region", "age"], [COUNT], filters=rest)
        assert keys(narrowed) == [key for key in keys(answer) if not key.startswith(region)]


async def test_questions_that_mean_the_same_are_one_and_charged_once(desk: Desk):
    buyer, entitlement_id, _, _ = await cubed(desk, table())
    filters = [{"column": "region", "values": ["south", "north", "south"]}]
    first = await ask(desk, buyer, entitlement_id, ["region", "age"], [COUNT, SUM], filters=filters)
    filters[0]["values"] = ["north", "south"]
    again = await ask(desk, buyer, entitlement_id, ["age", "region"], [SUM, COUNT, SUM], filters=filters)
    assert first.json() == again.json() and len(desk.counter.used) == 1


async def test_the_same_key_again_gets_the_same_answer(desk: Desk):
    buyer, entitlement_id, _, _ = await cubed(desk, table())
    first = await ask(desk, buyer, entitlement_id, key="the-same-key")
    assert (await ask(desk, buyer, entitlement_id, key="the-same-key")).json() == first.json()
    assert len(await desk.facts("cube_answered")) == 1


async def test_the_same_key_after_a_new_grade_is_charged_no_second_use(desk: Desk):
    buyer, entitlement_id, version_id, _ = await cubed(desk, table())
    first = await ask(desk, buyer, entitlement_id, key="the-same-key")
    desk.shelf.grade(version_id, G3)
    assert (await ask(desk, buyer, entitlement_id, key="the-same-key")).json() == first.json()
    assert len(desk.counter.used) == 1


async def test_a_content_that_takes_too_long_is_refused_with_the_way_out(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    provider = await desk.bench.member("provider")
    version_id = await desk.stocked(provider, table(), G3)

    runs = desk.depot.inspector.run

    async def too_long(job: Job, *others: Any) -> Answer:
        return QueryFailed(QueryReason.LIMIT) if isinstance(job, RunQuery) else await runs(job, *others)

    monkeypatch.setattr(desk.depot.inspector, "run", too_long)
    answer = await declare(desk, provider, version_id)
    assert (answer.json()["code"], answer.json()["reason_code"]) == ("cube_too_fine", "takes_too_long")


async def test_a_value_of_few_and_one_of_nobody_are_refused_alike_and_charged_neither(desk: Desk):
    persons = PERSONS | {("rare", 30): 4}
    buyer, entitlement_id, _, _ = await cubed(desk, table(persons))
    answers = [
        await ask(desk, buyer, entitlement_id, ["region"], filters=[{"column": "region", "values": [value]}])
        for value in ("rare", "absent")
    ]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert bodies[0] == bodies[1] and (answers[0].status_code, bodies[0]["code"]) == (403, "privacy")
    assert not desk.counter.used
    assert [fact["reason_code"] for fact in await desk.facts("cube_refused")] == ["nothing_released"] * 2
    changes = await desk.bench.cores["delivery"].feed.after({})
    refusals = [change.line for change in changes if change.act == "delivery.cube_refused"]
    # An organisation reads the entries that name it: these name the rule, and so nobody who could read them.
    assert buyer.participant_id and not any(buyer.participant_id in line for line in refusals)
    mixed = [
        await ask(desk, buyer, entitlement_id, ["region"], filters=[{"column": "region", "values": ["north", value]}])
        for value in ("rare", "absent")
    ]
    assert mixed[0].json()["groups"] == mixed[1].json()["groups"] and mixed[0].json()["withheld"] is True


@pytest.mark.parametrize("grade, flags, clearance, code", [
    (G1, [],                        C1, None),
    (G3, [Flag.SENSITIVE_PERSONAL], C1, "clearance_too_low"),
    (G3, [Flag.SENSITIVE_PERSONAL], C3, None),
    (G4, [],                        C3, None),
    (G5, [],                        C5, "order_approval_missing"),
])  # fmt: skip
async def test_who_may_compute_is_decided_at_each_question(
    desk: Desk, grade: Grade, flags: list[Flag], clearance: Any, code: str | None
):
    buyer, entitlement_id, _, _ = await cubed(desk, table(factor=2), grade, *flags, clearance=clearance)
    answer = await ask(desk, buyer, entitlement_id, ["region"])
    if code is None:
        assert answer.status_code == 200, answer.text
        return
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    [refused] = await desk.facts("delivery_refused")
    assert refused["reason_code"] == code and not desk.counter.used


async def test_other_modes_and_stopped_or_strange_entitlements_compute_nothing(desk: Desk):
    buyer, entitlement_id, version_id, provider = await cubed(desk, table())
    raw = await desk.grant(buyer, version_id, Mode.RAW)
    assert (await ask(desk, buyer, raw)).json()["code"] == "mode_not_served"
    stranger = await desk.bench.member("buyer")
    assert (await ask(desk, stranger, entitlement_id)).json()["code"] == "no_such_entitlement"
    assert (await ask(desk, provider, entitlement_id)).status_code == 403
    await suspend(desk, entitlement_id)
    assert (await ask(desk, buyer, entitlement_id)).json()["code"] == "entitlement_not_active"


async def test_from_g4_on_an_operator_approves_first(desk: Desk):
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer")
    version_id = await desk.stocked(provider, table(factor=2), G4)
    entitlement_id = await desk.grant(buyer, version_id, Mode.COMPUTE)
    assert (await ask(desk, buyer, entitlement_id)).json()["code"] == "no_such_cube"
    cube = (await declare(desk, provider, version_id)).json()
    assert (cube["state"], cube["next_actor"], cube["reason_code"]) == ("awaiting_approval", "operator", "approval_due")
    assert (await ask(desk, buyer, entitlement_id)).json()["code"] == "cube_not_approved"
    path, said = f"/delivery/v1/cubes/{cube['id']}/approve", {"reason": "已核验"}
    assert (await desk.bench.post(provider, path, said)).status_code == 403
    unnamed = desk.bench.staff("operator_business")
    assert (await desk.bench.post(unnamed, path, said)).json()["code"] == "no_such_cube"
    assert (await desk.bench.get(unnamed, path.removesuffix("/approve"))).json()["code"] == "no_such_cube"
    assert (await desk.bench.get(unnamed, f"/delivery/v1/versions/{version_id}/cubes")).json()["items"] == []
    approved = (await desk.bench.post(await desk.officer(version_id), path, said)).json()
    assert (approved["state"], approved["reason_code"], approved["deadline"]) == ("in_force", "approved", None)
    assert (await ask(desk, buyer, entitlement_id)).status_code == 200
    assert [fact["reason"] for fact in await desk.facts("cube_approved")] == ["已核验"]


async def test_what_nobody_approves_in_time_lapses_and_may_be_declared_anew(desk: Desk):
    provider = await desk.bench.member("provider")
    version_id = await desk.stocked(provider, table(factor=2), G4)
    cube = (await declare(desk, provider, version_id)).json()
    desk.bench.clock.advance(seconds=APPROVED_WITHIN.total_seconds())
    await desk.bench.refresh()
    path = f"/delivery/v1/cubes/{cube['id']}/approve"
    late = await desk.bench.post(await desk.officer(version_id), path, {"reason": "晚了"})
    assert (late.status_code, late.json()["reason_code"]) == (409, "not_approved_in_time")
    await desk.tick()
    lapsed = (await desk.bench.get(provider, f"/delivery/v1/cubes/{cube['id']}")).json()
    assert (lapsed["state"], lapsed["next_actor"]) == ("lapsed", None) and await desk.facts("cube_lapsed")
    assert (await declare(desk, provider, version_id)).status_code == 201


async def test_a_refused_cube_answers_nothing_and_may_be_declared_anew(desk: Desk):
    provider = await desk.bench.member("provider")
    version_id = await desk.stocked(provider, table(factor=2), G4)
    cube = (await declare(desk, provider, version_id)).json()
    path = f"/delivery/v1/cubes/{cube['id']}/refuse"
    refused = await desk.bench.post(await desk.officer(version_id), path, {"reason": "维度过细"})
    assert refused.json()["state"] == "refused" and await desk.facts("cube_disapproved")
    assert (await declare(desk, provider, version_id)).status_code == 201


async def test_a_grade_raised_to_g4_asks_for_approval_and_for_noise(desk: Desk):
    buyer, entitlement_id, version_id, provider = await cubed(desk, table(factor=2))
    before = await ask(desk, buyer, entitlement_id, ["region"])
    assert before.json()["level"] == "grouped"
    desk.shelf.grade(version_id, G4)
    refused = await ask(desk, buyer, entitlement_id, ["region"])
    assert refused.json()["code"] == "cube_not_approved"
    path = f"/delivery/v1/cubes/{refused.json()['cube_id']}/approve"
    await desk.bench.post(await desk.officer(version_id), path, {"reason": "已核验"})
    after = await ask(desk, buyer, entitlement_id, ["region"])
    assert after.json()["level"] == "noisy" and after.json()["groups"] != before.json()["groups"]
    assert (await declare(desk, provider, version_id)).json()["code"] == "cube_has_answers"


async def test_a_declaration_gives_way_to_another_only_until_somebody_has_an_answer(desk: Desk):
    buyer, entitlement_id, version_id, provider = await cubed(desk, table())
    again = await declare(desk, provider, version_id, groupings=[["region"]])
    assert again.status_code == 201
    assert [fact["reason_code"] for fact in await desk.facts("cube_replaced")] == ["declared_anew"]
    assert (await ask(desk, buyer, entitlement_id, ["age"])).json()["code"] == "query_rejected"
    assert (await ask(desk, buyer, entitlement_id, ["region"])).status_code == 200
    third = await declare(desk, provider, version_id)
    assert (third.status_code, third.json()["code"]) == (409, "cube_has_answers")


async def test_the_same_declaration_under_the_same_key_is_one_cube(desk: Desk):
    provider = await desk.bench.member("provider")
    version_id = await desk.stocked(provider, table(), G3)
    first, again = [await declare(desk, provider, version_id, key="the-same-key") for _ in range(2)]
    assert first.json() == again.json() and len(await desk.facts("cube_declared")) == 1


async def test_two_declarations_at_once_leave_one_cube(desk: Desk):
    provider = await desk.bench.member("provider")
    version_id = await desk.stocked(provider, table(), G3)
    answers = await asyncio.gather(*(declare(desk, provider, version_id) for _ in range(3)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    listed = (await desk.bench.get(provider, f"/delivery/v1/versions/{version_id}/cubes")).json()["items"]
    assert [one["state"] for one in listed].count("in_force") == 1


async def test_a_cube_is_there_for_its_provider_entitled_buyers_and_staff_alone(desk: Desk):
    buyer, _, version_id, provider = await cubed(desk, table())
    path = f"/delivery/v1/versions/{version_id}/cubes"
    [own] = (await desk.bench.get(provider, path)).json()["items"]
    [seen] = (await desk.bench.get(buyer, path)).json()["items"]
    assert (own["cells"], own["rows_left_out"]) == (9, 0) and (seen["cells"], seen["rows_left_out"]) == (None, None)
    assert len((await desk.bench.get(desk.bench.staff("regulator"), path)).json()["items"]) == 1
    stranger = await desk.bench.member("buyer")
    assert (await desk.bench.get(stranger, path)).json()["items"] == []
    answers = [await desk.bench.get(stranger, f"/delivery/v1/cubes/{one}") for one in (own["id"], f"cube_{'0' * 32}")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert [{**answer.json(), "request_id": ""} for answer in answers][0] == {**answers[1].json(), "request_id": ""}
    assert (await declare(desk, await desk.bench.member("provider"), version_id)).json()["code"] == "no_such_version"


@pytest.mark.parametrize("content, changes, code", [
    (table({("north", 17): 5}),  {},                                                  "cube_too_small"),
    (table(),                    {"dimensions": [{"column": "nothing"}]},             "cube_rejected"),
    (table(),                    {"groupings": [["spent"]]},                          "cube_rejected"),
    (table(),                    {"measures": [{"column": "region", "low": 0, "high": 1}]}, "cube_rejected"),
    (csv_of(["person", "region", "age", "spent"], [[f"p{n}", f"r{n}", "17", "1"] for n in range(5000)]),
                                 {},                                                  "cube_too_fine"),
])  # fmt: skip
async def test_what_cannot_be_a_cube_is_refused_with_the_reason(
    desk: Desk, content: bytes, changes: dict[str, Any], code: str
):
    provider = await desk.bench.member("provider")
    version_id = await desk.stocked(provider, content, G3)
    answer = await declare(desk, provider, version_id, **changes)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text


async def test_a_child_process_tabulates_what_this_one_does(bench: Bench, tmp_path: Path):
    async with desk_with(bench, tmp_path, Sandbox()) as desk:
        buyer, entitlement_id, _, _ = await cubed(desk, table(factor=20))
        counts = (await ask(desk, buyer, entitlement_id, ["age"], [COUNT])).json()["groups"]
        assert counts == [
            {"key": ["18 to <65"], "numbers": [580]}, {"key": ["<18"], "numbers": [780]},
            {"key": [">=65"], "numbers": [640]},
        ]  # fmt: skip


async def test_the_release_survives_the_content(desk: Desk):
    """Answers need neither the content nor a child, and say the same when both are gone."""
    buyer, entitlement_id, _, _ = await cubed(desk, table())
    for path in (desk.depot.scratch.parent / "content").rglob("content_*"):
        path.unlink()
    assert (await ask(desk, buyer, entitlement_id, ["region"])).status_code == 200


async def test_the_cube_of_a_version_waits_for_the_day_of_its_approval(desk: Desk):
    provider = await desk.bench.member("provider")
    version_id = await desk.stocked(provider, table(factor=2), G4)
    cube = (await declare(desk, provider, version_id)).json()
    desk.bench.clock.advance(seconds=APPROVED_WITHIN.total_seconds() - 1)
    await desk.bench.refresh()
    await desk.tick()
    assert (await desk.bench.get(provider, f"/delivery/v1/cubes/{cube['id']}")).json()["state"] == "awaiting_approval"
