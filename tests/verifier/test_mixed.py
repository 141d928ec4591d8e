"""Bundles put together of parts that are each honest, or of too much: never called verified."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.audit.rules import checkpoint
from services.audit.rules.checkpoint import Checkpoint
from tests.verifier.made_logs import LOG, ORIGIN, MadeLog, a_log, honest_leaves, of_leaves
from tests.verifier.verdicts import checkpoint_root, found, verified
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, UNDECIDED, VERIFIED

SIZE = 600
MINE, OTHER = a_log(SIZE, [200, 512]), of_leaves(honest_leaves(SIZE + 1)[1:], [200, 512])
LONGER = a_log(SIZE + 100, [200, 512, SIZE])
TILES = [name for name in MINE.members if name.startswith("tile/")]


@pytest.mark.parametrize("missing", TILES)
def test_without_any_one_of_its_tiles_a_log_is_incomplete(tmp_path: Path, missing: str):
    members = {name: content for name, content in MINE.members.items() if name != missing}
    report = verified(MadeLog(members, MINE.leaves), tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.artefact) == (INCOMPLETE, missing)


@given(st.sampled_from([OTHER, LONGER]), st.sets(st.sampled_from([*TILES, "checkpoint"]), min_size=1), st.booleans())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parts_of_two_logs_of_one_key_are_no_log(tmp_path: Path, other: MadeLog, taken: set[str], stays: bool):
    """What the other log does not have stays, or is left out."""
    members = {name: other.members.get(name, content if stays else None) if name in taken else content
               for name, content in MINE.members.items()}  # fmt: skip
    mixed = {name: content for name, content in members.items() if content is not None}
    if mixed != MINE.members:
        assert verified(MadeLog(mixed, MINE.leaves), tmp_path).exit_code() != VERIFIED


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_part_cut_filled_up_repeated_or_in_anothers_place_is_noticed(tmp_path: Path, data: st.DataObject):
    members = dict(MINE.members)
    name, other = (data.draw(st.sampled_from(sorted(members))) for _ in range(2))
    content = members[name]
    at = data.draw(st.integers(0, len(content) - 1))
    filled = content + data.draw(st.binary(min_size=1, max_size=8))
    parts = [content[:at], content[at + 1 :], filled, content + content[at:], members[other], b""]
    changed = data.draw(st.sampled_from(parts))
    if changed != content:
        members[name] = changed
        assert verified(MadeLog(members, MINE.leaves), tmp_path).exit_code() in (TAMPERED, INCOMPLETE, UNDECIDED)


def note_of(body: str) -> bytes:
    return checkpoint.note_text(body, [(LOG.key, LOG.private.sign(body.encode()))]).encode()


BODY = Checkpoint(ORIGIN, SIZE, checkpoint_root(MINE)).body()
ROOT = BODY.split("\n")[2]
STRANGE = {
    "an extension line": BODY + "more\n",
    "another origin": BODY.replace(ORIGIN, ORIGIN + "+sm3"),
    "an origin before the origin": f"other.example/log\n{BODY}",
    "a size with a zero in front": f"{ORIGIN}\n0{SIZE}\n{ROOT}\n",
    "a size with a sign": f"{ORIGIN}\n+{SIZE}\n{ROOT}\n",
    "a size in other digits": f"{ORIGIN}\n６００\n{ROOT}\n",
    "a root of 31 bytes": f"{ORIGIN}\n{SIZE}\n{ROOT[:40]}A==\n",
    "a root with stray bits": f"{ORIGIN}\n{SIZE}\n{ROOT[:-2]}{chr(ord(ROOT[-2]) + 1)}=\n",
    "a carriage return": BODY.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_checkpoint_of_another_form_is_refused_though_our_key_signed_it(tmp_path: Path, what: str):
    log = MadeLog(MINE.members | {"checkpoint": note_of(STRANGE[what])}, MINE.leaves)
    assert verified(log, tmp_path).exit_code() in (TAMPERED, UNDECIDED)


@pytest.mark.parametrize("size", [SIZE + 1, 2**32, 10**18, 10**19 - 1])
def test_a_size_beyond_what_is_there_is_incomplete_and_not_walked_to_its_end(tmp_path: Path, size: int):
    body = f"{ORIGIN}\n{size}\n{ROOT}\n"
    log = MadeLog(MINE.members | {"checkpoint": note_of(body), f"checkpoints/{size}": note_of(body)}, MINE.leaves)
    assert verified(log, tmp_path).exit_code() in (TAMPERED, INCOMPLETE)


@pytest.mark.parametrize("note", [b"", b"\n\n", b"\xff\xfe\n\n\xe2\x80\x94 x y\n", b"\x00" * 100, b"\n" * 1_000])
def test_what_is_no_text_is_no_checkpoint(tmp_path: Path, note: bytes):
    assert found(MadeLog(MINE.members | {"checkpoint": note}, MINE.leaves), tmp_path)[:2] == (TAMPERED, "signature")


@pytest.mark.parametrize("behind", [b"\x00", b"\x00\x00", b"\xff\xffhidden", b"\x00\x05hide"])
@pytest.mark.parametrize("name", ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"])
def test_nothing_can_be_hidden_behind_the_entries_of_a_file(tmp_path: Path, name: str, behind: bytes):
    log = MadeLog(MINE.members | {name: MINE.members[name] + behind}, MINE.leaves)
    report = verified(log, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.check, first.artefact) == (TAMPERED, "leaves", name)
    assert first.found == f"{len(behind)} bytes"


@pytest.mark.parametrize("policy", [
    b'{"format":1,"log_key":"' + LOG.key.text().encode() + b'","origin":"yaosu.example/log","origin":"other"}',
    b'{"a":' * 50_000, b"[" * 50_000, b"9" * 5_000, b"\xff", b"{}",
], ids=["a member twice", "deep", "deep lists", "a long number", "no text", "nothing"])  # fmt: skip
def test_a_policy_that_cannot_be_read_decides_nothing(tmp_path: Path, policy: bytes):
    assert verified(MadeLog(MINE.members | {"policy.json": policy}, MINE.leaves), tmp_path).exit_code() == UNDECIDED


def test_millions_of_entries_in_one_file_are_noticed_and_cost_no_memory(tmp_path: Path):
    log = a_log(9)
    log.members["tile/entries/000.p/9"] += bytes(2 * 2_000_000)
    path = log.write(tmp_path)
    tracemalloc.start()
    assert found(log, path.parent)[0] == TAMPERED
    assert tracemalloc.get_traced_memory()[1] < 2**25
    tracemalloc.stop()
