"""Services report their facts; the log takes each once, in order, and signs for it."""

import asyncio
from base64 import b64decode
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from services.audit.actions import sequencer
from services.audit.actions.sequencer import NotTheSequencer, Sequencer
from services.audit.rules import entry, receipt
from services.audit.rules.entry import SourceHead
from services.audit.rules.receipt import Placed
from services.audit.store import entry as entry_store
from services.audit.store import log as log_store
from services.audit.store import source as source_store
from services.audit.tables import entries, evidence, links
from shared.facts import read_event
from shared.ids import AssetId, FactId
from shared.signing import verifies
from tests.audit.conftest import KEY, AuditBench


async def size_of(log: AuditBench) -> int:
    async with log.audit.database.read() as tx:
        return await tx.scalar(select(func.count()).select_from(entries)) or 0


async def test_facts_are_taken_in_order_and_signed_for(log: AuditBench):
    source = log.source().tell(3)
    answer = await source.send()
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["first_index"], told["last_index"], told["log_size"]) == (200, 0, 2, 3)
    assert told["last_hash"] == source.hash_at(3).hex()
    placed = Placed(1, 0, SourceHead("trading", 0, 3, source.hash_at(3)), 3)
    signed = receipt.signed_bytes(placed, datetime.fromisoformat(told["issued_at"]))
    assert verifies(KEY.public, signed, b64decode(told["signature"]))


async def test_the_same_batch_again_gets_the_same_places(log: AuditBench):
    source, other = log.source().tell(3), log.source("catalog").tell(2)
    places = ("first_index", "last_index", "last_hash", "last_seq")
    first = (await source.send()).json()
    await other.send()
    again = (await source.send()).json()
    assert [again[name] for name in places] == [first[name] for name in places]
    assert await size_of(log) == 5


async def test_of_a_batch_known_in_part_the_known_part_is_placed_and_the_rest_is_taken_next(log: AuditBench):
    source = log.source().tell(2)
    await source.send()
    await log.source("catalog").tell().send()  # so that places no longer run with numbers
    source.tell(2)
    part = (await source.send(1, 4)).json()
    assert (part["first_seq"], part["last_seq"], part["first_index"], part["last_index"]) == (1, 2, 0, 1)
    rest = (await source.send(3, 4)).json()
    assert (rest["first_index"], rest["last_index"]) == (3, 4)


async def test_a_gap_is_refused_with_the_number_to_go_on_from(log: AuditBench):
    source = log.source().tell(5)
    await source.send(1, 2)
    answer = await source.send(4)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["head_seq"]) == (409, "sequence_gap", 2)
    assert problem["head_hash"] == source.hash_at(2).hex()
    assert (await source.send(3)).status_code == 200


async def test_another_fact_under_a_known_number_is_refused_and_kept_as_evidence_once(log: AuditBench):
    await log.source().tell(3).send()
    liar = log.source().tell(3)
    for _ in range(2):
        answer = await liar.send()
        assert (answer.status_code, answer.json()["code"]) == (422, "source_equivocates")
    async with log.audit.database.read() as tx:
        [kept] = (await tx.execute(select(evidence.c.seq, evidence.c.lines, evidence.c.sent_hash))).all()
    assert (kept.seq, kept.lines, kept.sent_hash) == (3, b"\n".join(liar.lines), liar.hash_at(3))
    assert await size_of(log) in {3, 4, 5}, "the alert and its incident may stand in the log by now, and nothing else"
    [opened, alert] = await log.bench.cores["audit"].feed.after({})
    assert (opened.act, opened.data["source"]) == ("audit.incident_opened", "source_equivocates trading")
    assert (alert.act, alert.data["kind"]) == ("audit.alert_raised", "source_equivocates")


async def test_a_forgotten_past_is_noticed_even_if_the_new_facts_follow(log: AuditBench):
    source = log.source().tell(3)
    await source.send(1, 2)
    answer = await source.send(3, changes={"prev": "00" * 32})
    assert (answer.status_code, answer.json()["code"]) == (422, "source_equivocates")


async def test_a_service_may_only_report_for_itself(log: AuditBench):
    source = log.source().tell()
    answer = await log.bench.ask_as_service("catalog", "POST", "/audit/v1/batches", json=source.batch())
    assert (answer.status_code, answer.json()["code"]) == (403, "not_its_own")
    foreign = log.source("catalog").tell()
    answer = await source.send(changes={"events": [line.decode() for line in foreign.lines]})
    assert (answer.status_code, answer.json()["code"]) == (422, "foreign_act")


