"""Cubes over HTTP: declared over real content, tabulated in DuckDB, asked by buyers, attacked by solving the answers."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from services.delivery.rules.cube import APPROVED_WITHIN
from shared.grades import C1, C3, C4, C5, G1, G3, G4, G5, Flag, Grade, Mode
from shared.ids import EntitlementId, VersionId
from tests.delivery.desk import ONE_DATABASE, Desk, suspend
from tests.delivery.made_cubes import solved
from tests.delivery.made_files import csv_of
from tests.support.bench import Person

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
            rows.append([f"p{next(number)}", region, str(age), str(chance.randint(100, 900))])
    chance.shuffle(rows)
    return csv_of(["person", "region", "age", "spent"], rows)


async def declare(desk: Desk, provider: Person, version_id: VersionId, key: str | None = None, **changes: object):
    return await desk.bench.post(provider, f"/delivery/v1/versions/{version_id}/cubes", DECLARED | changes, key)


async def ask(
    desk: Desk, buyer: Person, entitlement_id: EntitlementId, grouping: Sequence[str] = (),
    measures: Sequence[object] = (COUNT, SUM), key: str | None = None, **more: object,
) -> Any:  # fmt: skip
    body = {"grouping": list(grouping), "measures": list(measures)} | more
    return await desk.bench.post(buyer, f"/delivery/v1/entitlements/{entitlement_id}/cube-queries", body, key)


async def cubed(desk: Desk, content: bytes, grade: Grade = G3, *flags: Flag, clearance: Any = C3, **changes: object):
    """A buyer with an entitlement to compute over a version with a cube; from G4 on, an approved one."""
    provider, buyer = await desk.bench.member("provider"), await desk.bench.member("buyer", clearance=clearance)
    version_id = await desk.stocked(provider, content, grade, *flags)
    answer = await declare(desk, provider, version_id, **changes)
    assert answer.status_code == 201, answer.text
    if answer.json()["state"] == "awaiting_approval":
        path = f"/delivery/v1/cubes/{answer.json()['id']}/approve"
        await desk.bench.post(desk.bench.staff("operator_business"), path, {"reason": "已核验"})
    return buyer, await desk.grant(buyer, version_id, Mode.COMPUTE), version_id, provider


async def test_a_declared_cube_answers(desk: Desk):
    buyer, entitlement_id, version_id, provider = await cubed(desk, table())
    listed = (await desk.bench.get(provider, f"/delivery/v1/versions/{version_id}/cubes")).json()["items"]
    assert [(one["state"], one["cells"], one["rows_left_out"]) for one in listed] == [("in_force", 9, 0)]
    answer = await ask(desk, buyer, entitlement_id, ["region"], [AVERAGE, SUM, COUNT])
    assert answer.status_code == 200, answer.text
    print(answer.json())
