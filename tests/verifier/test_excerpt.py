"""Excerpts: where entries are withheld, those that are there are proved, nothing is called ok that was not looked at,
and no byte can be changed, taken out or slipped in unnoticed."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from services.audit.rules import excerpt, tile
from services.audit.rules.tile import Unfinished
from services.audit.rules.tree import leaf_hash
from tests.verifier.made_logs import LOG, STRANGER, MadeLog, a_log
from tests.verifier.verdicts import edited, failed, found, verified
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, UNDECIDED


def an_excerpt(size: int, told: Iterable[int], signed_at: Iterable[int] = ()) -> MadeLog:
    """Of a log of this size, these entries."""
    log = a_log(size, signed_at)
    for name in [name for name in log.members if name.startswith("tile/entries/")]:
        del log.members[name]
    log.members["policy.json"] = excerpt.policy(LOG.key, (), "excerpt", 0)
    log.members |= {excerpt.entry_name(index): log.leaves[index] for index in told}
    return log


@pytest.mark.parametrize("size, told", [
    (1, []), (1, [0]), (9, [4]), (256, [0, 255]), (257, [256]), (300, range(300)), (300, range(0, 300, 7)),
], ids=str)  # fmt: skip
def test_what_is_disclosed_is_proved_and_what_is_withheld_is_counted(tmp_path: Path, size: int, told: list[int]):
    report = verified(an_excerpt(size, told, [size // 2 + 1]), tmp_path)
    assert (report.exit_code(), report.findings) == (INCOMPLETE, [])
    assert (report.kind, report.disclosed, report.withheld) == ("excerpt", len(told), size - len(told))
    assert {check for check in report.checks if report.status(check) == "ok"} == {
        "signature",
        "checkpoints",
        "commitments",
    }
    lines = report.as_text()
    assert f"{len(told)} 条披露" in lines and f"{size - len(told)} 条隐去" in lines
    assert (f"{size - len(told)} entries withheld" in lines) == (size > len(told))


def test_an_excerpt_is_never_ok_even_of_every_entry(tmp_path: Path):
    report = verified(an_excerpt(9, range(9)), tmp_path)
    assert report.exit_code() == INCOMPLETE
    assert report.as_json()["checks"]["leaves"] == "not checked"


def test_an_entry_that_was_edited_is_named(tmp_path: Path):
    log = an_excerpt(300, [7, 260])
    log.members[excerpt.entry_name(260)] = edited(log.leaves, 260)[260]
    assert found(log, tmp_path) == (TAMPERED, "leaves", 260)
    assert verified(log, tmp_path).disclosed == 1


def test_an_entry_under_another_index_is_named(tmp_path: Path):
    log = an_excerpt(9, [4])
    log.members[excerpt.entry_name(5)] = log.members.pop(excerpt.entry_name(4))
    assert found(log, tmp_path) == (TAMPERED, "leaves", 5)


def test_an_entry_edited_together_with_its_tile_contradicts_the_signed_root(tmp_path: Path):
    log = an_excerpt(9, [4])
    forged = edited(log.leaves, 4)
    log.members[excerpt.entry_name(4)] = forged[4]
    _, tiles = tile.grow(Unfinished(), [leaf_hash(leaf) for leaf in forged])
    log.members |= {f"tile/{each.level}/{each.path()}": content for each, content in tiles.items()}
    report = verified(log, tmp_path)
    assert report.exit_code() == TAMPERED and "root" in failed(report)


@pytest.mark.parametrize("name, verdict", [("tile/0/000", INCOMPLETE), ("tile/1/000.p/1", INCOMPLETE)])
def test_a_missing_tile_is_incomplete_and_named(tmp_path: Path, name: str, verdict: int):
    log = an_excerpt(300, [4])
    del log.members[name]
    report = verified(log, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.check, first.artefact) == (verdict, "tiles", name)


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"])
def test_a_flipped_bit_in_any_tile_is_tampering(tmp_path: Path, name: str):
    log = an_excerpt(300, [4])
    log.change(name, 31)
    assert verified(log, tmp_path).exit_code() == TAMPERED


def test_a_tile_cut_short_is_tampering(tmp_path: Path):
    log = an_excerpt(300, [4])
    log.members["tile/0/000"] = log.members["tile/0/000"][:-32]
    assert found(log, tmp_path)[:2] == (TAMPERED, "tiles")


@pytest.mark.parametrize("name", ["entry/0000000000000009", "entry/4", "entry/0000000000000004x"])
def test_an_entry_that_has_no_place_in_the_log_is_tampering(tmp_path: Path, name: str):
    log = an_excerpt(9, [4])
    log.members[name] = log.leaves[4]
    assert verified(log, tmp_path).exit_code() == TAMPERED


def test_entry_bundles_in_an_excerpt_are_not_read_and_said_so(tmp_path: Path):
    log = an_excerpt(9, [4])
    log.members["tile/entries/000.p/9"] = b"\x00\x00"
    assert "tile/entries/000.p/9" in verified(log, tmp_path).unknown


def test_an_earlier_checkpoint_of_another_history_is_noticed(tmp_path: Path):
    log, other = an_excerpt(20, [4], [5, 10]), a_log(10, signer=STRANGER)
    log.members["checkpoints/10"] = other.members["checkpoint"]
    assert failed(verified(log, tmp_path)) == {"checkpoints"}


def test_a_whole_bundle_that_calls_itself_an_excerpt_hides_nothing(tmp_path: Path):
    """Entries taken out of a bundle, with the policy exchanged so that their absence looks meant."""
    log = an_excerpt(300, [4])
    assert verified(log, tmp_path).exit_code() == INCOMPLETE


def test_of_an_unknown_kind_nothing_is_decided(tmp_path: Path):
    log = an_excerpt(9, [4])
    log.members["policy.json"] = log.members["policy.json"].replace(b'"excerpt"', b'"summary"')
    assert verified(log, tmp_path).exit_code() == UNDECIDED
