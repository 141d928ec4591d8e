"""Answers that are provably complete, checked as a stranger would: from the checkpoint, hash by hash, link by link."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from services.audit.actions import answering, indexing
from services.audit.rules import tree
from services.audit.rules.tree import Edge
from shared.facts import microseconds, read_event
from shared.ids import AssetId
from tests.audit.conftest import AuditBench
from tests.audit.test_reading import leaves_of
from tests.audit.test_snapshot import naive_map
from tests.support.bench import Person


def leaf_of(item: dict[str, Any]) -> bytes:
    return "".join(item[line] + "\n" for line in ("source", "event", "seal")).encode()


def included(item: dict[str, Any], answer: dict[str, Any]) -> bool:
    hashes = [bytes.fromhex(each) for each in item["hashes"]]
    leaf = tree.leaf_hash(leaf_of(item))
    return tree.verify_inclusion(item["index"], answer["size"], leaf, hashes, bytes.fromhex(answer["root"]))


def links_of(item: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {key: (previous, count) for key, previous, count in json.loads(item["seal"])["k"]}


def in_the_map(place: dict[str, Any], the_map: dict[str, Any]) -> bool:
    packed = bytes.fromhex(place["key"]) + place["last_index"].to_bytes(8, "big") + place["count"].to_bytes(8, "big")
    hashes, root = [bytes.fromhex(each) for each in place["hashes"]], bytes.fromhex(the_map["root"])
    leaf = sha256(b"\x12" + packed).digest()
    return tree.verify_inclusion(place["position"], the_map["key_count"], leaf, hashes, root)


@dataclass
class Checked:
    """An answer, page after page, and its proof."""

    first: dict[str, Any]
    items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def indexes(self) -> list[int]:
        return [each["index"] for each in self.items]


async def asked(log: AuditBench, query: str, person: Person | None = None, limit: int = 2) -> Checked:
    answer = await log.get(f"/queries?{query}&limit={limit}", person or log.regulator)
    assert answer.status_code == 200, answer.text
    checked, page = Checked(answer.json()), answer.json()
    checked.items += page["items"]
    while page["next_cursor"]:
        answer = await log.get(f"/queries?{query}&limit={limit}&cursor={page['next_cursor']}", person or log.regulator)
        page = answer.json()
        assert (page["size"], page["root"], page["proof"]) == (checked.first["size"], checked.first["root"], None)
        checked.items += page["items"]
    assert all(included(each, checked.first) for each in checked.items)
    return checked


def complete(checked: Checked, tail: list[bytes]) -> bool:
    """Whether the proof shows that the items are all: the map's word for each thread, then the tail, then the walk."""
    proof, answer = checked.first["proof"], checked.first
    told, edge = 0, Edge(0, ())
    if proof["map"]:
        told, said = proof["map"]["size"], read_event(proof["map"]["told_by"]["event"].encode())
        assert included(proof["map"]["told_by"], answer)
        assert (said.act, said.data["size"], said.data["root"]) == ("audit.index_snapshot", told, proof["map"]["root"])
        edge = Edge(told, tuple(bytes.fromhex(each) for each in proof["tail_peaks"]))
    assert edge.append(tree.leaf_hash(leaf) for leaf in tail).root().hex() == answer["root"]
    for thread in proof["threads"]:
        head = pinned(thread, proof["map"])
        for index, leaf in enumerate(tail, told):
            for key, previous, count in json.loads(leaf.split(b"\n")[2])["k"]:
                if key == thread["key"]:
                    assert (previous, count) == (head[0], head[1] + 1)
                    head = (index, count)
        shown = {each["index"]: links_of(each) for each in checked.items}
        while head != (-1, 0):
            if head[0] not in shown or shown[head[0]][thread["key"]][1] != head[1]:
                return False
            previous, count = shown[head[0]][thread["key"]]
            head = (previous, count - 1)
    return True


def pinned(thread: dict[str, Any], the_map: dict[str, Any] | None) -> tuple[int, int]:
    """The thread's last index and count as the map has them; (-1, 0) where the map shows that it has none."""
    places = thread["in_map"]
    if the_map is None:
        return -1, 0
    assert all(in_the_map(each, the_map) for each in places)
    if places[0]["key"] == thread["key"]:
        return places[0]["last_index"], places[0]["count"]
    positions = [each["position"] for each in places]
    below, above = [each for each in places if each["key"] < thread["key"]], places[-1]
    assert below or positions == [0]
    assert above["key"] > thread["key"] or positions == [the_map["key_count"] - 1]
    assert positions == list(range(positions[0], positions[0] + len(positions)))
    return -1, 0