async def test_a_person_may_not_report_facts(log: AuditBench):
    answer = await log.bench.ask("POST", log.regulator, "/audit/v1/batches", json=log.source().tell().batch())
    assert answer.status_code == 401


UNREADABLE: list[dict[str, object]] = [
    {"events": []}, {"events": ["{}"]}, {"events": ["nonsense"]}, {"first_seq": 0}, {"first_seq": "1"}, {"stripe": -1},
    {"prev": "00"}, {"prev": "AA" * 32}, {"service": "Trading"}, {"more": 1},
]  # fmt: skip


async def test_a_batch_in_another_form_is_refused_and_changes_nothing(log: AuditBench):
    source = log.source().tell()
    refused = [(await source.send(changes=change)).status_code for change in UNREADABLE]
    assert refused == [422] * len(UNREADABLE)
    assert await size_of(log) == 0


async def test_one_bad_event_refuses_its_whole_batch_and_no_other(log: AuditBench):
    bad, good = log.source().tell(3), log.source("catalog").tell(2)
    events = bad.batch()["events"][:2] + ["nonsense"]
    refused, taken = await asyncio.gather(bad.send(changes={"events": events}), good.send())
    assert (refused.status_code, refused.json()["code"]) == (422, "event_unreadable")
    assert (taken.status_code, await size_of(log)) == (200, 2)
    assert (await bad.send()).json()["first_index"] == 2


async def test_many_sources_at_once_each_get_places_in_a_row(log: AuditBench):
    sources = [log.source(service, stripe).tell(7) for service in ("trading", "catalog") for stripe in range(4)]
    answers = await asyncio.gather(*(source.send() for source in sources), *(source.send() for source in sources))
    told = [answer.json() for answer in answers]
    assert {each["last_index"] - each["first_index"] for each in told} == {6}
    assert sorted(each["first_index"] for each in told[:8]) == list(range(0, 56, 7))
    assert [each["first_index"] for each in told[8:]] == [each["first_index"] for each in told[:8]]


async def test_what_is_stored_beside_a_leaf_is_what_the_leaf_says_however_it_was_written(
    log: AuditBench, monkeypatch: pytest.MonkeyPatch
):  # fmt: skip
    monkeypatch.setattr(sequencer, "ENTRIES_AT_ONCE", 4)
    asset, told = AssetId.new(), [("trading", 0), ("trading", 1), ("catalog", 0)]
    sources = {each: log.source(*each).tell(5, asset=asset).tell(1) for each in told}
    await asyncio.gather(*(source.send() for source in sources.values()), sources["trading", 1].send(2, 3))
    async with log.audit.database.read() as tx:
        kept = await entry_store.entries_between(tx, 0, 100)
        filed = {tuple(row) for row in await tx.execute(select(links.c.key, links.c.log_index))}
        heads = await source_store.key_heads_of(tx, {key for key, _ in filed})
    assert [each.index for each in kept] == list(range(18))
    seen = dict[str, list[int]]()
    for each in kept:
        read, source = entry.parse(each.leaf), sources[each.service, each.stripe]
        assert (read.service, read.stripe, read.seq) == (each.service, each.stripe, each.seq)
        assert (read.event_line, each.chain_hash) == (source.lines[each.seq - 1], source.hash_at(each.seq))
        assert each.fact_id == read_event(read.event_line).id
        for key, previous_index, count in read.links:
            before = seen.setdefault(key, [])
            assert (previous_index, count) == (before[-1] if before else -1, len(before) + 1)
            before.append(each.index)
    assert filed == {(key, index) for key, indexes in seen.items() for index in indexes}
    assert heads == {key: (key, indexes[-1], len(indexes)) for key, indexes in seen.items()}
    assert max(map(len, seen.values())) == 15


async def test_an_entry_links_back_to_the_entries_about_the_same_asset(log: AuditBench):
    asset, source = AssetId.new(), log.source()
    source.tell(1, asset=asset).tell(2).tell(2, asset=asset)
    await source.send(1, 4)
    await source.send(5)
    found = (await log.read(f"/entries?object={asset}"))["items"]
    leaves = ["\n".join([each["source"], each["event"], each["seal"], ""]).encode() for each in found]
    key = next(
        each.key for each in entry.parse(leaves[0]).links if each.key in {x.key for x in entry.parse(leaves[2]).links}
    )
    told = [next(each for each in entry.parse(leaf).links if each.key == key) for leaf in leaves]
    assert [(each["index"], back.previous_index, back.count) for each, back in zip(found, told, strict=True)] == [
        (0, -1, 1), (3, 0, 2), (4, 3, 3),
    ]  # fmt: skip


