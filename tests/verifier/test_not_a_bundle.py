"""The tamper matrix of what is not what it should be: notes, keys and files.

Sizes are told, so that the numbers are the story: a log of 9 has entries 0 to 8, one of 300 has two tiles.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.audit.rules import bundle, checkpoint
from services.audit.rules.checkpoint import Checkpoint
from tests.verifier.made_logs import LOG, ORIGIN, STRANGER, MadeLog, a_log
from tests.verifier.verdicts import KEY, checkpoint_root, found, verified
from verifier import yaosu_verify
from verifier.yaosu_verify import CHECKS, INCOMPLETE, TAMPERED, UNDECIDED, VERIFIED


def sign_lines(count: int) -> bytes:
    point = checkpoint.parse_checkpoint(checkpoint.parse_note(a_log(9).members["checkpoint"].decode()).text)
    signature = (LOG.key, LOG.private.sign(point.body().encode()))
    return checkpoint.note_text(point.body(), [signature] * count).encode()


def respelled(note: bytes) -> bytes:
    """The same signature in a base64 whose last character has stray bits."""
    last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".index(note[-3:-2])
    assert note.endswith(b"=\n") and last % 4 == 0
    return note[:-3] + b"BFJNRVZdhlptx159"[last // 4 : last // 4 + 1] + b"=\n"


NOTES: dict[str, Callable[[bytes], bytes]] = {
    "CRLF":                    lambda note: note.replace(b"\n", b"\r\n"),
    "no signature":            lambda note: note.partition(b"\n\n")[0] + b"\n\n",
    "an empty signature line": lambda note: note + b"\n",
    "17 signatures":           lambda note: sign_lines(17),
    "a hyphen for a dash":     lambda note: note.replace("—".encode(), b"-"),
    "an extension line":       lambda note: note.replace(b"\n\n", b"\nmore\n\n"),
    "a size with a zero":      lambda note: note.replace(b"\n9\n", b"\n09\n"),
    "another origin":          lambda note: note.replace(b"example", b"exempla"),
    "a control character":     lambda note: note.replace(b"\n9\n", b"\n9\x00\n"),
    "another spelling":        lambda note: respelled(note),
    "a log of another name":   lambda note: LOG.sign(Checkpoint("other.example/log", 9, checkpoint_root(a_log(9)))),
    "not text":                lambda note: b"\xff" + note,
}  # fmt: skip


@pytest.mark.parametrize("what", NOTES)
def test_a_note_that_only_resembles_a_checkpoint_is_refused(tmp_path: Path, what: str):
    log = a_log(9)
    log.members["checkpoint"] = NOTES[what](log.members["checkpoint"])
    assert found(log, tmp_path) == (TAMPERED, "signature", None)


def test_a_signature_of_an_unknown_key_beside_ours_is_no_matter(tmp_path: Path):
    log = a_log(9)
    stranger = STRANGER.sign(Checkpoint(ORIGIN, 9, checkpoint_root(log))).partition(b"\n\n")[2]
    log.members["checkpoint"] += stranger
    assert verified(log, tmp_path).exit_code() == VERIFIED
    log.members["checkpoint"] = log.members["checkpoint"].partition(b"\n\n")[0] + b"\n\n" + stranger
    assert found(log, tmp_path) == (TAMPERED, "signature", None)


def test_a_signature_under_our_key_id_by_another_name_is_no_matter(tmp_path: Path):
    log = a_log(9)
    ours = log.members["checkpoint"].partition(b"\n\n")[2]
    log.members["checkpoint"] += ours.replace(b"yaosu", b"other")[:-5] + b"AAA=\n"
    assert verified(log, tmp_path).exit_code() == VERIFIED


def test_a_false_signature_under_our_key_id_is_refused_even_beside_a_true_one(tmp_path: Path):
    log = a_log(9)
    other = LOG.sign(Checkpoint(ORIGIN, 8, bytes(32))).partition(b"\n\n")[2]
    log.members["checkpoint"] += other
    assert found(log, tmp_path) == (TAMPERED, "signature", None)


@pytest.mark.parametrize("key", ["", "nonsense", KEY[:-4], KEY.replace("yaosu", "other"), KEY.replace("+A", "+B")])
def test_what_is_not_an_ed25519_key_decides_nothing(tmp_path: Path, key: str):
    log = a_log(9)
    log.members["policy.json"] = log.members["policy.json"].replace(KEY.encode(), key.encode())
    assert log.members["policy.json"] != a_log(9).members["policy.json"]
    assert verified(log, tmp_path, key=None).exit_code() == UNDECIDED
    assert verified(a_log(9), tmp_path, key).exit_code() == UNDECIDED


@pytest.mark.parametrize("policy", [
    b"", b"{}", b"[]", b'{"format":2}', b"\xff", b"[" * 200_000, bundle.policy(LOG.key).replace(b":1,", b":3,"),
    bundle.policy(LOG.key).replace(b":1,", b":1, "), bundle.policy(LOG.key).replace(b'{"', b'{"a":1,"'),
])  # fmt: skip
def test_a_bundle_of_unknown_format_decides_nothing(tmp_path: Path, policy: bytes):
    log = a_log(9)
    log.members["policy.json"] = policy
    report = verified(log, tmp_path)
    assert (report.exit_code(), {report.status(check) for check in CHECKS}) == (UNDECIDED, {"not checked"})


@pytest.mark.parametrize("name", ["checkpoint", "policy.json"])
def test_a_file_without_policy_or_checkpoint_is_no_bundle(tmp_path: Path, name: str):
    log = a_log(9)
    del log.members[name]
    assert verified(log, tmp_path).exit_code() == UNDECIDED


def test_a_name_that_stands_twice_decides_nothing(tmp_path: Path):
    path = a_log(9).write(tmp_path)
    again = bundle.member("checkpoint", b"another")
    path.write_bytes(again + path.read_bytes())
    assert yaosu_verify.verify(str(path), KEY).exit_code() == UNDECIDED


@pytest.mark.parametrize("length", [0, 1, 511, 512, 700, 5000, -1, -512, -1024])
def test_a_file_that_ends_early_is_incomplete(tmp_path: Path, length: int):
    path = a_log(300).write(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    assert yaosu_verify.verify(str(path), KEY).exit_code() == INCOMPLETE


@pytest.mark.parametrize("behind", [b"x", bytes(20_000), bytes(20_000) + b"x"])
def test_nothing_may_stand_behind_the_end(tmp_path: Path, behind: bytes):
    path = a_log(9).write(tmp_path)
    path.write_bytes(path.read_bytes() + behind)
    assert yaosu_verify.verify(str(path), KEY).exit_code() == UNDECIDED


@pytest.mark.parametrize("content", [b"x" * 2000, b"PK\x03\x04" + bytes(600), b"\x1f\x8b" + b"x" * 600])
def test_a_file_that_is_no_bundle_decides_nothing(tmp_path: Path, content: bytes):
    path = tmp_path / "no-bundle"
    path.write_bytes(content)
    assert yaosu_verify.verify(str(path), KEY).exit_code() == UNDECIDED
    assert yaosu_verify.verify(str(tmp_path / "absent"), KEY).exit_code() == UNDECIDED


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bit_of_a_bundle_can_be_flipped_unnoticed(tmp_path: Path, data: st.DataObject):
    content = bytearray(WHOLE)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "flipped.tar"
    path.write_bytes(content)
    assert yaosu_verify.verify(str(path), KEY).exit_code() != VERIFIED


def whole(log: MadeLog) -> bytes:
    return b"".join(bundle.member(name, content) for name, content in sorted(log.members.items())) + bundle.END


WHOLE = whole(a_log(5, [2]))
