"""Signatures by the standard's own vectors, and keys that only their owner can read."""

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from shared.signing import SigningKey, new_token_key, public_key_of, public_token_key, read_or_make, verifies

# RFC 8032, 7.1: secret key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
]
KEY = SigningKey.new()


@pytest.mark.parametrize("seed, public, message, signature", VECTORS, ids=["empty", "one byte"])
def test_signatures_are_those_of_rfc_8032(seed: str, public: str, message: str, signature: str):
    key = SigningKey.from_seed(bytes.fromhex(seed))
    assert key.public.hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature
    assert verifies(key.public, bytes.fromhex(message), bytes.fromhex(signature))


@given(message=st.binary(max_size=40), other=st.binary(max_size=40))
def test_a_signature_is_for_one_message_and_one_key(message: bytes, other: bytes):
    signature = KEY.sign(message)
    assert verifies(KEY.public, other, signature) == (message == other)
    assert not verifies(SigningKey.new().public, message, signature)


@given(message=st.binary(max_size=20), public=st.binary(max_size=40), signature=st.binary(max_size=80))
def test_bytes_that_are_no_key_or_no_signature_verify_nothing(message: bytes, public: bytes, signature: bytes):
    assert not verifies(public, message, signature)
    assert not verifies(KEY.public, message, signature)


def test_a_key_is_read_back_from_its_pem():
    assert SigningKey.from_pem(KEY.pem()).public == KEY.public


@pytest.mark.parametrize("pem", ["", "x", new_token_key()], ids=["nothing", "text", "a token key"])
def test_a_pem_of_another_kind_is_no_signing_key(pem: str):
    with pytest.raises(ValueError):
        SigningKey.from_pem(pem)


def test_a_private_key_has_no_printable_form():
    seed = base64.b64encode(bytes(32)).decode()
    assert f"{SigningKey.from_seed(bytes(32))!r} {SigningKey.from_seed(bytes(32))}" == "SigningKey(…) SigningKey(…)"
    assert seed not in repr(SigningKey.from_seed(bytes(32)))


def test_a_public_key_is_read_from_base64():
    assert public_key_of(base64.b64encode(KEY.public).decode()) == KEY.public


@pytest.mark.parametrize("text", [
    "", "x", "!" * 44, base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode(), "é" * 44,
    base64.b64encode(bytes(range(32))).decode() + "\n", base64.b64encode(bytes(32)).decode()[:-2] + "B=",
])  # fmt: skip
def test_text_that_is_no_public_key_is_refused(text: str):
    with pytest.raises(ValueError, match="not an Ed25519 public key"):
        public_key_of(text)


def test_the_public_half_of_a_token_key_is_public_only():
    assert "BEGIN PUBLIC KEY" in public_token_key(new_token_key())


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()], ids=lambda curve: curve.name)
def test_a_token_key_on_another_curve_is_refused(curve: ec.EllipticCurve):
    key = ec.generate_private_key(curve)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ValueError, match="P-256"):
        public_token_key(pem)
    with pytest.raises(ValueError, match="P-256"):
        public_token_key(KEY.pem())


@pytest.mark.parametrize("make", [None, SigningKey])
def test_a_key_that_is_made_is_kept_where_only_its_owner_can_read_it(tmp_path: Path, make: type[SigningKey] | None):
    path = tmp_path / "keys" / "log.pem"
    made = read_or_make(path, make)
    assert read_or_make(path, make) == made
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    if make:
        SigningKey.from_pem(made)
    else:
        public_token_key(made)