@dataclass
class Story:
    """A log of 27 entries: every third is about the asset, every fourth by the organisation; entry 12 tells the map."""

    log: AuditBench
    ours: Person
    asset: AssetId = field(default_factory=AssetId.new)

    async def told(self, *, mapped: bool = True) -> "Story":
        source = self.log.source()
        for index in range(26):
            if index == 12 and mapped:
                await source.send(1, 12)
                await self.log.sign()
                assert await indexing.take_snapshot(self.log.audit)
                self.log.bench.clock.advance(milliseconds=1)
                await self.log.bench.cores["audit"].relay.tick()
            organisation = self.ours.participant_id if index % 4 == 0 else None
            source.tell(organisation=organisation, asset=self.asset if index % 3 == 0 else None)
            self.log.bench.clock.advance(seconds=1)
        await source.send(13 if mapped else 1)
        await self.log.sign()
        return self

    async def tail(self, checked: Checked) -> list[bytes]:
        the_map = checked.first["proof"]["map"]
        return (await leaves_of(self.log, checked.first["size"]))[the_map["size"] if the_map else 0 :]

    async def naive(self, role: str, name: str) -> list[int]:
        """The indexes of all entries about a subject, read one by one."""
        found: list[int] = []
        for index, leaf in enumerate(await leaves_of(self.log, 27)):
            event = read_event(leaf.split(b"\n")[1])
            told = {("obj", each.id) for each in event.obj} | {("actor", event.actor.id), ("org", event.actor.org)}
            found += [index] if (role, name) in told else []
        return found


@pytest.fixture
async def story(log: AuditBench) -> Story:
    return await Story(log, await log.bench.member()).told()


async def test_all_entries_about_an_object_are_shown_to_be_all(story: Story):
    checked = await asked(story.log, f"object={story.asset}")
    assert checked.indexes == await story.naive("obj", story.asset) == [0, 3, 6, 9, 13, 16, 19, 22, 25]
    assert (checked.first["size"], checked.first["count"], checked.first["proof"]["map"]["size"]) == (27, 9, 12)
    assert complete(checked, await story.tail(checked))


async def test_an_answer_that_leaves_one_out_is_noticed(story: Story):
    checked = await asked(story.log, f"object={story.asset}")
    whole, tail = list(checked.items), await story.tail(checked)
    for left_out in range(9):
        checked.items = whole[:left_out] + whole[left_out + 1 :]
        assert not complete(checked, tail)


async def test_a_log_without_a_map_yet_is_looked_through_whole(log: AuditBench):
    story = await Story(log, await log.bench.member()).told(mapped=False)
    checked = await asked(log, f"object={story.asset}")
    assert (checked.first["proof"]["map"], checked.first["proof"]["tail"]) == (None, {"first": 0, "end": 26})
    assert complete(checked, await story.tail(checked))


async def test_that_there_is_nothing_is_shown_by_two_neighbours_and_the_tail(story: Story):
    checked = await asked(story.log, f"object={AssetId.new()}")
    assert (checked.items, checked.first["count"]) == ([], 0)
    [thread] = checked.first["proof"]["threads"]
    assert (thread["count"], thread["last_index"], thread["key"] in [each["key"] for each in thread["in_map"]]) == (
        0, None, False,
    )  # fmt: skip
    assert complete(checked, await story.tail(checked))


async def test_an_actor_and_an_organisation_are_asked_for_likewise(story: Story):
    actor = read_event((await story.log.read("/entries/5"))["event"].encode()).actor.id
    for query, role, name in (
        (f"actor={actor}", "actor", actor), (f"organisation={story.ours.participant_id}", "org", ""),
    ):  # fmt: skip
        checked = await asked(story.log, query)
        assert checked.indexes == await story.naive(role, name or str(story.ours.participant_id))
        assert checked.first["count"] == len(checked.items) > 0
        assert complete(checked, await story.tail(checked))


async def test_an_organisation_may_ask_for_all_of_its_own_and_for_nothing_else(story: Story):
    own = f"organisation={story.ours.participant_id}"
    checked = await asked(story.log, own, story.ours)
    assert checked.indexes == await story.naive("org", str(story.ours.participant_id))
    other = f"organisation={(await story.log.bench.member()).participant_id}"
    for query in (
        other,
        f"object={story.asset}",
        "actor=user_1",
        "service=trading",
        "ingested_from=2030-01-01T00:00:00Z",
    ):
        refused = await story.log.get(f"/queries?{query}", story.ours)
        assert (refused.status_code, refused.json()["code"]) == (403, "only_your_own")
    refused = await story.log.get(f"/queries?{own}", story.log.bench.staff("operator_business"))
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_role")
    assert (await story.log.get(f"/queries?{own}")).status_code == 401


async def test_an_answer_stays_that_of_one_size_while_the_log_grows(story: Story):
    first = (await story.log.get(f"/queries?object={story.asset}&limit=2", story.log.regulator)).json()
    await story.log.source("catalog").tell(3, asset=story.asset).send()
    await story.log.sign()
    second = await story.log.get(f"/queries?object={story.asset}&cursor={first['next_cursor']}", story.log.regulator)
    assert (second.json()["size"], [each["index"] for each in second.json()["items"]]) == (
        27,
        [6, 9, 13, 16, 19, 22, 25],
    )
    assert (await asked(story.log, f"object={story.asset}")).indexes[-3:] == [27, 28, 29]


