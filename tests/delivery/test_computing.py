"""Computing with SQL over HTTP: who may write the statement, what it costs, and what is certified of its answer."""

import asyncio
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response

from services.delivery.inspector.messages import Answer, Job, RunQuery
from services.delivery.rules.answer import ASKED_TOGETHER
from services.delivery.rules.permission import POLICY_VERSION
from services.delivery.sandbox import ENGINE_VERSION, Hear, Inline, Sandbox
from shared.facts import Fact
from shared.grades import C1, C2, C3, C5, G1, G2, G3, Clearance, Flag, Grade, Mode
from shared.ids import EntitlementId, ParticipantId
from tests.delivery.desk import ONE_DATABASE, Desk, deal, desk, suspend
from tests.delivery.made_files import csv_of
from tests.support.bench import Bench, ParticipantAdmitted, ParticipantSuspended, Person

pytestmark = ONE_DATABASE
SALES = csv_of(["shop", "amount"], [["north", "1.50"], ["south", "20"], ["north", "7.25"]])
TOTALS = "select shop, sum(amount) as total, avg(amount) from data group by shop order by shop"
LISTED = ("free_queries", "research")


async def compute(
    desk: Desk, buyer: Person, entitlement_id: EntitlementId, sql: str = TOTALS, key: str | None = None
) -> Response:
    return await desk.bench.post(buyer, f"/delivery/v1/entitlements/{entitlement_id}/queries", {"sql": sql}, key)


async def computing(desk: Desk, grade: Grade = G1, *flags: Flag, clearance: Clearance = C3, **more: Any):
    purposes = more.get("purposes", LISTED)
    return await deal(desk, SALES, grade, *flags, mode=Mode.COMPUTE, clearance=clearance, purposes=purposes)


async def test_the_result_comes_with_a_certificate_that_anyone_can_check(desk: Desk):
    buyer, entitlement_id, version_id = await computing(desk)
    answer = (await compute(desk, buyer, entitlement_id)).json()
    assert answer["fields"][:2] == ["shop", "total"] and answer["types"] == ["text", "decimal", "double"]
    assert answer["rows"] == [["north", "8.75", "4.375"], ["south", "20.00", "20.0"]] and not answer["truncated"]
    certificate = answer["certificate"]
    assert certificate["query_digest"] == sha256(answer["sql"].encode()).hexdigest()
    told = json.dumps({name: answer[name] for name in ("fields", "rows", "types")}, separators=(",", ":"))
    assert certificate["result_digest"] == sha256(told.encode()).hexdigest()
    assert certificate["content_hash"] == sha256(SALES).hexdigest() and certificate["version_id"] == version_id
    assert (certificate["policy_version"], certificate["engine_version"]) == (POLICY_VERSION, ENGINE_VERSION)
    [fact] = await desk.facts("query_answered")
    assert {
        name: certificate[name] for name in ("query_digest", "result_digest", "content_hash", "use_id")
    }.items() <= fact.items()
    assert fact["query_id"] == certificate["id"] and "sql" not in fact


async def test_two_spellings_of_one_statement_have_one_digest(desk: Desk):
    buyer, entitlement_id, _ = await computing(desk)
    spellings = ("SELECT shop FROM data LIMIT 1", 'select  "SHOP" from DATA /* the first */ limit 1;')
    digests = {
        (await compute(desk, buyer, entitlement_id, sql)).json()["certificate"]["query_digest"] for sql in spellings
    }
    assert len(digests) == 1


@pytest.mark.parametrize("grade, flags, clearance, purposes, code", [
    (G1, [],                        C1, LISTED,        None),
    (G2, [],                        C2, LISTED,        None),
    (G2, [],                        C1, LISTED,        "clearance_too_low"),  # may compute, could not have the rows
    (G1, [],                        C5, ("research",), "purpose_not_agreed"),
    (G1, [],                        C5, (),            "purpose_not_agreed"),
    (G2, [Flag.PERSONAL],           C5, LISTED,        "free_queries_not_for_personal"),
    (G2, [Flag.MINOR],              C5, LISTED,        "free_queries_not_for_personal"),
    (G3, [],                        C5, LISTED,        "free_queries_not_for_grade"),
])  # fmt: skip
async def test_free_sql_is_for_whoever_could_have_the_rows_of_what_is_listed_for_it(
    desk: Desk, grade: Grade, flags: list[Flag], clearance: Clearance, purposes: tuple[str, ...], code: str | None
):
    buyer, entitlement_id, _ = await computing(desk, grade, *flags, clearance=clearance, purposes=purposes)
    answer = await compute(desk, buyer, entitlement_id)
    if code is None:
        assert answer.status_code == 200, answer.text
        return
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    [refused] = await desk.facts("delivery_refused" if code == "purpose_not_agreed" else "query_refused")
    assert refused["reason_code"] == code and not desk.counter.used


