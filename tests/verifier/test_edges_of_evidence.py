"""The edges of an answer: where a source or a time ends, which clock a time is of, and which map can be used."""

from dataclasses import replace
from pathlib import Path

import pytest

from services.audit.rules.entry import BackLink
from tests.verifier import made_evidence
from tests.verifier.made_evidence import ASSET, SECOND, START, MadeEvidence, a_log, an_answer
from tests.verifier.made_logs import an_event
from tests.verifier.mapped_logs import Writer, key_of
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, VERIFIED


def spans(made: MadeEvidence, folder: Path) -> list[tuple[str, int | None, int | None]]:
    return [(each.check, each.index, each.until) for each in made.verified(folder).findings]


@pytest.mark.parametrize("dropped, span", [([39], (37, 39)), ([36, 39], (34, 39)), ([], None)])
def test_a_source_that_ends_early_is_missed_from_its_last_number_on(
    tmp_path: Path, dropped: list[int], span: tuple[int, int] | None
):
    made = made_evidence.of_source(a_log()[0], "trading", 0, 9, 13)
    assert made.hits == [24, 27, 33, 36, 39]
    for index in dropped:
        made.drop(index)
    assert spans(made, tmp_path) == ([("whole", *span)] if span else [])


def test_a_source_of_which_nothing_is_given_is_missed_whole(tmp_path: Path):
    made = made_evidence.of_source(a_log()[0], "trading", 0, 50, 51)
    assert spans(made, tmp_path) == [("whole", 0, 39)]
    assert made.verified(tmp_path).about == "source, first_seq 50, last_seq 51, service trading, stripe 0"


def test_numbers_left_out_of_a_source_are_missed_between_their_neighbours(tmp_path: Path):
    for dropped, span in (([3], (1, 5)), ([3, 6], (1, 8)), ([0], (0, 2))):
        made = made_evidence.of_source(a_log()[0], "trading", 0, 1, 4)
        for index in dropped:
            made.drop(index)
        assert spans(made, tmp_path) == [("whole", *span)]


def test_a_time_without_the_entries_next_to_it_is_missed(tmp_path: Path):
    writer = a_log()[0]
    made = made_evidence.ingested(writer, START + 5 * SECOND, START + 9 * SECOND)
    given = [int(name[8:]) for name in made.members if name.startswith("entries/")]
    assert (given, made.hits) == ([4, 5, 6, 7, 8, 9], [5, 6, 7, 8])
    for index, span in ((4, (4, None)), (9, (9, None)), (7, (7, 7))):
        made = made_evidence.ingested(writer, START + 5 * SECOND, START + 9 * SECOND)
        made.drop(index)
        assert spans(made, tmp_path) == [("whole", *span)]
    made = made_evidence.ingested(writer, START + 5 * SECOND, START + 9 * SECOND)
    for index in given:
        made.drop(index)
    assert spans(made, tmp_path) == [("whole", 0, 39)]


def test_a_time_that_begins_or_ends_on_an_entry_has_that_entry_or_not(tmp_path: Path):
    writer = a_log()[0]
    taken = START + 7 * SECOND + 3_000
    for first, until, hits in ((taken, taken + 1, [7]), (taken + 1, taken + 2, []), (taken - 1, taken, [])):
        made = made_evidence.ingested(writer, first, until)
        assert (made.hits, made.verified(tmp_path).exit_code()) == (hits, VERIFIED)


def test_the_time_of_an_event_is_not_the_time_the_log_took_it(tmp_path: Path):
    writer = Writer().events(20)
    writer.take("trading", 0, an_event(5, "trading")).events(5)
    told = writer.snapshot(22)
    writer.tell(told).events(3)
    then = (START + 5 * SECOND, START + 6 * SECOND)
    late = made_evidence.happened(writer, told, 26, *then)
    assert (late.hits, made_evidence.ingested(writer, *then).hits) == ([5, 20], [5])
    assert late.verified(tmp_path).exit_code() == VERIFIED
    late.drop(20)
    assert late.found(tmp_path) == (INCOMPLETE, "whole", 20)
    assert made_evidence.ingested(writer, *then).verified(tmp_path).exit_code() == VERIFIED


def test_without_the_map_the_edges_of_what_happened_are_not_looked_for(tmp_path: Path):
    made = made_evidence.happened(*a_log(), START + 5 * SECOND, START + 9 * SECOND)
    made.drop(30)
    assert spans(made, tmp_path) == [("map", 30, None)]


@pytest.mark.parametrize("size, verdict", [(0, TAMPERED), (1, VERIFIED), (30, VERIFIED), (31, TAMPERED)])
def test_a_map_reaches_at_least_one_entry_and_none_behind_the_one_that_tells_it(
    tmp_path: Path, size: int, verdict: int
):
    writer = Writer().events(30)
    told = replace(writer.snapshot(max(size, 1)), size=size)
    writer.tell(told).events(9)
    made = made_evidence.about(writer, told, 30, ("obj", ASSET))
    report = made.verified(tmp_path)
    assert report.exit_code() == verdict
    if verdict == TAMPERED:
        assert made.found(tmp_path) == (TAMPERED, "map", 30)


def test_what_was_counted_is_told(tmp_path: Path):
    report = an_answer().verified(tmp_path)
    counts = {check: report.counts[check] for check in report.checks}
    assert counts == {"signature": 1, "inclusion": 9, "canonical": 9, "whole": 8, "map": 1, "tail": 12, "documents": 0}


@pytest.mark.parametrize("previous, count", [(11, 3), (16, 9), (18, 4), (16, 3), (11, 4), (18, 3)])
def test_a_log_whose_links_contradict_its_own_entries_is_tampered_with(tmp_path: Path, previous: int, count: int):
    """Signed and proven by whoever holds the log's key: the entry after the fourth does not point to it."""
    writer, key = Writer().events(20), key_of("obj", ASSET)
    writer.newest[key] = BackLink(key, previous, count)
    writer.events(10)
    made = made_evidence.about(writer, None, None, ("obj", ASSET))
    report = made.verified(tmp_path)
    assert (report.exit_code(), made.found(tmp_path)) == (TAMPERED, (TAMPERED, "whole", 21))
