"""What the rules of users, roles and passwords promise."""

from datetime import UTC, datetime
from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.rules import role, user
from services.identity.rules.role import DutiesAreSeparate, NotARoleOfStaff, Role, RoleNotHeld, StaffDoesNotTrade
from services.identity.rules.user import AlreadyDisabled, LoginNotUsable, NotYourself, PasswordTooWeak, User
from shared import access
from shared.errors import Failure
from shared.ids import ApiClientId, ParticipantId, UserId

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ROLE_SETS = [frozenset(some) for some in chain.from_iterable(combinations(Role, size) for size in range(len(Role) + 1))]


def test_the_roles_given_here_are_those_that_every_service_knows():
    assert [each.value for each in Role] == [each.value for each in access.Role]


def raised(check: object, *arguments: object) -> str | None:
    try:
        check(*arguments)  # type: ignore[operator]
    except Failure as failure:
        return failure.code()
    return None


@pytest.mark.parametrize("business", [False, True])
def test_one_person_of_the_staff_has_exactly_these_sets_of_roles(business: bool):
    """Written out by hand: one duty of the three, the business desk beside any of them, or regulator, or arbiter."""
    desk = {Role.OPERATOR_BUSINESS} if business else set[Role]()
    duties = [{Role.OPERATOR_SYSTEM}, {Role.OPERATOR_SECURITY}, {Role.OPERATOR_AUDIT}]
    wanted = {frozenset(desk | duty) for duty in duties}
    wanted |= {frozenset(desk)} if business else {frozenset({Role.REGULATOR}), frozenset({Role.ARBITER})}
    mine = [each for each in ROLE_SETS if (Role.OPERATOR_BUSINESS in each) == business]
    assert {each for each in mine if raised(role.require_separate, each) is None} == wanted


@pytest.mark.parametrize("roles, error", [
    ({Role.OPERATOR_BUSINESS, Role.BUYER},              StaffDoesNotTrade),
    ({Role.REGULATOR, Role.PROVIDER},                   StaffDoesNotTrade),
    (set[Role](),                                       NotARoleOfStaff),
    ({Role.SERVICE},                                    NotARoleOfStaff),
    ({Role.OPERATOR_SYSTEM, Role.OPERATOR_AUDIT},       DutiesAreSeparate),
    ({Role.OPERATOR_SECURITY, Role.OPERATOR_AUDIT},     DutiesAreSeparate),
    ({Role.OPERATOR_SECURITY, Role.OPERATOR_SYSTEM},    DutiesAreSeparate),
    ({Role.REGULATOR, Role.OPERATOR_BUSINESS},          DutiesAreSeparate),
    ({Role.ARBITER, Role.REGULATOR},                    DutiesAreSeparate),
])  # fmt: skip
def test_why_a_set_of_roles_is_refused_to_the_staff(roles: set[Role], error: type[Failure]):
    with pytest.raises(error):
        user.new_staff(UserId.new(), "somebody", roles)


@pytest.mark.parametrize("organisation", [{Role.BUYER}, {Role.PROVIDER}, {Role.BUYER, Role.PROVIDER}])
def test_a_member_has_some_of_the_organisations_trading_roles_and_no_others(organisation: set[Role]):
    wanted = {each for each in ROLE_SETS if each and each <= organisation}
    assert {each for each in ROLE_SETS if raised(role.require_held, each, organisation) is None} == wanted


def test_a_client_has_no_more_roles_than_its_organisation():
    with pytest.raises(RoleNotHeld):
        user.new_client(ApiClientId.new(), "bot", {Role.PROVIDER}, ParticipantId.new(), {Role.BUYER})


@pytest.mark.parametrize("variant", [
    "Li.Na", "LI.NA", "ｌｉ．ｎａ", "li\u2024na", "ℓi.na", "𝐥𝐢.𝐧𝐚",
])  # fmt: skip
def test_variants_of_a_name_are_one_name(variant: str):
    assert user.normalise(variant) == "li.na"


@pytest.mark.parametrize(
    "one, other", [("straße", "STRASSE"), ("ὈΔΥΣΣΕΎΣ", "ὀδυσσεύς"), ("Å", "a\u030a"), ("ﬁn", "fin")]
)
def test_names_fold_as_unicode_says(one: str, other: str):
    assert user.normalise(one) == user.normalise(other)


@given(st.text(max_size=30))
def test_a_normalised_name_stays_as_it_is(text: str):
    assert user.normalise(user.normalise(text)) == user.normalise(text)


@pytest.mark.parametrize("text", ["li.na", "李娜娜", "li娜2030", "дарья", "a_b-c@d.e+f", "x" * 64, "Ana"])
def test_names_that_can_be_had(text: str):
    assert user.new_login(text) == user.normalise(text)


@pytest.mark.parametrize("text", [
    "", "ab", "x" * 65, "two words", "tab\tbed", "zero\u200bwidth", "over\u202eride", "a/b", "<script>", "nul\0nul",
    "hangul\u3164filler", "variation\ufe0f", "new\nline", "li,na",
    "\u0430viation", "li.n\u0430", "\u03bfmega1", "дарьяx", "d\u0585main",
])  # fmt: skip
def test_names_that_nobody_can_have(text: str):
    with pytest.raises(LoginNotUsable):
        user.new_login(text)


@pytest.mark.parametrize("password", [
    "fifteen letters", "x9!qp" * 3, "正确的马电池订书钉很长很长很长的", ("x9!qp" * 26)[:128],
])  # fmt: skip
def test_long_passwords_are_taken(password: str):
    assert user.new_password(password, "li.na") == password


@pytest.mark.parametrize("password", [
    "fourteen chars", "Tr0ub4dor&3", "x" * 129 + "abcdef", "a" * 40, "abab" * 10, "my name is LI.NA okay",
    "Ｌｉ.ｎａ is my name!",
])  # fmt: skip
def test_weak_passwords_are_not(password: str):
    with pytest.raises(PasswordTooWeak):
        user.new_password(password, "li.na")


def test_the_same_keys_on_two_machines_are_one_password():
    assert user.new_password("cafe\u0301 au lait, one", "li.na") == user.prepare_password("café au lait, one")


@pytest.mark.parametrize("text, length", [
    ("x" * 128, 128), ("x" * 129, 0), ("\u03b1\u0313\u0301\u0345" * 128, 128), ("\u1100\u1161\u11a8" * 128, 128),
    ("x" + "\u0301\u0327" * 50_000, 0),
], ids=["longest", "longer", "four each", "jamo", "a minute's work"])  # fmt: skip
def test_a_password_that_is_too_long_is_nobodys_and_costs_nothing(text: str, length: int):
    assert len(user.prepare_password(text)) == length


def test_nobody_disables_themselves_or_anyone_twice():
    ana = User(UserId.new(), "ana", frozenset({Role.BUYER}), ParticipantId.new())
    with pytest.raises(NotYourself):
        user.disable_user(ana, ana.id, NOON)
    disabled = user.disable_user(ana, "user_ben", NOON)
    with pytest.raises(AlreadyDisabled):
        user.disable_user(disabled, "user_ben", NOON)
