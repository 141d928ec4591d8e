"""What is kept of deliveries, on both databases: uses, renditions, ends, and who may read of them."""

import asyncio
import csv
import io
from datetime import timedelta
from hashlib import sha256

from services.delivery.rules.delivery import LASTS_AT_MOST, TIMES_PER_USE_MAX
from shared.grades import G3, Flag, Mode
from shared.ids import UseId
from tests.delivery.desk import Desk, deal, sending
from tests.delivery.made_files import PLACES, persons


async def test_it_is_charged_once_and_written_down_twice(desk: Desk):
    buyer, entitlement_id, version_id = await deal(desk)
    answer = await desk.fetch(buyer, entitlement_id)
    [(_, use_id, revision)] = desk.counter.used
    [started], [ended] = await desk.facts("delivery_started"), await desk.facts("delivery_ended")
    assert answer.headers["Use-Id"] == started["use_id"] == use_id and revision == 1
    assert (started["version_id"], started["grade"], started["mode"]) == (version_id, "G1", "raw")
    decision = started["decision"]
    assert isinstance(decision, dict) and decision["allowed"] and decision["rules"]
    assert (ended["bytes"], ended["reason_code"]) == (len(PLACES), "completed")


async def test_a_desensitised_delivery_is_made_once_and_hides_the_persons(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, persons(), G3, Flag.PERSONAL, mode=Mode.DESENSITISED)
    first, again = await desk.fetch(buyer, entitlement_id), await desk.fetch(buyer, entitlement_id)
    assert first.status_code == 200 and first.content == again.content != persons()
    assert first.headers["ETag"] == f'"{sha256(first.content).hexdigest()}"'
    rows = list(csv.DictReader(io.StringIO(first.text)))
    assert len(rows) == 500 and all(row["手机号"][3:7] == "****" and row["姓名"].endswith("*") for row in rows)
    assert len(await desk.facts("rendition_made")) == 1


async def test_ten_buyers_at_once_wait_for_one_rendition(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk, persons(), G3, Flag.PERSONAL, mode=Mode.DESENSITISED)
    answers = await asyncio.gather(*(desk.fetch(buyer, entitlement_id) for _ in range(10)))
    assert len({answer.content for answer in answers}) == 1 and len(await desk.facts("rendition_made")) == 1


async def test_a_use_that_is_tried_again_is_not_charged_again_within_the_hour(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    use_id = UseId.new()
    for _ in range(TIMES_PER_USE_MAX):
        assert (await desk.fetch(buyer, entitlement_id, use_id)).status_code == 200
    assert [used for _, used, _ in desk.counter.used] == [use_id]
    spent = await desk.fetch(buyer, entitlement_id, use_id)
    assert (spent.status_code, spent.json()["code"]) == (409, "use_spent")


async def test_many_at_once_with_one_use_are_no_more_than_one_after_the_other(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    use_id = UseId.new()
    answers = await asyncio.gather(*(desk.fetch(buyer, entitlement_id, use_id) for _ in range(20)))
    sent = [answer for answer in answers if answer.status_code == 200]
    assert 1 <= len(sent) == len(await desk.facts("delivery_started")) <= TIMES_PER_USE_MAX
    assert {answer.json()["code"] for answer in answers if answer not in sent} <= {"use_spent", "use_running"}
    assert [used for _, used, _ in desk.counter.used] == [use_id]


async def test_after_the_hour_a_use_is_over(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    use_id = (await desk.fetch(buyer, entitlement_id)).headers["Use-Id"]
    desk.bench.clock.advance(minutes=59, seconds=59)
    await desk.bench.refresh()
    assert (await desk.fetch(buyer, entitlement_id, use_id)).status_code == 200
    desk.bench.clock.advance(seconds=1)
    await desk.bench.refresh()
    assert (await desk.fetch(buyer, entitlement_id, use_id)).json()["code"] == "use_expired"


async def test_a_use_of_one_entitlement_serves_no_other(desk: Desk):
    buyer, entitlement_id, version_id = await deal(desk)
    use_id = (await desk.fetch(buyer, entitlement_id)).headers["Use-Id"]
    other = await desk.grant(buyer, version_id)
    answer = await desk.fetch(buyer, other, use_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "use_taken")


async def test_a_delivery_whose_process_died_is_ended_by_its_deadline(desk: Desk):
    await sending(desk)
    desk.bench.clock.advance(seconds=(LASTS_AT_MOST - timedelta(seconds=1)).total_seconds())
    await desk.bench.refresh()
    await desk.tick()
    assert not await desk.facts("delivery_ended")
    desk.bench.clock.advance(seconds=1)
    await desk.bench.refresh()
    await desk.tick()
    [ended] = await desk.facts("delivery_ended")
    assert ended["reason_code"] == "aborted"


async def test_each_side_lists_its_own_deliveries_and_a_supervisor_all(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    other, other_id, _ = await deal(desk)
    for who, what in ((buyer, entitlement_id), (other, other_id), (buyer, entitlement_id)):
        await desk.fetch(who, what)
    listed = {}
    for name, who in {"buyer": buyer, "other": other, "regulator": desk.bench.staff("regulator")}.items():
        found = (await desk.bench.get(who, "/delivery/v1/deliveries")).json()["items"]
        listed[name] = [one["entitlement_id"] for one in found]
    assert listed == {
        "buyer": [entitlement_id] * 2, "other": [other_id],
        "regulator": [entitlement_id, other_id, entitlement_id],
    }  # fmt: skip
    assert (await desk.bench.get(desk.bench.staff("operator_system"), "/delivery/v1/deliveries")).status_code == 403


async def test_the_list_is_read_page_by_page(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    for _ in range(3):
        await desk.fetch(buyer, entitlement_id)
    path = f"/delivery/v1/deliveries?entitlement_id={entitlement_id}&limit=2"
    first = (await desk.bench.get(buyer, path)).json()
    rest = (await desk.bench.get(buyer, f"{path}&cursor={first['next_cursor']}")).json()
    assert [len(page["items"]) for page in (first, rest)] == [2, 1] and rest["next_cursor"] is None
    assert (await desk.bench.get(buyer, f"{path}&cursor=Zm9yZ2Vk")).status_code == 422
