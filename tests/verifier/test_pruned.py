"""A log whose oldest entries were pruned: what is left is verified, what is gone is said to be not checked.

The tamper matrix, row 24: the pruned range, and what somebody may try under its name.
"""

from functools import cache
from pathlib import Path

import pytest

from services.audit.events.log import LogPruned
from services.audit.rules import excerpt
from services.audit.rules.checkpoint import Checkpoint
from shared import facts
from shared.ids import FactId
from tests.verifier.made_logs import LOG, NOON, ORIGIN, MadeLog, an_event, leaves_of_lines, of_leaves
from tests.verifier.verdicts import checkpoint_root, edited, failed, found, verified
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, UNDECIDED

SIZE = 600


@cache
def leaves(pruned_below: int | None = 512, size: int = SIZE) -> list[bytes]:
    """Entries of two services, and at the end the one that says up to where they are pruned."""
    services = ["trading", "catalog"]
    told = [(services[index % 2], an_event(index, services[index % 2])) for index in range(size - 1)]
    fact = LogPruned("2026-11", 0, pruned_below or 0)
    line = facts.event_line(
        fact, service="audit", fact_id=FactId(f"fact_{size:032x}"), actor=facts.Actor("service", "audit"), at=NOON,
        request_id=None,
    )  # fmt: skip
    return leaves_of_lines([*told, ("audit", line)])


def a_pruned_log(minimum: int = 512, of: list[bytes] | None = None, signed_at: tuple[int, ...] = (100, 550)) -> MadeLog:
    log = of_leaves(leaves() if of is None else of, signed_at)
    for first in range(0, minimum, 256):
        del log.members[f"tile/entries/{first // 256:03}"]
    log.members["policy.json"] = excerpt.policy(LOG.key, (), "whole", minimum)
    return log


@pytest.mark.parametrize("minimum", [256, 512])
def test_what_was_pruned_is_not_checked_and_what_is_left_is(tmp_path: Path, minimum: int):
    report = verified(a_pruned_log(minimum, leaves(minimum)), tmp_path)
    assert (report.exit_code(), report.findings, report.pruned) == (INCOMPLETE, [], minimum)
    assert {check for check in report.checks if report.status(check) == "not checked"} == {"root", "tiles", "maps"}
    told = f"{minimum} entries below {minimum}, pruned by policy 2026-11"
    assert report.not_checked()[0][1] == told and told in report.as_text()
    assert report.counts["leaves"] == SIZE - minimum


def test_the_checkpoints_before_and_within_what_was_pruned_are_still_checked(tmp_path: Path):
    log = a_pruned_log()
    log.members["checkpoints/100"] = LOG.sign(Checkpoint(ORIGIN, 100, bytes(32)))
    assert failed(verified(log, tmp_path)) == {"checkpoints"}


@pytest.mark.parametrize("minimum, said", [(512, 256), (256, 0)])
def test_a_range_that_the_log_does_not_say_was_pruned_is_missing(tmp_path: Path, minimum: int, said: int):
    report = verified(a_pruned_log(minimum, leaves(said)), tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.artefact) == (INCOMPLETE, "policy.json")
    assert first.expected == f"an entry that says so of those below {minimum}"


def test_entries_missing_above_the_minimum_index_are_missing(tmp_path: Path):
    log = a_pruned_log(256, leaves(256))
    del log.members["tile/entries/001"]
    assert found(log, tmp_path) == (INCOMPLETE, "leaves", 256)


def test_entries_below_the_minimum_index_have_no_place(tmp_path: Path):
    log = a_pruned_log()
    log.members["tile/entries/000"] = of_leaves(leaves()).members["tile/entries/000"]
    report = verified(log, tmp_path)
    assert report.exit_code() == TAMPERED
    assert [each.artefact for each in report.findings] == ["tile/entries/000"]


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001"])
def test_a_hash_of_what_was_pruned_that_is_altered_is_noticed(tmp_path: Path, name: str):
    log = a_pruned_log()
    log.change(name, 64)
    report = verified(log, tmp_path)
    assert report.exit_code() == TAMPERED and "root" in failed(report)


def test_a_missing_tile_of_what_was_pruned_is_incomplete(tmp_path: Path):
    log = a_pruned_log()
    del log.members["tile/0/001"]
    report = verified(log, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.artefact, first.index) == (INCOMPLETE, "tile/0/001", 256)


def test_an_entry_above_that_was_edited_is_named(tmp_path: Path):
    log = a_pruned_log()
    log.replace_entries(edited(leaves(), 530))
    for name in ("tile/entries/000", "tile/entries/001"):
        del log.members[name]
    assert found(log, tmp_path) == (TAMPERED, "leaves", 530)


@pytest.mark.parametrize("at", [520, 599])
def test_a_source_chain_that_is_broken_after_the_pruned_range_is_noticed(tmp_path: Path, at: int):
    """Under a true signature: what begins in the pruned range is taken as it begins, and then has no gap."""
    cut = [*leaves()[:at], *leaves()[at + 1 :]]
    report = verified(a_pruned_log(512, cut, signed_at=()), tmp_path)
    if at == 520:
        assert report.exit_code() == TAMPERED and {"chains", "back_links"} <= failed(report)
    else:
        assert report.exit_code() == INCOMPLETE, "the entry that tells of the pruning itself was cut off"


def test_links_into_the_pruned_range_are_taken_and_later_ones_are_counted_on(tmp_path: Path):
    forged = leaves()
    at = next(index for index in range(560, 600) if b'"k":[["' in forged[index])
    leaf = forged[at]
    count = leaf.rindex(b"]],")
    digits = leaf[leaf.rindex(b",", 0, count) + 1 : count]
    raised = leaf[: count - len(digits)] + str(int(digits) + 1).encode() + leaf[count:]
    log = a_pruned_log(512, [*forged[:at], raised, *forged[at + 1 :]], signed_at=())
    assert "back_links" in failed(verified(log, tmp_path))


@pytest.mark.parametrize("minimum", [-256, 100, True, "256"])
def test_of_a_minimum_index_that_is_none_nothing_is_decided(tmp_path: Path, minimum: object):
    log = a_pruned_log()
    log.members["policy.json"] = excerpt.policy(LOG.key, (), "whole", minimum)  # pyright: ignore[reportArgumentType]
    assert verified(log, tmp_path).exit_code() == UNDECIDED


def test_a_log_that_is_pruned_as_a_whole_has_its_hashes_left(tmp_path: Path):
    log = a_pruned_log(512, leaves()[:512], signed_at=())
    report = verified(log, tmp_path)
    assert (report.exit_code(), report.pruned, report.root) == (INCOMPLETE, 512, checkpoint_root(log).hex())


def test_an_excerpt_of_a_pruned_log_tells_withheld_from_pruned(tmp_path: Path):
    log = a_pruned_log()
    for name in [name for name in log.members if name.startswith("tile/entries/")]:
        del log.members[name]
    log.members["policy.json"] = excerpt.policy(LOG.key, (), "excerpt", 512)
    log.members |= {excerpt.entry_name(index): leaves()[index] for index in (530, 599)}
    report = verified(log, tmp_path)
    assert (report.findings, report.disclosed, report.withheld, report.pruned) == ([], 2, 86, 512)