async def test_time_in_the_log_never_runs_backwards(log: AuditBench):
    source = log.source().tell()
    await source.send()
    log.bench.clock.advance(days=-1)
    source.tell()
    await source.send(2)
    leaves = [await leaf(log, index) for index in range(2)]
    first, second = (entry.parse(each) for each in leaves)
    assert first.ingested_at_us == second.ingested_at_us
    assert (first.lag_us, second.lag_us) == (0, 24 * 3600 * 10**6)


async def leaf(log: AuditBench, index: int) -> bytes:
    return leaf_of(await log.read(f"/entries/{index}"))


def leaf_of(shown: dict[str, str]) -> bytes:
    return "\n".join([shown["source"], shown["event"], shown["seal"], ""]).encode()


async def test_the_head_of_a_source_is_told_to_supervisors(log: AuditBench):
    source = log.source().tell(2)
    await source.send()
    assert (await log.read("/sources/trading/0"))["seq"] == 2
    assert await log.read("/sources/trading/5") == {"service": "trading", "stripe": 5, "seq": 0, "hash": "00" * 32}


async def test_a_second_sequencer_waits_for_the_lease_and_then_goes_on_from_the_tables(log: AuditBench):
    source = log.source().tell(300)
    await source.send()
    second = Sequencer(log.audit.database)
    batch = log.source("catalog").tell(3)
    as_sent = entry.Batch("catalog", 0, 1, bytes(32), tuple(batch.lines))
    if not log.audit.database.is_sqlite:
        with pytest.raises(NotTheSequencer):
            await second.append(as_sent)
        log.bench.clock.advance(seconds=16)
    placed = await second.append(as_sent)
    assert (placed.first_index, placed.log_size) == (300, 303)
    await log.sign()
    assert entry.parse(await leaf(log, 300)).epoch == entry.parse(await leaf(log, 0)).epoch + 1
    assert (await log.get("/log/checkpoint")).text.split("\n")[1] == "303"


async def test_a_sequencer_that_comes_back_appends_to_what_the_other_took_meanwhile(log: AuditBench):
    source = log.source().tell(6, asset=AssetId.new())
    await source.send(1, 2)
    log.bench.clock.advance(seconds=16)
    other = entry.Batch("trading", 0, 3, source.hash_at(2), tuple(source.lines[2:4]))
    assert (await Sequencer(log.audit.database).append(other)).first_index == 2
    log.bench.clock.advance(seconds=16)
    assert (await source.send(5)).json()["first_index"] == 4
    leaves = [entry.parse(await leaf(log, index)) for index in range(6)]
    named = [{each.key for each in read.links} for read in leaves]
    [about_the_asset] = named[0].intersection(*named[1:])
    told = [each for read in leaves for each in read.links if each.key == about_the_asset]
    assert [(each.previous_index, each.count) for each in told] == [(index - 1, index + 1) for index in range(6)]
    assert [read.epoch - leaves[0].epoch for read in leaves] == [0, 0, 1, 1, 2, 2]


async def test_a_batch_that_fails_to_commit_leaves_nothing_behind(log: AuditBench, monkeypatch: pytest.MonkeyPatch):
    source = log.source().tell(3)
    kept = log_store.move_head

    async def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(log_store, "move_head", fail)
    assert (await source.send()).status_code == 503
    monkeypatch.setattr(log_store, "move_head", kept)
    assert await size_of(log) == 0
    assert (await source.send()).json()["last_index"] == 2
    await log.sign()
    assert (await log.get("/log/checkpoint")).text.split("\n")[1] == "3"


async def test_a_commit_whose_outcome_got_lost_is_found_again_and_built_upon(log: AuditBench):
    source, failures = log.source().tell(5), [OSError("the connection is gone")]

    def lose() -> None:
        if failures:
            raise failures.pop()

    log.audit.database.on_commit(lose)
    assert (await source.send(1, 3)).status_code == 500  # the outcome is unknown: sent again, it is found there
    assert (await source.send(1, 3)).json()["first_index"] == 0
    await source.send(4)
    await log.sign()
    assert (await log.get("/log/checkpoint")).text.split("\n")[1] == "5"


async def test_a_fact_is_found_by_its_id(log: AuditBench):
    source = log.source().tell(3)
    await source.send()
    fact_id = FactId(read_event(source.lines[1]).id)
    assert [each["index"] for each in (await log.read(f"/entries?fact_id={fact_id}"))["items"]] == [1]
