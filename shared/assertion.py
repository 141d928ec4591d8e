"""Assertions: what a program signs to show who it is (RFC 7523), in the one spelling that is read here.

Promises: a text that can be read in two ways is not read; a key verifies what was signed by its own algorithm only, and
no key comes from the text. Knows ES256 and EdDSA with Ed25519, and no other algorithm.
Does not: know a client, or judge what is asserted.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.access import TOKEN_LENGTH_MAX, TOKEN_SHAPE
from shared.errors import Failure
from shared.guard import check_json
from shared.signing import point_of, verifies, verifies_es256

EC, OKP = {"kty": "EC", "crv": "P-256"}, {"kty": "OKP", "crv": "Ed25519"}


class NotReadable(ValueError):
    """This is no signed assertion in its one spelling."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Read, but not believed: the header chooses nothing, it is only compared."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    message: bytes
    signature: bytes


def read(text: str) -> Signed:
    """Raises NotReadable for anything but three parts of strict JSON, JSON and a signature of 64 bytes."""
    if len(text) > TOKEN_LENGTH_MAX or not TOKEN_SHAPE.fullmatch(text):
        raise NotReadable()
    message, _, signature = text.rpartition(".")
    try:
        header, claims = (_object(part) for part in message.split("."))
        return Signed(header, claims, message.encode(), _bytes(signature))
    except (binascii.Error, Failure, ValueError, RecursionError) as error:
        raise NotReadable() from error


def is_signed_with(jwk: Mapping[str, str], signed: Signed) -> bool:
    """Whether the key of this JWK made the signature. Requires a key that `check_key` took."""
    if jwk["kty"] == "EC":
        return verifies_es256(_bytes(jwk["x"]), _bytes(jwk["y"]), signed.message, signed.signature)
    return verifies(_bytes(jwk["x"]), signed.message, signed.signature)


def jwk_of(text: str) -> dict[str, str]:
    """The JWK that `text_of` wrote."""
    return json.loads(text)


def text_of(jwk: Mapping[str, str]) -> str:
    """The one text of a JWK, of which its thumbprint is the digest (RFC 7638 3)."""
    return json.dumps(jwk, sort_keys=True, separators=(",", ":"))


def raw_key_of(jwk: Mapping[str, str]) -> bytes:
    """The 32 bytes of an Ed25519 key."""
    return _bytes(jwk["x"])


def check_key(jwk: Mapping[str, str]) -> None:
    """Raises ValueError for what is no public key on P-256 or Ed25519, in its one spelling."""
    names = {"kty", "crv", "x", "y"} if jwk.get("kty") == "EC" else {"kty", "crv", "x"}
    kind = {name: jwk.get(name) for name in ("kty", "crv")}
    if set(jwk) != names or kind not in (EC, OKP):
        raise ValueError("a JWK has kty, crv, x and, on P-256, y")
    coordinates = [_bytes(jwk[name]) for name in ("x", "y") if name in jwk]
    if any(base64.urlsafe_b64encode(each).rstrip(b"=").decode() not in jwk.values() for each in coordinates):
        raise ValueError("a coordinate has one spelling")
    if kind == EC:
        point_of(*coordinates)
    elif len(coordinates[0]) != 32:
        raise ValueError("an Ed25519 public key has 32 bytes")


def _object(part: str) -> Mapping[str, Any]:
    raw = _bytes(part)
    check_json(raw)
    told = json.loads(raw)
    if not isinstance(told, dict):
        raise NotReadable()
    return told  # pyright: ignore[reportUnknownVariableType]


def _bytes(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
