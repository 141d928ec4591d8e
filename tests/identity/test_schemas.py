"""What may cross the wire of identity, and what may not."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from stdnum.cn import uscc

from services.identity.api.tokens import form
from services.identity.rules.token import InvalidRequest, UnsupportedGrantType
from services.identity.schemas.participants import NewApplication
from services.identity.schemas.tokens import GRANTS, PasswordGrant, token_request

CODE = "91110000600037341L"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def an_application(**changes: object) -> dict[str, object]:
    administrator = {"login": "ana", "password": "a long pass phrase"}
    return {"name": "数据公司", "uscc": CODE, "roles": ["buyer"], "administrator": administrator} | changes


@pytest.mark.parametrize("code", [
    CODE.lower(), f" {CODE}", f"{CODE[:8]}-{CODE[8:]}", CODE[:-1], CODE + "0", CODE[:-1] + "M", "O" + CODE[1:], "",
    "９" + CODE[1:], "1" * 18,
])  # fmt: skip
def test_what_is_no_credit_code(code: str):
    with pytest.raises(ValidationError):
        NewApplication.model_validate(an_application(uscc=code))


@given(st.integers(0, 16), st.sampled_from(ALPHABET))
def test_one_wrong_sign_in_a_credit_code_is_found(place: int, sign: str):
    """GB 32100-2015: the weights are powers of 3, the modulus 31 is prime, so no single slip passes."""
    weights = [3**power % 31 for power in range(17)]
    changed = CODE[:place] + sign + CODE[place + 1 :]
    rest = sum(ALPHABET.index(each) * weight for each, weight in zip(changed, weights, strict=False)) % 31
    naive = changed[-1] == ALPHABET[-rest % 31] and changed[:8].isdigit()
    assert naive == (changed == CODE) == uscc.is_valid(changed)


@pytest.mark.parametrize("changes", [
    {"status": "admitted"}, {"clearance": "C5"}, {"id": "participant_" + "0" * 32}, {"revision": 1},
    {"roles": []}, {"roles": ["operator_security"]}, {"roles": ["regulator", "buyer"]}, {"roles": "buyer"},
    {"name": ""}, {"name": " blank first"}, {"name": "two\nlines"}, {"name": "two\rlines"}, {"name": "two\u2028lines"},
    {"name": "数据\u200b公司"}, {"name": "\ufeff"}, {"contact": "李\t娜"}, {"name": 7}, {"name": "x" * 201},
    {"administrator": {"login": "ana"}}, {"administrator": {"login": "ana", "password": "too short"}},
    {"administrator": {"login": "ana", "password": "a long pass phrase", "roles": ["operator_audit"]}},
], ids=str)  # fmt: skip
def test_what_is_no_application(changes: dict[str, object]):
    NewApplication.model_validate(an_application())
    with pytest.raises(ValidationError):
        NewApplication.model_validate(an_application(**changes))


@pytest.mark.parametrize("sign", [
    "\u3164", "\u115f", "\u1160", "\uffa0", "\u2800", "\u034f", "\u17b4", "\u180b", "\ufe00", "\ufe0f", "\U000e0100",
    "\U000e01ef", "\ufff0", "\u00ad", "\u2062", "\u00a0", "\u2003", "\u202f", "\U0001d173",
], ids=ascii)  # fmt: skip
def test_no_two_names_look_the_same_for_a_sign_that_nobody_sees(sign: str):
    with pytest.raises(ValidationError):
        NewApplication.model_validate(an_application(name=f"航空{sign}数据"))


@pytest.mark.parametrize(
    "name", ["航空（北京）数据有限公司", "北京　数据", "Données & Söhne, S.A.", "데이터 주식회사", "ก้าวหน้า"]
)
def test_names_as_they_are_written_are_taken(name: str):
    assert NewApplication.model_validate(an_application(name=name)).name == name


def test_a_password_has_no_printed_form():
    application = NewApplication.model_validate(an_application())
    assert "pass phrase" not in f"{application!r} {application} {application.model_dump_json()}"


@pytest.mark.parametrize("body", [
    b"", b"grant_type", b"grant_type=password&username=a", b"grant_type=password&username=&password=x",
    b"grant_type=password&username=a&username=b&password=x", b"grant_type=password&username=a&password=x&scope=all",
    b"grant_type=password&username=%ff&password=x", b"grant_type=password&username=\xc3\xa9&password=x",
    b"grant_type=password&username=a&password=x&grant_type=password", b"&&&", b"=x",
    b"grant_type=client_credentials&client_id=x", b"grant_type=refresh_token",
    b"grant_type=refresh_token&refresh_token=x&client_id=y", b"&".join(b"a%d=1" % number for number in range(17)),
    b"grant_type=password&username=" + b"a" * 257 + b"&password=x",
])  # fmt: skip
def test_what_is_no_token_request(body: bytes):
    with pytest.raises((InvalidRequest, UnsupportedGrantType)):
        token_request(body)


@pytest.mark.parametrize(
    "grant_type", ["", "Password", "authorization_code", "urn:ietf:params:oauth:grant-type:saml2-bearer"]
)
def test_other_grants_are_named_as_such(grant_type: str):
    with pytest.raises(UnsupportedGrantType):
        token_request(urlencode({"grant_type": grant_type, "username": "a", "password": "b"}).encode())


@given(st.text(min_size=1, max_size=50), st.text(min_size=1, max_size=50))
def test_a_form_says_what_was_put_into_it(username: str, password: str):
    try:
        body = urlencode({"grant_type": "password", "username": username, "password": password}).encode()
    except UnicodeEncodeError:
        return
    request = token_request(body)
    assert isinstance(request, PasswordGrant)
    assert (request.username, request.password.get_secret_value()) == (username, password)


@pytest.mark.parametrize("grant", GRANTS)
def test_each_form_is_told_as_it_is_read(grant: str):
    told = form(GRANTS[grant])["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    [schema] = told["oneOf"]
    assert schema["properties"]["grant_type"]["const"] == grant and schema["additionalProperties"] is False
    fields = dict.fromkeys(schema["properties"], "x") | {"grant_type": grant}
    assert isinstance(token_request(urlencode(fields).encode()), GRANTS[grant])
    for name in fields:
        without = urlencode({other: text for other, text in fields.items() if other != name}).encode()
        if name in schema["required"]:
            with pytest.raises(InvalidRequest):
                token_request(without)
        else:
            assert isinstance(token_request(without), GRANTS[grant])
