"""The tamper matrix: what was done to a bundle, what the verifier says, and which entry it names.

Sizes are told, so that the numbers are the story: a log of 9 has entries 0 to 8, one of 300 has two tiles.
"""

from pathlib import Path

import pytest

from services.audit.rules import tile
from services.audit.rules.tree import EMPTY_ROOT
from tests.verifier.made_logs import LOG, ORIGIN, STRANGER, a_log, honest_leaves, of_leaves
from tests.verifier.verdicts import CUTS, edited, failed, found, verified
from verifier import yaosu_verify
from verifier.yaosu_verify import CHECKS, INCOMPLETE, TAMPERED, VERIFIED

# --- honest logs


@pytest.mark.parametrize(
    "count, signed_at", [(1, []), (9, [1, 4]), (255, []), (256, [0]), (257, [256]), (700, [300, 512])]
)
def test_an_honest_log_is_verified(tmp_path: Path, count: int, signed_at: list[int]):
    report = verified(a_log(count, signed_at), tmp_path)
    assert (report.exit_code(), report.size, report.findings) == (VERIFIED, count, [])
    assert {check: report.status(check) for check in report.checks} == dict.fromkeys(report.checks, "ok")
    assert (report.counts["leaves"], report.counts["checkpoints"]) == (count, len({*signed_at, count}))


def test_an_empty_log_is_verified(tmp_path: Path):
    report = verified(of_leaves([]), tmp_path)
    assert (report.exit_code(), report.root) == (VERIFIED, EMPTY_ROOT.hex())


def test_a_long_walk_tells_how_far_it_is(tmp_path: Path):
    told: list[tuple[int, int]] = []
    yaosu_verify.verify(str(a_log(600).write(tmp_path)), progress=lambda done, size: told.append((done, size)))
    assert told == [(256, 600), (512, 600), (600, 600)]


def test_what_was_not_checked_is_said_even_where_all_is_well(tmp_path: Path):
    report = verified(a_log(9), tmp_path)
    assert any("not witnessed" in english for _, english in report.not_checked())
    assert "not witnessed" in report.as_text()


def test_a_key_from_the_bundle_itself_is_said_to_prove_nothing(tmp_path: Path):
    own, given_key = verified(a_log(9), tmp_path, key=None), verified(a_log(9), tmp_path)
    assert "FROM THE BUNDLE ITSELF" in own.as_text()
    assert yaosu_verify.OWN_KEY in own.not_checked()
    assert yaosu_verify.OWN_KEY not in given_key.not_checked()


# --- the file was changed, nothing was recomputed


@pytest.mark.parametrize("line", [0, 1, 2])
@pytest.mark.parametrize("index", [0, 4, 8])
def test_a_bit_flipped_in_a_line_names_the_entry(tmp_path: Path, line: int, index: int):
    log = a_log(9, [6])
    lines = log.leaves[index].split(b"\n")
    lines[line] = lines[line][:20] + bytes([lines[line][20] ^ 1]) + lines[line][21:]
    log.replace_entries([*log.leaves[:index], b"\n".join(lines), *log.leaves[index + 1 :]])
    report = verified(log, tmp_path)
    first = report.first()
    assert report.exit_code() == TAMPERED
    assert first and (first.check, first.index, first.artefact) == ("leaves", index, "tile/0/000.p/9")
    assert "the entries were altered" in report.blame


def test_a_bit_flipped_in_a_tile_of_hashes_names_the_entry_and_blames_the_tile(tmp_path: Path):
    log = a_log(300)
    log.change("tile/0/001.p/44", at=32 * 5 + 7)
    report = verified(log, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.check, first.index) == (TAMPERED, "leaves", 261)
    assert "the tiles were altered" in report.blame
    assert failed(report) == {"leaves"}


def test_a_bit_flipped_in_an_upper_tile_names_the_tile(tmp_path: Path):
    log = a_log(600)
    log.change("tile/1/000.p/2", at=40)
    report = verified(log, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.artefact) == (TAMPERED, "tile/1/000.p/2")
    assert failed(report) == {"tiles"}


def test_a_tile_that_is_too_short_compares_no_entry(tmp_path: Path):
    log = a_log(300)
    log.members["tile/0/001.p/44"] = log.members["tile/0/001.p/44"][:-32]
    report = verified(log, tmp_path)
    assert (report.exit_code(), failed(report)) == (TAMPERED, {"leaves", "tiles"})


def test_a_bit_flipped_in_the_checkpoint_makes_its_signature_false(tmp_path: Path):
    log = a_log(9)
    log.change("checkpoint", at=len(ORIGIN) + 5)
    assert found(log, tmp_path) == (TAMPERED, "signature", None)


def test_nothing_is_called_verified_under_a_false_signature(tmp_path: Path):
    log = a_log(9)
    log.change("checkpoint", at=len(ORIGIN) + 5)
    report = verified(log, tmp_path)
    assert {report.status(check) for check in CHECKS} == {"failed", "not checked"}


def test_a_bit_flipped_in_an_earlier_checkpoint_is_noticed(tmp_path: Path):
    log = a_log(9, [4])
    log.change("checkpoints/4", at=len(ORIGIN) + 5)
    report = verified(log, tmp_path)
    assert (report.exit_code(), failed(report)) == (TAMPERED, {"checkpoints"})


