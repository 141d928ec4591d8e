"""An instruction's life, what a callback may say of it, and a day's statement: pure, so no fixture is needed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.rules import callback, instruction, statement
from services.trading.rules.callback import CallbackNotGenuine
from services.trading.rules.instruction import (
    ATTEMPTS_MAX,
    CONFIRMED,
    DECIDED_WITHIN,
    INSTRUCTION,
    PARKED,
    PENDING,
    REFUSED,
    SENT,
    BadInstruction,
    Instruction,
    InstructionKind,
    InstructionState,
    NothingToResume,
    Part,
    Report,
)
from services.trading.rules.statement import Movement
from shared.ids import InstructionId, ParticipantId
from shared.lifecycle import IllegalMove
from shared.money import Money

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ANA, BEN = ParticipantId.new(), ParticipantId.new()
TO_HERSELF = (Part(ANA, Money(100)),)
SHARED = (Part(BEN, Money(97)), Part("exchange:fee", Money(3)))


def an_instruction(kind: InstructionKind = InstructionKind.PAY_IN, state: InstructionState = PENDING) -> Instruction:
    parts = SHARED if kind is InstructionKind.SPLIT else TO_HERSELF
    return Instruction(InstructionId.new(), kind, ANA, ANA, parts, f"test:{kind}", NOON, NOON, state=state)


def a_report(of: Instruction, state: InstructionState = CONFIRMED) -> Report:
    return Report(of.id, state, of.amount, of.payer, of.parts)


def attempts(count: int) -> tuple[Instruction, datetime]:
    """After so many tries that nobody answered, each made as soon as it was due."""
    tried = an_instruction()
    for _ in range(count):
        now = tried.next_attempt_at
        tried = instruction.undecided(instruction.attempt(tried, now), now, reached=False)
    return tried, tried.next_attempt_at


@pytest.mark.parametrize("to", InstructionState)
@pytest.mark.parametrize("state", InstructionState)
def test_an_instruction_moves_as_the_table_says_and_no_other_way(state: InstructionState, to: InstructionState):
    if to in INSTRUCTION.moves[state]:
        assert INSTRUCTION.move(state, to) is to
    else:
        with pytest.raises(IllegalMove):
            INSTRUCTION.move(state, to)


def test_pauses_between_tries_grow_until_a_person_is_called():
    made = [attempts(count)[1] for count in range(ATTEMPTS_MAX)]
    pauses = [later - earlier for earlier, later in pairwise(made)]
    assert pauses == sorted(pauses)
    parked, _ = attempts(ATTEMPTS_MAX)
    assert (parked.state, parked.reason_code, parked.next_actor) == (PARKED, "no_answer", "operator_business")
    assert made[-1] == an_instruction().deadline == NOON + DECIDED_WITHIN, "the deadline is when it is parked"


def test_a_parked_instruction_is_asked_about_once_a_day_for_ever():
    parked, due = attempts(ATTEMPTS_MAX)
    asked = instruction.undecided(instruction.attempt(parked, due), due, reached=False)
    assert (asked.state, asked.next_attempt_at, asked.deadline) == (
        PARKED,
        due + timedelta(days=1),
        due + timedelta(days=1),
    )


def test_one_that_the_custodian_has_is_sent_and_parked_if_it_never_decides():
    sent = instruction.undecided(instruction.attempt(an_instruction(), NOON), NOON, reached=True)
    assert (sent.state, sent.next_actor, sent.deadline) == (SENT, "custodian", NOON + DECIDED_WITHIN)
    slow = instruction.undecided(replace(sent, attempts=ATTEMPTS_MAX), NOON, reached=True)
    assert (slow.state, slow.reason_code) == (PARKED, "no_decision")


def test_a_reply_that_comes_after_the_callback_changes_nothing():
    confirmed = instruction.confirm(an_instruction(), NOON)
    assert instruction.undecided(confirmed, NOON, reached=True) is confirmed


@pytest.mark.parametrize("kind, state, reason_code", [
    (InstructionKind.PAY_IN,  REFUSED, "declined"),
    (InstructionKind.PAYOUT,  REFUSED, "declined"),
    (InstructionKind.SPLIT,   PARKED,  "refused_declined"),
    (InstructionKind.RELEASE, PARKED,  "refused_declined"),
    (InstructionKind.REFUND,  PARKED,  "refused_declined"),
])  # fmt: skip
def test_what_is_owed_is_not_ended_by_a_refusal(kind: InstructionKind, state: InstructionState, reason_code: str):
    refused = instruction.refuse(an_instruction(kind), "declined", NOON)
    assert (refused.state, refused.reason_code) == (state, reason_code)


def test_only_what_was_refused_for_good_is_resumed_under_a_new_id():
    unanswered = instruction.park(an_instruction(InstructionKind.SPLIT), "no_answer", NOON)
    again, successor = instruction.resume(unanswered, InstructionId.new(), NOON)
    assert (again.id, again.state, again.next_attempt_at, successor) == (unanswered.id, PARKED, NOON, None)

    refused = instruction.refuse(an_instruction(InstructionKind.SPLIT), "declined", NOON)
    old, new = instruction.resume(refused, successor_id := InstructionId.new(), NOON)
    assert (old.state, new and (new.id, new.state, new.attempts, new.parts)) == (
        REFUSED, (successor_id, PENDING, 0, refused.parts),
    )  # fmt: skip


@pytest.mark.parametrize("state", [PENDING, SENT, CONFIRMED, REFUSED])
def test_only_what_is_parked_is_resumed(state: InstructionState):
    with pytest.raises(NothingToResume):
        instruction.resume(an_instruction(state=state), InstructionId.new(), NOON)


@pytest.mark.parametrize("kind, parts", [
    (InstructionKind.SPLIT,   ()),
    (InstructionKind.SPLIT,   (Part(BEN, Money(1)), Part(BEN, Money(2)))),
    (InstructionKind.SPLIT,   (Part(ANA, Money(1)),)),
    (InstructionKind.SPLIT,   (Part(BEN, Money(0)),)),
    (InstructionKind.SPLIT,   (Part(BEN, Money(10**15)), Part("exchange:fee", Money(1)))),
    (InstructionKind.PAY_IN,  (Part(BEN, Money(1)),)),
    (InstructionKind.RELEASE, (Part(ANA, Money(1)), Part(BEN, Money(1)))),
])  # fmt: skip
def test_parts_that_make_no_sense_cannot_be_instructed(kind: InstructionKind, parts: tuple[Part, ...]):
    with pytest.raises(BadInstruction):
        replace(an_instruction(kind), parts=parts)


@pytest.mark.parametrize("timestamp, is_good", [
    ("1893499200",    True),    # noon itself
    ("1893498900",    True),    # 300 s before
    ("1893499500",    True),    # 300 s after
    ("1893498899",    False),
    ("1893499501",    False),
    ("",              False),
    ("-1893499200",   False),
    ("1893499200.0",  False),
    (" 1893499200",   False),
    ("１８９３４９９２００", False),
    ("9" * 5000,      False),
])  # fmt: skip
def test_a_callback_is_of_now(timestamp: str, is_good: bool):
    if is_good:
        callback.check_moment(timestamp, NOON)
    else:
        with pytest.raises(CallbackNotGenuine):
            callback.check_moment(timestamp, NOON)


@given(st.binary(), st.binary())
def test_no_two_bodies_have_the_same_signed_bytes(one: bytes, other: bytes):
    same = callback.signed_bytes("1", "event", one) == callback.signed_bytes("1", "event", other)
    assert same == (one == other)


KNOWN = an_instruction(InstructionKind.SPLIT)


@pytest.mark.parametrize("report, difference", [
    (a_report(KNOWN),                                             None),
    (replace(a_report(KNOWN), amount=Money(99)),                  "amount_differs"),
    (replace(a_report(KNOWN), amount=Money(101)),                 "amount_differs"),
    (replace(a_report(KNOWN), amount=Money(100, "USD")),          "currency_differs"),
    (replace(a_report(KNOWN), payer=BEN),                         "payer_differs"),
    (replace(a_report(KNOWN), instruction_id=InstructionId.new()), "instruction_differs"),
    (replace(a_report(KNOWN), parts=(SHARED[0],)),                "payee_differs"),
    (replace(a_report(KNOWN), parts=(*SHARED, SHARED[0])),        "payee_differs"),
    (replace(a_report(KNOWN), parts=(Part(BEN, Money(96)), Part("exchange:fee", Money(4)))), "payee_differs"),
    (replace(a_report(KNOWN), parts=(Part(ANA, Money(97)), Part("exchange:fee", Money(3)))), "payee_differs"),
    (replace(a_report(KNOWN), parts=SHARED[::-1]),                None),   # in whichever order
])  # fmt: skip
def test_a_report_is_of_the_very_thing_that_was_instructed(report: Report, difference: str | None):
    assert callback.difference(KNOWN, report) == difference


@pytest.mark.parametrize("ours, told, contradicts", [
    (CONFIRMED, REFUSED,   True),
    (REFUSED,   CONFIRMED, True),
    (CONFIRMED, CONFIRMED, False),
    (CONFIRMED, PENDING,   False),
    (PARKED,    CONFIRMED, False),
])  # fmt: skip
def test_only_the_opposite_of_a_decision_contradicts_it(
    ours: InstructionState, told: InstructionState, contradicts: bool
):
    ended = an_instruction(state=ours)
    assert callback.contradicts(ended, a_report(ended, told)) is contradicts


def a_movement(of: Instruction) -> Movement:
    return Movement(of.id, of.kind, of.payer, of.amount, of.parts)


def test_a_statement_that_says_what_we_know_differs_in_nothing():
    ours = [an_instruction(kind) for kind in InstructionKind]
    assert statement.differing(map(a_movement, reversed(ours)), ours) == ()
    split = an_instruction(InstructionKind.SPLIT)
    assert statement.differing([replace(a_movement(split), parts=tuple(reversed(SHARED)))], [split]) == ()


def test_what_either_side_lacks_or_has_otherwise_is_found():
    same, lost, grown, payer = (an_instruction() for _ in range(4))
    twice, wrong = (an_instruction(InstructionKind.SPLIT) for _ in range(2))
    strange = Movement("somebody-elses", InstructionKind.SPLIT, ANA, Money(1), ())
    shared_otherwise = (Part(BEN, Money(96)), Part("exchange:fee", Money(4)))
    stated = [
        a_movement(same), replace(a_movement(grown), amount=Money(101)), replace(a_movement(payer), payer=BEN), strange,
        a_movement(twice), a_movement(twice), replace(a_movement(wrong), parts=shared_otherwise),
    ]  # fmt: skip
    found = statement.differing(stated, [same, lost, grown, payer, twice, wrong])
    assert found == tuple(sorted([lost.id, grown.id, payer.id, twice.id, wrong.id, "somebody-elses"]))


FIRST, SECOND, THIRD = (datetime(2030, 1, day, tzinfo=UTC) for day in (1, 2, 3))
NEARLY_READY, READY = timedelta(minutes=9, seconds=59), timedelta(minutes=10)


@pytest.mark.parametrize("now, compared, day", [
    (THIRD + READY,                None,   SECOND),
    (THIRD + NEARLY_READY,         None,   FIRST),
    (THIRD + NEARLY_READY,         FIRST,  None),     # the custodian has not closed the second day yet
    (THIRD + READY,                FIRST,  SECOND),
    (THIRD + READY,                SECOND, None),
    (THIRD + timedelta(days=9),    FIRST,  SECOND),   # nothing ran for a week: still no day is left out
])  # fmt: skip
def test_every_day_is_compared_once_the_custodian_has_closed_it(
    now: datetime, compared: datetime | None, day: datetime | None
):
    assert statement.day_to_compare(now, compared) == day
