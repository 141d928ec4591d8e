"""Evidence bundles that were forged: whatever was changed, by whoever has not the log's key, is called by its name.

The log is that of `test_evidence`: entry 30 tells the map of the first 28 of 40; the asset's are 1, 6, 11, … 36.
"""

import hashlib
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.audit.rules import evidence, tile
from services.audit.rules.snapshot import Head, Lags
from tests.verifier import made_evidence
from tests.verifier.made_evidence import ASSET, NOBODY, SECOND, START, a_log, an_answer
from tests.verifier.made_logs import LOG
from tests.verifier.mapped_logs import Writer, key_of
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, UNDECIDED, VERIFIED, leads_to


@pytest.mark.parametrize("index", [1, 16, 30, 36])
@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_byte_changed_in_an_entry_names_it(tmp_path: Path, index: int, line: int):
    made = an_answer()
    lines = made.members[evidence.entry_name(index)].split(b"\n")
    lines[line] = lines[line][:20] + bytes([lines[line][20] ^ 1]) + lines[line][21:]
    made.members[evidence.entry_name(index)] = b"\n".join(lines)
    assert made.found(tmp_path)[::2] == (TAMPERED, index)


def test_an_entry_whose_link_was_bent_past_an_omitted_one_contradicts_its_proof(tmp_path: Path):
    made = an_answer()
    leaf, key = made.members[evidence.entry_name(16)], key_of("obj", ASSET)
    made.members[evidence.entry_name(16)] = leaf.replace(f'["{key}",11,4]'.encode(), f'["{key}",6,3]'.encode())
    made.drop(11)
    assert leaf != made.members[evidence.entry_name(16)]
    assert made.found(tmp_path) == (TAMPERED, "inclusion", 16)


@pytest.mark.parametrize("count", [7, 9, 0, -1])
def test_a_wrong_count_is_forged(tmp_path: Path, count: int):
    made = an_answer()
    made.query["count"] = count
    assert made.found(tmp_path) == (TAMPERED, "whole", 36)


