"""The planted bugs are complete and still apply, and who judges them is not deceived. None of them runs here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.sensitivity.__main__ import Verdict, green, judge
from tests.sensitivity.bugs import BUGS, NUMBERS, PATCHES, Bug
from tests.sensitivity.copy import Copy, DoesNotApply, Outcome, check_applies

ROOT = Path(__file__).parents[2]
CALM, ANGRY = "tests.test_a::test_calm", "tests.test_a::test_angry"
CHANGES_NOTHING = """--- a/thing.py
+++ b/thing.py
@@ -1,1 +1,1 @@
-SIZE = 1
+SIZE = 1  # still
"""


def test_each_of_the_28_is_planted_and_each_patch_is_of_one_of_them():
    assert {bug.id.rstrip("bc") for bug in BUGS} >= {f"P-{number:02}" for number in NUMBERS}
    assert sorted(bug.patch.name for bug in BUGS) == sorted(path.name for path in PATCHES.iterdir())
    assert all(re.fullmatch("P-[0-9]{2}[bc]?", bug.id) for bug in BUGS) and len({bug.id for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_a_patch_still_applies_and_touches_no_test(bug: Bug):
    check_applies(bug.patch)
    changed = re.findall(r"^\+\+\+ b/(\S+)", bug.patch.read_text(), re.M)
    assert changed and all(path.startswith(("services/", "shared/", "verifier/")) for path in changed)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_the_suite_that_must_notice_it_is_there(bug: Bug):
    for name in bug.suite:
        path, _, function = name.partition("::")
        assert (ROOT / path).is_file(), name
        assert not function or re.search(rf"def {function}\(", (ROOT / path).read_text()), name


@dataclass(frozen=True, slots=True)
class ToldCopy(Copy):
    """Whose runs come to what they are told to."""

    outcomes: list[Outcome] = field(default_factory=list[Outcome])

    def run(self, suite: Sequence[str]) -> Outcome:
        return self.outcomes.pop(0)


@pytest.fixture
def bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bug:
    monkeypatch.setattr("tests.sensitivity.bugs.PATCHES", tmp_path)
    (tmp_path / "P-99-nothing.patch").write_text(CHANGES_NOTHING)
    (tmp_path / "thing.py").write_text("SIZE = 1\n")
    return Bug("P-99", "nothing", "Nothing.", ("tests/test_a.py",), "")


def judged(folder: Path, bug: Bug, after: Outcome) -> Verdict:
    copy = ToldCopy(folder, [Outcome(passed=frozenset({CALM})), after])
    [verdict] = judge([bug], green([bug], copy), copy)
    assert (folder / "thing.py").read_text() == "SIZE = 1\n", "what was planted is taken away again"
    return verdict


@pytest.mark.parametrize("after, because", [
    (Outcome(passed=frozenset({CALM})),               "every test passes"),
    (Outcome(failed={ANGRY: "it always fails"}),      ANGRY),
    (Outcome(unasked=frozenset({CALM})),              CALM),
    (Outcome(broken="ImportError"),                   "ImportError"),
    (Outcome(),                                       "nothing ran"),
])  # fmt: skip
def test_a_bug_that_no_test_fails_for_is_said_to_be_unnoticed(
    tmp_path: Path, bug: Bug, after: Outcome, because: str
):  # fmt: skip
    verdict = judged(tmp_path, bug, after)
    assert (verdict.noticed_by, verdict.because) == ({}, because)
    assert "NOT NOTICED" in verdict.words


def test_a_bug_is_noticed_by_tests_that_pass_without_it(tmp_path: Path, bug: Bug):
    verdict = judged(tmp_path, bug, Outcome(failed={ANGRY: "as ever", CALM: "assert 1 == 2"}))
    assert (verdict.noticed_by, verdict.words) == ({CALM: "assert 1 == 2"}, "test_calm")


def test_a_patch_that_the_code_has_left_behind_is_said(tmp_path: Path, bug: Bug):
    (tmp_path / "thing.py").write_text("SIZE = 2\n")
    with pytest.raises(DoesNotApply, match=r"P-99-nothing\.patch"):
        check_applies(bug.patch, tmp_path)
    copy = ToldCopy(tmp_path, [Outcome(passed=frozenset({CALM}))])
    [verdict] = judge([bug], green([bug], copy), copy)
    assert not verdict.noticed_by and "thing.py" in verdict.because


def test_what_a_run_came_to_is_read_test_by_test(tmp_path: Path):
    (tmp_path / "test_a.py").write_text(
        "import pytest\n"
        "def test_passes(): ...\n"
        "def test_fails(): assert 1 == 2\n"
        "def test_is_unasked(nothing_like_it): ...\n"
        "@pytest.mark.skip\n"
        "def test_is_skipped(): ...\n"
    )
    outcome = Copy(tmp_path).run(["test_a.py"])
    assert (outcome.passed, set(outcome.failed)) == ({"test_a::test_passes"}, {"test_a::test_fails"})
    assert outcome.unasked == {"test_a::test_is_unasked"} and "assert 1 == 2" in outcome.failed["test_a::test_fails"]
