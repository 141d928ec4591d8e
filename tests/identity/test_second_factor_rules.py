"""What the rules of second factors promise, against the vectors of RFC 6238 and a naive count."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.rules import second_factor as rules
from services.identity.rules.role import Role
from services.identity.rules.second_factor import (
    ENROLMENT_TIME,
    PASSWORD,
    RECOVERY_CODE,
    TOTP,
    NothingToConfirm,
    SecondFactor,
)
from services.identity.rules.user import NotYourself, User
from shared.ids import ParticipantId, UserId
from shared.signing import code_at

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)
STEP = int(NOON.timestamp()) // 30


@pytest.mark.parametrize("seconds, code", [
    (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
    (2000000000, "69279037"), (20000000000, "65353130"),
])  # fmt: skip
def test_codes_are_those_of_the_standard(seconds: int, code: str):
    """RFC 6238, appendix B, of which six digits are shown."""
    assert code_at(b"12345678901234567890", seconds // 30) == code[-6:]


def code_of(step: int) -> str:
    return f"{step:012}"


@pytest.mark.parametrize("last_step", [None, *range(STEP - 3, STEP + 3)])
def test_the_steps_that_count_are_the_present_one_and_those_beside_it_if_none_as_late_was_used(last_step: int | None):
    found = {step: rules.fresh_step(code_of, code_of(step), last_step, NOON) for step in range(STEP - 3, STEP + 4)}
    wanted = {step for step in (STEP - 1, STEP, STEP + 1) if last_step is None or step > last_step}
    assert {step for step, used in found.items() if used is not None} == wanted
    assert all(found[step] == step for step in wanted)


@pytest.mark.parametrize("moment, step", [(NOON, STEP), (NOON + timedelta(seconds=30) - A_MOMENT, STEP),
                                          (NOON + timedelta(seconds=30), STEP + 1)])  # fmt: skip
def test_a_step_begins_with_its_first_moment(moment: datetime, step: int):
    assert rules.fresh_step(code_of, code_of(step + 1), None, moment) == step + 1
    assert rules.fresh_step(code_of, code_of(step + 2), None, moment) is None


def test_where_two_steps_have_one_code_it_is_good_twice_and_no_more():
    used = rules.fresh_step(lambda _: "7", "7", None, NOON)
    again = rules.fresh_step(lambda _: "7", "7", used, NOON)
    third = rules.fresh_step(lambda _: "7", "7", again, NOON)
    assert (used, again, third) == (STEP - 1, STEP, STEP + 1)
    assert rules.fresh_step(lambda _: "7", "7", third, NOON) is None


@given(st.lists(st.tuples(st.integers(0, 45), st.integers(-2, 2)), max_size=40))
def test_no_step_is_ever_used_twice_or_before_an_earlier_one(tries: list[tuple[int, int]]):
    now, last, used = NOON, None, list[int]()
    for pause, ahead in tries:
        now += timedelta(seconds=pause)
        step = rules.fresh_step(code_of, code_of(int(now.timestamp()) // 30 + ahead), last, now)
        if step is not None:
            last = step
            used.append(step)
    assert used == sorted(set(used))


def test_what_is_in_force_stays_so_until_the_first_code_of_the_next():
    user_id = UserId.new()
    first = rules.enrol(user_id, None, b"one", NOON)
    assert (first.is_in_force, rules.pending_secret(first, NOON)) == (False, b"one")
    in_force = rules.confirm(first, STEP, NOON)
    assert in_force == SecondFactor(user_id, b"one", NOON, STEP)
    second = rules.enrol(user_id, in_force, b"two", NOON)
    assert (second.secret, second.last_step, second.pending) == (b"one", STEP, b"two")
    assert rules.confirm(second, STEP + 9, NOON).secret == b"two"


def test_a_new_secret_waits_a_quarter_of_an_hour():
    factor = rules.enrol(UserId.new(), None, b"one", NOON)
    assert rules.pending_secret(factor, NOON + ENROLMENT_TIME - A_MOMENT) == b"one"
    for nothing in (None, SecondFactor(factor.user_id), rules.confirm(factor, STEP, NOON)):
        with pytest.raises(NothingToConfirm):
            rules.pending_secret(nothing, NOON)
    with pytest.raises(NothingToConfirm):
        rules.pending_secret(factor, NOON + ENROLMENT_TIME)


CODE = "ABCDEFGHJKLMNPQR"


@pytest.mark.parametrize("typed, read", [
    (CODE, CODE), (rules.shown(CODE), CODE), (CODE.lower(), CODE), ("abcd efgh-jklm npqr", CODE), (CODE[:-1], None),
    (CODE + "A", None), (CODE[:-1] + "0", None), ("", None), ("123456", None), (CODE[:-1] + "ﬀ", None),
])  # fmt: skip
def test_a_recovery_code_is_read_however_it_was_written_down(typed: str, read: str | None):
    assert rules.as_recovery_code(typed) == read


def test_a_recovery_code_is_shown_in_groups_and_holds_eighty_bits():
    assert rules.shown(CODE) == "ABCD-EFGH-JKLM-NPQR"
    assert len(set(rules.RECOVERY_SIGNS)) == 32 and rules.RECOVERY_LENGTH * 5 == 80
    assert not set("01IO") & set(rules.RECOVERY_SIGNS)


MEMBER = User(UserId.new(), "ana", frozenset({Role.BUYER}), ParticipantId.new())
OPERATOR = User(UserId.new(), "sec", frozenset({Role.OPERATOR_SECURITY}), None)
JUDGE = User(UserId.new(), "judge", frozenset({Role.ARBITER}), None)


@pytest.mark.parametrize("user, by, required_of, has_roles", [
    (MEMBER,   PASSWORD,      "nobody",   True),
    (MEMBER,   PASSWORD,      "staff",    True),
    (MEMBER,   PASSWORD,      "everyone", False),
    (MEMBER,   TOTP,          "everyone", True),
    (MEMBER,   RECOVERY_CODE, "everyone", True),
    (OPERATOR, PASSWORD,      "nobody",   True),
    (OPERATOR, PASSWORD,      "staff",    False),
    (OPERATOR, PASSWORD,      "everyone", False),
    (OPERATOR, TOTP,          "staff",    True),
    (OPERATOR, RECOVERY_CODE, "staff",    True),
    (JUDGE,    PASSWORD,      "staff",    False),
])  # fmt: skip
def test_without_the_factor_that_is_required_a_log_in_is_good_for_nothing(
    user: User, by: str, required_of: str, has_roles: bool
):
    assert rules.roles_granted(user, by, required_of) == (user.roles if has_roles else frozenset())


def test_a_factor_is_reset_by_somebody_else():
    rules.require_may_reset(MEMBER, OPERATOR.id)
    with pytest.raises(NotYourself):
        rules.require_may_reset(MEMBER, MEMBER.id)
