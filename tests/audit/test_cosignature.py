"""Cosignatures and submissions, against the specification's own examples."""

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from services.audit.rules import checkpoint, cosignature, submission
from services.audit.rules.checkpoint import COSIGNATURE, NotANote, VerifierKey
from services.audit.rules.cosignature import TIME_MAX, Cosignature
from services.audit.rules.submission import Submission

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WITNESS = VerifierKey("witness.example/w1", PRIVATE.public_key().public_bytes_raw(), COSIGNATURE)
# C2SP tlog-cosignature: the checkpoint and its cosignature by witness.example.com/w1.
EXAMPLE = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 \
jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""


def test_the_example_of_the_specification_names_the_moment_that_it_was_cosigned():
    note = checkpoint.parse_note(EXAMPLE)
    last = note.signatures[-1]
    assert last.name == "witness.example.com/w1"
    assert int.from_bytes(last.signature[:8], "big") == 1679315147
    assert cosignature.signed_bytes(1679315147, note.text).decode() == (
        "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


@given(time=st.integers(0, TIME_MAX))
def test_a_cosignature_is_read_as_it_was_written_and_verifies(time: int):
    text = checkpoint.parse_note(EXAMPLE).text
    made = Cosignature(WITNESS, time, PRIVATE.sign(cosignature.signed_bytes(time, text)))
    note = checkpoint.parse_note(EXAMPLE + made.line())
    [found] = cosignature.cosignatures(note, WITNESS)
    assert found == made
    message = b"cosignature/v1\ntime " + str(time).encode() + b"\n" + text.encode()
    Ed25519PublicKey.from_public_bytes(WITNESS.public).verify(found.signature, message)


def test_the_same_key_is_another_one_as_a_log_and_as_a_witness():
    as_log = VerifierKey(WITNESS.name, WITNESS.public)
    assert as_log.id() != WITNESS.id()
    assert b64decode(WITNESS.text().split("+", 2)[2])[:1] == b"\x04"
    assert checkpoint.parse_verifier_key(WITNESS.text(), COSIGNATURE) == WITNESS
    with pytest.raises(NotANote, match="kind 01"):
        checkpoint.parse_verifier_key(WITNESS.text())
    note = checkpoint.parse_note(EXAMPLE + Cosignature(WITNESS, 1, bytes(64)).line())
    assert note.signatures_by(as_log) == []


@pytest.mark.parametrize("timed", [bytes(71), bytes(73), b"\x80" + bytes(71)], ids=["short", "long", "time"])
def test_what_only_resembles_a_cosignature_is_refused(timed: bytes):
    line = checkpoint.note_text("", [(WITNESS, timed)]).removeprefix("\n")
    with pytest.raises(NotANote, match="cosignature"):
        cosignature.cosignatures(checkpoint.parse_note(EXAMPLE + line), WITNESS)


def test_the_last_time_is_the_last_that_63_bits_hold():
    last = Cosignature(WITNESS, 2**63 - 1, bytes(64))
    assert cosignature.cosignatures(checkpoint.parse_note(EXAMPLE + last.line()), WITNESS) == [last]


# C2SP tlog-witness: the request's example.
HASHES = [
    "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=", "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=",
    "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=", "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=",
]  # fmt: skip
SENT = "old 20852014\n" + "".join(f"{each}\n" for each in HASHES) + "\n" + EXAMPLE


def test_the_example_of_a_submission_is_read_and_written_the_same():
    read = submission.parse(SENT)
    assert read == Submission(20852014, [b64decode(each) for each in HASHES], EXAMPLE)
    assert read.body() == SENT


def test_a_submission_from_nothing_has_no_proof():
    assert submission.parse(f"old 0\n\n{EXAMPLE}") == Submission(0, [], EXAMPLE)
    assert Submission(0, [], EXAMPLE).body() == f"old 0\n\n{EXAMPLE}"


def test_a_proof_may_have_63_lines():
    assert len(submission.parse("old 1\n" + f"{HASHES[0]}\n" * 63 + "\n" + EXAMPLE).proof) == 63


@pytest.mark.parametrize("body", [
    "", "old 1", "old 1\n", SENT.replace("old ", "new "), SENT.replace("20852014", "020852014"),
    SENT.replace("20852014", "-1"), SENT.replace("old 20", "old  20"), SENT.replace(HASHES[0], "AAAA"),
    SENT.replace(HASHES[0], HASHES[0][:-2] + "x="), SENT.replace(HASHES[0], "监管"),
    SENT.replace("\n\n", "\n", 1)[:300], "old 1\n" + f"{HASHES[0]}\n" * 64 + "\n" + EXAMPLE,
    SENT.replace("20852014", "9" * 20), SENT.replace("20852014", "٧"),
])  # fmt: skip
def test_what_only_resembles_a_submission_is_refused(body: str):
    with pytest.raises(NotANote):
        submission.parse(body)
