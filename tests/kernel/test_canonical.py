"""One value, one sequence of bytes: RFC 8785's, inside a profile on which all encoders agree."""

import hashlib
import json
import unicodedata

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.canonical import DEPTH_MAX, INTEGER_MAX, NotCanonical, decode, digest, encode, encode_foreign

keys = st.text(alphabet="abcxyz_", min_size=1, max_size=6)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(
    lambda text: unicodedata.normalize("NFC", text)
)
values = st.recursive(
    st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(value=values)
def test_the_bytes_are_those_of_rfc_8785(value: object):
    assert encode(value) == rfc8785.dumps(value)  # pyright: ignore[reportArgumentType]


@given(members=st.dictionaries(st.text(alphabet="aZ_@:", min_size=1, max_size=6), values, max_size=6))
def test_a_document_with_keys_of_others_has_the_bytes_of_rfc_8785_too(members: dict[str, object]):
    assert encode_foreign([members]) == rfc8785.dumps([members])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("key", ["é", "a-b", "a b", "1", ""])
def test_a_key_that_not_all_sort_alike_is_refused_there_too(key: str):
    with pytest.raises(NotCanonical, match=r"\$\[0\]: the key .* is not of \[@:A-Za-z_\]"):
        encode_foreign([{key: 1}])


@given(value=values)
def test_what_was_encoded_is_read_back_and_encodes_the_same(value: object):
    assert encode(json.loads(encode(value))) == encode(decode(encode(value).decode())) == encode(value)


@given(members=st.dictionaries(keys, values, max_size=6))
def test_the_order_of_members_makes_no_difference(members: dict[str, object]):
    assert encode(dict(reversed(members.items()))) == encode(members)


@pytest.mark.parametrize("value, line", [
    ({"b": 1, "a": [True, "é"]},  b'{"a":[true,"\xc3\xa9"],"b":1}'),
    ({"a_": 1, "a": 2, "_": 3},   b'{"_":3,"a":2,"a_":1}'),
    ("\x00\x1f\x7f\"\\/\b\n",     b'"\\u0000\\u001f\x7f\\"\\\\/\\b\\n"'),
    ("\u2028😀",                   b'"\xe2\x80\xa8\xf0\x9f\x98\x80"'),
    (-INTEGER_MAX,                b"-9007199254740991"),
    ((),                          b"[]"),
])  # fmt: skip
def test_worked_lines(value: object, line: bytes):
    assert encode(value) == line


REFUSED = [
    (1.0,                    r"\$: float"),
    ({"a": 0.5},             r"\$\.a: float"),
    (float("nan"),           r"\$: float"),
    (2**53,                  "beyond 2\\^53"),
    (-(2**53),               "beyond 2\\^53"),
    ([1, {"b": 2**60}],      r"\$\[1\]\.b: .*beyond"),
    ("e\u0301",              "NFC"),
    ("\ud800",               "lone surrogate"),
    ({"a": "\udfff"},        r"\$\.a: .*lone surrogate"),
    (None,                   "NoneType"),
    ({"a": None},            r"\$\.a: NoneType"),
    ({"A": 1},               "not of"),
    ({"a1": 1},              "not of"),
    ({"": 1},                "not of"),
    ({"é": 1},               "not of"),
    ({"a\n": 1},             "not of"),
    ({1: 1},                 "not of"),
    (b"bytes",               "bytes"),
    ({"a": {1, 2}},          "set"),
]  # fmt: skip


@pytest.mark.parametrize("value, why", REFUSED, ids=ascii)
def test_what_encoders_disagree_on_is_refused_and_its_place_is_told(value: object, why: str):
    with pytest.raises(NotCanonical, match=why):
        encode(value)


def nested(depth: int) -> object:
    return "leaf" if depth == 0 else [nested(depth - 1)]


def test_the_depth_is_bounded():
    assert encode(nested(DEPTH_MAX))
    with pytest.raises(NotCanonical, match="deeper"):
        encode(nested(DEPTH_MAX + 1))


@given(value=values)
def test_a_digest_is_the_hash_of_the_bytes(value: object):
    assert digest(value) == hashlib.sha256(encode(value)).hexdigest()
