"""A copy of the project in a folder of its own, into which bugs are planted and from which they are taken again."""

import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
HUNG_SECONDS = 900  # longer than any suite takes, on a machine that does much else
TEST_SECONDS_MAX = 600
PASSED, TESTS_FAILED = 0, 1  # pytest's exit codes: any other says that the tests did not run


class DoesNotApply(Exception):
    """A patch that the code has left behind: plant the same bug anew where it would be made today."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to: which tests passed, which failed and by what first line, which could not be asked because a
    fixture or an import broke; or `broken`, what pytest said if it could not run them at all."""

    passed: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict[str, str])
    unasked: frozenset[str] = frozenset()
    broken: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why it is not green; None if it is."""
        if self.broken:
            return self.broken
        if self.failed or self.unasked:
            return ", ".join(sorted({*self.failed, *self.unasked}))
        return None if self.passed else "nothing ran"


def check_applies(patch: Path, folder: Path = ROOT) -> None:
    """Raises DoesNotApply. Writes nothing."""
    _apply(folder, "--check", patch)


@contextmanager
def copied(root: Path = ROOT) -> Generator["Copy"]:
    """Of all that the project keeps under version control, as it is now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True).stdout
    with TemporaryDirectory(prefix="yaosu-sensitivity-") as name:
        for path in filter(None, listed.decode().split("\0")):
            if (root / path).is_file():
                (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / path, Path(name) / path)
        yield Copy(Path(name))


@dataclass(frozen=True, slots=True)
class Copy:
    folder: Path

    @contextmanager
    def with_bug(self, patch: Path) -> Generator[None]:
        """Raises DoesNotApply."""
        _apply(self.folder, patch)
        try:
            yield
        finally:
            _apply(self.folder, "--reverse", patch)

    def run(self, suite: Sequence[str]) -> Outcome:
        """Those tests, in the copy. Whatever they import is the copy's."""
        report = self.folder / "report.xml"
        report.unlink(missing_ok=True)
        command = (
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--timeout={TEST_SECONDS_MAX}",
            f"--junitxml={report}", *suite,
        )  # fmt: skip
        ours = {"PYTHONPATH": str(self.folder)}
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=os.environ | ours, capture_output=True, text=True, timeout=HUNG_SECONDS,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Outcome(broken=f"nothing came of it in {HUNG_SECONDS} seconds")
        if done.returncode not in (PASSED, TESTS_FAILED):
            return Outcome(broken=(done.stdout + done.stderr)[-2000:])
        return _read(report)


def _read(report: Path) -> Outcome:
    passed, failed, unasked = set[str](), dict[str, str](), set[str]()
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        if (failure := case.find("failure")) is not None:
            failed[name] = (failure.get("message") or "").partition("\n")[0]
        elif case.find("error") is not None:
            unasked.add(name)
        elif case.find("skipped") is None:
            passed.add(name)
    return Outcome(frozenset(passed - unasked), failed, frozenset(unasked - failed.keys()))


def _apply(folder: Path, *arguments: str | Path) -> None:
    # Above the folder no repository is looked for: to git the copy is a folder like any other.
    alone = {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
    done = subprocess.run(
        ["git", "apply", *arguments], cwd=folder, env=os.environ | alone, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise DoesNotApply(f"{arguments[-1]}: {done.stderr.strip()}")
