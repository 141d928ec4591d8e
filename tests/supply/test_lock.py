"""What is installed: from hashes alone, and what pyproject.toml asks for."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LOCKS = ("requirements.lock", "deploy/requirements.lock", "supply/requirements.lock", "supply/fuzz.lock")
PIN = re.compile(r"([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\[[a-z0-9,-]+\])?==([0-9][0-9a-z.]*)(?: ; ([^\\]+?))?")
HASH = re.compile(r"    --hash=sha256:([0-9a-f]{64})")
WANTED = re.compile(r"([A-Za-z0-9-]+)(?:\[([a-z0-9,]+)\])?(?:>=([0-9.]+)(?:,<([0-9.]+))?)?(?: ; .+)?")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEPENDENCIES: list[str] = PROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]

Release = tuple[str, str]
Pins = dict[Release, frozenset[str]]


def pins(text: str) -> Pins:
    """Each release with its hashes. Raises ValueError for anything in the text that is neither, and for a bare pin."""
    found: Pins = {}
    lines = text.replace("\\\n", "\n").splitlines()
    release: Release | None = None
    for line in (line.rstrip() for line in lines if line.strip() and not line.lstrip().startswith("#")):
        if pin := PIN.fullmatch(line):
            release = (pin[1], pin[2])
            found[release] = frozenset()
        elif release and (sealed := HASH.fullmatch(line)):
            found[release] |= {sealed[1]}
        else:
            raise ValueError(f"neither a pin nor a hash: {line}")
    if bare := [name for (name, _), hashes in found.items() if not hashes]:
        raise ValueError(f"without a hash: {bare}")
    return found


def locked(name: str) -> Pins:
    return pins((ROOT / name).read_text())


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def unmet(wanted: list[str], found: Pins) -> list[str]:
    """What of the wanted is not locked, or in another release than is asked for."""
    missing = list[str]()
    for each in wanted:
        asked = WANTED.fullmatch(each)
        assert asked, f"{each}: name a package and the least release, as in name>=1.2 or name>=1.2,<2"
        releases = [numbers(version) for name, version in found if name == asked[1].lower()]
        above = numbers(asked[4]) if asked[4] else None
        if not releases or min(releases) < numbers(asked[3] or "0") or (above and max(releases) >= above):
            missing.append(each)
    return missing


@pytest.mark.parametrize("name", LOCKS)
def test_every_release_is_locked_with_its_hashes_and_nothing_else_is_in_the_file(name: str):
    assert len(locked(name)) > 20


@pytest.mark.parametrize("name, wanted", [
    ("deploy/requirements.lock", DEPENDENCIES),
    ("requirements.lock", [*DEPENDENCIES, *(each for extra in EXTRAS.values() for each in extra)]),
    ("supply/requirements.lock", GROUPS["audit"]),
    ("supply/fuzz.lock", GROUPS["fuzz"]),
], ids=LOCKS)  # fmt: skip
def test_what_the_project_asks_for_is_locked(name: str, wanted: list[str]):
    wanted = [each for each in wanted if each not in {"noise", "demo", "dev"}]
    assert unmet(wanted, locked(name)) == [], "run `make lock`"


def test_production_runs_what_was_tested():
    whole, production = locked("requirements.lock"), locked("deploy/requirements.lock")
    assert {release: whole.get(release) for release in production} == production


def test_tools_that_look_from_outside_are_no_part_of_the_product():
    names = {name for name, _ in locked("requirements.lock")}
    tools = {re.split("[>=]", each)[0] for group in GROUPS.values() for each in group}
    assert not names & tools


@pytest.mark.parametrize("line", [
    "requests",                                         # no release
    "requests>=2",                                      # any release
    "requests==2.34.2 \\\n    --hash=md5:" + "0" * 32,  # a hash that somebody can make
    "requests==2.34.2",                                 # no hash
    "requests @ https://example.org/requests.whl",      # from anywhere
    "git+https://example.org/requests.git@main",
    "-e ../requests",
    "--index-url https://example.org/simple",
    "--extra-index-url https://example.org/simple",
    "--trusted-host example.org",
    "    --hash=sha256:" + "0" * 64,                    # of nothing
])  # fmt: skip
def test_a_lock_that_leaves_open_what_is_installed_is_refused(line: str):
    with pytest.raises(ValueError):
        pins(line + "\n")


@pytest.mark.parametrize("wanted", ["requests>=2.35", "requests>=3", "requests>=2,<2.34", "urllib3"])
def test_what_is_not_locked_or_of_another_release_is_noticed(wanted: str):
    assert unmet([wanted], {("requests", "2.34.2"): frozenset("a")}) == [wanted]


@pytest.mark.parametrize(
    "wanted", ["requests", "requests>=2.34", "requests>=2,<2.35", "requests[socks]>=2.34.2 ; sys_platform == 'linux'"]
)
def test_what_is_locked_is_found(wanted: str):
    assert unmet([wanted], {("requests", "2.34.2"): frozenset("a")}) == []


def test_the_elliptic_curves_of_ecdsa_are_never_used():
    """The reason for which PYSEC-2026-1325 is accepted: what python-jose brings along for want of better stays shut."""
    run = "import shared.access, sys; from jose import jwk; print('ecdsa' in sys.modules, jwk.construct.__module__)"
    key = "import jose.backends as b; print(b.ECKey.__module__)"
    told = subprocess.run([sys.executable, "-c", f"{run}; {key}"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "jose.jwk", "jose.backends.cryptography_backend"]
