"""Who the verifier says has witnessed a log, and what it makes of a policy."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from services import __main__ as command_line
from services.audit.rules import checkpoint, cosignature
from services.audit.rules.checkpoint import COSIGNATURE, VerifierKey
from services.audit.rules.cosignature import Cosignature
from services.audit.rules.policy import Group, KnownLog, Policy, Witness
from tests.audit.test_policy import NAMES, NOT_POLICIES, policies
from tests.verifier.made_logs import LOG, STRANGER, MadeLog, Signer, a_log
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, UNDECIDED, VERIFIED, Report

NOON = 1_893_499_200  # 2030-01-01
PRIVATE = {name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in NAMES}
KEYS = {
    name: VerifierKey(f"{name}.example/w", key.public_key().public_bytes_raw(), COSIGNATURE)
    for name, key in PRIVATE.items()
}
POLICY = Policy(
    (KnownLog(LOG.key),), tuple(Witness(name, KEYS[name]) for name in NAMES),
    (Group("partners", 1, ("partner_1", "partner_2")), Group("both", 2, ("regulator", "partners"))), "both",
)  # fmt: skip


def word(name: str, log: MadeLog, time: int = NOON, text: str | None = None) -> str:
    """The line of a witness below the log's checkpoint, or over another text."""
    signed = cosignature.signed_bytes(time, text or checkpoint.parse_note(note(log)).text)
    return Cosignature(KEYS[name], time, PRIVATE[name].sign(signed)).line()


def note(log: MadeLog) -> str:
    return log.members["checkpoint"].decode()


def cosigned(log: MadeLog, *names: str) -> MadeLog:
    lines = "".join(word(name, log) for name in names)
    log.members["checkpoint"] += lines.encode()
    return log


def verified(log: MadeLog, folder: Path, policy: Policy | bytes | None = POLICY) -> Report:
    content = policy.text().encode() if isinstance(policy, Policy) else policy
    return yaosu_verify.verify(str(log.write(folder)), policy=content)


def not_checked(report: Report) -> set[str]:
    return {english.partition(":")[0] for _, english in report.not_checked()}


@pytest.mark.parametrize("names", [("regulator", "partner_1"), ("partner_2", "regulator"), NAMES], ids=str)
def test_a_log_that_a_quorum_witnessed_is_verified_and_says_by_whom_and_when(tmp_path: Path, names: Sequence[str]):
    report = verified(cosigned(a_log(9), *names), tmp_path)
    assert (report.exit_code(), report.witnesses) == (VERIFIED, dict.fromkeys(sorted(names, key=NAMES.index), NOON))
    assert not not_checked(report) & {"not witnessed", "whose key it is", "whose keys the witnesses' are"}
    assert "见证 / witnessed: regulator 2030-01-01 12:00:00 UTC" in report.as_text()
    assert (report.as_json()["checks"]["witnesses"], report.status("witnesses")) == ("ok", "ok")


@pytest.mark.parametrize("names", [(), ("regulator",), ("partner_1", "partner_2", "auditor")], ids=str)
def test_too_few_witnesses_make_it_incomplete_and_never_verified(tmp_path: Path, names: Sequence[str]):
    report = verified(cosigned(a_log(9), *names), tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.check) == (INCOMPLETE, "witnesses")
    assert (first.expected, first.found) == ("cosigned by the quorum both", ", ".join(names) or "by nobody")
    assert ("not witnessed" in not_checked(report)) == (not names)


def test_a_history_cut_off_with_the_logs_own_key_has_no_witness(tmp_path: Path):
    honest, forged = cosigned(a_log(9), *NAMES), a_log(7)
    assert verified(forged, tmp_path, None).exit_code() == VERIFIED, "nothing else shows it"
    assert verified(forged, tmp_path).exit_code() == INCOMPLETE
    lines = note(honest).split("\n\n")[1].split("\n", 1)[1]
    forged.members["checkpoint"] += lines.encode()
    report = verified(forged, tmp_path)
    assert (report.exit_code(), report.failures["witnesses"]) == (TAMPERED, 5), "words for another checkpoint"


def test_without_a_policy_it_is_said_that_nobody_is_known_to_have_witnessed(tmp_path: Path):
    report = verified(cosigned(a_log(9), *NAMES), tmp_path, None)
    assert (report.exit_code(), report.witnesses) == (VERIFIED, {})
    assert {"not witnessed", "whose key it is"} <= not_checked(report)
    assert "witnesses" not in report.as_json()["checks"]


def test_the_policy_in_the_bundle_itself_counts_but_confirms_nobody(tmp_path: Path):
    log = cosigned(a_log(9), *NAMES)
    log.members["policy"] = POLICY.text().encode()
    report = verified(log, tmp_path, None)
    assert (report.exit_code(), set(report.witnesses), report.unknown) == (VERIFIED, set(NAMES), [])
    assert {"whose keys the witnesses' are", "whose key it is"} <= not_checked(report)
    log.members["checkpoint"] = log.notes[9]
    assert verified(log, tmp_path, None).exit_code() == INCOMPLETE


def test_a_policy_from_elsewhere_goes_before_the_one_in_the_bundle(tmp_path: Path):
    log = cosigned(a_log(9), "auditor")
    log.members["policy"] = Policy((KnownLog(LOG.key),), POLICY.witnesses, (), "auditor").text().encode()
    assert verified(log, tmp_path, None).exit_code() == VERIFIED
    assert verified(log, tmp_path).exit_code() == INCOMPLETE


