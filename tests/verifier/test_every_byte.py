"""Every single byte of a log of 1 MB, changed once: no change is ever called verified.

A byte inside an entry reaches nothing but the hash of its own entry, and a byte of a hash in the lowest tiles the hash
of one. So one byte of each is changed at once, and each entry must be named for it: as many rounds as the longest has
bytes. What any other byte reaches depends on where it is: of these one at a time is changed, and all of it verified.
The ordinary run takes a sample by a seed that it says; `make flips` takes every byte there is.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tarfile import TarFile

import pytest

from tests.verifier.made_logs import LOG, a_log
from tests.verifier.test_any_byte import places_of_entries
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, UNDECIDED, Finding, Report

IS_FULL = os.environ.get("YAOSU_FLIPS") == "all"
SEED = int(os.environ.get("YAOSU_FLIPS_SEED", "20261126"))
SINGLE, ROUNDS = 25, 2  # of the ordinary run
ENTRIES, SIGNED_AT = (1_060, [300, 512, 1_000]) if IS_FULL else (300, [200])
LENGTH_BYTES = 2
pytestmark = pytest.mark.timeout(7_200 if IS_FULL else 120)


class Tampered(BaseException):
    """Nothing that is found later can take this back."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = a_log(ENTRIES, SIGNED_AT).write(tmp_path_factory.mktemp("flips"))
    assert not IS_FULL or path.stat().st_size > 2**20
    assert yaosu_verify.verify(str(path), LOG.key.text()).exit_code() == 0
    return path


@pytest.fixture(scope="module")
def leaves(bundle: Path) -> list[range]:
    return [range(place.start + LENGTH_BYTES, place.stop) for place in places_of_entries(bundle)]


@pytest.fixture(scope="module")
def hashes(bundle: Path) -> list[range]:
    with TarFile.open(bundle) as tar:
        tiles = [(each.offset_data, each.size) for each in tar if each.name.startswith("tile/0/")]
    return [range(at, at + 32) for begin, size in tiles for at in range(begin, begin + size, 32)]


@pytest.mark.parametrize("what", ["leaves", "hashes"])
def test_a_byte_changed_in_each_entry_or_its_hash_names_each_entry(
    bundle: Path, what: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    places: list[range] = request.getfixturevalue(what)
    named = list[int | None]()

    def add(report: Report, finding: Finding) -> None:
        report.findings[:] = [finding]
        if (finding.check, finding.verdict) == ("leaves", TAMPERED):
            named.append(finding.index)

    monkeypatch.setattr(Report, "add", add)
    chance, honest, flipped = random.Random(SEED), bundle.read_bytes(), 0
    longest = max(map(len, places))
    for at in range(longest) if IS_FULL else chance.sample(range(longest), ROUNDS):
        changed = bytearray(honest)
        reached = [index for index, place in enumerate(places) if at < len(place)]
        for index in reached:
            changed[places[index][at]] ^= chance.randint(1, 255)
        bundle.write_bytes(changed)
        named.clear()
        report = yaosu_verify.verify(str(bundle), LOG.key.text())
        assert (report.exit_code(), named) == (TAMPERED, reached), f"byte {at} of each, seed {SEED}"
        flipped += len(reached)
    bundle.write_bytes(honest)
    assert not IS_FULL or flipped == sum(map(len, places))


def test_a_byte_changed_anywhere_else_is_never_verified(
    bundle: Path,
    leaves: list[range],
    hashes: list[range],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def add(report: Report, finding: Finding) -> None:
        if finding.verdict == TAMPERED:
            raise Tampered()
        report.findings.append(finding)

    monkeypatch.setattr(Report, "add", add)
    chance, honest, verdicts = random.Random(SEED), bundle.read_bytes(), Counter[int]()
    outside = list(_outside(sorted([*leaves, *hashes], key=lambda place: place.start), len(honest)))
    with bundle.open("r+b") as file:
        for at in outside if IS_FULL else chance.sample(outside, SINGLE):
            mask = chance.randint(1, 255)
            file.seek(at)
            file.write(bytes([honest[at] ^ mask]))
            file.flush()
            verdict = _verdict(bundle)
            assert verdict in (TAMPERED, INCOMPLETE, UNDECIDED), f"byte {at} by {mask}, seed {SEED}"
            verdicts[verdict] += 1
            file.seek(at)
            file.write(honest[at : at + 1])
    if IS_FULL:
        with capsys.disabled():
            told = {yaosu_verify.VERDICTS[each][1]: count for each, count in verdicts.items()}
            print(
                f"\n{len(honest):,} bytes, {len(honest) - len(outside):,} in entries and hashes; of the others: {told}"
            )


def _outside(places: list[range], size: int) -> Iterator[int]:
    """Headers, lengths, upper tiles, checkpoints and what fills up."""
    before = 0
    for place in places:
        yield from range(before, place.start)
        before = place.stop
    yield from range(before, size)


def _verdict(bundle: Path) -> int:
    try:
        return yaosu_verify.verify(str(bundle), LOG.key.text()).exit_code()
    except Tampered:
        return TAMPERED
