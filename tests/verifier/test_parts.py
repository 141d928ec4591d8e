"""The verifier's own cryptography and reader, against those of others; and that it stands alone."""

import ast
import json
import sqlite3
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import canonical
from tests.verifier.made_logs import LOG, a_log
from verifier import yaosu_verify
from verifier.yaosu_verify import ORDER, ed25519_verifies

FILE = Path(yaosu_verify.__file__)


@given(secret=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_signature_verifies_and_with_any_bit_flipped_does_not(secret: bytes, message: bytes, data: st.DataObject):
    private = Ed25519PrivateKey.from_private_bytes(secret)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert ed25519_verifies(public, message, signature)
    flipped = bytearray(signature)
    flipped[data.draw(st.integers(0, 63))] ^= 1 << data.draw(st.integers(0, 7))
    assert not ed25519_verifies(public, message, bytes(flipped))
    assert not ed25519_verifies(public, message + b"x", signature)


def test_the_first_example_of_the_rfc_verifies():
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert ed25519_verifies(public, b"", signature)


def test_a_signature_has_one_form_only():
    """s and s + order satisfy the same equation: without the check a second signature could be made of a first."""
    public, signature = LOG.key.public, LOG.private.sign(b"message")
    s = int.from_bytes(signature[32:], "little")
    assert not ed25519_verifies(public, b"message", signature[:32] + (s + ORDER).to_bytes(32, "little"))


@pytest.mark.parametrize("public, signature", [
    (b"", bytes(64)), (bytes(31), bytes(64)), (bytes(32), b""), (bytes(32), bytes(63)), (bytes(32), bytes(65)),
    (b"\xff" * 32, bytes(64)), (b"\x02" + bytes(31), bytes(64)),
])  # fmt: skip
def test_what_is_no_key_or_no_signature_does_not_verify(public: bytes, signature: bytes):
    assert not ed25519_verifies(public, b"message", signature)


def test_a_key_has_one_form_only():
    """The neutral point as a key verifies anything; written in another way (sign of zero, y + p) it is no key."""
    neutral = b"\x01" + bytes(31)
    assert ed25519_verifies(neutral, b"message", neutral + bytes(32))
    for other in (b"\x01" + bytes(30) + b"\x80", (yaosu_verify.P + 1).to_bytes(32, "little")):
        assert not ed25519_verifies(other, b"message", neutral + bytes(32))
        assert not ed25519_verifies(neutral, b"message", other + bytes(32))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(str.isascii) | st.sampled_from(
    ["要素", "é", "\x7f", "\u2028", "\U0001f600", '\x00\x1f\b\t\n\f\r"\\/']
)
keys = st.from_regex("[a-z_]{1,5}", fullmatch=True)
values = st.recursive(
    texts | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(keys, values, max_size=4))
def test_what_the_writer_encodes_the_verifier_reads(value: dict[str, object]):
    assert yaosu_verify.read_line(canonical.encode(value)) == value


def test_it_uses_nothing_but_the_standard_library_and_speaks_python_3_9():
    tree = ast.parse(FILE.read_text(), feature_version=(3, 9))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
    assert not imported & {"urllib", "socket", "http", "subprocess", "ctypes", "importlib"}


@pytest.mark.parametrize("tampered, exit_code", [(False, 0), (True, 1)])
def test_it_runs_as_one_file_alone(tmp_path: Path, tampered: bool, exit_code: int):
    alone, log = tmp_path / "verify.py", a_log(9)
    alone.write_bytes(FILE.read_bytes())
    if tampered:
        log.change("tile/entries/000.p/9", at=100)
    command = [sys.executable, "-I", "-S", str(alone), str(log.write(tmp_path)), "--key", LOG.key.text(), "--json"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    report: dict[str, Any] = json.loads(run.stdout)
    assert (run.returncode, report["exit_code"], run.stderr) == (exit_code, exit_code, b"")
    assert (report["first_diverging"] and report["first_diverging"]["index"]) == (0 if tampered else None)
    assert any("not witnessed" in line for line in report["not_checked"])


def test_a_wrong_command_line_decides_nothing(capsys: pytest.CaptureFixture[str]):
    assert yaosu_verify.main(["--nonsense"]) == 3
    assert yaosu_verify.main([]) == 3
    assert yaosu_verify.main(["--help"]) == 0
    assert "--key" in capsys.readouterr().out


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk"])
@pytest.mark.parametrize("form", ["--key=" + LOG.key.text(), "--json"])
def test_a_terminal_that_lacks_a_letter_changes_no_verdict(tmp_path: Path, encoding: str, form: str):
    command = [sys.executable, str(FILE), str(a_log(2).write(tmp_path)), form]
    environment = {"PYTHONIOENCODING": encoding}
    run = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (0, b"")
    assert b"verified" in run.stdout


def test_what_goes_wrong_in_the_verifier_itself_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(yaosu_verify.Content, "check", fail)
    report = yaosu_verify.verify(str(a_log(2).write(tmp_path)), LOG.key.text())
    assert (report.exit_code(), report.reason) == (3, "database or disk is full")


def test_the_report_is_in_chinese_and_english(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    log = a_log(9)
    log.change("tile/entries/000.p/9", at=100)
    assert yaosu_verify.main([str(log.write(tmp_path))]) == 1
    text = capsys.readouterr().out
    assert "首个差异 / first divergence: 条目 / entry 0" in text
    assert "已被篡改 / TAMPERED" in text


def test_a_log_four_times_as_long_takes_no_more_memory(tmp_path: Path):
    peaks: list[int] = []
    for count in (1024, 4096):
        path = a_log(count).write(tmp_path)
        tracemalloc.start()
        assert yaosu_verify.verify(str(path), LOG.key.text()).exit_code() == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2
