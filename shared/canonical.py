"""Canonical JSON: the one sequence of bytes for a value, inside a profile on which all encoders agree.

Promises: the bytes are those of RFC 8785 (JCS); what JSON tools read differently (floats, large integers, keys beyond
ASCII, text that is not NFC, lone surrogates) is refused, never repaired. Everything that is hashed or signed is hashed
as these bytes, by writer and verifier alike.

Profile: keys of `[a-z_]`, integers of at most 2^53 - 1 in absolute value, text in Unicode NFC, no null. A document
whose keys a standard of others chose (`@context`) has its bytes by `encode_foreign`, and stands in ours as text.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast
from unicodedata import is_normalized

import msgspec

INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 16

_encoder = msgspec.json.Encoder(order="sorted")
_key = re.compile("[a-z_]+")
_foreign_key = re.compile("[@:A-Za-z_]+")


class NotCanonical(ValueError):
    """The value lies outside the profile. The message says where and why."""


def encode(value: object) -> bytes:
    """The canonical bytes of a JSON value made of dict, list, tuple, str, int and bool."""
    if not _surely_hold((value,), 0):
        _check(value, "$", 0)
    return _encoder.encode(value)


def is_surely_text(line: bytes) -> bool:
    """Whether all text of a JSON line is surely within the profile. Requires that the line is JSON in UTF-8.

    Each part of a text in NFC is in NFC, and what is written by an escape joins no letter; so one look is enough.
    """
    return line.isascii() or is_normalized("NFC", line.decode())


def surely_holds(members: Mapping[str, Any]) -> bool:
    """Whether an object that is a member of another is surely within the profile."""
    return _are_keys(tuple(members)) and _surely_hold(members.values(), 2)


def encode_foreign(value: object) -> bytes:
    """As `encode`, with keys of ASCII letters, `@`, `:` and `_`, which every encoder sorts alike too."""
    _check(value, "$", 0, _foreign_key)
    return _encoder.encode(value)


def decode(text: str) -> Any:
    """The value of which `encode` made this text."""
    return msgspec.json.decode(text)


def digest(value: object) -> str:
    """SHA-256 of the canonical bytes, as 64 lowercase hex digits."""
    return hashlib.sha256(encode(value)).hexdigest()


def _surely_hold(members: Iterable[Any], depth: int) -> bool:
    """Whether these are plain values, as almost all are. `_check` decides on any other, and says why.

    One loop without a call for each value, text first, because every fact that is recorded comes through here.
    """
    if depth > DEPTH_MAX:
        return False
    for member in members:
        kind = type(member)  # pyright: ignore[reportUnknownVariableType]
        if kind is str:
            if not member.isascii() and not _is_normal(member):
                return False
        elif kind is int:
            if not -INTEGER_MAX <= member <= INTEGER_MAX:
                return False
        elif kind is dict:
            if not _are_keys(tuple(member)) or not _surely_hold(member.values(), depth + 1):
                return False
        elif kind is list or kind is tuple:
            if not _surely_hold(member, depth + 1):
                return False
        elif kind is not bool:
            return False
    return True


def _is_normal(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return is_normalized("NFC", text)


@lru_cache(maxsize=10_000)
def _are_keys(names: tuple[Any, ...]) -> bool:
    return all(type(name) is str and _key.fullmatch(name) is not None for name in names)


def _check(value: object, place: str, depth: int, keys: re.Pattern[str] = _key) -> None:
    if depth > DEPTH_MAX:
        raise NotCanonical(f"{place}: deeper than {DEPTH_MAX}")
    match value:
        case bool():
            pass
        case int():
            if abs(value) > INTEGER_MAX:
                raise NotCanonical(f"{place}: the integer is beyond 2^53 - 1")
        case str():
            _check_text(value, place)
        case Mapping():
            for key, member in cast(Mapping[object, object], value).items():
                if not isinstance(key, str) or not keys.fullmatch(key):
                    raise NotCanonical(f"{place}: the key {key!r} is not of {keys.pattern.removesuffix('+')}")
                _check(member, f"{place}.{key}", depth + 1, keys)
        case list() | tuple():
            for index, member in enumerate(cast(Sequence[object], value)):
                _check(member, f"{place}[{index}]", depth + 1, keys)
        case _:
            raise NotCanonical(f"{place}: {type(value).__name__} has no canonical form")


def _check_text(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotCanonical(f"{place}: a lone surrogate") from error
    if not is_normalized("NFC", text):
        raise NotCanonical(f"{place}: the text is not in Unicode NFC")
