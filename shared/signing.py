"""Signatures: Ed25519 for the log, contracts and callbacks; the ES256 key pairs of tokens; one-time codes.

Promises: the only file beside `sealing.py` that holds keys; a private key has no printable form and is read from, and
written to, files that only their owner can open.
"""

import base64
import binascii
import os
import secrets
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.twofactor.totp import TOTP

PUBLIC_KEY_BYTES = 32
RANDOM_SECRET_BYTES = 32
COORDINATE_BYTES = 32
CODE_SECRET_BYTES = 20
CODE_DIGITS = 6
CODE_SECONDS = 30


class SigningKey:
    """An Ed25519 private key (RFC 8032)."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def new(cls) -> Self:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Requires 32 secret bytes. For test vectors and for keys that are derived."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: str) -> Self:
        key = load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("an Ed25519 private key is needed")
        return cls(key)

    def pem(self) -> str:
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(message)

    @property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def __repr__(self) -> str:
        return "SigningKey(…)"


class RandomSecret:
    """A secret that is no key pair: 256 random bits as text, to derive keys from."""

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def new(cls) -> Self:
        return cls(secrets.token_urlsafe(RANDOM_SECRET_BYTES))

    def pem(self) -> str:
        """The text that is kept in a file, as for the others."""
        return self._text

    def __repr__(self) -> str:
        return "RandomSecret(…)"


def verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is this key's for this message. A key that is no key verifies nothing."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key_of(text: str) -> bytes:
    """The raw key in a base64 text. Raises ValueError if it is not one, or not in its one spelling."""
    try:
        raw = base64.b64decode(text, validate=True)
        Ed25519PublicKey.from_public_bytes(raw)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not an Ed25519 public key in base64") from error
    if base64.b64encode(raw).decode() != text:  # the last sign has two bits to spare
        raise ValueError("not an Ed25519 public key in base64")
    return raw


def new_token_key() -> str:
    """A fresh P-256 private key for ES256 tokens, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_token_key(private_pem: str) -> str:
    """The public half of a token key, as PEM. Requires P-256."""
    key = load_pem_private_key(private_pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("a P-256 private key is needed")
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public_token_key_of(text: str) -> str:
    """The public half of a token key as PEM, from base64 of its DER. Raises ValueError if it is not one of P-256."""
    key = load_der_public_key(base64.b64decode(text, validate=True))
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("a P-256 public key is needed, in base64 of its DER")
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def point_of(x: bytes, y: bytes) -> ec.EllipticCurvePublicKey:
    """The P-256 public key with these coordinates. Raises ValueError if there is none."""
    if len(x) != COORDINATE_BYTES or len(y) != COORDINATE_BYTES:
        raise ValueError("a coordinate has 32 bytes")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)


def verifies_es256(x: bytes, y: bytes, message: bytes, signature: bytes) -> bool:
    """As `verifies`, for ECDSA on P-256 with the signature's two numbers one after the other (RFC 7518 3.4)."""
    if len(signature) != 2 * COORDINATE_BYTES:
        return False
    r, s = (int.from_bytes(half) for half in (signature[:COORDINATE_BYTES], signature[COORDINATE_BYTES:]))
    try:
        point_of(x, y).verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def new_code_secret() -> bytes:
    """What an authenticator app and we share: 160 random bits, as RFC 4226 recommends."""
    return secrets.token_bytes(CODE_SECRET_BYTES)


def code_at(secret: bytes, step: int) -> str:
    """The six digits of a step of 30 s since 1970: RFC 6238 with SHA-1, which is what every app knows."""
    return _codes(secret).generate(step * CODE_SECONDS).decode()


def code_uri(secret: bytes, account: str, issuer: str) -> str:
    """What an authenticator app is told, as text or as a picture of it. Whoever has it can make every code."""
    return _codes(secret).get_provisioning_uri(account, issuer)


def _codes(secret: bytes) -> TOTP:
    return TOTP(secret, CODE_DIGITS, SHA1(), CODE_SECONDS)


def read_or_make(path: Path, make: "type[SigningKey] | type[RandomSecret] | None" = None) -> str:
    """The PEM in a file, made first if there is none. Development only: production brings its own keys."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        pem = make.new().pem() if make else new_token_key()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(pem)
    return path.read_text()
