"""`python -m tests.sensitivity [ID…]`: does the suite that should notice a bug do so? Without ids, of every bug.

In a copy of the project, all suites are run as the code is, and must be green. Then each bug is planted by itself, and
its suite must be red: by a test that fails with the bug and passed without it, and not because something could not be
imported or set up. Exit: 0 if every bug was noticed.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.clock import Stopwatch
from tests.sensitivity.bugs import BUGS, Bug
from tests.sensitivity.copy import Copy, DoesNotApply, Outcome, copied
from tests.support.postgres import postgres_server


@dataclass(frozen=True, slots=True)
class Verdict:
    """`noticed_by` are the tests that failed, each by what; `because` why nobody has noticed."""

    bug: Bug
    seconds: float
    noticed_by: Mapping[str, str]
    because: str = ""

    @property
    def words(self) -> str:
        if not self.noticed_by:
            return f"NOT NOTICED: {self.because}"
        first, *others = self.noticed_by
        return first.rpartition("::")[2] + (f" and {len(others)} more" if others else "")


def green(bugs: Sequence[Bug], copy: Copy) -> Outcome:
    """All their suites as the code is."""
    return copy.run(sorted({name for bug in bugs for name in bug.suite}))


def judge(bugs: Sequence[Bug], before: Outcome, copy: Copy) -> Iterator[Verdict]:
    """A verdict on each bug, as soon as there is one. Requires what their suites come to without them."""
    for bug in bugs:
        watch = Stopwatch()
        try:
            with copy.with_bug(bug.patch):
                after = copy.run(bug.suite)
        except DoesNotApply as stale:
            yield Verdict(bug, watch.seconds(), {}, str(stale))
            continue
        noticed_by = {name: why for name, why in after.failed.items() if name in before.passed}
        because = after.trouble or "every test passes"
        yield Verdict(bug, watch.seconds(), noticed_by, "" if noticed_by else because)


def _table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    for each in verdicts:
        yield f"{each.bug.id:6} {each.seconds:5.0f} s  {each.words[:200]}"
    seconds, noticed = sum(each.seconds for each in verdicts), sum(bool(each.noticed_by) for each in verdicts)
    yield f"{noticed} of {len(verdicts)} planted bugs noticed, in {seconds / 60:.1f} minutes"


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sensitivity", description="Plant bugs, and see who notices.")
    parser.add_argument("bug", nargs="*", help="the ids of some, as in P-07 P-18b (default: every one)")
    wanted = parser.parse_args().bug
    if unknown := sorted(set(wanted) - {bug.id for bug in BUGS}):
        parser.error(f"there is no {', '.join(unknown)}")
    bugs = [bug for bug in BUGS if not wanted or bug.id in wanted]
    with postgres_server() as dsn, copied() as copy:
        if dsn:  # one server for all suites, not one for each
            os.environ["YAOSU_TEST_POSTGRES"] = dsn
        _say(f"without any of the {len(bugs)} bugs …")
        before = green(bugs, copy)
        if before.trouble:
            _say(f"the suites are not green: {before.trouble}")
            return 1
        verdicts = list[Verdict]()
        for number, verdict in enumerate(judge(bugs, before, copy), 1):
            _say(f"{number} of {len(bugs)} · {verdict.bug.id}: {verdict.bug.wrong}")
            _say(f"  {verdict.seconds:.0f} s · {verdict.words} · {next(iter(verdict.noticed_by.values()), '')[:200]}")
            verdicts.append(verdict)
    for line in _table(verdicts):
        _say(line)
    return int(not all(each.noticed_by for each in verdicts))


if __name__ == "__main__":
    sys.exit(main())
