"""A pytest plugin for `make again` (`-p tests.support.again --last-failed`): what failed is asked once more, alone.

One test of fifteen thousand that meets a machine busier than it bargained for is named and has to be mended; it does
not hide what all the others say. More than a few are no accident, and nothing is asked again.
"""

import pytest

AT_MOST = 3


def pytest_sessionstart(session: pytest.Session) -> None:
    assert session.config.cache
    many = len(session.config.cache.get("cache/lastfailed", ()))  # pyright: ignore
    if many > AT_MOST:
        raise pytest.UsageError(f"{many} tests failed, more than {AT_MOST}: that is no accident")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        if report.when == "call":
            terminalreporter.write_line(f"UNSTEADY {report.nodeid} failed beside others and holds alone: mend it")