FORGED_PLACES: dict[str, Callable[[dict[str, Any]], object]] = {
    "count":     lambda head: head.update(count=5),
    "last":      lambda head: head.update(last_index=21),
    "shorter":   lambda head: head["hashes"].pop(),
    "longer":    lambda head: head["hashes"].append("00" * 32),
    "neighbour": lambda head: head.update(position=head["position"] ^ 1),
    "hash":      lambda head: head["hashes"].__setitem__(0, "00" * 32),
    "beyond":    lambda head: head.update(position=10**15),
    "key":       lambda head: head.update(key="0" * 30),
    "kind":      lambda head: head.update(count="6"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED_PLACES)
def test_a_forged_place_in_the_map_is_noticed(tmp_path: Path, what: str):
    made = an_answer()
    FORGED_PLACES[what](made.query["threads"][0]["in_map"][0])
    assert made.found(tmp_path)[:2] == (TAMPERED, "map")


def test_two_leaves_that_leave_room_between_them_show_no_absence(tmp_path: Path):
    """The asset's own leaf stands between them: shown as absent, with every hit left out."""
    writer, told, told_at = a_log()
    made, heads = made_evidence.about(writer, told, told_at, ("obj", ASSET)), writer.mapped(28)
    at = [each.key for each in heads].index(key_of("obj", ASSET))
    made.query["threads"][0]["in_map"] = [made_evidence.place(at - 1, heads), made_evidence.place(at + 1, heads)]
    for index in made.hits:
        made.drop(index)
    made.query["count"] = 0
    assert made.found(tmp_path)[:2] == (TAMPERED, "map")


def test_a_map_that_hides_the_newest_hit_contradicts_the_hit(tmp_path: Path):
    """Told in the log itself, by whoever holds its key: of the answer, the hit that it denies is proof against it."""
    writer = Writer().events(30)
    key = key_of("obj", ASSET)
    heads = [Head(key, 21, 5) if each.key == key else each for each in writer.mapped(28)]
    told = writer.snapshot(28, heads)
    writer.tell(told).events(9)
    made = made_evidence.about(writer, told, 30, ("obj", ASSET))
    made.query["threads"][0]["in_map"] = made_evidence.places(key, heads)
    assert made.found(tmp_path) == (TAMPERED, "map", 26)
    made.drop(26)
    assert made.verified(tmp_path).exit_code() != VERIFIED


def without_a_line(proof: bytes) -> bytes:
    lines = proof.split(b"\n")
    return b"\n".join(lines[:2] + lines[3:])


def with_a_line_twice(proof: bytes) -> bytes:
    lines = proof.split(b"\n")
    return b"\n".join(lines[:3] + lines[2:])


FORGED_PROOFS: dict[str, Callable[[bytes], bytes]] = {
    "index":      lambda proof: proof.replace(b"index 16", b"index 17"),
    "version":    lambda proof: proof.replace(b"@v1", b"@v2"),
    "padding":    lambda proof: proof.replace(b"\n\n", b"\nAAAA\n\n", 1),
    "checkpoint": lambda proof: proof.replace(b"yaosu", b"yoasu"),
    "shorter":    without_a_line,
    "longer":     with_a_line_twice,
    "break":      lambda proof: proof + b"\n",
    "empty":      lambda proof: b"",
    "extra":      lambda proof: proof.replace(b"\nindex", b"\nextra AAAA\nindex"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED_PROOFS)
def test_a_forged_proof_names_its_entry(tmp_path: Path, what: str):
    made = an_answer()
    name = evidence.proof_name(16)
    made.members[name] = FORGED_PROOFS[what](made.members[name])
    assert made.found(tmp_path) == (TAMPERED, "inclusion", 16)


def test_an_inner_node_is_no_entry(tmp_path: Path):
    made = an_answer()
    made.members[evidence.entry_name(16)] = bytes(64)
    assert made.found(tmp_path)[::2] == (TAMPERED, 16)


@pytest.mark.parametrize("index, size", [(0, 0), (3, 3), (-1, 3), (4, 3)])
def test_nothing_leads_to_a_root_from_outside_of_its_tree(index: int, size: int):
    leaf = hashlib.sha256(b"leaf").digest()
    assert not leads_to(index, size, leaf, [], leaf)


def test_a_changed_tail_leads_to_no_signed_root(tmp_path: Path):
    for what in range(3):
        made = an_answer()
        name = evidence.tail_name(28)
        leaves = tile.leaves_of(made.members[name])
        if what == 0:  # an entry that is a hit is put out of sight
            leaves[3] = leaves[3].replace(key_of("obj", ASSET).encode(), b"0" * 32)
        if what == 1:
            leaves.append(leaves[-1])
        if what == 2:
            made.query["tail_peaks"][0] = "00" * 32
        made.members[name] = tile.entry_bundle(leaves)
        report = made.verified(tmp_path)
        assert (report.exit_code(), report.status("tail")) == (TAMPERED, "failed")


def test_nothing_can_be_hidden_behind_the_entries_of_a_tail(tmp_path: Path):
    made = an_answer()
    made.members[evidence.tail_name(28)] += b"\x00\x05hide"
    report = made.verified(tmp_path)
    assert (report.exit_code(), report.status("tail")) == (TAMPERED, "failed")


def test_a_thread_of_another_subject_is_not_taken_for_the_one_that_was_asked_for(tmp_path: Path):
    made = an_answer()
    made.query["threads"][0]["name"] = NOBODY
    assert made.verified(tmp_path).exit_code() == TAMPERED


def test_hits_behind_the_map_that_were_filed_under_another_key_are_noticed(tmp_path: Path):
    """By whoever holds the log's key: the thread that is shown ends before the map, and another goes on in secret."""
    writer = Writer().events(30)
    told = writer.snapshot(28)
    writer.tell(told)
    writer.secret = b"another".ljust(32)
    writer.events(9)
    made = made_evidence.about(writer, told, 30, ("obj", ASSET))
    assert made.hits == [1, 6, 11, 16, 21, 26]
    assert made.found(tmp_path)[::2] == (TAMPERED, 31)


def test_a_map_that_does_not_tell_how_late_entries_came_is_none(tmp_path: Path):
    writer = Writer().events(30)
    told = writer.snapshot(28, lags=Lags(None, None))
    writer.tell(told).events(9)
    made = made_evidence.happened(writer, told, 30, START + 10 * SECOND, START + 12 * SECOND)
    assert made.found(tmp_path) == (TAMPERED, "map", 30)


def test_a_narrower_lag_than_the_log_told_is_of_no_use(tmp_path: Path):
    """What the map tells of lags is in a proven entry: the run that is given must reach as far as that."""
    writer = Writer().events(30)
    told = writer.snapshot(28, lags=Lags(-5 * SECOND, 5 * SECOND))
    writer.tell(told).events(9)
    made = made_evidence.happened(writer, told, 30, START + 10 * SECOND, START + 12 * SECOND)
    assert made.verified(tmp_path).exit_code() == VERIFIED
    made.drop(4)
    assert made.found(tmp_path) == (INCOMPLETE, "whole", 4)


# --- the file


UNREADABLE: dict[str, Callable[[dict[str, Any]], object]] = {
    "size":       lambda query: query.update(size=39),
    "no threads": lambda query: query.pop("threads"),
    "empty":      lambda query: query.update(threads=[]),
    "kind":       lambda query: query["question"].update(kind="other"),
    "none":       lambda query: query.pop("question"),
    "more":       lambda query: query["question"].update(from_us=1),
    "key":        lambda query: query["threads"][0].pop("key"),
    "number":     lambda query: query.update(question={"kind": "ingested", "from_us": 0, "until_us": "x"}),
}  # fmt: skip


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_question_that_cannot_be_read_decides_nothing(tmp_path: Path, what: str):
    made = an_answer()
    UNREADABLE[what](made.query)
    assert made.verified(tmp_path).exit_code() == UNDECIDED


def test_what_evidence_cannot_show_is_said(tmp_path: Path):
    text = an_answer().verified(tmp_path).as_text()
    assert "that the map is that of the whole log" in text and "whether this checkpoint is the newest" in text
    assert f"obj {ASSET}" in text


def test_a_member_of_unknown_purpose_is_said_not_to_be_checked(tmp_path: Path):
    made = an_answer()
    made.members["remarks.txt"] = b"x"
    assert made.verified(tmp_path).unknown == ["remarks.txt"]


def test_an_answer_four_times_as_long_takes_no_more_memory(tmp_path: Path):
    peaks: list[int] = []
    for count in (120, 480):
        writer = Writer().events(count // 2)
        told = writer.snapshot()
        writer.tell(told).events(count // 2)
        path = made_evidence.ingested(writer, 0, 2**53 - 1).write(tmp_path)
        tracemalloc.start()
        assert yaosu_verify.verify(str(path), LOG.key.text()).exit_code() == VERIFIED
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.2


@given(number=st.integers(0, 2**20), mask=st.integers(1, 255))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_byte_is_changed_it_is_never_verified(tmp_path: Path, number: int, mask: int):
    path = an_answer(count=9, mapped=8, more=3).write(tmp_path)
    content = bytearray(path.read_bytes())
    content[number % len(content)] ^= mask
    path.write_bytes(content)
    assert yaosu_verify.verify(str(path), LOG.key.text()).exit_code() != VERIFIED