@pytest.mark.parametrize("what", CUTS)
def test_entries_that_do_not_fit_the_tiles_are_named(tmp_path: Path, what: str):
    log = a_log(300)
    change, index = CUTS[what]
    leaves = change(log.leaves)
    log.replace_entries([*leaves, *honest_leaves(310)[300:]][:300])
    assert found(log, tmp_path) == (TAMPERED, "leaves", index)


def test_a_tail_cut_off_the_entries_is_noticed(tmp_path: Path):
    log = a_log(300)
    log.replace_entries(log.leaves[:290])
    report = verified(log, tmp_path)
    assert (report.exit_code(), failed(report)) == (TAMPERED, {"tiles"})  # the last file is another than it must be
    assert report.status("root") == "not checked"


def test_a_tail_cut_off_inside_a_file_names_the_first_entry_that_is_gone(tmp_path: Path):
    log = a_log(300)
    log.members["tile/entries/001.p/44"] = tile.entry_bundle(log.leaves[256:290])
    assert found(log, tmp_path) == (TAMPERED, "leaves", 290)


@pytest.mark.parametrize("missing, skipped", [
    ("tile/0/001.p/44", {"tiles", "leaves"}),
    ("tile/1/000.p/1", {"tiles"}),
    ("tile/entries/000", set(CHECKS) - {"signature", "witnesses", "receipts"}),
    ("tile/entries/001.p/44", set(CHECKS) - {"signature", "witnesses", "receipts"}),
])  # fmt: skip
def test_a_missing_file_is_incomplete_and_never_verified(tmp_path: Path, missing: str, skipped: set[str]):
    log = a_log(300)
    del log.members[missing]
    report = verified(log, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.artefact) == (INCOMPLETE, missing)
    assert {check for check in report.checks if report.status(check) == "not checked"} == skipped


def test_many_missing_files_do_not_hide_one_that_was_altered(tmp_path: Path):
    log = a_log(256 * 8)
    for index in range(6):
        del log.members[f"tile/0/00{index}"]
    log.members["tile/0/007"] = bytes(32 * 255)
    report = verified(log, tmp_path)
    assert (report.exit_code(), failed(report), report.blame) == (TAMPERED, {"leaves", "tiles"}, "")


@pytest.mark.parametrize("extra", ["tile/0/002", "tile/entries/000", "tile/2/000.p/1", "tile/0/001", "tile/7/000"])
def test_a_tile_that_a_log_of_this_size_does_not_have_is_noticed(tmp_path: Path, extra: str):
    log = a_log(9)
    log.members[extra] = b"x" * 32
    report = verified(log, tmp_path)
    assert (report.exit_code(), failed(report)) == (TAMPERED, {"tiles"})


def test_a_member_of_unknown_purpose_is_said_not_to_be_checked(tmp_path: Path):
    log = a_log(9)
    log.members |= {"anchors/2030.tsr": b"x", "tile/8/000": b"x"}
    report = verified(log, tmp_path)
    assert (report.exit_code(), report.unknown) == (VERIFIED, ["anchors/2030.tsr", "tile/8/000"])
    assert ("anchors/2030.tsr", "unknown member") in report.not_checked()


# --- everything behind the change was recomputed, without the log's key


def test_an_edit_with_its_hash_recomputed_contradicts_the_root_and_the_chain(tmp_path: Path):
    log, forged = a_log(9, [2]), of_leaves(edited(honest_leaves(9), 4))
    log.members |= {name: forged.members[name] for name in ("tile/0/000.p/9", "tile/entries/000.p/9")}
    report = verified(log, tmp_path)
    assert failed(report) == {"root", "checkpoints", "chains"}
    first = report.first()
    assert first and (report.exit_code(), first.check, first.index, first.until) == (TAMPERED, "chains", 4, 7)


@pytest.mark.parametrize("signer", ["the old signature", "a stranger", "a stranger by the log's name"])
def test_a_tree_recomputed_without_the_key_has_no_signature(tmp_path: Path, signer: str):
    honest = a_log(9)
    forged = of_leaves(edited(honest.leaves, 4), signer=LOG if signer == "the old signature" else STRANGER)
    if signer == "the old signature":
        body, _, signature = forged.members["checkpoint"].partition(b"\n\n")
        forged.members["checkpoint"] = body + b"\n\n" + honest.members["checkpoint"].partition(b"\n\n")[2]
        assert signature
    forged.members["policy.json"] = honest.members["policy.json"]
    assert found(forged, tmp_path) == (TAMPERED, "signature", None)
    assert found(forged, tmp_path, key=None) == (TAMPERED, "signature", None)


def test_a_whole_log_by_a_stranger_agrees_with_itself_and_not_with_the_key(tmp_path: Path):
    forged = of_leaves(honest_leaves(9), signer=STRANGER)
    assert verified(forged, tmp_path, key=None).exit_code() == VERIFIED
    assert found(forged, tmp_path) == (TAMPERED, "signature", None)


def test_a_stale_checkpoint_beside_a_longer_log_is_noticed(tmp_path: Path):
    log = a_log(300, [290])
    log.members["checkpoint"] = log.notes[290]
    assert found(log, tmp_path)[:2] == (TAMPERED, "checkpoints")
    del log.members["checkpoints/300"]
    assert verified(log, tmp_path).exit_code() == INCOMPLETE  # a log of 290 has files of other widths
