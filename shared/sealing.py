"""Sealing: values under keys of their own, and those keys under a master key.

Promises: a sealed value opens only with its key and for what it was sealed for; without its key it is noise, so that to
destroy a key is to destroy every value under it, in backups too. The only file beside `signing.py` that holds keys.
Source: AES-256-GCM, NIST SP 800-38D; the master key is derived by HKDF-SHA-256, RFC 5869.
"""

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12


class CannotOpen(ValueError):
    """This was sealed with another key, for another thing, or was altered."""


@dataclass(frozen=True, slots=True)
class Sealed:
    nonce: bytes
    ciphertext: bytes


def new_key() -> bytes:
    return AESGCM.generate_key(KEY_BYTES * 8)


def seal(key: bytes, value: bytes, about: bytes) -> Sealed:
    """The value, sealed for `about`. Requires a key of 32 bytes that seals far fewer than 2^32 values."""
    nonce = os.urandom(NONCE_BYTES)
    return Sealed(nonce, AESGCM(key).encrypt(nonce, value, about))


def unseal(key: bytes, sealed: Sealed, about: bytes) -> bytes:
    """Raises CannotOpen for anything but what `seal` made with this key for this."""
    try:
        return AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, about)
    except (InvalidTag, ValueError) as error:
        raise CannotOpen() from error


class MasterKey:
    """What other keys are kept under. It has no printable form."""

    def __init__(self, secret: str, purpose: bytes) -> None:
        self._key = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret.encode())

    def wrap(self, key: bytes, about: bytes) -> bytes:
        sealed = seal(self._key, key, about)
        return sealed.nonce + sealed.ciphertext

    def unwrap(self, wrapped: bytes, about: bytes) -> bytes:
        return unseal(self._key, Sealed(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]), about)

    def __repr__(self) -> str:
        return "MasterKey(…)"
