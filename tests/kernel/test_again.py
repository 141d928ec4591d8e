"""A failure is asked once more, and only once, and only where it is a rare one."""

import pytest

from tests.support.again import AT_MOST

pytest_plugins = ("pytester",)
WORKERS = ("-p", "xdist.plugin", "-n", "1", "--dist", "loadgroup")  # a group's name becomes part of a test's name
AGAIN = (*WORKERS, "-p", "tests.support.again", "--last-failed", "--last-failed-no-failures", "none")
HOLDS_ALONE = """
from pathlib import Path

import pytest

@pytest.mark.xdist_group("alone")
def test_holds_the_second_time():
    seen = Path("seen")
    was_there = seen.exists()
    seen.touch()
    assert was_there

def test_holds():
    pass
"""
NEVER_HOLDS = (
    "import pytest\n\n@pytest.mark.parametrize('each', range({}))\ndef test_never_holds(each):\n    assert False\n"
)


@pytest.fixture(autouse=True)
def nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def both(pytester: pytest.Pytester, source: str) -> tuple[pytest.RunResult, pytest.RunResult]:
    pytester.makepyfile(source)
    return pytester.runpytest_inprocess(*WORKERS), pytester.runpytest_inprocess(*AGAIN)


def test_what_holds_alone_is_named(pytester: pytest.Pytester):
    first, again = both(pytester, HOLDS_ALONE)
    assert (first.ret, again.ret) == (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.OK)
    first.assert_outcomes(passed=1, failed=1)
    again.assert_outcomes(passed=1)
    again.stdout.fnmatch_lines("UNSTEADY *::test_holds_the_second_time@alone failed beside others and holds alone*")


@pytest.mark.parametrize("many, ends", [
    (AT_MOST, pytest.ExitCode.TESTS_FAILED),
    (AT_MOST + 1, pytest.ExitCode.USAGE_ERROR),
])  # fmt: skip
def test_what_fails_again_has_failed(pytester: pytest.Pytester, many: int, ends: pytest.ExitCode):
    _, again = both(pytester, NEVER_HOLDS.format(many))
    assert again.ret == ends
    again.stdout.no_fnmatch_line("UNSTEADY *")


def test_where_nothing_failed_nothing_has_held(pytester: pytest.Pytester):
    """A run that broke before its first test is not mended by asking for nothing."""
    _, again = both(pytester, "def test_holds():\n    pass\n")
    assert again.ret == pytest.ExitCode.NO_TESTS_COLLECTED
