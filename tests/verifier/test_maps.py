"""Maps of keys that a log tells, recomputed by the verifier from the log's entries: each of them, whoever uses it."""

from pathlib import Path

import pytest

from services.audit.rules.snapshot import Head, Lags
from tests.verifier.made_logs import of_leaves
from tests.verifier.mapped_logs import Writer
from tests.verifier.verdicts import failed, found, verified
from verifier.yaosu_verify import TAMPERED, VERIFIED


def test_the_maps_of_an_honest_log_are_recomputed(tmp_path: Path):
    writer = Writer().events(7)
    writer.tell(writer.snapshot()).events(300)
    writer.tell(writer.snapshot(250)).events(2).tell(writer.snapshot(9)).events(1)  # one told late, and one out of turn
    report = verified(of_leaves(writer.leaves), tmp_path)
    assert (report.exit_code(), report.counts["maps"], report.status("maps")) == (VERIFIED, 3, "ok")


def one_head_forward(heads: list[Head]) -> list[Head]:
    return [Head(heads[0].key, heads[0].last_index - 1, heads[0].count), *heads[1:]]


def one_count_less(heads: list[Head]) -> list[Head]:
    return [*heads[:-1], Head(heads[-1].key, heads[-1].last_index, heads[-1].count - 1)]


def one_key_less(heads: list[Head]) -> list[Head]:
    return heads[:2] + heads[3:]


def two_swapped(heads: list[Head]) -> list[Head]:
    return [heads[1], heads[0], *heads[2:]]


@pytest.mark.parametrize("forge", [one_head_forward, one_count_less, one_key_less, two_swapped])
def test_a_false_map_in_a_log_that_is_else_right_names_the_entry_that_tells_it(tmp_path: Path, forge: object):
    assert callable(forge)
    writer = Writer().events(9)
    forged: object = forge(writer.mapped(9))
    writer.tell(writer.snapshot(heads=forged)).events(3)  # pyright: ignore[reportArgumentType]
    assert found(of_leaves(writer.leaves), tmp_path) == (TAMPERED, "maps", 9)


@pytest.mark.parametrize("lags", [Lags(0, 3000), Lags(3000, 3001), Lags(None, None)])
def test_false_lags_are_noticed(tmp_path: Path, lags: Lags):
    writer = Writer().events(9)
    report = verified(of_leaves(writer.tell(writer.snapshot(lags=lags)).leaves), tmp_path)
    assert (report.exit_code(), failed(report)) == (TAMPERED, {"maps"})


def test_a_map_of_more_entries_than_there_were_is_noticed(tmp_path: Path):
    writer = Writer().events(9)
    honest = writer.snapshot()
    early = Writer().events(5).tell(honest).events(6)
    assert found(of_leaves(early.leaves), tmp_path) == (TAMPERED, "maps", 5)
