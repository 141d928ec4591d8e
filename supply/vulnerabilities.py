"""Asks pip-audit what is known of everything that is locked: python -m supply.vulnerabilities .venv-audit/bin

Promises: a release with a known vulnerability is tried first, at each service that is asked, and must be found; what is
found must be accepted in exceptions.py, with its reason, its proof and a day until which that was looked at; an
acceptance of what is no longer found fails too. Where no advisory service is reached, that is said in capitals, and it
is a failure with --must-reach.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from supply import advisories
from supply.exceptions import ACCEPTED, Accepted

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "deploy/requirements.lock")
CANARY = "ecdsa==0.19.1"  # every release of it has PYSEC-2026-1325
CANARY_ADVISORIES = {"PYSEC-2026-1325", "CVE-2024-23342"}
SERVICE = "https://api.osv.dev/v1/query"


@dataclass(frozen=True)
class Known:
    """A vulnerability of something locked, under all its names."""

    package: str
    names: frozenset[str]


class Unreached(Exception):
    """The advisory service did not answer, or does not know what everybody knows."""


def faults(found: Sequence[Known], today: date, accepted: Sequence[Accepted] = ACCEPTED) -> Iterator[str]:
    """What is known and not accepted, or no longer."""
    for known in found:
        its = [each for each in accepted if each.package == known.package and each.advisory in known.names]
        if not its:
            yield f"{known.package} has {' = '.join(sorted(known.names))}: update it, or accept it with a reason"
        for each in its:
            if today > each.review_by:
                yield f"{each.advisory} was accepted until {each.review_by}: look at it again"


def stale(found: Sequence[Known], accepted: Sequence[Accepted] = ACCEPTED) -> Iterator[str]:
    """What is accepted although nothing locked has it."""
    for each in accepted:
        if not any(each.package == known.package and each.advisory in known.names for known in found):
            yield f"{each.advisory} is accepted, and nothing has it any more: take it out"


def asked(tools: Path, service: str) -> list[Known]:
    """What a service knows of all that is locked. Raises Unreached unless it knows the canary."""
    with NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(f"{CANARY}\n")
        file.flush()
        canary = _audit(tools, service, Path(file.name), "--no-deps")
    if not any(known.names & CANARY_ADVISORIES for known in canary):
        raise Unreached(f"{CANARY} is known to be vulnerable, and was not found to be")
    return list(dict.fromkeys(known for lock in LOCKS for known in _audit(tools, service, ROOT / lock)))


def _audit(tools: Path, service: str, requirements: Path, *options: str) -> list[Known]:
    command = [tools / "pip-audit", "--strict", "--disable-pip", "--progress-spinner=off", "--format=json"]
    place = ["--vulnerability-service=osv", f"--osv-url={service}", *options, "--requirement", requirements]
    run = subprocess.run([*command, *place], capture_output=True, text=True, check=False)
    if run.returncode not in {0, 1} or not run.stdout:
        raise Unreached(run.stderr.strip().splitlines()[-1])
    return list(_known(json.loads(run.stdout)))


def _known(told: dict[str, Any]) -> Iterator[Known]:
    for package in told["dependencies"]:
        for vulnerability in package["vulns"]:
            yield Known(package["name"], frozenset({vulnerability["id"], *vulnerability["aliases"]}))


def main(tools: Path, must_reach: bool) -> None:
    today = datetime.now(UTC).date()
    as_of, known = advisories.read()
    with advisories.served() as service:
        by_copy = asked(tools, service)
    wrong = [*faults(by_copy, today), *stale(by_copy)]
    try:
        wrong += faults(asked(tools, SERVICE), today)
    except Unreached as reason:
        print(f"SKIPPED: THE ADVISORY SERVICE WAS NOT REACHED ({reason})", file=sys.stderr)
        print(f"only our copy of {as_of}, of {len(known)} advisories, was looked at", file=sys.stderr)
        wrong += ["no advisory service was reached"] if must_reach else []
    if wrong:
        raise SystemExit("\n".join(wrong))
    print(f"what is locked has {len(by_copy)} known vulnerabilities, each accepted with its reason and its proof")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), "--must-reach" in sys.argv)
