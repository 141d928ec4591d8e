"""Subjects and inspectors by lot: nobody chooses, nobody is drawn twice, and anyone draws them again."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.events.log import SamplingCommitted
from services.audit.rules import checkpoint
from services.audit.rules import sampling as rules
from services.audit.rules.sampling import NamedTwice, Plan, Sampling, State, TooFewToDraw
from shared import canonical
from shared.errors import Failure
from shared.facts import plain
from shared.ids import FactId, ParticipantId, SamplingId, UserId
from shared.lifecycle import IllegalMove
from tests.audit.cases import line_of, post, told
from tests.audit.conftest import AuditBench

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SUBJECTS = [ParticipantId(f"participant_{number:032x}") for number in range(8)]
INSPECTORS = [UserId(f"user_{number:032x}") for number in range(5)]
SEED, ROOT = bytes(range(32)), bytes(range(32, 64))


def a_plan(subjects: int = 3, inspectors: int = 2, order: int = 1) -> Plan:
    return rules.plan("抽查", "国办发〔2015〕58号", SUBJECTS[::order], INSPECTORS[::order], subjects, inspectors)


def a_sampling(plan: Plan | None = None) -> Sampling:
    return rules.commit(SamplingId.new(), FactId.new(), "user_x", plan or a_plan(), SEED, NOON)


def by_hand(plan: Plan, seed: bytes, root: bytes) -> list[tuple[str, list[str]]]:
    """The rule as it is published, by who has read nothing but that."""
    key = hashlib.sha256(seed + root).digest()
    lots = sorted((hmac.digest(key, b"subject\0" + each.encode(), "sha256"), each) for each in plan.subjects)
    found: list[tuple[str, list[str]]] = []
    for _, subject in lots[: plan.subject_count]:
        message = b"inspector\0" + subject.encode() + b"\0"
        ranks = sorted((hmac.digest(key, message + each.encode(), "sha256"), each) for each in plan.inspectors)
        found.append((subject, [each for _, each in ranks[: plan.inspectors_each]]))
    return found


GOLDEN = [(3, [4, 1]), (6, [1, 3]), (1, [1, 4])]


def test_a_draw_that_stays_as_it_is_for_ever():
    drawn = rules.assignments(a_plan(), SEED, ROOT)
    told = [(int(each.subject[-1]), [int(name[-1]) for name in each.inspectors]) for each in drawn]
    assert told == GOLDEN


@given(
    st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.integers(1, 8), st.integers(1, 5)
)  # fmt: skip
def test_a_draw_is_the_published_rule_and_nobody_stands_in_it_twice(seed: bytes, root: bytes, count: int, each: int):
    plan = a_plan(count, each)
    drawn = [(one.subject, list(one.inspectors)) for one in rules.assignments(plan, seed, root)]
    assert drawn == by_hand(plan, seed, root)
    assert len({subject for subject, _ in drawn}) == len(drawn) == count
    assert all(len(set(inspectors)) == len(inspectors) == each for _, inspectors in drawn)


def test_the_order_of_the_lists_changes_nothing_and_the_root_changes_the_draw():
    assert a_plan(order=-1) == a_plan()
    assert rules.assignments(a_plan(), SEED, ROOT) != rules.assignments(a_plan(), SEED, bytes(32))
    assert rules.assignments(a_plan(), SEED, ROOT) != rules.assignments(a_plan(), bytes(32), ROOT)


def test_everyone_is_drawn_about_as_often():
    times = dict.fromkeys(SUBJECTS, 0)
    for number in range(800):
        for drawn in rules.assignments(a_plan(2, 1), number.to_bytes(32, "big"), ROOT):
            times[drawn.subject] += 1
    assert all(140 < count < 260 for count in times.values()), times


@pytest.mark.parametrize("subjects, inspectors, counts, error", [
    ([SUBJECTS[0]] * 2, INSPECTORS, (1, 1), NamedTwice),
    (SUBJECTS, [INSPECTORS[0]] * 2, (1, 1), NamedTwice),
    (SUBJECTS, INSPECTORS, (9, 1), TooFewToDraw),
    (SUBJECTS, INSPECTORS, (1, 6), TooFewToDraw),
])  # fmt: skip
def test_a_list_that_cannot_be_drawn_from_is_refused(
    subjects: list[ParticipantId], inspectors: list[str], counts: tuple[int, int], error: type[Failure]
):
    with pytest.raises(error):
        rules.plan("抽查", "依据", subjects, inspectors, *counts)


def test_whole_lists_may_be_drawn():
    assert len(rules.assignments(a_plan(8, 5), SEED, ROOT)) == 8


def test_a_sampling_is_drawn_once_or_lapses():
    waiting = a_sampling()
    assert (waiting.state, waiting.deadline, waiting.next_actor) == (State.COMMITTED, NOON + timedelta(hours=1), "log")
    drawn, lapsed = rules.draw(waiting, 7, ROOT), rules.lapse(waiting)
    assert (drawn.beacon_size, drawn.beacon_root, drawn.deadline, drawn.revision) == (7, ROOT.hex(), None, 2)
    assert (lapsed.state, lapsed.reason_code, lapsed.drawn) == (State.LAPSED, "no_checkpoint_in_time", ())
    for over in (drawn, lapsed):
        with pytest.raises(IllegalMove):
            rules.draw(over, 7, ROOT)


def test_a_seed_is_thirty_two_bytes():
    with pytest.raises(ValueError, match="32 bytes"):
        rules.commit(SamplingId.new(), FactId.new(), "user_x", a_plan(), SEED[:-1], NOON)


BODY = {
    "purpose": "抽查", "legal_basis": "国办发〔2015〕58号", "subject_ids": SUBJECTS, "inspector_ids": INSPECTORS,
    "subject_count": 3, "inspectors_each": 2,
}  # fmt: skip


async def test_a_draw_can_be_made_again_from_what_the_log_tells(log: AuditBench):
    answer = await post(log, "/samplings", BODY)
    committed = answer.json()
    assert (answer.status_code, committed["state"], committed["seed"], committed["drawn"]) == (
        201,
        "committed",
        None,
        [],
    )
    await log.sign()
    assert (await log.read(f"/samplings/{committed['id']}"))["state"] == "committed", "the log has not covered it yet"
    await log.bench.cores["audit"].relay.tick()
    await log.sign()
    drawn = await log.read(f"/samplings/{committed['id']}")
    [(_, first), (_, second)] = await told(log)
    plan = rules.plan(
        first["purpose"], first["legal_basis"], first["subjects"], first["inspectors"], first["subject_count"],
        first["inspectors_each"],
    )  # fmt: skip
    seed, root = bytes.fromhex(second["seed"]), bytes.fromhex(second["beacon_root"])
    assert hashlib.sha256(seed).hexdigest() == first["seed_hash"] == committed["seed_hash"]
    again = by_hand(plan, seed, root)
    assert [(each["subject"], each["inspectors"]) for each in drawn["drawn"]] == again
    assert second["subjects"] == [subject for subject, _ in again]
    assert second["assignments_hash"] == canonical.digest(plain(rules.assignments(plan, seed, root)))
    newest = checkpoint.parse_checkpoint(checkpoint.parse_note((await log.get("/log/checkpoint")).text).text)
    assert (newest.size, newest.root) == (second["beacon_size"], root), "the first checkpoint that covers it"


async def test_a_later_checkpoint_changes_no_draw(log: AuditBench):
    committed = (await post(log, "/samplings", BODY)).json()
    await log.bench.cores["audit"].relay.tick()
    await log.audit.signer.sign()
    await log.source().tell(3).send()
    await log.sign()
    drawn = await log.read(f"/samplings/{committed['id']}")
    assert (drawn["state"], drawn["beacon_size"]) == ("drawn", 1)


async def test_without_a_checkpoint_in_time_nothing_is_drawn(log: AuditBench):
    committed = (await post(log, "/samplings", BODY)).json()
    log.bench.clock.advance(hours=1)
    await log.sign()
    lapsed = await log.read(f"/samplings/{committed['id']}")
    assert (lapsed["state"], lapsed["reason_code"], lapsed["seed"]) == ("lapsed", "no_checkpoint_in_time", None)


async def test_samplings_are_listed_and_an_unknown_one_is_not_there(log: AuditBench):
    first, second = [(await post(log, "/samplings", BODY)).json()["id"] for _ in range(2)]
    assert [each["id"] for each in (await log.read("/samplings"))["items"]] == [first, second]
    answer = await log.get(f"/samplings/{SamplingId.new()}", log.regulator)
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_sampling")
    twice = await post(log, "/samplings", BODY | {"subject_ids": SUBJECTS[:1] * 2})
    assert (twice.status_code, twice.json()["code"]) == (422, "named_twice")


def test_the_largest_commitment_fits_into_a_fact():
    subjects = [ParticipantId.new() for _ in range(rules.SUBJECTS_MAX)]
    inspectors = [str(UserId.new()) for _ in range(rules.INSPECTORS_MAX)]
    plan = rules.plan("𠮷" * 500, "𠮷" * 200, subjects, inspectors, rules.SUBJECTS_MAX, rules.INSPECTORS_MAX)
    assert len(line_of(SamplingCommitted.of(a_sampling(plan)), NOON)) < 16 * 1024
