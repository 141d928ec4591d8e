"""Sealing: what is sealed opens with its key, for its thing, unaltered; and in no other case."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from shared import sealing
from shared.sealing import CannotOpen, MasterKey, Sealed

KEY = bytes(range(32))


@given(st.binary(max_size=100), st.binary(max_size=20))
def test_what_is_sealed_opens_again_and_is_aes_256_gcm(value: bytes, about: bytes):
    sealed = sealing.seal(KEY, value, about)
    assert sealing.unseal(KEY, sealed, about) == value == AESGCM(KEY).decrypt(sealed.nonce, sealed.ciphertext, about)
    assert len(sealed.nonce) == 12


def test_the_same_value_never_looks_the_same():
    assert sealing.seal(KEY, b"ana", b"1") != sealing.seal(KEY, b"ana", b"1")


def test_nothing_else_opens():
    sealed = sealing.seal(KEY, b"ana", b"1/login")
    altered = bytes([sealed.ciphertext[0] ^ 1]) + sealed.ciphertext[1:]
    for key, found, about in (
        (bytes(32), sealed, b"1/login"), (KEY, sealed, b"2/login"), (KEY, Sealed(sealed.nonce, altered), b"1/login"),
        (KEY, Sealed(sealed.nonce[:-1], sealed.ciphertext), b"1/login"), (KEY, Sealed(b"", b""), b"1/login"),
    ):  # fmt: skip
        with pytest.raises(CannotOpen):
            sealing.unseal(key, found, about)


def test_a_key_opens_under_the_master_key_that_wrapped_it_for_the_purpose_it_has():
    master = MasterKey("a secret of 32 characters or more", b"disclosures")
    key = sealing.new_key()
    wrapped = master.wrap(key, b"data_key_1")
    assert len(key) == 32 and key not in wrapped
    assert MasterKey("a secret of 32 characters or more", b"disclosures").unwrap(wrapped, b"data_key_1") == key
    for other, about in (
        (MasterKey("another", b"disclosures"), b"data_key_1"), (master, b"data_key_2"),
        (MasterKey("a secret of 32 characters or more", b"others"), b"data_key_1"),
    ):  # fmt: skip
        with pytest.raises(CannotOpen):
            other.unwrap(wrapped, about)


def test_a_master_key_does_not_print():
    assert repr(MasterKey("a secret", b"disclosures")) == "MasterKey(…)"