async def test_the_numbers_of_a_source_are_shown_to_be_without_gaps(story: Story):
    checked = await asked(story.log, "service=trading&stripe=0&first_seq=11&last_seq=15")
    assert [json.loads(each["source"])["seq"] for each in checked.items] == [11, 12, 13, 14, 15]
    assert checked.indexes == [10, 11, 13, 14, 15]
    assert (await asked(story.log, "service=trading&first_seq=25")).first["count"] == 2
    assert (await asked(story.log, "service=catalog")).items == []


async def test_what_was_taken_in_a_time_stands_between_its_neighbours(story: Story):
    end = story.log.bench.clock.now()
    query = f"ingested_from={rfc_3339(end - timedelta(seconds=14))}&ingested_until={rfc_3339(end)}"
    checked = await asked(story.log, query)
    proof = checked.first["proof"]
    assert (checked.indexes, checked.first["count"], proof["scan"]) == ([12], 1, {"first": 12, "end": 13})
    assert (proof["before"]["index"], proof["after"]["index"]) == (11, 13)
    assert included(proof["before"], checked.first) and included(proof["after"], checked.first)
    everything = await asked(story.log, "ingested_from=2000-01-01T00:00:00Z")
    assert everything.indexes == list(range(27))
    assert (everything.first["proof"]["before"], everything.first["proof"]["after"]) == (None, None)


def rfc_3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


async def test_what_happened_in_a_time_is_found_however_late_it_came(story: Story, monkeypatch: pytest.MonkeyPatch):
    start = story.log.bench.clock.now() - timedelta(seconds=26)
    happened = [read_event(leaf.split(b"\n")[1]).ts for leaf in await leaves_of(story.log, 27)]
    for first, until in [(0, 4), (5, 9), (11, 15), (20, 26), (0, 26), (7, 7)]:
        monkeypatch.setattr(answering, "ENTRIES_SCANNED_MAX", 3 if first == 5 else 2_000)
        wanted = [start + timedelta(seconds=each) for each in (first, until)]
        checked = await asked(story.log, f"happened_from={rfc_3339(wanted[0])}&happened_until={rfc_3339(wanted[1])}")
        from_us, until_us = map(microseconds, wanted)
        naive = {index for index, moment in enumerate(happened) if from_us <= moment < until_us}
        assert checked.indexes == sorted(naive)
        proof = checked.first["proof"]
        assert proof["tail"] == {"first": 12, "end": 27}
        assert naive <= {*range(proof["scan"]["first"], proof["scan"]["end"]), *range(12, 27)}


NO_QUESTION = [
    "", "object=asset_1", "actor=!", "stripe=0", "first_seq=1", "service=trading&actor=user_1",
    "service=trading&first_seq=0",
    "service=trading&first_seq=2&last_seq=1", "ingested_from=2030-01-01", "happened_until=noon", "service=TRADING",
    "ingested_from=2030-01-02T00:00:00Z&ingested_until=2030-01-01T00:00:00Z", "service=trading&cursor=MQ==",
    "ingested_from=2030-01-01T00:00:00Z&happened_from=2030-01-01T00:00:00Z", "service=trading&cursor=LTEuMg==",
]  # fmt: skip


async def test_a_question_that_is_none_or_several_is_refused(log: AuditBench):
    for query in NO_QUESTION:
        answer = await log.get(f"/queries?{query}", log.regulator)
        assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json"), query
    assert await log.bench.cores["audit"].feed.after({}) == []


async def test_each_page_that_is_given_out_is_itself_in_the_log_and_changes_no_answer(story: Story):
    core = story.log.bench.cores["audit"]
    await asked(story.log, f"object={story.asset}", limit=5)
    await asked(story.log, f"organisation={story.ours.participant_id}", story.ours, limit=100)
    told = [each for each in await core.feed.after({}) if each.act == "audit.query_answered"]
    assert [each.data for each in told] == [
        {"sought": story.asset, "size": 27, "shown": 5, "first_index": 0, "last_index": 13},
        {"sought": story.asset, "size": 27, "shown": 4, "first_index": 16, "last_index": 25},
        {"sought": str(story.ours.participant_id), "size": 27, "shown": 7, "first_index": 0, "last_index": 25},
    ]
    await core.relay.tick()
    await story.log.sign()
    assert (await asked(story.log, f"object={story.asset}")).first["count"] == 9


async def test_there_is_no_answer_out_of_what_nobody_signed(log: AuditBench):
    await log.source().tell(2).send()
    answer = await log.get("/queries?service=trading", log.regulator)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_checkpoint")


async def test_the_map_agrees_with_one_that_is_counted_by_hand(story: Story):
    keys = [[link[0] for link in json.loads(leaf.split(b"\n")[2])["k"]] for leaf in await leaves_of(story.log, 12)]
    checked = await asked(story.log, f"object={story.asset}")
    [thread] = checked.first["proof"]["threads"]
    assert (thread["key"], 9, 4) in naive_map(keys)
    assert [(each["last_index"], each["count"]) for each in thread["in_map"]] == [(9, 4)]