def test_a_policy_that_requires_nobody_is_met_and_the_report_says_that_nobody_did(tmp_path: Path):
    report = verified(a_log(9), tmp_path, Policy((KnownLog(LOG.key),), ()))
    assert report.exit_code() == VERIFIED
    assert "not witnessed" in not_checked(report) and "whose key it is" not in not_checked(report)


FALSE: dict[str, tuple[str, int]] = {
    "over another text": (word("regulator", a_log(9), text="yaosu.example/log\n9\nAAAA\n"), TAMPERED),
    "at another time": (word("regulator", a_log(9)).replace("AAAABw", "AAAABx"), TAMPERED),
    "by another key of the same id": (
        Cosignature(KEYS["regulator"], NOON, PRIVATE["auditor"].sign(b"")).line(), TAMPERED),
    "too short": (f"— {KEYS['regulator'].name} {b64encode(KEYS['regulator'].id() + bytes(71)).decode()}\n", TAMPERED),
    "by a stranger of the same name": (
        Cosignature(VerifierKey(KEYS["regulator"].name, bytes(32), COSIGNATURE), NOON, bytes(64)).line(), INCOMPLETE),
    "as if it were a log": (
        checkpoint.note_text("", [(VerifierKey(KEYS["regulator"].name, KEYS["regulator"].public), bytes(64))])[1:],
        INCOMPLETE),
}  # fmt: skip


@pytest.mark.parametrize("line, verdict", FALSE.values(), ids=FALSE)
def test_a_false_word_of_a_known_witness_is_tampering_and_a_strangers_counts_nothing(
    tmp_path: Path, line: str, verdict: int
):
    log = cosigned(a_log(9), "partner_1")
    log.members["checkpoint"] += line.encode()
    assert verified(log, tmp_path).exit_code() == verdict


@pytest.mark.parametrize("old, new", [
    ("\n— partner_1", "\n" + word("auditor", a_log(9)) * 14 + "— partner_1"), ("\n", "\r\n"),
    ("\n— regulator", "\n\n— regulator"), ("— regulator", "—  regulator"),
], ids=["seventeen signatures", "CRLF", "an empty line", "two spaces"])  # fmt: skip
def test_a_note_that_is_not_in_its_form_is_no_checkpoint(tmp_path: Path, old: str, new: str):
    log = cosigned(a_log(9), "regulator", "partner_1")
    log.members["checkpoint"] = note(log).replace(old, new).encode()
    report = verified(log, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.check) == (TAMPERED, "signature")


def test_a_log_that_the_policy_knows_by_another_key_is_not_that_log(tmp_path: Path):
    report = verified(cosigned(a_log(9, signer=STRANGER), *NAMES), tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.check) == (TAMPERED, "signature")


def test_a_log_that_the_policy_does_not_know_cannot_be_decided(tmp_path: Path):
    other = Policy((KnownLog(Signer(STRANGER.private, "other.example/log").key),), ())
    report = verified(a_log(9), tmp_path, other)
    assert (report.exit_code(), "knows no log" in report.reason) == (UNDECIDED, True)
    path = str(a_log(9).write(tmp_path))
    assert yaosu_verify.verify(path, STRANGER.key.text(), policy=POLICY.text().encode()).exit_code() == UNDECIDED
    assert yaosu_verify.verify(path, LOG.key.text(), policy=b"quorum none\n").exit_code() == UNDECIDED


def test_of_two_keys_of_a_log_either_is_accepted(tmp_path: Path):
    rotated = Policy((KnownLog(STRANGER.key), KnownLog(LOG.key)), ())
    assert verified(a_log(9), tmp_path, rotated).exit_code() == VERIFIED
    assert verified(a_log(9, signer=STRANGER), tmp_path, rotated).exit_code() == VERIFIED


@pytest.mark.parametrize("text", [text for text, _ in NOT_POLICIES])
def test_what_only_resembles_a_policy_decides_nothing(tmp_path: Path, text: str):
    assert verified(a_log(2), tmp_path, text.encode()).exit_code() == UNDECIDED


@given(told=policies(), seen=st.sets(st.sampled_from(NAMES)))
def test_the_verifier_counts_a_quorum_as_the_log_does(told: Policy, seen: set[str]):
    read = yaosu_verify.Policy(told.text().encode())
    assert read.is_met(seen) == told.is_met(seen)
    assert {name: key.text() for name, key in read.witnesses.items()} == {
        each.name: each.key.text() for each in told.witnesses
    }


def test_the_command_line_takes_a_policy(tmp_path: Path):
    path = cosigned(a_log(9), "regulator", "partner_1").write(tmp_path)
    (tmp_path / "policy").write_text(POLICY.text())
    for file, code in [("policy", 0), ("missing", 3)]:
        arguments = [str(path), "--policy", str(tmp_path / file)]
        assert yaosu_verify.main(arguments) == code
        assert CliRunner().invoke(command_line.app, ["verify", *arguments]).exit_code == code


@pytest.mark.parametrize("seconds, told", [(0, "1970-01-01 00:00:00 UTC"), (2**62, f"{2**62} s")])
def test_a_time_that_no_calendar_has_is_told_in_seconds(seconds: int, told: str):
    assert yaosu_verify.when(seconds) == told
