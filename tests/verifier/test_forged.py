"""The tamper matrix where the forger has the log's key: what the entries say of each other remains.

Sizes are told, so that the numbers are the story: a log of 9 has entries 0 to 8, one of 300 has two tiles.
"""

from pathlib import Path

import pytest

from services.audit.rules import bundle
from services.audit.rules.checkpoint import Checkpoint
from tests.verifier.made_logs import LOG, ORIGIN, STRANGER, a_log, honest_leaves, of_leaves
from tests.verifier.verdicts import CUTS, checkpoint_root, edited, failed, found, verified
from verifier.yaosu_verify import TAMPERED, VERIFIED


def test_an_edit_under_a_true_signature_breaks_the_source_chain(tmp_path: Path):
    forged = of_leaves(edited(honest_leaves(9), 4))
    report = verified(forged, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), failed(report)) == (TAMPERED, {"chains"})
    assert (first.index, first.until) == (4, 7)  # entry 7 is the next of that stripe, and holds the hash of entry 4


@pytest.mark.parametrize("what, failing, index", [
    ("an entry deleted from the middle", {"chains", "back_links"}, 5),
    ("two entries swapped",              {"back_links", "times"}, 3),
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


def test_a_checkpoint_under_another_size_or_of_another_root_is_noticed(tmp_path: Path):
    log = a_log(9, [4])
    log.members["checkpoints/5"] = log.notes[4]
    assert failed(verified(log, tmp_path)) == {"checkpoints"}
    log = a_log(9)
    log.members["checkpoints/9"] = LOG.sign(Checkpoint(ORIGIN, 9, bytes(32)))
    assert failed(verified(log, tmp_path)) == {"checkpoints"}


def test_a_number_left_out_of_a_stripe_is_noticed_even_where_the_hashes_fit(tmp_path: Path):
    leaves = honest_leaves(6)
    leaves[3] = leaves[3].replace(b'"seq":2', b'"seq":3')
    first = verified(of_leaves(leaves), tmp_path).first()
    assert first and (first.check, first.index, first.until) == ("chains", 3, None)


def test_two_subjects_under_one_key_are_noticed(tmp_path: Path):
    [leaf] = honest_leaves(1)
    first, second = leaf.split(b'"k":[["')[1][:32], leaf.split(b'],["')[1][:32]
    assert found(of_leaves([leaf.replace(second, first)]), tmp_path) == (TAMPERED, "back_links", 0)


def test_a_time_that_is_no_number_is_noticed_even_where_the_lag_fits(tmp_path: Path):
    [leaf] = honest_leaves(1)
    at, lag = leaf.split(b'"ts":')[1].split(b",")[0].split(b"}")[0], leaf.split(b'"its":')[1].split(b",")[0]
    leaf = leaf.replace(b'"ts":' + at, b'"ts":true').replace(b'"lag":3000', b'"lag":%d' % (int(lag) - 1))
    assert found(of_leaves([leaf]), tmp_path) == (TAMPERED, "canonical", 0)


def test_a_policy_that_names_another_key_than_the_one_given_is_noticed(tmp_path: Path):
    log = a_log(9)
    log.members["policy.json"] = bundle.policy(STRANGER.key)
    report = verified(log, tmp_path)
    assert (report.exit_code(), failed(report)) == (TAMPERED, {"signature"})


SEALS = [
    ("its runs backwards",    "times",      b'"its":1893499207', b'"its":1893499206'),
    ("the lag is wrong",      "times",      b'"lag":3000', b'"lag":3001'),
    ("the epoch falls",       "times",      b'"ep":2', b'"ep":0'),
    ("a link is left out",    "back_links", b'"k":[[', b'"k":[]}x'),
    ("the last link is left out", "back_links", b"]],", b"]x],"),
    ("a count is too low",    "back_links", b",4]", b",3]"),
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
    elif what == "the last link is left out":
        seal = seal[: seal.rindex(b',["')] + seal[seal.rindex(b'],"') :]
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
    ("a number that is none", b'"str":0', b'"str":false'),
    ("a hash in capitals",    b'"prev":"', b'"prev":"A'),
    ("a carriage return",     b"}\n", b"}\r\n"),
    ("an empty line",         b"}\n", b"}\n\n"),
    ("not an object",         b'{"act"', b'[{"act"'),
    ("too deep",              b'"v":1', b'"v":' + b"[" * 17 + b"]" * 17),
    ("far too deep",          b'"v":1', b'"v":' + b"[" * 2000 + b"]" * 2000),
]  # fmt: skip


@pytest.mark.parametrize("what, old, new", TRICKS, ids=[trick[0] for trick in TRICKS])
def test_an_entry_that_two_readers_could_read_differently_is_named(tmp_path: Path, what: str, old: bytes, new: bytes):
    leaves = honest_leaves(4)
    assert old in leaves[3]
    leaves[3] = leaves[3].replace(old, new, 1)
    exit_code, check, index = found(of_leaves(leaves), tmp_path)
    assert (exit_code, check, index) == (TAMPERED, "canonical", 3)


def test_what_says_nothing_of_an_unreadable_entry_is_not_called_checked(tmp_path: Path):
    report = verified(of_leaves([*honest_leaves(3), b"x\ny\nz\n"]), tmp_path)
    assert (report.exit_code(), failed(report)) == (TAMPERED, {"canonical"})
    assert [report.status(check) for check in ("chains", "times", "back_links")] == ["not checked"] * 3
