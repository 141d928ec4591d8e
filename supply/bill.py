"""Writes the bill of materials of what runs in production, in CycloneDX: python -m supply.bill .venv-audit/bin FILE

Promises: it is valid, names every release of deploy/requirements.lock and no other, each with the hashes by which it is
installed; and the same lock gives the same bytes. What needs what is not in it: a lock file does not say.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "deploy" / "requirements.lock"
PIN = re.compile(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==([^\s;]+)", re.MULTILINE)


def bill(tools: Path) -> bytes:
    command = [tools / "cyclonedx-py", "requirements", "--pyproject", ROOT / "pyproject.toml", "--spec-version=1.6"]
    form = ["--output-reproducible", "--validate", "--output-format=JSON", "--output-file=-", LOCK]
    return subprocess.run([*command, *form], capture_output=True, check=True).stdout


def missing(document: dict[str, Any], lock: str) -> list[str]:
    """What the lock has and the bill has not, or the other way about, and what stands in it without a hash."""
    listed = {(each["name"], each["version"]) for each in document["components"]}
    bare = {each["name"] for each in document["components"] if not _hashes(each)}
    return sorted(f"{name} {version}" for name, version in listed ^ set(PIN.findall(lock))) + sorted(bare)


def _hashes(component: dict[str, Any]) -> list[object]:
    return [found for place in component.get("externalReferences", []) for found in place.get("hashes", [])]


def main(tools: Path, target: Path) -> None:
    written = bill(tools)
    if written != bill(tools):
        raise SystemExit("the same lock gives two bills")
    if wrong := missing(json.loads(written), LOCK.read_text()):
        raise SystemExit(f"the bill is not that of the lock: {', '.join(wrong)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(written)
    print(f"{target}: {len(json.loads(written)['components'])} components")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
