"""A log whose key was followed by another: whoever trusts one of them gets the same verdict, and a stranger none."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.audit.rules import checkpoint, excerpt, handover
from services.audit.rules.checkpoint import Checkpoint, VerifierKey
from services.audit.rules.handover import Handover
from shared import canonical
from shared.signing import SigningKey
from tests.verifier.made_logs import NOON, ORIGIN, MadeLog, a_log
from verifier import yaosu_verify
from verifier.yaosu_verify import TAMPERED, VERIFIED, Report

OLD, NEW, NEWEST, STRANGER = (SigningKey.from_seed(bytes([number]) * 32) for number in range(1, 5))


def key(private: SigningKey) -> VerifierKey:
    return VerifierKey(ORIGIN, private.public)


def handed(before: SigningKey, after: SigningKey, days: int = 0, by: Sequence[SigningKey] = ()) -> Handover:
    at = NOON + timedelta(days=days)
    said = handover.signed_bytes(key(before), key(after), at)
    first, second = by or (before, after)
    return Handover(key(before), key(after), at, first.sign(said), second.sign(said))


def note(point: Checkpoint, *signers: SigningKey) -> bytes:
    body = point.body()
    return checkpoint.note_text(body, [(key(each), each.sign(body.encode())) for each in signers]).encode()


def handed_over(*handovers: Handover, signers: Sequence[Sequence[SigningKey]], now: SigningKey) -> MadeLog:
    """A log of thirty entries with checkpoints at ten, twenty and thirty, signed by these."""
    log = a_log(30, signed_at=(10, 20))
    for size, by in zip((10, 20, 30), signers, strict=True):
        point = checkpoint.parse_checkpoint(checkpoint.parse_note(log.notes[size].decode()).text)
        log.members[f"checkpoints/{size}"] = log.notes[size] = note(point, *by)
    log.members |= {"checkpoint": log.notes[30], "policy.json": excerpt.policy(key(now), handovers, "whole", 0)}
    return log


def report_on(log: MadeLog, folder: Path, trusted: SigningKey | None) -> Report:
    return yaosu_verify.verify(str(log.write(folder)), key(trusted).text() if trusted else None)


@pytest.mark.parametrize("trusted", [OLD, NEW, NEWEST, None], ids=["oldest", "former", "newest", "its own"])
def test_whoever_trusts_a_key_follows_it_to_the_newest(tmp_path: Path, trusted: SigningKey | None):
    log = handed_over(handed(OLD, NEW), handed(NEW, NEWEST, 400), signers=([OLD], [NEW], [NEWEST]), now=NEWEST)
    report = report_on(log, tmp_path, trusted)
    assert (report.exit_code(), report.counts["checkpoints"]) == (VERIFIED, 3)
    assert [(each["from"], each["to"]) for each in report.handovers] == [
        (key(OLD).text(), key(NEW).text()), (key(NEW).text(), key(NEWEST).text()),
    ]  # fmt: skip
    assert f"{key(OLD).text()} → {key(NEW).text()}" in report.as_text()


@pytest.mark.parametrize("trusted", [OLD, NEW, None], ids=["the present", "the next", "its own"])
def test_while_both_sign_either_is_enough(tmp_path: Path, trusted: SigningKey | None):
    log = handed_over(handed(OLD, NEW), signers=([OLD], [OLD], [OLD, NEW]), now=OLD)
    assert report_on(log, tmp_path, trusted).exit_code() == VERIFIED


def test_a_key_that_was_followed_signs_nothing_new_for_who_trusts_its_successor(tmp_path: Path):
    """What a thief of the old key would show."""
    log = handed_over(handed(OLD, NEW), signers=([OLD], [OLD], [OLD]), now=NEW)
    assert report_on(log, tmp_path, NEW).exit_code() == TAMPERED
    log = handed_over(handed(OLD, NEW), signers=([OLD], [OLD], [OLD]), now=OLD)
    assert report_on(log, tmp_path, NEW).exit_code() == TAMPERED


def test_a_false_signature_beside_a_right_one_is_not_passed_over(tmp_path: Path):
    log = handed_over(handed(OLD, NEW), signers=([OLD], [OLD], [OLD, NEW]), now=OLD)
    body, _, lines = log.members["checkpoint"].decode().partition("\n\n")
    right, _ = lines.splitlines()
    wrong = note(Checkpoint(ORIGIN, 31, bytes(32)), NEW).decode().splitlines()[-1]
    log.members["checkpoint"] = f"{body}\n\n{right}\n{wrong}\n".encode()
    assert report_on(log, tmp_path, OLD).exit_code() == TAMPERED


FALSE = {
    "only the old key signed":     handed(OLD, NEW, by=(OLD, OLD)),
    "only the new key signed":     handed(OLD, NEW, by=(NEW, NEW)),
    "a stranger signed for both":  handed(OLD, NEW, by=(STRANGER, STRANGER)),
    "of another time":             replace(handed(OLD, NEW), at=NOON + timedelta(days=1)),
    "of another key":              replace(handed(OLD, NEW), after=key(STRANGER)),
    "the other way round":         replace(handed(OLD, NEW), before=key(NEW), after=key(OLD)),
    "of a log of another origin":  replace(handed(OLD, NEW), before=VerifierKey("other.example/log", OLD.public)),
}  # fmt: skip


@pytest.mark.parametrize("false", FALSE.values(), ids=FALSE)
@pytest.mark.parametrize("trusted", [OLD, NEW, None], ids=["old", "new", "its own"])
def test_a_handover_that_both_did_not_sign_is_none(tmp_path: Path, false: Handover, trusted: SigningKey | None):
    log = handed_over(false, signers=([OLD], [OLD], [NEW]), now=NEW)
    report = report_on(log, tmp_path, trusted)
    assert report.exit_code() == TAMPERED and not report.handovers


def test_a_stranger_is_not_led_to_by_any_handover(tmp_path: Path):
    log = handed_over(handed(OLD, NEW), signers=([OLD], [NEW], [NEW]), now=NEW)
    assert report_on(log, tmp_path, STRANGER).exit_code() == TAMPERED
    log = handed_over(handed(STRANGER, NEWEST), signers=([NEWEST], [NEWEST], [NEWEST]), now=NEWEST)
    assert report_on(log, tmp_path, OLD).exit_code() == TAMPERED


ODD: list[Any] = [True, {}, "", 0, [0], [[]], [{}], [{"at": 0}], [{**handed(OLD, NEW).told(), "more": 1}],
                  [{**handed(OLD, NEW).told(), "at": "0"}], [{**handed(OLD, NEW).told(), "from": 1}],
                  [{**handed(OLD, NEW).told(), "signature_to": "zz"}]]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_what_is_no_list_of_handovers_leads_nowhere(tmp_path: Path, odd: Any):
    log = handed_over(signers=([OLD], [OLD], [NEW]), now=NEW)
    told = {"format": 3, "origin": ORIGIN, "log_key": key(NEW).text(), "kind": "whole", "minimum_index": 0}
    log.members["policy.json"] = canonical.encode({**told, "handovers": odd})
    assert report_on(log, tmp_path, OLD).exit_code() == TAMPERED


def test_a_log_of_one_key_has_a_policy_as_ever():
    assert b'"format":2' in excerpt.policy(key(OLD), (), "whole", 0)
    assert b"handovers" not in excerpt.policy(key(OLD), (), "whole", 0)


def test_the_lineage_of_a_key_is_what_led_to_it():
    handovers = [handed(OLD, NEW), handed(STRANGER, OLD, 1), handed(NEW, NEWEST, 2)]
    assert handover.lineage(key(NEWEST), handovers) == (key(NEWEST), key(NEW), key(OLD))
    assert handover.lineage(key(OLD), [handed(OLD, NEW), handed(NEW, OLD)]) == (key(OLD), key(NEW))
    assert handover.lineage(key(NEW), []) == (key(NEW),)
