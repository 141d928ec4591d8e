"""The profile for 等保三级: what it asks of the staff, at each of its limits, and of nobody else."""

from datetime import UTC, datetime, timedelta

import pytest

from services.identity.rules.profile import (
    ORDINARY,
    STRICT,
    Discipline,
    PasswordExpired,
    PasswordNotVaried,
    Profile,
    classes,
    discipline_of,
    is_dormant,
    is_idle,
    require_fresh,
    require_varied,
)
from services.identity.rules.role import STAFF, TRADING, Role

NOON, INSTANT = datetime(2030, 6, 1, 12, tzinfo=UTC), timedelta(microseconds=1)
STANDARD, DJCP3 = Profile


@pytest.mark.parametrize("role", Role)
def test_the_profile_binds_the_staff_alone(role: Role):
    assert discipline_of(STANDARD, frozenset({role})) == ORDINARY
    assert discipline_of(DJCP3, frozenset({role})) == (STRICT if role in STAFF else ORDINARY)


def test_it_is_what_the_standard_asks():
    asked = Discipline(timedelta(days=90), 3, timedelta(minutes=15), True, timedelta(days=90))
    assert asked == STRICT and discipline_of(DJCP3, TRADING) == ORDINARY
    assert Discipline(None, 1, None, False, None) == ORDINARY


@pytest.mark.parametrize("password, kinds", [
    ("", 0), ("aaaa", 1), ("AAAA", 1), ("1111", 1), ("----", 1), ("密码密码", 1), ("aA", 2), ("aA1", 3), ("aA1-", 4),
    ("密码aA", 3), ("１a", 2), ("Éé", 2),
])  # fmt: skip
def test_signs_are_of_four_kinds(password: str, kinds: int):
    assert classes(password) == kinds


@pytest.mark.parametrize(
    "password, varied", [("longenough words", False), ("Long enough words", True), ("LONG1", False)]
)
def test_a_password_of_the_staff_is_of_three_kinds(password: str, varied: bool):
    require_varied(password, ORDINARY)
    if varied:
        require_varied(password, STRICT)
        return
    with pytest.raises(PasswordNotVaried) as refused:
        require_varied(password, STRICT)
    assert refused.value.facts == {"classes": 2, "classes_min": 3}


def test_a_password_is_good_for_less_than_ninety_days():
    ends = NOON + timedelta(days=90)
    require_fresh(NOON, STRICT, ends - INSTANT)
    require_fresh(NOON, ORDINARY, ends + timedelta(days=9_000))
    with pytest.raises(PasswordExpired) as refused:
        require_fresh(NOON, STRICT, ends)
    assert refused.value.facts == {"expired_at": ends}


@pytest.mark.parametrize("after, idle", [
    (timedelta(minutes=15) - INSTANT, False), (timedelta(minutes=15), True), (timedelta(hours=9), True),
])  # fmt: skip
def test_a_session_of_the_staff_ends_after_fifteen_idle_minutes(after: timedelta, idle: bool):
    assert is_idle(NOON, STRICT, NOON + after) is idle
    assert not is_idle(NOON, ORDINARY, NOON + after)


@pytest.mark.parametrize("after, dormant", [
    (timedelta(days=90) - INSTANT, False), (timedelta(days=90), True),
])  # fmt: skip
def test_an_account_sleeps_after_ninety_days(after: timedelta, dormant: bool):
    assert is_dormant(NOON, STRICT, NOON + after) is dormant
    assert not is_dormant(NOON, ORDINARY, NOON + after)