UNTAKEN = [
    ("SELECT * FROM data", "star"),
    ("SELECT secret FROM data", "column"),
    ("SELECT content FROM read_text('/etc/passwd')", "function"),
    ("DROP TABLE data", "statement"),
    ("COPY data TO '/tmp/secret'", "statement"),
    ("SELECT shop FROM data; SELECT 1", "statement"),
]  # fmt: skip


async def test_a_statement_that_is_not_taken_costs_nothing_and_is_recorded(desk: Desk):
    buyer, entitlement_id, _ = await computing(desk)
    for sql, construct in UNTAKEN:
        answer = await compute(desk, buyer, entitlement_id, sql)
        told = (answer.status_code, answer.json()["code"], answer.json()["construct"])
        assert told == (422, "query_rejected", construct)
        assert answer.json()["hint"] and "secret" not in answer.text
    refused = await desk.facts("query_refused")
    assert [(fact["reason_code"], fact["construct"]) for fact in refused] == [
        ("query_rejected", construct) for _, construct in UNTAKEN
    ]
    assert not desk.counter.used and not any("use_id" in fact for fact in refused)


async def test_what_only_the_engine_can_refuse_is_told_without_its_words(desk: Desk):
    buyer, entitlement_id, _ = await computing(desk)
    answer = await compute(desk, buyer, entitlement_id, "SELECT CAST(shop AS INTEGER) FROM data")
    assert (answer.status_code, answer.json()["code"]) == (422, "query_rejected") and "north" not in answer.text
    [refused] = await desk.facts("query_refused")
    assert refused["use_id"] == desk.counter.used[0][1]  # it was computed, as far as that went


async def test_what_comes_to_nothing_is_not_computed_for_ever_under_one_key(desk: Desk):
    buyer, entitlement_id, _ = await computing(desk)
    failing = "SELECT CAST(shop AS INTEGER) FROM data"
    codes = [(await compute(desk, buyer, entitlement_id, failing, "key-failing")).json()["code"] for _ in range(6)]
    assert codes == ["query_rejected"] * 5 + ["use_answered"] and len(desk.counter.used) == 1


async def test_more_than_ten_thousand_rows_are_cut_and_said_to_be(desk: Desk):
    content = csv_of(["n"], [[str(n)] for n in range(10_050)])
    buyer, entitlement_id, _ = await deal(desk, content, mode=Mode.COMPUTE, purposes=LISTED)
    answer = (await compute(desk, buyer, entitlement_id, "SELECT n FROM data")).json()
    assert len(answer["rows"]) == 10_000 == answer["certificate"]["row_count"] and answer["truncated"]
    assert answer["certificate"]["truncated"]


async def test_a_use_is_drawn_once_for_each_key(desk: Desk):
    buyer, entitlement_id, _ = await computing(desk)
    first, again = [await compute(desk, buyer, entitlement_id, key="the-key-1") for _ in range(2)]
    digests = {answer.json()["certificate"]["result_digest"] for answer in (first, again)}
    assert len(desk.counter.used) == 1 and len(digests) == 1
    assert len(await desk.facts("query_answered")) == 2  # each that left


class Slow(Inline):
    """An engine that takes its time."""

    def __init__(self) -> None:
        self.asked, self.asked_twice, self.goes_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def run(self, job: Job, hear: Hear = print) -> Answer:
        if isinstance(job, RunQuery):
            (self.asked_twice if self.asked.is_set() else self.asked).set()
            await self.goes_on.wait()
        return await super().run(job, hear)


