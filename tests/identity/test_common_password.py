"""What everyone guesses first is no password, however it is put together; what has more to it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.rules import user
from services.identity.rules.common_password import REMAINDER_MIN, WORDS, is_commonplace
from services.identity.rules.user import PASSWORD_LENGTH_MIN, PasswordTooWeak, normalise

COMMONPLACE = [
    "passwordpassword", "Password-Password", "password12345678", "P@ssw0rd P@ssw0rd!", "12345678901234567890",
    "qwertyuiopasdfgh", "1qaz2wsx3edc4rfv5tgb", "zaq12wsxcde34rfv", "abcdefghijklmnop", "zyxwvutsrqponmlk",
    "iloveyouiloveyou", "letmein-welcome-2030", "correcthorsebatterystaple", "correct horse battery staple",
    "admin admin admin 1", "aaaaabbbbbcccccddddd", "monkeydragonmaster", "yaosu-yaosu-yaosu", "yaosu administrator",
    "5201314woaini1314", "密码密码密码密码密码密码密码密码", "ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ", "PASSWORDPASSWORD1!x",
    "98765432109876543", "lovemenomonkeydragon",
]  # fmt: skip
GOOD = [
    "a long pass phrase for tests", "fifteen letters", "correct horse battery staple, purple zebra",
    "正确的马电池订书钉很长很长",
    "password-of-my-grandmother", "tulip-kettle-anchor", "x9!qpx9!qpx9!qp", "yaosu is where i sell kettles",
]  # fmt: skip


@pytest.mark.parametrize("password", COMMONPLACE)
def test_what_everyone_guesses_first(password: str):
    assert is_commonplace(normalise(password))
    with pytest.raises(PasswordTooWeak):
        user.new_password(password, "li.na")


@pytest.mark.parametrize("password", GOOD)
def test_what_has_more_to_it(password: str):
    assert not is_commonplace(normalise(password))


@pytest.mark.parametrize("password, context, found", [
    ("northwind traders 2030", [], False),
    ("northwind traders 2030", ["northwind traders"], True),
    ("northwind traders 2030", ["northwind", "traders"], True),
    ("northwind traders 2030", ["northwind"], False),
    ("数据有限公司数据有限公司20300101", ["数据有限公司"], True),
    ("a long pass phrase", ["a", "on"], False),  # too short to be a word of somebody's
])  # fmt: skip
def test_what_somebody_guesses_who_knows_whose_it_is(password: str, context: list[str], found: bool):
    assert is_commonplace(password, context) is found


def test_five_signs_more_than_words_are_enough_and_four_are_not():
    assert REMAINDER_MIN == 5
    assert is_commonplace("passwordpassword" + "kvzj")
    assert not is_commonplace("passwordpassword" + "kvzjt")


@given(st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=6), st.sampled_from(["", " ", "-", "_", "1", "!"]))
def test_words_that_everyone_knows_stay_what_they_are_in_any_order_and_spacing(words: list[str], between: str):
    assert is_commonplace(normalise(between.join(words)))


@given(st.text(min_size=PASSWORD_LENGTH_MIN, max_size=40))
def test_to_look_never_fails(text: str):
    assert is_commonplace(normalise(text)) in (True, False)
