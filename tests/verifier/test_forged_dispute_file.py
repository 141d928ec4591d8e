"""A dispute file as an archive: whatever is taken out of it, put into it or changed in it is noticed."""

import os
import random
import tarfile
import tracemalloc
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from services.audit.rules import bundle
from tests.verifier.made_disputes import MadeDispute, a_dispute, hash_of
from tests.verifier.made_logs import LOG
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, UNDECIDED, VERIFIED, Finding, Report

IS_FULL = os.environ.get("YAOSU_FLIPS") == "all"
CHANCE, FLIPS = random.Random(int(os.environ.get("YAOSU_FLIPS_SEED", "20261126"))), 2_000


@pytest.fixture
def made(tmp_path: Path) -> MadeDispute:
    return a_dispute(tmp_path)


NAMES = ["contract/signatures.json", "contract/terms.json", "dispute.json", "evidence.tar", "manifest.json"]


@pytest.mark.parametrize("name", [*NAMES, "texts/"])
@pytest.mark.parametrize("is_sealed", [True, False], ids=["as listed", "listed anew"])
def test_a_file_that_was_taken_out_is_missed(made: MadeDispute, tmp_path: Path, name: str, is_sealed: bool):
    made = made.seal() if is_sealed or name == "manifest.json" else made
    for each in [each for each in made.files if each.startswith(name)]:
        without = MadeDispute({other: content for other, content in made.files.items() if other != each}, made.evidence)
        path = without.write(tmp_path)
        if each == "manifest.json":
            path = tmp_path / "without.tar"
            path.write_bytes(b"".join(bundle.member(*pair) for pair in sorted(without.files.items())) + bundle.END)
        report = yaosu_verify.verify(str(path), LOG.key.text())
        assert report.exit_code() == (TAMPERED if each == "manifest.json" else INCOMPLETE), (each, report.as_text())


def test_files_that_changed_places_are_noticed(made: MadeDispute, tmp_path: Path):
    names = sorted({*made.files} - {"evidence.tar"})
    for one, other in zip(names, names[1:], strict=False):
        swapped = made.files | {one: made.files[other], other: made.files[one]}
        assert MadeDispute(swapped, made.evidence).seal().verdict(tmp_path) == TAMPERED, (one, other)
        del swapped["manifest.json"]
        sealed = MadeDispute(dict(made.files), made.evidence).seal()
        sealed.files |= {one: made.files[other], other: made.files[one]}
        assert sealed.found(tmp_path)[0] == TAMPERED, (one, other)


def test_a_file_that_stands_there_twice_decides_nothing(made: MadeDispute, tmp_path: Path):
    members = sorted(made.seal().files.items())
    for number in range(len(members)):
        twice = [*members[: number + 1], members[number], *members[number + 1 :]]
        path = tmp_path / "twice.tar"
        path.write_bytes(b"".join(bundle.member(*each) for each in twice) + bundle.END)
        assert yaosu_verify.verify(str(path), LOG.key.text()).exit_code() == UNDECIDED


OTHERS = [
    "remarks.txt", "../dispute.json", "./dispute.json", "/dispute.json", "contract/../dispute.json", "texts/",
    f"texts/{'ab' * 32}.txt", f"texts/{hash_of(b'x')}.txt", "documents/x", "dispute.json ", "texts/x.txt",
    "policy.json",
]  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("is_listed", [True, False])
def test_nothing_may_be_added(made: MadeDispute, tmp_path: Path, name: str, is_listed: bool):
    made = made if is_listed else made.seal()
    made.files[name] = b"x"
    code, checks = made.found(tmp_path)
    assert code == TAMPERED and checks & {"manifest", "texts"}


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_file_by_another_name_is_not_that_file(made: MadeDispute, tmp_path: Path, is_listed: bool):
    for name in sorted(made.files):
        renamed = {(each if each != name else f"{each}.bak"): content for each, content in made.files.items()}
        other = MadeDispute(renamed, made.evidence)
        other = other if is_listed else MadeDispute({**renamed, **sealed_manifest(made)}, made.evidence)
        assert other.verdict(tmp_path) == TAMPERED, name


def sealed_manifest(made: MadeDispute) -> dict[str, bytes]:
    files = MadeDispute(dict(made.files), made.evidence).seal().files
    return {"manifest.json": files["manifest.json"]}


MANIFESTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "format": lambda told: told.update(format="yaosu dispute v1"),
    "more":   lambda told: told.update(remark="x"),
    "order":  lambda told: told["files"].reverse(),
    "twice":  lambda told: told["files"].append(told["files"][-1]),
    "bytes":  lambda told: told["files"][0].update(bytes=1),
    "none":   lambda told: told.pop("files"),
    "kind":   lambda told: told["files"].append("x"),
}  # fmt: skip


@pytest.mark.parametrize("what", MANIFESTS)
def test_a_manifest_has_one_form(made: MadeDispute, tmp_path: Path, what: str):
    code, checks = made.seal().change("manifest.json", MANIFESTS[what]).found(tmp_path)
    assert code == TAMPERED and "manifest" in checks


# --- any byte, and any length


class Tampered(BaseException):
    """Nothing that is found later can take this back."""


def test_a_changed_byte_is_never_verified(made: MadeDispute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def add(report: Report, finding: Finding) -> None:
        if finding.verdict == TAMPERED:
            raise Tampered()
        report.findings.append(finding)

    path = made.write(tmp_path)
    assert yaosu_verify.verify(str(path), LOG.key.text()).exit_code() == VERIFIED
    monkeypatch.setattr(Report, "add", add)
    content = path.read_bytes()
    with path.open("r+b") as file:
        for at in range(len(content)) if IS_FULL else CHANCE.sample(range(len(content)), FLIPS):
            file.seek(at)
            file.write(bytes([content[at] ^ CHANCE.randint(1, 255)]))
            file.flush()
            try:
                assert yaosu_verify.verify(str(path), LOG.key.text()).exit_code() != VERIFIED, at
            except Tampered:
                pass
            file.seek(at)
            file.write(content[at : at + 1])


def test_a_file_cut_short_is_never_verified(made: MadeDispute, tmp_path: Path):
    content, path = made.write(tmp_path).read_bytes(), tmp_path / "short.tar"
    for length in range(0, len(content), 509):
        path.write_bytes(content[:length])
        assert yaosu_verify.verify(str(path), LOG.key.text()).exit_code() != VERIFIED, length


def test_as_tarfile_writes_it_it_is_the_same_file(made: MadeDispute, tmp_path: Path):
    """What any tar program reads is what was verified: no name or content hides from either."""
    path = made.write(tmp_path)
    with tarfile.open(fileobj=BytesIO(path.read_bytes())) as tar:
        found = {each.name: taken.read() for each in tar if (taken := tar.extractfile(each))}
    del found["manifest.json"]
    assert found == made.files


def test_a_log_part_four_times_as_long_takes_no_more_memory(tmp_path: Path):
    """Its documents are looked at one by one, and it is hashed in pieces."""
    peaks = list[int]()
    for count in (5, 20):
        made = a_dispute(tmp_path)
        for number in range(count):
            large = bytes([number]) * 200_000
            made.evidence.members[f"documents/{hash_of(large)}/x.txt"] = large
        path = str(made.pack(tmp_path).write(tmp_path))
        del made
        tracemalloc.start()
        assert yaosu_verify.verify(path, LOG.key.text()).exit_code() == INCOMPLETE, "no entry names them"
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2
