"""What a verifier says of committed fields: disclosed, withheld or erased; and of those who say otherwise.

The tamper matrix, row 18: a field redacted that is none, a commitment reopened with another value, a salt used twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from services.audit.events.log import RedactionDone
from services.audit.rules import excerpt
from services.audit.rules.redaction import Field, KeyState
from shared import facts
from shared.facts import Category, Commitment, Fact, commit
from shared.ids import FactId, RedactionId, UserId
from tests.verifier.made_logs import LOG, NOON, MadeLog, leaves_of_lines, of_leaves
from tests.verifier.verdicts import found, verified
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, VERIFIED

SALTS = [bytes([number]) * 32 for number in range(9)]


@dataclass(frozen=True, slots=True)
class LogInRefused(Fact):
    category: ClassVar[Category] = Category.ACCESS
    login: Commitment


def tried(number: int, value: str = "ana") -> tuple[str, bytes]:
    return "identity", _line("identity", number, LogInRefused(commit("login", value, SALTS[number])))


def redacted(number: int, *fields: tuple[int, str], state: str = "erased") -> tuple[str, bytes]:
    done = RedactionDone(
        RedactionId(f"redaction_{number:032x}"), KeyState(state), "个保法", "user_a", "user_b",
        tuple(Field(*each) for each in fields),
    )  # fmt: skip
    return "audit", _line("audit", number, done)


def _line(service: str, number: int, fact: Fact) -> bytes:
    actor = facts.Actor("user", UserId(f"user_{number:032x}"))
    fact_id = FactId(f"fact_{number:032x}")
    return facts.event_line(fact, service=service, fact_id=fact_id, actor=actor, at=NOON, request_id=None)


def a_log(*told: tuple[str, bytes]) -> MadeLog:
    return of_leaves(leaves_of_lines(told))


def an_excerpt(*told: tuple[str, bytes], of: Sequence[int] | None = None) -> MadeLog:
    log = a_log(*told)
    for name in [name for name in log.members if name.startswith("tile/entries/")]:
        del log.members[name]
    log.members["policy.json"] = excerpt.policy(LOG.key, (), "excerpt", 0)
    indexes = range(len(log.leaves)) if of is None else of
    log.members |= {excerpt.entry_name(index): log.leaves[index] for index in indexes}
    return log


def opening(log: MadeLog, index: int, value: str = "ana", salt: bytes | None = None, name: str = "login") -> MadeLog:
    told = {name: ((SALTS[index] if salt is None else salt).hex(), value)}
    log.members[excerpt.fields_name(index)] = excerpt.fields(told)
    return log


def states(disclosed: int = 0, withheld: int = 0, erased: int = 0) -> dict[str, dict[str, int]]:
    told = {"disclosed": disclosed, "withheld": withheld, "erased": erased}
    return {"identity.log_in_refused.login": told}


def test_a_whole_log_says_which_fields_are_withheld_and_which_erased(tmp_path: Path):
    report = verified(a_log(tried(0), tried(1), redacted(2, (0, "login"))), tmp_path)
    assert (report.exit_code(), report.fields) == (VERIFIED, states(withheld=1, erased=1))
    text = report.as_text()
    assert "identity.log_in_refused.login: 披露 disclosed 0, 隐去 withheld 1, 已删除 erased 1" in text
    assert "the values behind 1 commitments" in text


def test_a_restricted_field_is_withheld_and_not_erased(tmp_path: Path):
    log = a_log(tried(0), redacted(1, (0, "login"), state="restricted"))
    assert verified(log, tmp_path).fields == states(withheld=1)


def test_an_opened_field_is_checked_and_shown(tmp_path: Path):
    report = verified(opening(an_excerpt(tried(0), tried(1)), 0), tmp_path)
    assert (report.exit_code(), report.findings) == (INCOMPLETE, [])
    assert (report.fields, report.opened) == (states(1, 1), [{"index": 0, "name": "login", "value": "ana"}])
    assert report.status("commitments") == "ok"


@pytest.mark.parametrize("log", [
    opening(an_excerpt(tried(0)), 0, value="bob"),
    opening(an_excerpt(tried(0)), 0, salt=SALTS[5]),
    opening(an_excerpt(tried(0)), 0, salt=b""),
    opening(an_excerpt(tried(0)), 0, name="act"),
    opening(an_excerpt(redacted(0)), 0),
], ids=["another value", "another salt", "no salt", "a field not committed", "an entry without any"])  # fmt: skip
def test_a_commitment_opened_as_something_else_is_tampering(tmp_path: Path, log: MadeLog):
    assert found(log, tmp_path) == (TAMPERED, "commitments", 0)
    assert verified(log, tmp_path).opened == []


def test_a_salt_that_opens_two_fields_is_tampering(tmp_path: Path):
    same = commit("login", "ana", SALTS[0])
    log = an_excerpt(tried(0), ("identity", _line("identity", 1, LogInRefused(same))))
    opening(opening(log, 0), 1, salt=SALTS[0])
    assert found(log, tmp_path) == (TAMPERED, "commitments", 1)


@pytest.mark.parametrize("field", [(0, "act"), (0, "out"), (0, "ts"), (0, "obj"), (1, "login"), (7, "login")], ids=str)
def test_a_redaction_of_what_is_no_committed_field_is_tampering(tmp_path: Path, field: tuple[int, str]):
    assert found(a_log(tried(0), redacted(1, field)), tmp_path) == (TAMPERED, "commitments", 1)


def test_a_bundle_that_opens_what_the_log_says_is_erased_is_tampering(tmp_path: Path):
    log = opening(an_excerpt(tried(0), redacted(1, (0, "login"))), 0)
    assert found(log, tmp_path) == (TAMPERED, "commitments", 1)


def test_an_erasure_in_an_excerpt_may_be_of_an_entry_that_is_withheld(tmp_path: Path):
    report = verified(an_excerpt(tried(0), tried(1), redacted(2, (0, "login"), (1, "login")), of=[1, 2]), tmp_path)
    assert (report.exit_code(), report.fields) == (INCOMPLETE, states(erased=1))


@pytest.mark.parametrize("content", [b"", b"{}", b'{"fields":[]}', b'{"fields":{"login":{"salt":"zz","value":"a"}}}'])
def test_an_opening_that_is_not_of_its_form_is_tampering(tmp_path: Path, content: bytes):
    log = an_excerpt(tried(0))
    log.members[excerpt.fields_name(0)] = content
    assert found(log, tmp_path)[:2] == (TAMPERED, "commitments")


def test_an_opening_of_an_entry_that_is_not_there_is_tampering(tmp_path: Path):
    log = opening(an_excerpt(tried(0), of=[]), 0)
    assert verified(log, tmp_path).exit_code() == TAMPERED
