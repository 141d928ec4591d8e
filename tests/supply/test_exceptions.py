"""What the tools may pass over: what has a reason that a test holds, for as long as it is there."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from supply import advisories, bill, check, vulnerabilities
from supply.advisories import Advisory
from supply.check import Finding
from supply.exceptions import ACCEPTED, EXCUSED, Accepted, Excused
from supply.planted import PLANTED, Planted, plant
from supply.vulnerabilities import Known
from tests.supply.written import has_test

ROOT = Path(__file__).parent.parent.parent
RULES = {rule["id"]: rule for rule in yaml.safe_load((ROOT / "supply/rules.yml").read_text())["rules"]}
DAY = date(2027, 1, 31)
TAKEN = Accepted("CVE-1", "jose", "never called", "tests/supply/test_lock.py::test_a", DAY)
EXCUSE = Excused("bandit", "B608", "shared/turn.py", "names of our own tables")


@pytest.mark.parametrize("accepted", ACCEPTED, ids=lambda accepted: accepted.advisory)
def test_each_accepted_vulnerability_is_in_our_copy_and_has_a_proof(accepted: Accepted):
    [advisory] = [each for each in advisories.read()[1] if each.id == accepted.advisory]
    assert advisory.package == accepted.package
    assert has_test(accepted.proof), f"{accepted.proof} is no test"


@pytest.mark.parametrize("excused", EXCUSED, ids=lambda excused: f"{excused.rule} in {excused.path}")
def test_each_excuse_is_of_a_file_that_is_there_and_says_why(excused: Excused):
    assert list(ROOT.glob(excused.path)) and excused.reason


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_of_ours_has_a_planted_fault(rule: str):
    assert [fault for fault in PLANTED if (fault.tool, fault.rule) == ("semgrep", rule)]


@pytest.mark.parametrize("rule", RULES)
def test_each_place_that_a_rule_names_is_there(rule: str):
    paths = RULES[rule].get("paths", {})
    for place in [*paths.get("include", []), *paths.get("exclude", [])]:
        assert place.startswith("/") and (ROOT / place[1:]).exists(), f"{rule} names {place}"


def test_faults_are_planted_where_they_say(tmp_path: Path):
    plant(tmp_path)
    for fault in PLANTED:
        assert fault.source in (tmp_path / fault.path).read_text()


def test_a_tool_that_finds_nothing_is_blind():
    planted = Planted("bandit", "B602", "shared/shell.py", "")
    assert len(list(check.blindness([], [planted]))) == 1
    assert list(check.blindness([Finding("bandit", "B602", "shared/other.py", 1)], [planted])) != []
    assert list(check.blindness([Finding("bandit", "B602", "shared/shell.py", 1)], [planted])) == []


@pytest.mark.parametrize("found, wrong", [
    ([Finding("bandit", "B608", "shared/turn.py", 7)], 0),
    ([Finding("bandit", "B608", "shared/turn.py", 7), Finding("bandit", "B608", "shared/web.py", 1)], 1),
    ([Finding("bandit", "B608", "shared/turn.py", 7), Finding("bandit", "B602", "shared/turn.py", 7)], 1),
    ([Finding("bandit", "B608", "shared/turn.py", 7), Finding("semgrep", "B608", "shared/turn.py", 7)], 1),
    ([], 1),  # the excuse has outlived what it excused
])  # fmt: skip
def test_only_what_is_excused_and_there_passes(found: list[Finding], wrong: int):
    assert len(list(check.faults(found, [EXCUSE]))) == wrong


@pytest.mark.parametrize("found, today, wrong", [
    ([Known("jose", frozenset({"CVE-1"}))], DAY, 0),
    ([Known("jose", frozenset({"PYSEC-1", "CVE-1"}))], DAY, 0),  # under another of its names
    ([Known("jose", frozenset({"CVE-1"}))], DAY + timedelta(days=1), 1),
    ([Known("jose", frozenset({"CVE-2"}))], DAY, 1),
    ([Known("ecdsa", frozenset({"CVE-1"}))], DAY, 1),
    ([], DAY, 0),
])  # fmt: skip
def test_only_what_is_accepted_and_looked_at_in_time_passes(found: list[Known], today: date, wrong: int):
    assert len(list(vulnerabilities.faults(found, today, [TAKEN]))) == wrong


def test_what_is_accepted_and_has_gone_is_taken_out():
    assert len(list(vulnerabilities.stale([], [TAKEN]))) == 1
    assert list(vulnerabilities.stale([Known("jose", frozenset({"CVE-1"}))], [TAKEN])) == []


@pytest.mark.parametrize("version, concerned", [
    ("1.9.9", False), ("2", True), ("2.0.0", True), ("2.4.9", True), ("2.5", False), ("2.5.0", False), ("2.5.1", False),
    ("2.5rc1", True),
])  # fmt: skip
def test_an_advisory_concerns_the_releases_between_its_ends(version: str, concerned: bool):
    advisory = Advisory("CVE-1", (), "jose", "2.0", "2.5", "")
    assert advisory.concerns("jose", version) is concerned
    assert not advisory.concerns("ecdsa", version)


def test_what_nobody_mended_concerns_every_later_release():
    assert Advisory("CVE-1", (), "jose", "0", None, "").concerns("jose", "99.1")


def test_the_copy_answers_as_the_service_does():
    known = advisories.read()[1]
    asked = {"package": {"name": "ecdsa", "ecosystem": "PyPI"}, "version": "0.19.2"}
    [told] = advisories.answer(asked, known)["vulns"]
    assert told["id"] == "PYSEC-2026-1325" and told["affected"][0]["ranges"][0]["events"] == [{"introduced": "0"}]
    assert advisories.answer({"package": {"name": "rich", "ecosystem": "PyPI"}, "version": "15.0"}, known) == {}


def test_a_bill_that_is_not_that_of_its_lock_is_noticed():
    sealed = {"externalReferences": [{"hashes": [{"alg": "SHA-256", "content": "0" * 64}]}]}
    whole = {"components": [{"name": "rich", "version": "15.0.0", **sealed}]}
    assert bill.missing(whole, "rich==15.0.0 \\\n") == []
    assert bill.missing(whole, "rich==15.0.0\ntyper==0.29\n") == ["typer 0.29"]
    assert bill.missing(whole, "rich==15.0.1\n") == ["rich 15.0.0", "rich 15.0.1"]
    assert bill.missing({"components": [{"name": "rich", "version": "15.0.0"}]}, "rich==15.0.0\n") == ["rich"]
