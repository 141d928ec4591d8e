"""An id says what it names, and is never taken for another."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.ids import AssetId, Id, VersionId

HEX = "0123456789abcdef" * 2
KINDS = Id.__subclasses__()


def test_no_two_kinds_share_a_name():
    assert [name for name, count in Counter(kind.kind for kind in KINDS).items() if count > 1] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_id_is_read_back_as_its_own_kind_only(kind: type[Id]):
    new = kind.new()
    assert kind(str(new)) == new
    other = AssetId if kind is not AssetId else VersionId
    with pytest.raises(ValueError, match=f"not the id of a {other.kind}"):
        other(new)


def test_ids_sort_by_age():
    made = [AssetId.new() for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


WRONG = [
    "", "asset", "asset_", HEX, f"version_{HEX}", f"asset_{HEX.upper()}", f"asset_{HEX[:-1]}", f"asset_{HEX}0",
    f"asset_{HEX}\n", f" asset_{HEX}", f"asset_{HEX[:-1]}g", f"Asset_{HEX}", f"asset-{HEX}", f"asset_{HEX[:-1]}１",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_text_of_another_shape_is_no_id_in_code_or_on_the_wire(text: str):
    with pytest.raises(ValueError):
        AssetId(text)
    with pytest.raises(ValidationError):
        TypeAdapter(AssetId).validate_python(text)


@given(text=st.text())
def test_code_and_wire_agree_on_what_is_an_id(text: str):
    for candidate in (text, f"asset_{text}"):
        with pytest.raises(ValueError):
            AssetId(candidate)
        with pytest.raises(ValidationError):
            TypeAdapter(AssetId).validate_python(candidate)


def test_an_id_from_the_wire_is_of_its_kind_and_goes_back_as_text():
    wire = TypeAdapter(AssetId)
    found = wire.validate_json(f'"asset_{HEX}"')
    assert (type(found), wire.dump_json(found)) == (AssetId, f'"asset_{HEX}"'.encode())
    for not_text in (b"1", b"null", b"[]", b"{}"):
        with pytest.raises(ValidationError):
            wire.validate_json(not_text)
