"""An entry: what is accepted from a source, and what links it to the entries before."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.rules import entry
from services.audit.rules.entry import (
    FRAME_BYTES_MAX,
    LEAF_BYTES_MAX,
    LINK_BYTES_MAX,
    Arrival,
    BackLink,
    Batch,
    Composed,
    EventUnreadable,
    ForeignAct,
    SequenceGap,
    SourceEquivocates,
    SourceHead,
)  # fmt: skip
from shared import facts
from shared.facts import (
    GENESIS,
    Actor,
    Category,
    Event,
    EventActor,
    EventObject,
    Fact,
    Retention,
    link,
)  # fmt: skip
from shared.ids import AssetId, ContractId, FactId, ParticipantId, UserId

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
NOON_US = facts.microseconds(NOON)
SECRET = b"s" * 32


@dataclass(frozen=True, slots=True)
class AssetSold(Fact):
    category = Category.TRADE
    asset_id: AssetId
    contract_id: ContractId


def a_line(service: str = "trading", on_behalf_of: str | None = None) -> bytes:
    actor = Actor("user", UserId.new(), ParticipantId.new(), "password")
    fact = AssetSold(AssetId.new(), ContractId.new())
    parts = {"service": service, "fact_id": FactId.new(), "actor": actor, "at": NOON, "request_id": None}
    return facts.event_line(fact, **parts, on_behalf_of=on_behalf_of)  # type: ignore[arg-type]


LINES = tuple(a_line() for _ in range(6))
HASHES = [GENESIS]
for number, each in enumerate(LINES, 1):
    HASHES.append(link(HASHES[-1], number, each))


def a_batch(first: int, last: int) -> Batch:
    return Batch("trading", 3, first, HASHES[first - 1], LINES[first - 1 : last])


def a_head(seq: int) -> SourceHead:
    return SourceHead("trading", 3, seq, HASHES[seq])


def accepted(head: SourceHead, batch: Batch) -> list[int]:
    known = entry.overlap(head, batch)
    return [arrival.seq for arrival in entry.next_in_line(batch, known, HASHES[known])]


@pytest.mark.parametrize("head, first, last, new", [
    (0, 1, 3, [1, 2, 3]),
    (3, 4, 4, [4]),
    (3, 1, 3, []),           # sent again
    (5, 2, 3, []),           # sent again, long ago
    (3, 2, 5, [4, 5]),       # sent again, with more behind
    (3, 3, 4, [4]),
])  # fmt: skip
def test_what_is_next_in_line_is_accepted_once(head: int, first: int, last: int, new: list[int]):
    assert accepted(a_head(head), a_batch(first, last)) == new


def test_each_arrival_carries_the_hash_before_and_after_it():
    arrivals = entry.next_in_line(a_batch(3, 5), 2, HASHES[2])
    assert [(arrival.previous, arrival.hash) for arrival in arrivals] == [
        (HASHES[2], HASHES[3]), (HASHES[3], HASHES[4]), (HASHES[4], HASHES[5]),
    ]  # fmt: skip


def test_a_gap_is_refused_with_the_number_to_go_on_from():
    with pytest.raises(SequenceGap) as refused:
        accepted(a_head(3), a_batch(5, 6))
    assert refused.value.facts == {"head_seq": 3, "head_hash": HASHES[3].hex()}


@given(head=st.integers(0, 5), first=st.integers(1, 6), data=st.data())
def test_another_event_under_a_known_number_is_always_noticed(head: int, first: int, data: st.DataObject):
    last = data.draw(st.integers(first, 6))
    if first > head + 1 or head < 1:
        return
    changed = data.draw(st.integers(first - 1, min(head, last)))  # first - 1: the hash before the batch
    lines = list(a_batch(first, last).lines)
    batch = a_batch(first, last)
    if changed == first - 1:
        batch = replace(batch, previous=b"another".ljust(32))
    else:
        lines[changed - first] = a_line()
        batch = replace(batch, lines=tuple(lines))
    with pytest.raises(SourceEquivocates):
        accepted(a_head(head), batch)


def test_a_stripe_that_starts_again_from_nothing_equivocates():
    with pytest.raises(SourceEquivocates):
        accepted(a_head(3), Batch("trading", 3, 1, GENESIS, (a_line(),)))


def test_a_service_may_not_report_for_another():
    with pytest.raises(ForeignAct):
        entry.next_in_line(Batch("trading", 0, 1, GENESIS, (a_line("catalog"),)), 0, GENESIS)


@pytest.mark.parametrize("change", [
    (b'"v":1', b'"v":1.0'), (b'"v":1', b'"v":1,"v":1'), (b'"v":1', b'"v":-0'), (b'"v":1', b'"v":NaN'),
    (b'"v":1', b'"v": 1'), (b'"v":1', b'"v":9007199254740992'), (b'"v":1', b'"v":1,"x":1'), (b'"act"', b'"Act"'),
    (b"sold", b"so\xff"), (b"sold", b"so\\ud800"), (b"sold", "so\u0065\u0301".encode()), (b"sold", b"so\\u006cd"),
    (b'"ok"', b"null"), (b'"data"', b'"datum"'),
])  # fmt: skip
def test_an_event_that_two_readers_could_read_differently_is_refused(change: tuple[bytes, bytes]):
    line = a_line()
    assert change[0] in line
    with pytest.raises(EventUnreadable):
        entry.next_in_line(Batch("trading", 0, 1, GENESIS, (line.replace(*change, 1),)), 0, GENESIS)


def an_arrival(line: bytes) -> Arrival:
    return entry.next_in_line(Batch("trading", 0, 1, GENESIS, (line,)), 0, GENESIS)[0]


def test_an_event_is_linked_by_actor_organisation_objects_and_contract_each_once():
    event = an_arrival(a_line(on_behalf_of=(principal := UserId.new()))).event
    sold, contract = (each.id for each in event.obj)
    assert entry.subjects(event) == [
        ("actor", event.actor.id), ("org", event.actor.org), ("onb", principal),
        ("obj", sold), ("obj", contract), ("ctr", contract),
    ]  # fmt: skip


def composed(arrivals: list[Arrival], newest: dict[str, BackLink] | None = None, **place: int) -> Composed:
    """The entries of these arrivals, under keys that can be read."""
    told = [entry.subjects(each.event) for each in arrivals]
    keys = {subject: "/".join(subject) for some in told for subject in some}
    at = {"first_index": 0, "now_us": NOON_US, "last_its": 0, "epoch": 1} | place
    return entry.compose(arrivals, told, keys, newest or {}, **at)


@st.composite
def logs(draw: st.DrawFn) -> list[list[str]]:
    """For each entry of a log, by whom it is, and which of a few assets it is about."""
    about = st.lists(st.sampled_from("abc"), max_size=3)
    return draw(st.lists(st.tuples(st.sampled_from("xyz"), about).map(lambda each: [each[0], *each[1]]), max_size=12))


def about(actor: str, *assets: str) -> Arrival:
    objects = [EventObject("asset", each) for each in assets]
    event = Event(
        1, "", NOON_US, "", Category.TRADE, "ok", EventActor("user", actor), {}, Retention.TRANSACTION, objects
    )
    return Arrival("trading", 0, 1, GENESIS, GENESIS, b"{}", event)


@given(log=logs(), parts=st.lists(st.integers(1, 5), max_size=12))
def test_each_link_says_what_a_count_of_all_entries_before_it_says(log: list[list[str]], parts: list[int]):
    newest, leaves, filed = dict[str, BackLink](), list[bytes](), dict[str, list[int]]()
    while len(leaves) < len(log):  # however the log is cut into what is composed at once
        some = log[len(leaves) :][: parts.pop() if parts else len(log)]
        part = composed([about(*each) for each in some], newest, first_index=len(leaves))
        leaves += part.leaves
        newest |= part.newest
        for key, indexes in part.filed.items():
            filed.setdefault(key, []).extend(indexes)
    for index, (actor, *assets) in enumerate(log):
        names = [f"actor/{actor}", *dict.fromkeys(f"obj/{each}" for each in assets)]
        expected = list[list[object]]()
        for name in names:
            role, who = name.split("/")
            before = [
                at for at, (other, *things) in enumerate(log[:index])
                if (other == who if role == "actor" else who in things)
            ]  # fmt: skip
            expected.append([name, before[-1] if before else -1, len(before) + 1])
            assert index in filed[name]
        assert json.loads(leaves[index].split(b"\n")[2])["k"] == expected
    assert {key: (each.previous_index, each.count) for key, each in newest.items()} == {
        key: (indexes[-1], len(indexes)) for key, indexes in filed.items()
    }


def test_a_pseudonym_needs_the_secret_and_does_not_mix_roles():
    key = entry.back_link_key(SECRET, "actor", "user_1")
    assert len(key) == 32
    others = [(b"t" * 32, "actor", "user_1"), (SECRET, "org", "user_1"), (SECRET, "actor", "user_2")]
    assert key not in {entry.back_link_key(*other) for other in others}


@given(now=st.integers(0, 2**50), last=st.integers(0, 2**50), first=st.integers(0, 2**50))
def test_a_leaf_is_read_as_it_was_composed_and_time_never_runs_backwards(now: int, last: int, first: int):
    arrival = an_arrival(LINES[0])
    keys = {each: f"{number:032x}" for number, each in enumerate(entry.subjects(arrival.event))}
    newest = {keys["actor", arrival.event.actor.id]: BackLink(f"{0:032x}", 7, 3)}
    made = entry.compose(
        [arrival], [list(keys)], keys, newest, first_index=first, now_us=now, last_its=last, epoch=2
    )  # fmt: skip
    read = entry.parse(made.leaves[0])
    assert (read.service, read.stripe, read.seq, read.previous) == ("trading", 0, 1, GENESIS)
    assert (read.event_line, read.epoch) == (LINES[0], 2)
    assert read.links == (BackLink(f"{0:032x}", 7, 4), *(BackLink(key, -1, 1) for key in list(keys.values())[1:]))
    assert made.newest == {key: BackLink(key, first, 4 if key == f"{0:032x}" else 1) for key in keys.values()}
    assert read.ingested_at_us == max(now, last)
    assert read.lag_us == read.ingested_at_us - NOON_US


def a_leaf() -> bytes:
    arrival = an_arrival(LINES[0])
    who = [("actor", arrival.event.actor.id)]
    place = {"first_index": 0, "now_us": NOON_US + 5, "last_its": 0, "epoch": 1}
    [leaf] = entry.compose([arrival], [who], {who[0]: "0" * 32}, {}, **place).leaves
    return leaf


def test_a_leaf_is_three_canonical_lines():
    source, event, seal, rest = a_leaf().split(b"\n")
    assert source == b'{"prev":"%s","seq":1,"str":0,"svc":"trading"}' % (b"0" * 64)
    assert event == LINES[0]
    assert seal == b'{"ep":1,"its":%d,"k":[["%s",-1,1]],"lag":5}' % (NOON_US + 5, b"0" * 32)
    assert rest == b""


@pytest.mark.parametrize("change", [
    (b'"ep":1', b'"ep":01'), (b'"ep":1', b'"ep":1.0'), (b'"ep":1', b'"ep":-0'), (b'"ep":1', b'"ep":1,"x":1'),
    (b'"ep":1,', b""), (b'"seq":1', b'"seq": 1'), (b'"k":[', b'"k":[[],'), (b"-1,1]]", b"-1,1],]"), (b"\n", b"\r\n"),
    (b"\n", b"\n\n"),
])  # fmt: skip
def test_a_leaf_in_another_form_is_not_read(change: tuple[bytes, bytes]):
    leaf = a_leaf()
    assert change[0] in leaf
    with pytest.raises(ValueError):
        entry.parse(leaf.replace(*change, 1))


@dataclass(frozen=True, slots=True)
class ManySold(Fact):
    category = Category.TRADE
    x: str


def a_line_about(count: int) -> bytes:
    """As of a service whose ids are as short as can be."""
    actor = Actor("user", UserId.new())
    line = facts.event_line(
        ManySold("x"), service="trading", fact_id=FactId.new(), actor=actor, at=NOON, request_id=None
    )  # fmt: skip
    objects = ",".join(f'{{"id":"{number}","t":"a"}}' for number in range(count))
    return line.replace(b'"obj":[]', f'"obj":[{objects}]'.encode())


@pytest.mark.parametrize("beyond", [0, 1])
def test_an_entry_is_refused_if_no_bundle_might_hold_it(beyond: int):
    envelope, objects = len(a_line_about(0)), 680
    room = LEAF_BYTES_MAX - FRAME_BYTES_MAX - (objects + 4) * LINK_BYTES_MAX
    line = a_line_about(objects)
    line = line.replace(b'"x":"x"', b'"x":"%s"' % (b"x" * (room - len(line) + 1 + beyond)))
    assert envelope < len(line) == room + beyond <= facts.EVENT_BYTES_MAX
    if beyond:
        with pytest.raises(EventUnreadable):
            an_arrival(line)
    else:
        assert len(an_arrival(line).event.obj) == objects


def test_no_entry_that_is_let_in_is_larger_than_a_bundle_can_hold():
    number = 10**15  # and as long again below zero
    arrival = an_arrival(LINES[0])
    told = [entry.subjects(arrival.event)]
    keys = {each: f"{index:032x}" for index, each in enumerate(told[0])}
    newest = {key: BackLink(key, number, number) for key in keys.values()}
    place = {"first_index": number + 1, "now_us": number, "last_its": 0, "epoch": number}
    far = arrival._replace(stripe=number, seq=number)
    [leaf] = entry.compose([far], told, keys, newest, **place).leaves
    assert len(leaf) <= len(LINES[0]) + LINK_BYTES_MAX * len(keys) + FRAME_BYTES_MAX
