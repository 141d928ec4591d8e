"""The profile for 等保三级: what it asks of the staff, at each of its limits, and of nobody else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.identity.rules.profile import (
    ORDINARY,
    STRICT,
    Discipline,
    PasswordNotVaried,
    Profile,
    classes,
    discipline_of,
    is_outdated,
    require_varied,
)
from services.identity.rules.role import STAFF, TRADING, Role
from shared.settings import Settings
from tests.identity.conftest import ON_ONE_DATABASE, PASSWORD, Desk

NOON, INSTANT = datetime(2030, 6, 1, 12, tzinfo=UTC), timedelta(microseconds=1)
STANDARD, DJCP3 = Profile


@pytest.mark.parametrize("role", Role)
def test_the_profile_binds_the_staff_alone(role: Role):
    assert discipline_of(STANDARD, frozenset({role})) == ORDINARY
    assert discipline_of(DJCP3, frozenset({role})) == (STRICT if role in STAFF else ORDINARY)


def test_it_is_what_the_standard_asks():
    asked = Discipline(timedelta(days=90), 3, timedelta(minutes=15))
    assert asked == STRICT and discipline_of(DJCP3, TRADING) == ORDINARY
    assert Discipline(None, 1, None) == ORDINARY


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
    assert not is_outdated(NOON, STRICT, ends - INSTANT) and is_outdated(NOON, STRICT, ends)
    assert is_outdated(None, STRICT, NOON), "of one of unknown age nobody can say that it is not"
    assert not is_outdated(NOON, ORDINARY, ends + timedelta(days=9_000)) and not is_outdated(None, ORDINARY, NOON)


@pytest.fixture
def strict(desk: Desk) -> Desk:
    desk.app.state.service = replace(desk.identity, profile=DJCP3)
    return desk


@ON_ONE_DATABASE
async def test_a_session_of_the_staff_ends_after_fifteen_idle_minutes(strict: Desk):
    first = (await strict.log_in("security")).json()["refresh_token"]
    strict.clock.advance(minutes=15, microseconds=-1)
    second = await strict.refresh(first)
    assert second.status_code == 200
    strict.clock.advance(minutes=15)
    assert (await strict.refresh(second.json()["refresh_token"])).status_code == 401
    await strict.admitted("ana", "buyer")
    member = (await strict.log_in("ana")).json()["refresh_token"]
    strict.clock.advance(minutes=15)
    assert (await strict.refresh(member)).status_code == 200, "the profile binds the staff alone"


@ON_ONE_DATABASE
async def test_an_old_password_of_the_staff_is_good_to_set_a_varied_one_and_for_nothing_else(strict: Desk):
    strict.clock.advance(days=90, microseconds=-1)
    assert (await strict.get("security", "/participants")).status_code == 200
    strict.clock.advance(microseconds=1)
    assert (await strict.get("security", "/participants")).status_code == 403
    change = {"old_password": PASSWORD, "new_password": "another long pass phrase"}
    plain = await strict.post("security", "/me/password", change)
    assert (plain.status_code, plain.json()["code"]) == (422, "password_not_varied")
    varied = change | {"new_password": "Another long pass phrase 7"}
    assert (await strict.post("security", "/me/password", varied)).status_code == 200
    token = (await strict.log_in("security", varied["new_password"])).json()["access_token"]
    assert (await strict.get_with(token, "/participants")).status_code == 200


def test_the_profile_asks_the_staff_for_a_second_factor_whatever_else_is_set():
    strict = Settings(security_profile="djcp3")
    for asked, told in ((None, "staff"), ("nobody", "staff"), ("staff", "staff"), ("everyone", "everyone")):
        assert strict.model_copy(update={"second_factor": asked}).second_factor_required_of == told
    assert Settings().second_factor_required_of == "nobody"