async def test_a_new_grade_while_it_is_computed_withholds_the_answer(bench: Bench, tmp_path: Path):
    slow = Slow()
    async with desk(bench, tmp_path, slow) as one:
        buyer, entitlement_id, version_id = await computing(one)
        running = asyncio.create_task(compute(one, buyer, entitlement_id))
        await slow.asked.wait()
        one.shelf.grade(version_id, G3)
        slow.goes_on.set()
        answer = await running
        assert (answer.status_code, answer.json()["code"]) == (409, "graded_meanwhile")
        assert not await one.facts("query_answered")
        [refused] = await one.facts("query_refused")
        assert refused["reason_code"] == "graded_meanwhile"


async def test_a_suspension_while_it_is_computed_withholds_the_answer(bench: Bench, tmp_path: Path):
    slow = Slow()
    async with desk(bench, tmp_path, slow) as one:
        buyer, entitlement_id, _ = await computing(one)
        running = asyncio.create_task(compute(one, buyer, entitlement_id))
        await slow.asked.wait()
        await suspend(one, entitlement_id)
        slow.goes_on.set()
        assert (await running).json()["code"] == "entitlement_not_active"
        assert not await one.facts("query_answered")


def lowered(buyer_id: ParticipantId) -> Fact:
    return ParticipantAdmitted(buyer_id, ("buyer",), C1)


def suspended(buyer_id: ParticipantId) -> Fact:
    return ParticipantSuspended(buyer_id, "under_review")


@pytest.mark.parametrize("fact", [lowered, suspended])
async def test_a_lower_standing_while_it_is_computed_withholds_the_answer(
    bench: Bench, tmp_path: Path, fact: Callable[[ParticipantId], Fact]
):
    slow = Slow()
    async with desk(bench, tmp_path, slow) as one:
        buyer, entitlement_id, _ = await computing(one, G2, clearance=C2)
        running = asyncio.create_task(compute(one, buyer, entitlement_id))
        await slow.asked.wait()
        assert buyer.participant_id
        await bench.announce(fact(buyer.participant_id))
        slow.goes_on.set()
        answer = await running
        assert (answer.status_code, answer.json()["code"]) == (409, "answer_withheld")
        assert not await one.facts("query_answered")


async def test_one_buyer_does_not_take_all_the_room(bench: Bench, tmp_path: Path):
    slow = Slow()
    async with desk(bench, tmp_path, slow) as one:
        buyer, entitlement_id, _ = await computing(one)
        running = [asyncio.create_task(compute(one, buyer, entitlement_id)) for _ in range(2)]
        await slow.asked_twice.wait()
        third = await compute(one, buyer, entitlement_id)
        assert (third.status_code, third.json()["code"]) == (429, "asking_already") and third.headers["Retry-After"]
        slow.goes_on.set()
        assert [answer.status_code for answer in await asyncio.gather(*running)] == [200, 200]
        assert (await compute(one, buyer, entitlement_id)).status_code == 200


async def test_all_buyers_together_do_not_pile_up(desk: Desk):
    buyer, entitlement_id, _ = await computing(desk)
    desk.depot.asking.update({ParticipantId.new(): 1 for _ in range(ASKED_TOGETHER)})
    busy = await compute(desk, buyer, entitlement_id)
    assert (busy.status_code, busy.json()["code"]) == (503, "answers_busy") and not desk.counter.used
    desk.depot.asking.clear()
    assert (await compute(desk, buyer, entitlement_id)).status_code == 200


async def test_a_real_child_answers_and_ends_what_takes_too_much(bench: Bench, tmp_path: Path):
    async with desk(bench, tmp_path, Sandbox(query_processor_seconds=1)) as one:
        content = csv_of(["n"], [[str(n)] for n in range(3_000)])
        buyer, entitlement_id, _ = await deal(one, content, mode=Mode.COMPUTE, purposes=LISTED)
        answer = await compute(one, buyer, entitlement_id, "SELECT sum(n) FROM data")
        assert answer.json()["rows"] == [[4498500]], answer.text
        growing = "WITH " + ", ".join(
            f"t{level} AS (SELECT {'||'.join([f's{level}'] * 30)} AS s{level + 1} FROM {source})"
            for level, source in enumerate(["(SELECT CAST(n AS VARCHAR) AS s0 FROM data)", "t0", "t1", "t2", "t3"])
        )
        answer = await compute(one, buyer, entitlement_id, f"{growing} SELECT max(length(s5)) FROM t4")
        assert (answer.status_code, answer.json()["code"]) == (422, "query_limit"), answer.text
        [refused] = await one.facts("query_refused")
        assert refused["reason_code"] == "query_limit"
