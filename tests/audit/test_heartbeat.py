"""Signs of life as the log reads them: which they are in a batch, and what they must say."""

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from services.audit.rules import heartbeat
from services.audit.rules.entry import Batch
from services.audit.rules.heartbeat import Count, SignOfLife
from shared.facts import GENESIS, Actor, Category, Fact, event_line, link, moment
from shared.heartbeats import SourceCounted, SourceHeartbeat, ids_hash
from shared.ids import FactId


@dataclass(frozen=True, slots=True)
class StepTaken(Fact):
    category: ClassVar = Category.SYSTEM
    remark: str = 'she said "act":"trading.source_heartbeat"'


def a_line(fact: Fact, service: str = "trading") -> bytes:
    actor = Actor("service", service)
    return event_line(fact, service=service, fact_id=FactId.new(), actor=actor, at=moment(7), request_id=None)


def a_batch(*facts: Fact, first_seq: int = 1, previous: bytes = GENESIS) -> Batch:
    return Batch("trading", 3, first_seq, previous, tuple(a_line(fact) for fact in facts))


def test_signs_of_life_are_found_with_the_hash_that_the_chain_has_before_them():
    beat, counted = SourceHeartbeat(3, 9, "00"), SourceCounted(3, 5, 9, 5, "00")
    batch = a_batch(StepTaken(), beat, StepTaken(), counted, first_seq=5, previous=b"p" * 32)
    reached = [b"p" * 32]
    for seq, line in enumerate(batch.lines, start=5):
        reached.append(link(reached[-1], seq, line))
    found = list(heartbeat.signs_of_life(batch, 8))
    assert [(sign.seq, sign.previous, sign.name) for sign in found] == [
        (6, reached[1], "source_heartbeat"), (8, reached[3], "source_counted")
    ]  # fmt: skip
    assert [sign.seq for sign in heartbeat.signs_of_life(batch, 7)] == [6], "no further than was taken"
    assert [sign.seq for sign in heartbeat.signs_of_life(batch, 5)] == []


def test_where_there_is_none_there_is_none():
    assert list(heartbeat.signs_of_life(a_batch(StepTaken(), StepTaken()), 2)) == []


@pytest.mark.parametrize("stripe, seq, hash_hex, right", [
    (3, 4, "70" * 32, True), (2, 4, "70" * 32, False), (3, 5, "70" * 32, False), (3, 3, "70" * 32, False),
    (3, 4, "71" * 32, False),
])  # fmt: skip
def test_a_sign_of_life_must_tell_the_stripe_the_number_and_the_hash_before_it(
    stripe: int, seq: int, hash_hex: str, right: bool
):
    batch = a_batch(SourceHeartbeat(stripe, seq, hash_hex), first_seq=5, previous=b"p" * 32)
    [sign] = heartbeat.signs_of_life(batch, 5)
    assert heartbeat.agrees(batch, sign) is right


@pytest.mark.parametrize("first, last, told", [
    (1, 4, Count(1, 4, 4, "aa")), (4, 4, Count(4, 4, 4, "aa")), (0, 4, None), (4, 3, None), (1, 5, None),
])  # fmt: skip
def test_a_count_is_of_facts_that_stand_before_it(first: int, last: int, told: Count | None):
    batch = a_batch(SourceCounted(3, first, last, 4, "aa"), first_seq=5)
    [sign] = heartbeat.signs_of_life(batch, 5)
    assert heartbeat.count_of(batch, sign) == told


@pytest.mark.parametrize("change", [
    {"stripe": 2}, {"count": "4"}, {"first_seq": True}, {"ids_hash": 7}, {"more": 1},
], ids=str)  # fmt: skip
def test_a_count_of_another_form_says_nothing(change: dict[str, Any]):
    batch = a_batch(SourceCounted(3, 1, 4, 4, "aa"), first_seq=5)
    [sign] = heartbeat.signs_of_life(batch, 5)
    sign.event.data.update(change)
    assert heartbeat.count_of(batch, sign) is None


def test_source_and_log_count_alike():
    ids = [FactId.new() for _ in range(3)]
    counted = heartbeat.counted(4, 6, ids)
    assert counted == Count(4, 6, 3, ids_hash(ids))
    assert counted.ids_hash == hashlib.sha256(f"{ids[0]}\n{ids[1]}\n{ids[2]}\n".encode()).hexdigest()
    assert heartbeat.counted(4, 6, ids[::-1]) != counted


def test_a_signs_name_is_that_of_its_act():
    [sign] = heartbeat.signs_of_life(a_batch(SourceHeartbeat(3, 0, GENESIS.hex())), 1)
    assert isinstance(sign, SignOfLife) and sign.name == heartbeat.HEARTBEAT
