"""Checkpoints and signed notes, against the public examples and everything that only resembles one."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from services.audit.rules import checkpoint
from services.audit.rules.checkpoint import Checkpoint, NotANote, VerifierKey

VECTORS = Path(__file__).parents[2] / "../shared/vectors/c2sp-tlog/vectors.json"
needs_vectors = pytest.mark.skipif(not VECTORS.is_file(), reason="the public vectors are not here")
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = VerifierKey("yaosu.example/log", PRIVATE.public_key().public_bytes_raw())
POINT = Checkpoint("yaosu.example/log", 7, bytes(range(32)))
SIGNED = checkpoint.note_text(POINT.body(), [(KEY, PRIVATE.sign(POINT.body().encode()))])


@needs_vectors
def test_the_signature_of_the_public_example_verifies():
    vector = json.loads(VECTORS.read_text())["signed_note"]
    key, note = checkpoint.parse_verifier_key(vector["vkey"]), checkpoint.parse_note(vector["note"])
    assert key.text() == vector["vkey"]
    [signature] = note.signatures_by(key)
    Ed25519PublicKey.from_public_bytes(key.public).verify(signature, note.text.encode())
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, note.text.encode() + b"\n")
    assert checkpoint.note_text(note.text, [(key, signature)]) == vector["note"]


@needs_vectors
def test_the_checkpoint_of_the_public_example_is_read():
    vector = json.loads(VECTORS.read_text())["checkpoint_parse"]
    point = checkpoint.parse_checkpoint(checkpoint.parse_note(vector["note"]).text)
    assert (point.origin, point.size) == (vector["origin"], vector["size"])
    assert b64encode(point.root).decode() == vector["root_b64"]


@given(size=st.integers(0, 2**53), root=st.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_read_as_it_was_written(size: int, root: bytes):
    point = Checkpoint("yaosu.example/log", size, root)
    assert checkpoint.parse_checkpoint(point.body()) == point


def test_a_note_is_read_as_it_was_signed():
    note = checkpoint.parse_note(SIGNED)
    assert note.text == POINT.body()
    assert note.signatures_by(KEY) == [PRIVATE.sign(POINT.body().encode())]
    assert note.signatures_by(VerifierKey("someone.else", KEY.public)) == []
    assert note.signatures_by(VerifierKey(KEY.name, bytes(32))) == []


def test_the_text_of_a_key_names_it():
    assert checkpoint.parse_verifier_key(KEY.text()) == KEY


LINE = SIGNED.splitlines()[-1] + "\n"


@pytest.mark.parametrize("note", [
    "", POINT.body(), POINT.body() + "\n", SIGNED[:-1], SIGNED + "\n", SIGNED.replace("\n", "\r\n"),
    SIGNED.replace("— ", "- "), SIGNED.replace("— ", "—"), SIGNED + LINE.rstrip("\n"), SIGNED + LINE * 16,
    POINT.body() + "\n— name AAAA\n", POINT.body() + "\n— name AAAAB\n", POINT.body() + "\n— na+me AAAAAAAA\n",
    SIGNED.replace("log", "lo\tg"),
])  # fmt: skip
def test_what_only_resembles_a_note_is_refused(note: str):
    with pytest.raises(NotANote):
        checkpoint.parse_note(note)


ROOT = b64encode(POINT.root).decode()


@pytest.mark.parametrize("text", [
    "", "log\n7\n", f"log\n7\n{ROOT}", f"log\n07\n{ROOT}\n", f"log\n-7\n{ROOT}\n", f"log\n7 \n{ROOT}\n",
    "log\n7\nAAAA\n", f"\n7\n{ROOT}\n", f"log\n7\n{ROOT}\nextension\n", f"log\n7\n{ROOT}\n\n", f"log\n٧\n{ROOT}\n",
    f"log\n7\n{ROOT[:-2]}9=\n", f"log\n7\n{ROOT}=\n",
])  # fmt: skip
def test_what_only_resembles_a_checkpoint_is_refused(text: str):
    with pytest.raises(NotANote):
        checkpoint.parse_checkpoint(text)


@pytest.mark.parametrize("text", [
    "", "name", "name+00000000+AAAA", KEY.text().replace("yaosu", "other"), KEY.text()[:-4],
    f"log+00000000+{b64encode(bytes([2]) + KEY.public).decode()}", KEY.text().replace("+", " +", 1),
])  # fmt: skip
def test_what_only_resembles_a_key_is_refused(text: str):
    with pytest.raises(NotANote):
        checkpoint.parse_verifier_key(text)
