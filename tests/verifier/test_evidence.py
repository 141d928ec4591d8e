"""Evidence bundles: what was done to one, what the verifier says, and which entry it names.

The log of these tests has 40 entries: 30 events, the entry 30 that tells the map of the first 28, and nine events more.
Every fifth is about the asset, every third under the contract.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.audit.rules import evidence, tile
from tests.verifier import made_evidence
from tests.verifier.made_evidence import ASSET, CONTRACT, NOBODY, SECOND, START, MadeEvidence, a_log, an_answer
from tests.verifier.mapped_logs import Writer
from verifier import yaosu_verify
from verifier.yaosu_verify import EVIDENCE_CHECKS, INCOMPLETE, UNDECIDED, VERIFIED

# --- honest answers


@pytest.mark.parametrize("subjects, hits", [
    ([("obj", ASSET)], [1, 6, 11, 16, 21, 26, 31, 36]), ([("obj", NOBODY)], []), ([("actor", "audit")], [30]),
    ([("obj", CONTRACT), ("ctr", CONTRACT)], list(range(1, 40, 3))),
])  # fmt: skip
def test_an_honest_answer_is_verified(tmp_path: Path, subjects: list[tuple[str, str]], hits: list[int]):
    made = an_answer(*subjects)
    report = made.verified(tmp_path)
    assert (report.exit_code(), report.findings) == (VERIFIED, []), report.as_text()
    assert (made.hits, report.size, report.counts["tail"]) == (hits, 40, 12)
    assert {check: report.status(check) for check in report.checks} == dict.fromkeys(
        EVIDENCE_CHECKS.keys() - {"witnesses"}, "ok"
    )
    assert all(name in report.about for _, name in subjects)


def test_a_log_without_a_map_is_looked_through_whole(tmp_path: Path):
    made = made_evidence.about(Writer().events(20), None, None, ("obj", ASSET))
    report = made.verified(tmp_path)
    assert (report.exit_code(), made.hits, report.counts["tail"]) == (VERIFIED, [1, 6, 11, 16], 20)


@pytest.mark.parametrize("first, last, hits", [(1, 4, [0, 3, 6, 9]), (3, 3, [6]), (9, 99, [24, 27, 33, 36, 39])])
def test_the_numbers_of_a_source_are_verified(tmp_path: Path, first: int, last: int, hits: list[int]):
    made = made_evidence.of_source(a_log()[0], "trading", 0, first, last)
    report = made.verified(tmp_path)
    assert (made.hits, report.exit_code()) == (hits, INCOMPLETE if last == 99 else VERIFIED)
    assert set(report.checks) == set(EVIDENCE_CHECKS) - {"map", "tail"}


@pytest.mark.parametrize("first, until", [(0, 40), (5, 9), (7, 7), (39, 99), (-9, 1)])
def test_what_was_taken_or_happened_in_a_time_is_verified(tmp_path: Path, first: int, until: int):
    writer, told, told_at = a_log()
    for made in (
        made_evidence.ingested(writer, START + first * SECOND, START + until * SECOND),
        made_evidence.happened(writer, told, told_at, START + first * SECOND, START + until * SECOND),
    ):
        report = made.verified(tmp_path)
        assert (report.exit_code(), made.hits) == (VERIFIED, [*range(max(first, 0), min(until, 40))]), report.as_text()


@given(count=st.integers(1, 12), mapped=st.integers(1, 12), more=st.integers(0, 12), who=st.integers(0, 6))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_answer_out_of_any_log_is_verified_and_without_any_one_entry_it_is_not(
    tmp_path: Path, count: int, mapped: int, more: int, who: int
):
    writer, told, told_at = a_log(count, min(count, mapped), more)
    for position in range(-1, count + more + 1):
        made = made_evidence.about(writer, told, told_at, ("obj", f"asset_{who:032x}"))
        if position < 0:
            assert made.verified(tmp_path).exit_code() == VERIFIED
        elif position in {*made.hits, told_at}:
            made.drop(position)
            assert made.verified(tmp_path).exit_code() == INCOMPLETE


# --- what was left out (tamper matrix 17 and 23)


@pytest.mark.parametrize("omitted", [1, 6, 21, 26, 31, 36])
@pytest.mark.parametrize("lowered", [False, True])
def test_an_omitted_hit_is_named(tmp_path: Path, omitted: int, lowered: bool):
    made = an_answer()
    made.drop(omitted)
    made.query["count"] -= lowered
    assert made.found(tmp_path) == (INCOMPLETE, "whole", omitted)


def test_of_several_omitted_hits_the_first_ones_range_is_named(tmp_path: Path):
    made = an_answer()
    for index in (6, 11, 16):
        made.drop(index)
    first = made.verified(tmp_path).first()
    assert first and (first.verdict, first.index, first.until) == (INCOMPLETE, 2, 16)


def test_an_omitted_hit_whose_proof_is_left_is_named(tmp_path: Path):
    made = an_answer()
    del made.members[evidence.entry_name(16)], made.members[evidence.entry_name(36)]
    report = made.verified(tmp_path)
    assert {(each.check, each.index) for each in report.findings} == {
        ("inclusion", 16), ("inclusion", 36), ("whole", 16), ("whole", 36),
    }  # fmt: skip
    assert report.exit_code() == INCOMPLETE


@pytest.mark.parametrize("index", [1, 30, 36])
def test_a_missing_proof_is_incomplete_and_names_the_entry(tmp_path: Path, index: int):
    made = an_answer()
    del made.members[evidence.proof_name(index)]
    assert made.found(tmp_path) == (INCOMPLETE, "inclusion", index)


def test_a_stale_map_without_the_entries_behind_it_is_incomplete_from_there_on(tmp_path: Path):
    made = an_answer()
    made.drop_tail()
    assert made.found(tmp_path) == (INCOMPLETE, "tail", 39)
    report = made.verified(tmp_path)
    assert (report.status("tail"), report.status("whole"), report.status("map")) == ("not checked", "ok", "ok")
    first = report.first()
    assert first and first.index == 28


def test_the_tail_of_another_map_is_not_taken_for_this_ones(tmp_path: Path):
    """The proof is of the map of 28, and the entries are those from 29 on: one was looked at by nobody."""
    made = an_answer()
    made.members[evidence.tail_name(29)] = tile.entry_bundle(
        tile.leaves_of(made.members.pop(evidence.tail_name(28)))[1:]
    )
    assert made.found(tmp_path) == (INCOMPLETE, "tail", 28)


def test_a_tail_cut_short_is_named_where_it_ends(tmp_path: Path):
    made = an_answer()
    leaves = tile.leaves_of(made.members[evidence.tail_name(28)])
    made.members[evidence.tail_name(28)] = tile.entry_bundle(leaves[:7])
    assert made.found(tmp_path) == (INCOMPLETE, "tail", 35)


@pytest.mark.parametrize("member", ["checkpoint", "policy.json"])
def test_without_a_head_nothing_is_decided(tmp_path: Path, member: str):
    made = an_answer()
    del made.members[member]
    assert made.verified(tmp_path).exit_code() == UNDECIDED


def test_entries_without_a_question_are_no_answer(tmp_path: Path):
    made = an_answer()
    made.has_query = False
    report = made.verified(tmp_path)
    assert report.exit_code() == INCOMPLETE
    assert "there is no query.json" in report.as_text()
    path = an_answer().write(tmp_path)
    path.write_bytes(path.read_bytes()[:-5000])
    assert "the file ends early" in yaosu_verify.verify(str(path)).as_text()


def test_the_entry_that_tells_the_map_is_missed(tmp_path: Path):
    made = an_answer()
    made.drop(30)
    assert made.found(tmp_path) == (INCOMPLETE, "map", 30)


def test_a_key_without_its_place_in_the_map_is_incomplete(tmp_path: Path):
    for name in (ASSET, NOBODY):
        made = an_answer(("obj", name))
        made.query["threads"][0]["in_map"] = made.query["threads"][0]["in_map"][1:]
        report = made.verified(tmp_path)
        assert (report.exit_code(), report.status("map")) == (INCOMPLETE, "not checked")


@pytest.mark.parametrize("what", ["source", "ingested", "happened"])
def test_an_entry_left_out_of_a_range_is_named(tmp_path: Path, what: str):
    writer, told, told_at = a_log()
    moments = (START + 5 * SECOND, START + 12 * SECOND)
    made: dict[str, Callable[[], MadeEvidence]] = {
        "source": lambda: made_evidence.of_source(writer, "trading", 0, 2, 6),
        "ingested": lambda: made_evidence.ingested(writer, *moments),
        "happened": lambda: made_evidence.happened(writer, told, told_at, *moments),
    }
    given = [int(name[8:]) for name in made[what]().members if name.startswith("entries/")]
    for index in [each for each in given if each < 28]:
        without = made[what]()
        without.drop(index)
        exit_code, check, named = without.found(tmp_path)
        assert (exit_code, check) == (INCOMPLETE, "whole")
        assert named is not None and (named == index or what == "source")


def test_what_happened_then_and_came_late_cannot_be_left_out(tmp_path: Path):
    writer, told, told_at = a_log()
    made = made_evidence.happened(writer, told, told_at, START + 33 * SECOND, START + 36 * SECOND)
    assert made.hits == [33, 34, 35]
    made.drop(34)
    assert made.found(tmp_path) == (INCOMPLETE, "whole", 34)
