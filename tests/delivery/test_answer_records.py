"""What is kept of answers, on both databases: that each is charged and certified, and who may read of them."""

from datetime import timedelta

import pytest
from sqlalchemy import Executable, delete, update
from sqlalchemy.exc import DBAPIError

from services.delivery.rules.answer import ANSWERED_WITHIN
from services.delivery.tables.queries import APPEND_ONLY
from shared.grades import Mode
from tests.delivery.desk import Desk, deal
from tests.delivery.made_files import PLACES
from tests.support.bench import Person
from tests.support.migrated import by_administrator

FREE = ("free_queries",)


async def ask(desk: Desk, buyer: Person, entitlement_id: str, key: str | None = None) -> int:
    path = f"/delivery/v1/entitlements/{entitlement_id}/queries"
    return (await desk.bench.post(buyer, path, {"sql": "SELECT count(*) FROM data"}, key)).status_code


async def test_each_side_lists_the_certificates_of_its_answers_and_a_supervisor_all(desk: Desk):
    buyer, entitlement_id, version_id = await deal(desk, mode=Mode.COMPUTE, purposes=FREE)
    other, other_id, _ = await deal(desk, mode=Mode.COMPUTE, purposes=FREE)
    for who, what in ((buyer, entitlement_id), (other, other_id), (buyer, entitlement_id)):
        assert await ask(desk, who, what) == 200
    listed = {}
    for name, who in {"buyer": buyer, "other": other, "regulator": desk.bench.staff("regulator")}.items():
        found = (await desk.bench.get(who, "/delivery/v1/queries")).json()["items"]
        listed[name] = [one["entitlement_id"] for one in found]
        assert all(one["row_count"] == 1 and one["kind"] == "statement" for one in found)
    assert listed == {
        "buyer": [entitlement_id] * 2, "other": [other_id],
        "regulator": [entitlement_id, other_id, entitlement_id],
    }  # fmt: skip
    assert (await desk.bench.get(desk.bench.staff("operator_system"), "/delivery/v1/queries")).status_code == 403
    facts = await desk.facts("query_answered")
    assert [fact["version_id"] for fact in facts if fact["entitlement_id"] == entitlement_id] == [version_id] * 2


async def test_the_list_is_read_page_by_page(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, mode=Mode.COMPUTE, purposes=FREE)
    for _ in range(3):
        await ask(desk, buyer, entitlement_id)
    path = f"/delivery/v1/queries?entitlement_id={entitlement_id}&limit=2"
    first = (await desk.bench.get(buyer, path)).json()
    rest = (await desk.bench.get(buyer, f"{path}&cursor={first['next_cursor']}")).json()
    assert [len(page["items"]) for page in (first, rest)] == [2, 1] and rest["next_cursor"] is None
    assert (await desk.bench.get(buyer, f"{path}&cursor=Zm9yZ2Vk")).status_code == 422


async def test_rows_by_api_are_certified_in_the_same_list(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, PLACES, mode=Mode.API)
    answer = await desk.bench.post(buyer, f"/delivery/v1/entitlements/{entitlement_id}/rows", {"limit": 7})
    [listed] = (await desk.bench.get(buyer, "/delivery/v1/queries")).json()["items"]
    assert listed == answer.json()["certificate"] and (listed["kind"], listed["row_count"]) == ("rows", 7)
    [fact] = await desk.facts("rows_served")
    assert fact["result_digest"] == listed["result_digest"] and fact["truncated"]


async def test_a_copy_in_columns_is_made_once_for_all_who_ask(desk: Desk):
    buyer, entitlement_id, version_id = await deal(desk, mode=Mode.COMPUTE, purposes=FREE)
    other = await desk.bench.member("buyer")
    for who, what in (
        (buyer, entitlement_id),
        (other, await desk.grant(other, version_id, Mode.COMPUTE, purposes=FREE)),
    ):
        assert await ask(desk, who, what) == 200
    [made] = await desk.facts("rendition_made")
    assert made["version_id"] == version_id


async def test_after_the_hour_a_request_is_not_answered_again(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, mode=Mode.COMPUTE, purposes=FREE)
    assert await ask(desk, buyer, entitlement_id, "the-same-key") == 200
    desk.bench.clock.advance(seconds=(ANSWERED_WITHIN - timedelta(seconds=1)).total_seconds())
    await desk.bench.refresh()
    assert await ask(desk, buyer, entitlement_id, "the-same-key") == 200
    desk.bench.clock.advance(seconds=1)
    await desk.bench.refresh()
    assert await ask(desk, buyer, entitlement_id, "the-same-key") == 409
    assert len(desk.counter.used) == 1


async def test_what_was_certified_is_neither_changed_nor_taken_away(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, mode=Mode.COMPUTE, purposes=FREE)
    assert await ask(desk, buyer, entitlement_id) == 200
    for table in APPEND_ONLY:
        for statement in (update(table).values(use_id=None), delete(table)):
            await _refused(desk, statement, table.name)


async def _refused(desk: Desk, statement: Executable, table: str) -> None:
    with pytest.raises(DBAPIError, match=f"{table} is append-only"):
        async with by_administrator(desk.depot.database) as tx:
            await tx.execute(statement)
