"""The tamper matrix: what was done to a bundle, what the verifier says, and which entry it names.

Sizes are told, so that the numbers are the story: a log of 9 has entries 0 to 8, one of 300 has two tiles.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.audit.rules import bundle, checkpoint, tile
from services.audit.rules.checkpoint import Checkpoint
from services.audit.rules.tree import EMPTY_ROOT
from tests.verifier.made_logs import LOG, ORIGIN, STRANGER, MadeLog, a_log, honest_leaves, of_leaves
from verifier import yaosu_verify
from verifier.yaosu_verify import CHECKS, INCOMPLETE, TAMPERED, UNDECIDED, VERIFIED, Report

KEY = LOG.key.text()


def verified(log: MadeLog, folder: Path, key: str | None = KEY) -> Report:
    return yaosu_verify.verify(str(log.write(folder)), key)


def found(log: MadeLog, folder: Path, key: str | None = KEY) -> tuple[int, str, int | None]:
    """Exit code, and check and entry of the first divergence."""
    report = verified(log, folder, key)
    first = report.first()
    assert first
    return report.exit_code(), first.check, first.index if first.until is None else first.until


def failed(report: Report) -> set[str]:
    return {check for check in CHECKS if report.status(check) == "failed"}


# --- honest logs


@pytest.mark.parametrize(
    "count, signed_at", [(1, []), (9, [1, 4]), (255, []), (256, [0]), (257, [256]), (700, [300, 512])]
)
def test_an_honest_log_is_verified(tmp_path: Path, count: int, signed_at: list[int]):
    report = verified(a_log(count, signed_at), tmp_path)
    assert (report.exit_code(), report.size, report.findings) == (VERIFIED, count, [])
    assert {check: report.status(check) for check in CHECKS} == dict.fromkeys(CHECKS, "ok")
    assert (report.counts["leaves"], report.counts["checkpoints"]) == (count, len({*signed_at, count}))


def test_an_empty_log_is_verified(tmp_path: Path):
    report = verified(of_leaves([]), tmp_path)
    assert (report.exit_code(), report.root) == (VERIFIED, EMPTY_ROOT.hex())


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


CUTS: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int]] = {
    "an entry deleted from the middle": (lambda leaves: leaves[:4] + leaves[5:], 4),
    "two entries swapped":              (lambda leaves: [*leaves[:3], leaves[5], leaves[4], leaves[3], *leaves[6:]], 3),
    "an entry sent twice":              (lambda leaves: [*leaves[:5], leaves[4], *leaves[5:]], 5),
    "an entry replaced by its copy":    (lambda leaves: [*leaves[:5], leaves[4], *leaves[6:]], 5),
    "an entry added at the front":      (lambda leaves: [leaves[8], *leaves], 0),
}  # fmt: skip


@pytest.mark.parametrize("what", CUTS)
def test_entries_that_do_not_fit_the_tiles_are_named(tmp_path: Path, what: str):
    log = a_log(300)
    change, index = CUTS[what]
    leaves = change(log.leaves)
    log.replace_entries([*leaves, *honest_leaves(310)[300:]][:300])
    assert found(log, tmp_path) == (TAMPERED, "leaves", index)


def test_a_tail_cut_off_the_entries_is_missed(tmp_path: Path):
    log = a_log(300)
    log.replace_entries(log.leaves[:290])
    report = verified(log, tmp_path)
    assert report.exit_code() == INCOMPLETE
    assert report.status("root") == "not checked"


def test_a_tail_cut_off_inside_a_file_names_the_first_entry_that_is_gone(tmp_path: Path):
    log = a_log(300)
    log.members["tile/entries/001.p/44"] = tile.entry_bundle(log.leaves[256:290])
    assert found(log, tmp_path) == (TAMPERED, "leaves", 290)


@pytest.mark.parametrize("missing, skipped", [
    ("tile/0/001.p/44", {"tiles", "leaves"}),
    ("tile/1/000.p/1", {"tiles"}),
    ("tile/entries/000", {"leaves", "tiles", "root", "checkpoints", "chains", "times", "back_links", "canonical"}),
    ("tile/entries/001.p/44", {"leaves", "tiles", "root", "checkpoints", "chains", "times", "back_links", "canonical"}),
])  # fmt: skip
def test_a_missing_file_is_incomplete_and_never_verified(tmp_path: Path, missing: str, skipped: set[str]):
    log = a_log(300)
    del log.members[missing]
    report = verified(log, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.artefact) == (INCOMPLETE, missing)
    assert {check for check in CHECKS if report.status(check) == "not checked"} == skipped


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


def edited(leaves: list[bytes], index: int) -> list[bytes]:
    assert b"ok" in leaves[index]
    return [*leaves[:index], leaves[index].replace(b'"ok"', b'"deny"'), *leaves[index + 1 :]]


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
    report = verified(log, tmp_path)
    assert (report.exit_code(), failed(report)) == (TAMPERED, {"tiles"})


# --- the forger has the key: what the entries say of each other remains


def test_an_edit_under_a_true_signature_breaks_the_source_chain(tmp_path: Path):
    forged = of_leaves(edited(honest_leaves(9), 4))
    report = verified(forged, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), failed(report)) == (TAMPERED, {"chains"})
    assert (first.index, first.until) == (4, 7)  # entry 7 is the next of that stripe, and holds the hash of entry 4


@pytest.mark.parametrize("what, failing, index", [
    ("an entry deleted from the middle", {"chains", "back_links"}, 5),
    ("two entries swapped",              {"chains", "back_links", "times"}, 3),
    ("an entry sent twice",              {"chains", "back_links"}, 5),
])  # fmt: skip
def test_entries_moved_under_a_true_signature_are_noticed(tmp_path: Path, what: str, failing: set[str], index: int):
    forged = of_leaves(CUTS[what][0](honest_leaves(12)))
    report = verified(forged, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.index) == (TAMPERED, index)
    assert failing <= failed(report)


def test_a_tail_cut_off_under_a_true_signature_needs_a_witness_and_the_report_says_so(tmp_path: Path):
    report = verified(a_log(7), tmp_path)
    assert report.exit_code() == VERIFIED
    assert {"not witnessed", "whether this checkpoint is the newest"} <= {
        english.partition(":")[0] for _, english in report.not_checked()
    }


def test_two_histories_under_true_signatures_contradict_each_other(tmp_path: Path):
    log, other = a_log(20, [5, 10]), of_leaves(honest_leaves(12)[2:])
    log.members["checkpoints/10"] = LOG.sign(Checkpoint(ORIGIN, 10, checkpoint_root(other)))
    report = verified(log, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), failed(report)) == (TAMPERED, {"checkpoints"})
    assert (first.index, first.until, first.artefact) == (5, 9, "checkpoints/10")


def checkpoint_root(log: MadeLog) -> bytes:
    note = checkpoint.parse_note(log.members["checkpoint"].decode())
    return checkpoint.parse_checkpoint(note.text).root


SEALS = [
    ("its runs backwards",    "times",      b'"its":1893499207', b'"its":1893499206'),
    ("the lag is wrong",      "times",      b'"lag":3000', b'"lag":3001'),
    ("the epoch falls",       "times",      b'"ep":2', b'"ep":0'),
    ("a link is left out",    "back_links", b'"k":[[', b'"k":[]}x'),
    ("a count is too low",    "back_links", b",3]", b",2]"),
    ("a link skips an entry", "back_links", b',6,', b',3,'),
    ("a link points nowhere", "back_links", b',6,', b',-1,'),
]  # fmt: skip


@pytest.mark.parametrize("what, check, old, new", SEALS, ids=[seal[0] for seal in SEALS])
def test_a_seal_that_lies_under_a_true_signature_is_noticed(
    tmp_path: Path, what: str, check: str, old: bytes, new: bytes
):
    leaves = honest_leaves(12)
    source, event, seal, _ = leaves[9].split(b"\n")
    assert old in seal or what == "its runs backwards"
    if what == "its runs backwards":
        seal = leaves[8].split(b"\n")[2]
        seal = seal.replace(seal.split(b'"its":')[1].split(b",")[0], leaves[2].split(b'"its":')[1].split(b",")[0])
    elif what == "a link is left out":
        start, end = seal.index(b'"k":[') + 5, seal.index(b"],[") + 2
        seal = seal[:start] + seal[end:]
    else:
        seal = seal.replace(old, new, 1)
    leaves[9] = b"\n".join([source, event, seal, b""])
    exit_code, first_check, index = found(of_leaves(leaves), tmp_path)
    assert (exit_code, first_check, index) == (TAMPERED, check, 9)


TRICKS: list[tuple[str, bytes, bytes]] = [
    ("a member twice",        b'"v":1', b'"v":1,"v":1'),
    ("a float",               b'"v":1', b'"v":1.0'),
    ("an exponent",           b'"v":1', b'"v":1e0'),
    ("minus zero",            b'"v":1', b'"v":-0'),
    ("two to the 53rd",       b'"v":1', b'"v":9007199254740992'),
    ("not a number",          b'"v":1', b'"v":NaN'),
    ("null",                  b'"v":1', b'"v":null'),
    ("an unknown member",     b'"v":1', b'"v":1,"x":1'),
    ("a missing member",      b',"v":1', b""),
    ("a blank",               b'"v":1', b'"v": 1'),
    ("another order",         b'"ret":"txn","ts"', b'"ts":1,"ret":"txn","t"'),
    ("a needless escape",     b"contract_signed", b"contract_si\\u0067ned"),
    ("a lone surrogate",      b"contract_signed", b"contract_signed\\ud800"),
    ("text that is not NFC",  b"contract_signed", b"contract_signe\xcc\x81d"),
    ("bytes that are no text", b"contract_signed", b"contract_signed\xff"),
    ("another service's act", b"trading.contract_signed", b"pricing.contract_signed"),
    ("a carriage return",     b"}\n", b"}\r\n"),
    ("an empty line",         b"}\n", b"}\n\n"),
    ("not an object",         b'{"act"', b'[{"act"'),
    ("too deep",              b'"v":1', b'"v":' + b"[" * 2000 + b"]" * 2000),
]  # fmt: skip


@pytest.mark.parametrize("what, old, new", TRICKS, ids=[trick[0] for trick in TRICKS])
def test_an_entry_that_two_readers_could_read_differently_is_named(tmp_path: Path, what: str, old: bytes, new: bytes):
    leaves = honest_leaves(4)
    assert old in leaves[3]
    leaves[3] = leaves[3].replace(old, new, 1)
    exit_code, check, index = found(of_leaves(leaves), tmp_path)
    assert (exit_code, check, index) == (TAMPERED, "canonical", 3)


# --- notes, keys and files that are not what they should be


def sign_lines(count: int) -> bytes:
    point = checkpoint.parse_checkpoint(checkpoint.parse_note(a_log(9).members["checkpoint"].decode()).text)
    signature = (LOG.key, LOG.private.sign(point.body().encode()))
    return checkpoint.note_text(point.body(), [signature] * count).encode()


NOTES: dict[str, Callable[[bytes], bytes]] = {
    "CRLF":                    lambda note: note.replace(b"\n", b"\r\n"),
    "no signature":            lambda note: note.partition(b"\n\n")[0] + b"\n\n",
    "an empty signature line": lambda note: note + b"\n",
    "17 signatures":           lambda note: sign_lines(17),
    "a hyphen for a dash":     lambda note: note.replace("—".encode(), b"-"),
    "an extension line":       lambda note: note.replace(b"\n\n", b"\nmore\n\n"),
    "a size with a zero":      lambda note: note.replace(b"\n9\n", b"\n09\n"),
    "another origin":          lambda note: note.replace(b"example", b"exempla"),
    "a control character":     lambda note: note.replace(b"\n9\n", b"\n9\x00\n"),
    "not text":                lambda note: b"\xff" + note,
}  # fmt: skip


@pytest.mark.parametrize("what", NOTES)
def test_a_note_that_only_resembles_a_checkpoint_is_refused(tmp_path: Path, what: str):
    log = a_log(9)
    log.members["checkpoint"] = NOTES[what](log.members["checkpoint"])
    assert found(log, tmp_path) == (TAMPERED, "signature", None)


def test_a_signature_of_an_unknown_key_beside_ours_is_no_matter(tmp_path: Path):
    log = a_log(9)
    stranger = STRANGER.sign(Checkpoint(ORIGIN, 9, checkpoint_root(log))).partition(b"\n\n")[2]
    log.members["checkpoint"] += stranger
    assert verified(log, tmp_path).exit_code() == VERIFIED
    log.members["checkpoint"] = log.members["checkpoint"].partition(b"\n\n")[0] + b"\n\n" + stranger
    assert found(log, tmp_path) == (TAMPERED, "signature", None)


def test_a_false_signature_under_our_key_id_is_refused_even_beside_a_true_one(tmp_path: Path):
    log = a_log(9)
    other = LOG.sign(Checkpoint(ORIGIN, 8, bytes(32))).partition(b"\n\n")[2]
    log.members["checkpoint"] += other
    assert found(log, tmp_path) == (TAMPERED, "signature", None)


@pytest.mark.parametrize("key", ["", "nonsense", KEY[:-4], KEY.replace("yaosu", "other"), KEY.replace("+Ad", "+Bd")])
def test_what_is_not_an_ed25519_key_decides_nothing(tmp_path: Path, key: str):
    log = a_log(9)
    log.members["policy.json"] = log.members["policy.json"].replace(KEY.encode(), key.encode())
    assert log.members["policy.json"] != a_log(9).members["policy.json"] or key == KEY
    assert verified(log, tmp_path, key=None).exit_code() == UNDECIDED
    assert verified(a_log(9), tmp_path, key or "x").exit_code() == UNDECIDED


@pytest.mark.parametrize("policy", [
    b"", b"{}", b"[]", b'{"format":2}', b"\xff", bundle.policy(ORIGIN, LOG.key).replace(b":1,", b":2,"),
    bundle.policy(ORIGIN, LOG.key).replace(b":1,", b":1, "), bundle.policy(ORIGIN, LOG.key).replace(b'{"', b'{"a":1,"'),
])  # fmt: skip
def test_a_bundle_of_unknown_format_decides_nothing(tmp_path: Path, policy: bytes):
    log = a_log(9)
    log.members["policy.json"] = policy
    report = verified(log, tmp_path)
    assert (report.exit_code(), {report.status(check) for check in CHECKS}) == (UNDECIDED, {"not checked"})


@pytest.mark.parametrize("name", ["checkpoint", "policy.json"])
def test_a_file_without_policy_or_checkpoint_is_no_bundle(tmp_path: Path, name: str):
    log = a_log(9)
    del log.members[name]
    assert verified(log, tmp_path).exit_code() == UNDECIDED


def test_a_name_that_stands_twice_decides_nothing(tmp_path: Path):
    path = a_log(9).write(tmp_path)
    again = bundle.member("checkpoint", b"another")
    path.write_bytes(again + path.read_bytes())
    assert yaosu_verify.verify(str(path), KEY).exit_code() == UNDECIDED


@pytest.mark.parametrize("length", [0, 1, 511, 512, 700, 5000, -1, -512, -1024])
def test_a_file_that_ends_early_is_incomplete(tmp_path: Path, length: int):
    path = a_log(300).write(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    assert yaosu_verify.verify(str(path), KEY).exit_code() == INCOMPLETE


@pytest.mark.parametrize("content", [b"x" * 2000, b"PK\x03\x04" + bytes(600), b"\x1f\x8b" + b"x" * 600])
def test_a_file_that_is_no_bundle_decides_nothing(tmp_path: Path, content: bytes):
    path = tmp_path / "no-bundle"
    path.write_bytes(content)
    assert yaosu_verify.verify(str(path), KEY).exit_code() == UNDECIDED
    assert yaosu_verify.verify(str(tmp_path / "absent"), KEY).exit_code() == UNDECIDED


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bit_of_a_bundle_can_be_flipped_unnoticed(tmp_path: Path, data: st.DataObject):
    content = bytearray(WHOLE)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "flipped.tar"
    path.write_bytes(content)
    assert yaosu_verify.verify(str(path), KEY).exit_code() != VERIFIED


def whole(log: MadeLog) -> bytes:
    return b"".join(bundle.member(name, content) for name, content in sorted(log.members.items())) + bundle.END


WHOLE = whole(a_log(5, [2]))
