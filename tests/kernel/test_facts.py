"""A fact's bytes: what the log keeps for ever, and what a reader of them refuses."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import canonical
from shared.facts import (
    EVENT_BYTES_MAX,
    GENESIS,
    Actor,
    Category,
    Commitment,
    Fact,
    Retention,
    commit,
    event_line,
    link,
    microseconds,
    moment,
    plain,
    read_event,
)
from shared.grades import C2, G3, RAW, Decision, Grade, decide
from shared.ids import AuctionId, BidId, ContractId, FactId, ParticipantId, VersionId
from shared.money import Money

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ANA = Actor("user", "user_1", "participant_1", "password")
AUCTION, BID, CONTRACT = AuctionId.new(), BidId.new(), ContractId.new()
SALT = bytes(range(32))


@dataclass(frozen=True, slots=True)
class BidPlaced(Fact):
    category: ClassVar = Category.TRADE
    retention: ClassVar = Retention.AUCTION

    auction_id: AuctionId
    bid_id: BidId
    maximum: Commitment
    amount: Money
    placed_at: datetime
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ContentRefused(Fact):
    category: ClassVar = Category.DELIVERY
    outcome: ClassVar = "deny"

    version_id: VersionId
    contract_id: ContractId
    grade: Grade
    decision: Decision
    reason_code: str


A_BID = BidPlaced(AUCTION, BID, commit("maximum", "5000", SALT), Money(1200), NOON)
FACT = FactId.new()


def a_line(fact: Fact = A_BID) -> bytes:
    return event_line(fact, service="trading", fact_id=FACT, actor=ANA, at=NOON, request_id="request_1")


def test_a_line_tells_who_did_what_to_which_things_and_for_how_long_it_is_kept():
    assert json.loads(a_line()) == {
        "v": 1, "id": FACT, "ts": 1893499200000000, "act": "trading.bid_placed", "cat": "trade", "out": "ok",
        "ret": "auction", "actor": {"t": "user", "id": "user_1", "org": "participant_1", "auth": "password"},
        "obj": [{"t": "auction", "id": AUCTION}, {"t": "bid", "id": BID}],
        "amt": {"minor": 1200, "currency": "CNY"}, "req": "request_1", "pd": {"maximum": A_BID.maximum.hex},
        "data": {
            "auction_id": AUCTION, "bid_id": BID, "amount": {"minor": 1200, "currency": "CNY"},
            "placed_at": 1893499200000000,
        },
    }  # fmt: skip


@given(
    minor=st.integers(0, 10**15), seconds=st.integers(0, 2**32), microsecond=st.integers(0, 999_999),
    note=st.none() | st.text(st.characters(codec="ascii")), principal=st.none() | st.just(ParticipantId.new()),
    organisation=st.none() | st.just("participant_2"),
)  # fmt: skip
def test_a_line_has_the_bytes_that_a_plain_writer_gives_it(
    minor: int, seconds: int, microsecond: int, note: str | None, principal: str | None, organisation: str | None
):
    at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=microsecond)
    fact = BidPlaced(AUCTION, BID, commit("maximum", str(minor), SALT), Money(minor), at, note)
    actor = Actor("client", "client_1", organisation, None, principal)
    amount, moment_told = {"minor": minor, "currency": "CNY"}, seconds * 10**6 + microsecond
    told: dict[str, object] = {
        "v": 1, "id": FACT, "ts": moment_told, "act": "audit.bid_placed", "cat": "trade", "out": "ok",
        "ret": "auction", "obj": [{"t": "auction", "id": AUCTION}, {"t": "bid", "id": BID}], "amt": amount,
        "actor": {"t": "client", "id": "client_1"} | ({"org": organisation} if organisation else {}),
        "data": {"auction_id": AUCTION, "bid_id": BID, "amount": amount, "placed_at": moment_told}
        | ({} if note is None else {"note": note}),
        "pd": {"maximum": hmac.new(SALT, b"\x11maximum\0" + str(minor).encode(), hashlib.sha256).hexdigest()},
    }  # fmt: skip
    if principal:
        told["onb"] = principal
    line = event_line(fact, service="audit", fact_id=FACT, actor=actor, at=at, request_id=None)
    assert line == json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def test_a_denial_carries_the_decision_its_rules_and_its_reason():
    denied = decide(G3, RAW, C2)
    fact = ContentRefused(VersionId.new(), CONTRACT, G3, denied, "clearance_too_low")
    event = read_event(a_line(fact))
    assert (event.out, event.rsn, event.ctr) == ("deny", "clearance_too_low", CONTRACT)
    assert event.pol and (event.pol.allow, event.pol.rules) == (False, ["matrix.G3.raw"])
    assert [(thing.t, thing.cls) for thing in event.obj] == [("version", "G3"), ("contract", None)]
    assert event.data["decision"]["reason_code"] == "clearance_too_low"


def test_a_line_is_read_back_whole():
    event = read_event(a_line())
    assert (event.id, event.act, event.ts, event.cat, event.ret) == (
        FACT, "trading.bid_placed", microseconds(NOON), Category.TRADE, Retention.AUCTION,
    )  # fmt: skip
    assert event.actor.org == "participant_1"
    assert event.amt and (event.amt.minor, event.amt.currency) == (1200, "CNY")
    assert event.pd == {"maximum": A_BID.maximum.hex}


def test_what_is_committed_to_stands_nowhere_in_clear():
    assert b"5000" not in a_line()


def changed(**members: object) -> bytes:
    return json.dumps(json.loads(a_line()) | members, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize("line", [
    changed(extra=1),
    changed(actor={"t": "user", "id": "user_1", "name": "Ana"}),
    changed(cat="gossip"),
    changed(out="maybe"),
    changed(ts="1893499200000000"),
    changed(ts=1.5),
    changed(rsn=None),
    changed(data={"ratio": 0.5}),
    changed(data={"much": 2**53}),
    changed(data={"Key": 1}),
    changed(data=[]),
    a_line() + b"\n",
    b" " + a_line(),
    a_line().replace(b'":', b'": ', 1),
    a_line().replace(b'"v":1', b'"v":1,"v":1'),
    a_line().replace(b'"v":1', b'"v":2,"v":1'),
    a_line().replace(b'"placed_at"', b'"placed_\\u0061t"'),
    b'{"v":1,' + a_line().replace(b',"v":1', b"")[1:],
    a_line()[:-1],
    a_line().replace(b"password", b"passw\xffrd"),
    a_line().replace(b"password", b"passwe\xcc\x81"),
    b"", b"{}", b"[]", b"null", b"[" * 100_000,
])  # fmt: skip
def test_a_line_that_is_not_exactly_an_event_is_refused(line: bytes):
    with pytest.raises(ValueError):
        read_event(line)


def test_the_changed_lines_above_are_refused_for_what_was_changed():
    assert read_event(changed()).id == FACT


@given(position=st.integers(0, len(a_line()) - 1), byte=st.integers(0, 255))
def test_a_flipped_byte_is_refused_or_read_as_what_it_says(position: int, byte: int):
    line = bytearray(a_line())
    line[position] = byte
    try:
        event = read_event(bytes(line))
    except ValueError:
        return
    assert bytes(line) == a_line() or event != read_event(a_line())


anything = st.recursive(
    st.booleans() | st.integers(-(2**54), 2**54) | st.text(max_size=5) | st.floats(allow_nan=False) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab_B", max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(
    data=st.dictionaries(st.text("ab_B1", max_size=3), anything, max_size=3), note=st.none() | st.text(max_size=5),
    committed=st.none() | st.dictionaries(st.text("ab_B", max_size=3), st.text(max_size=3), max_size=2),
    version=st.integers(-(2**54), 2**54), escaped=st.booleans(),
)  # fmt: skip
def test_a_line_is_read_just_if_what_it_says_is_encoded_so(
    data: dict[str, object], note: str | None, committed: dict[str, str] | None, version: int, escaped: bool
):
    event = json.loads(a_line()) | {"data": data, "rsn": note, "pd": committed, "v": version}
    told = {name: member for name, member in event.items() if member is not None}
    line = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=escaped).encode()
    try:
        is_an_event = canonical.encode(told) == line
    except ValueError:
        is_an_event = False
    try:
        assert read_event(line).data == data and is_an_event
    except ValueError:
        assert not is_an_event


def test_an_event_that_leaves_out_its_empty_objects_is_read_too():
    line = a_line(NotesTaken("x"))
    assert b'"obj":[]' in line
    assert read_event(line.replace(b'"obj":[],', b"")).obj == read_event(line).obj == []


@dataclass(frozen=True, slots=True)
class NotesTaken(Fact):
    category: ClassVar = Category.SYSTEM

    text: str


def test_a_fact_has_at_most_16_kib_of_bytes():
    envelope = len(a_line(NotesTaken("")))
    assert len(a_line(NotesTaken("x" * (EVENT_BYTES_MAX - envelope)))) == EVENT_BYTES_MAX == 16_384
    with pytest.raises(ValueError, match="digest"):
        a_line(NotesTaken("x" * (EVENT_BYTES_MAX - envelope + 1)))


def test_a_line_that_is_too_long_in_bytes_is_refused_by_its_reader_too():
    envelope = len(a_line(NotesTaken("")))
    whole = a_line(NotesTaken("数" * ((EVENT_BYTES_MAX - envelope) // 3)))
    assert read_event(whole).data["text"]
    with pytest.raises(ValueError, match="16384"):
        read_event(whole.replace("数".encode(), "数数".encode(), 1))


def test_a_link_is_the_hash_of_prefix_previous_number_and_bytes():
    line = a_line()
    first = hashlib.sha256(b"\x10" + b"\x00" * 32 + b"\x00\x00\x00\x00\x00\x00\x00\x01" + line).digest()
    assert link(GENESIS, 1, line) == first
    second = hashlib.sha256(b"\x10" + first + b"\x00\x00\x00\x00\x00\x00\x00\x02" + line).digest()
    assert link(first, 2, line) == second


def test_a_commitment_is_the_keyed_hash_of_its_name_and_value():
    expected = hmac.new(SALT, b"\x11maximum\x005000", hashlib.sha256).hexdigest()
    assert commit("maximum", "5000", SALT) == Commitment(expected)


@given(st.lists(st.tuples(st.sampled_from(["maximum", "reserve"]), st.text(max_size=4)), min_size=2, max_size=2))
def test_a_commitment_opens_to_one_name_and_value_only(opened: list[tuple[str, str]]):
    first, second = opened
    assert (commit(*first, SALT) == commit(*second, SALT)) == (first == second)
    assert commit(*first, SALT) != commit(*first, bytes(32))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_commitment_without_its_full_salt_is_refused(length: int):
    with pytest.raises(ValueError, match="32 bytes"):
        commit("maximum", "5000", bytes(length))


@given(at=st.datetimes(timezones=st.just(timezone(timedelta(hours=8)))))
def test_a_moment_goes_to_microseconds_and_back(at: datetime):
    assert moment(microseconds(at)) == at


def test_a_moment_without_its_zone_is_refused():
    with pytest.raises(TypeError):
        microseconds(datetime(2030, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize("value, carried", [
    (NOON,                            1893499200000000),
    (timedelta(days=1),               86400),
    ({"a": None, "b": 1},             {"b": 1}),
    (frozenset({"b", "a"}),           ["a", "b"]),
    ((Money(5), "x"),                 [{"minor": 5, "currency": "CNY"}, "x"]),
    (Grade.G4,                        "G4"),
    (True,                            True),
])  # fmt: skip
def test_values_as_the_log_carries_them(value: object, carried: object):
    assert plain(value) == carried


@pytest.mark.parametrize("value", [1.5, object(), {"a": 0.1}, [1, 0.5], (NOON, None)])
def test_a_fact_cannot_tell_what_the_log_cannot_carry(value: object):
    with pytest.raises(TypeError):
        plain(value)
