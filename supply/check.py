"""Looks at the code from outside: bandit, our own semgrep rules, and secrets that should not be here.

Promises: every tool is tried on planted faults first, so that one which has gone blind is noticed; what is excused has
a reason, and an excuse that excuses nothing fails as well. Asks no network. The tools live in an environment of their
own, whose `bin` is told: python -m supply.check .venv-audit/bin
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from supply.exceptions import EXCUSED, Excused
from supply.planted import PLANTED, Planted, plant

ROOT = Path(__file__).parent.parent
CODE = ("services", "shared", "verifier", "migrations", "supply")
KEPT = (*CODE, "deploy", "docs", "bench", ".ci", "Makefile", "docker-compose.yml", "Dockerfile", "pyproject.toml")
LEFT_OUT = r"(\.(lock|ttc|pyc)|docs/facts\.md)$"  # hashes, the font, and what is written from the code
ASSERTIONS = "B101"  # where a type is narrowed; refusals are errors of a family
# What looks drawn by chance is everywhere in tests, which are full of vectors; the shape of a real credential is not.
BY_LOOKS = ("Base64HighEntropyString", "HexHighEntropyString", "KeywordDetector")


@dataclass(frozen=True)
class Finding:
    tool: str
    rule: str
    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule} ({self.tool})"


Tool = Callable[[Path, Path], list[Finding]]


def bandit(tools: Path, root: Path) -> list[Finding]:
    command = [tools / "bandit", "--quiet", "--recursive", "--format", "json", "--skip", ASSERTIONS]
    told = _run([*command, *_present(root, CODE)], root, {0, 1})
    if told["errors"]:
        raise SystemExit(f"bandit could not read: {told['errors']}")
    return [_finding("bandit", each["test_id"], each["filename"], each["line_number"]) for each in told["results"]]


def semgrep(tools: Path, root: Path) -> list[Finding]:
    command = [tools / "semgrep", "scan", "--json", "--quiet", "--metrics=off", "--disable-version-check"]
    rules = ["--config", ROOT / "supply" / "rules.yml", "--no-git-ignore", "--project-root", root]
    told = _run([*command, *rules, *_present(root, CODE)], root, {0, 1})
    return [
        _finding("semgrep", each["check_id"].rpartition(".")[2], each["path"], each["start"]["line"])
        for each in told["results"]
    ]


def secrets(tools: Path, root: Path) -> list[Finding]:
    command = [tools / "detect-secrets", "scan", "--no-verify", "--all-files", "--exclude-files", LEFT_OUT]
    kept = _run([*command, *_present(root, KEPT), *sorted(root.glob("*.md"))], root, {0})
    leave_out = [part for name in BY_LOOKS for part in ("--disable-plugin", name)]
    tried = _run([*command, *leave_out, *_present(root, ("tests",))], root, {0})
    return [
        _finding("secrets", each["type"], path, each["line_number"])
        for found in (kept, tried)
        for path, those in found["results"].items()
        for each in those
    ]


TOOLS: tuple[Tool, ...] = (bandit, semgrep, secrets)


def faults(found: Collection[Finding], excused: Sequence[Excused] = EXCUSED) -> Iterator[str]:
    """What is wrong with the code, and with the excuses."""
    used = set[Excused]()
    for finding in sorted(found, key=str):
        covering = [each for each in excused if each.covers(finding.tool, finding.rule, finding.path)]
        used.update(covering)
        if not covering:
            yield str(finding)
    for each in excused:
        if each not in used:
            yield f"{each.path}: nothing there is {each.rule} ({each.tool}) any more: take the excuse out"


def blindness(found: Collection[Finding], planted: Sequence[Planted] = PLANTED) -> Iterator[str]:
    """Which planted faults were not found."""
    seen = {(finding.tool, finding.rule, finding.path) for finding in found}
    for fault in planted:
        if (fault.tool, fault.rule, fault.path) not in seen:
            yield f"{fault.tool} is blind to {fault.rule}, planted in {fault.path}"


def _run(command: Sequence[str | Path], root: Path, good: Collection[int]) -> dict[str, Any]:
    environment = os.environ | {
        "SEMGREP_SEND_METRICS": "off",
        "PATH": f"{Path(command[0]).parent}:{os.environ['PATH']}",
    }
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=environment)
    if run.returncode not in good:
        raise SystemExit(f"{Path(command[0]).name} ended with {run.returncode}:\n{run.stderr}{run.stdout}")
    return json.loads(run.stdout)


def _present(root: Path, names: Sequence[str]) -> list[str]:
    return [name for name in names if (root / name).exists()]


def _finding(tool: str, rule: str, path: str, line: int) -> Finding:
    return Finding(tool, rule, path.removeprefix("./"), line)


def main(tools: Path) -> None:
    with TemporaryDirectory() as name, ThreadPoolExecutor(os.cpu_count()) as pool:
        folder = Path(name).resolve()
        plant(folder)
        over_plants = [pool.submit(tool, tools, folder) for tool in TOOLS]
        over_code = [pool.submit(tool, tools, ROOT) for tool in TOOLS]
        in_plants = [finding for run in over_plants for finding in run.result()]
        in_code = [finding for run in over_code for finding in run.result()]
    wrong = [*blindness(in_plants), *faults(in_code)]
    if wrong:
        raise SystemExit("\n".join(wrong))
    print(f"{len(PLANTED)} planted faults found; {len(in_code)} findings, each of them excused with its reason")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
