"""The file of a dispute: one command says what it proves; each word of it is held to an entry of the log."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.audit.rules import checkpoint
from services.audit.rules.checkpoint import Checkpoint
from services.audit.rules.tree import Edge
from tests.verifier.made_disputes import AT, BUYER, Case, MadeDispute, a_dispute, hash_of, logged
from tests.verifier.made_logs import LOG, ORIGIN, STRANGER
from verifier import yaosu_verify
from verifier.yaosu_verify import DISPUTE_CHECKS, INCOMPLETE, TAMPERED, UNDECIDED, VERIFIED


def told_without(act: str) -> Callable[[Case], list[tuple[str, dict[str, Any]]]]:
    honest = Case.facts
    return lambda case: [each for each in honest(case) if each[0] != act]


@pytest.fixture
def made(tmp_path: Path) -> MadeDispute:
    return a_dispute(tmp_path)


# --- what it proves


def test_an_honest_file_proves_what_it_contains_and_says_what_it_does_not(made: MadeDispute, tmp_path: Path):
    report = made.verified(tmp_path)
    told, text = report.as_json(), report.as_text()
    assert (report.exit_code(), report.findings) == (VERIFIED, []), text
    assert told["checks"] == dict.fromkeys(DISPUTE_CHECKS.keys() - {"witnesses"}, "ok")
    assert (told["kind"], told["verdict"]) == ("dispute", "verified")
    conclusion = "this file proves what it contains; completeness of the log outside of it is not claimed"
    assert conclusion in told["proven"] and conclusion in text and "不主张其外日志之完整" in text
    for missing in ("behind the last one of each key", "registered as the parties'", "the catalogue's own entry"):
        assert any(missing in each for each in told["not_checked"]) and missing in text
    assert {check: report.counts[check] for check in report.checks} == {
        "manifest": 9, "signature": 1, "inclusion": 13, "canonical": 13, "whole": 12, "map": 4, "documents": 1,
        "case": 7, "contract": 2, "texts": 5, "uses": 1, "quality": 1,
    }  # fmt: skip


def test_without_a_map_of_keys_nothing_is_called_pinned(tmp_path: Path):
    report = a_dispute(tmp_path, mapped=False).verified(tmp_path)
    assert report.exit_code() == VERIFIED and "map" not in report.checks


def test_the_logs_part_alone_stays_incomplete(made: MadeDispute, tmp_path: Path):
    path = tmp_path / "evidence.tar"
    path.write_bytes(made.files["evidence.tar"])
    report = yaosu_verify.verify(str(path), LOG.key.text())
    assert (report.exit_code(), report.kind, report.proven()) == (INCOMPLETE, "evidence", "")


def test_an_entry_behind_the_last_one_is_not_claimed_to_be_there(tmp_path: Path):
    """Nothing pins the last entry where there is no map: it may be left out, and that is what the report says."""
    made = a_dispute(tmp_path, mapped=False)
    made.evidence.drop(max(made.evidence.hits))
    made.evidence.query["count"] -= 1
    report = made.pack(tmp_path).verified(tmp_path)
    assert report.exit_code() == VERIFIED
    assert any("behind the last one of each key" in each for each in report.as_json()["not_checked"])


def test_a_policy_whose_witnesses_have_not_cosigned_leaves_it_incomplete(made: MadeDispute, tmp_path: Path):
    quorum = f"log {LOG.key.text()}\nwitness w {witness_key()}\nquorum w\n".encode()
    report = made.verified(tmp_path, quorum)
    assert (report.exit_code(), report.status("witnesses")) == (INCOMPLETE, "not checked")
    nobody = f"log {LOG.key.text()}\nquorum none\n".encode()
    assert made.verified(tmp_path, nobody).exit_code() == VERIFIED


def witness_key() -> str:
    key = STRANGER.key
    return checkpoint.VerifierKey("w.example", key.public, b"\x04").text()


# --- the log's part


def test_an_entry_or_proof_that_was_taken_out_is_missed(tmp_path: Path):
    made = a_dispute(tmp_path)
    honest = dict(made.evidence.members)
    for index in made.evidence.hits:
        for names in (
            ["entries/{:016d}"],
            ["proofs/{:016d}.tlog-proof"],
            ["entries/{:016d}", "proofs/{:016d}.tlog-proof"],
        ):
            made.evidence.members = dict(honest)
            for name in names:
                del made.evidence.members[name.format(index)]
            assert made.pack(tmp_path).verdict(tmp_path) == INCOMPLETE, (index, names)


def test_what_the_case_names_is_missed_though_no_map_pins_it(tmp_path: Path):
    """The forger takes out the end of the case as well as the count of entries, and lists all anew."""
    made = a_dispute(tmp_path, mapped=False)
    for _ in range(2):
        made.evidence.drop(made.evidence.hits.pop())
        made.evidence.query["count"] -= 1
    code, checks = made.pack(tmp_path).found(tmp_path)
    assert (code, checks) == (INCOMPLETE, {"case"})


def test_the_entries_of_another_dispute_are_no_proof_of_this_one(tmp_path: Path):
    first, second = Case(1), Case(2)
    made, other = a_dispute(tmp_path, first, (second,)), a_dispute(tmp_path, second, (first,))
    made.files["evidence.tar"] = other.files["evidence.tar"]
    assert made.found(tmp_path)[0] == TAMPERED and "case" in made.found(tmp_path)[1]


def test_a_single_entry_of_another_log_leads_nowhere(tmp_path: Path):
    made, other = a_dispute(tmp_path), a_dispute(tmp_path, Case(uses_left=1))
    changed = [
        name for name, content in made.evidence.members.items()
        if name.startswith("entries/") and other.evidence.members[name] != content
    ]  # fmt: skip
    assert changed
    for name in changed:
        spliced = a_dispute(tmp_path)
        spliced.evidence.members[name] = other.evidence.members[name]
        assert spliced.pack(tmp_path).verdict(tmp_path) == TAMPERED


@pytest.mark.parametrize("who", ["a stranger", "the log, of another size", "the log, of another root"])
def test_another_checkpoint_is_noticed(made: MadeDispute, tmp_path: Path, who: str):
    leaves = logged(Case())[0].leaves
    hashes = [yaosu_verify.SHA256(b"\x00" + leaf).digest() for leaf in leaves]
    size = len(leaves) - (who.endswith("size"))
    root = bytes(32) if who.endswith("root") else Edge().append(hashes[:size]).root()
    signer = STRANGER if who == "a stranger" else LOG
    made.evidence.members["checkpoint"] = signer.sign(Checkpoint(ORIGIN, size, root))
    assert made.pack(tmp_path).verdict(tmp_path) in (TAMPERED, UNDECIDED)


def test_nothing_may_be_hidden_in_the_logs_part(made: MadeDispute, tmp_path: Path):
    made.evidence.members["remarks.txt"] = b"x"
    assert made.pack(tmp_path).found(tmp_path) == (TAMPERED, {"manifest"})
    made.evidence.members[f"documents/{hash_of(b'x')}/x.txt"] = made.evidence.members.pop("remarks.txt")
    assert made.pack(tmp_path).found(tmp_path) == (INCOMPLETE, {"documents"})


def test_a_log_is_no_evidence_of_a_dispute(made: MadeDispute, tmp_path: Path):
    for kind in ("whole", "excerpt", "other"):
        made.evidence.members["policy.json"] = made.evidence.members["policy.json"].replace(
            b'"evidence"', f'"{kind}"'.encode()
        )
        assert made.pack(tmp_path).verdict(tmp_path) == UNDECIDED
        made = a_dispute(tmp_path)


# --- what the file says beside it


CASES: dict[str, tuple[int, Callable[[dict[str, Any]], object]]] = {
    "another state":           (TAMPERED, lambda told: told.update(state="settled")),
    "another price":           (TAMPERED, lambda told: told["price"].update(minor=10_001)),
    "another claimant":        (TAMPERED, lambda told: told.update(claimant_id=told["provider_id"])),
    "no outcome":              (TAMPERED, lambda told: told.pop("outcome")),
    "another outcome":         (TAMPERED, lambda told: told["outcome"]["claimant"].update(minor=1)),
    "no ruling":               (TAMPERED, lambda told: told["rulings"].clear()),
    "another ruling":          (TAMPERED, lambda told: told["rulings"][0].update(split=5_001)),
    "another vote":            (TAMPERED, lambda told: told["panels"][0]["votes"][0].update(split=0)),
    "another draw":            (TAMPERED, lambda told: told["panels"][0]["order"].reverse()),
    "another answer":          (TAMPERED, lambda told: told["answer"].update(admitted={"currency": "CNY", "minor": 0})),
    "an older revision":       (TAMPERED, lambda told: told.update(revision=5)),
    "a deadline":              (INCOMPLETE, lambda told: told.update(deadline=AT)),
    "a later revision":        (INCOMPLETE, lambda told: told.update(revision=7)),
    "a later state":           (INCOMPLETE, lambda told: told.update(revision=7, state="settled")),
    "a later, other price":    (TAMPERED, lambda told: told.update(revision=7, price={"currency": "CNY", "minor": 1})),
    "one piece more":          (INCOMPLETE, lambda told: told["evidence"].append(told["evidence"][1])),
    "one piece less":          (TAMPERED, lambda told: told["evidence"].pop()),
    "an offer":                (INCOMPLETE, lambda told: told["offers"].append({"side": "claimant"})),
    "one member more":         (INCOMPLETE, lambda told: told.update(remark="x")),
    "of another contract":     (TAMPERED, lambda told: told.update(contract_id="contract_x")),
    "of another id":           (TAMPERED, lambda told: told.update(id="dispute_x")),
    "no evidence":             (TAMPERED, lambda told: told.pop("evidence")),
    "no form":                 (TAMPERED, lambda told: told.update(evidence=7)),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_the_case_is_what_the_entries_tell(made: MadeDispute, tmp_path: Path, what: str):
    expected, change = CASES[what]
    code, checks = made.change("dispute.json", change).found(tmp_path)
    assert code == expected and "case" in checks


SIGNATURES: dict[str, tuple[int, Callable[[dict[str, Any]], object]]] = {
    "one only":      (TAMPERED, lambda told: told["signatures"].pop()),
    "another hash":  (TAMPERED, lambda told: told.update(terms_hash="ab" * 32)),
    "another time":  (TAMPERED, lambda told: told["signatures"][0].update(signed_at=AT + 1)),
    "another party": (TAMPERED, lambda told: told["signatures"][1].update(participant_id=BUYER)),
    "by a person":   (TAMPERED, lambda told: told["signatures"][1].update(person={"user_id": "user_1"})),
    "a third":       (INCOMPLETE, lambda told: told["signatures"].append({"side": "witness"})),
    "one twice":     (TAMPERED, lambda told: told["signatures"].append(told["signatures"][0])),
    "more":          (TAMPERED, lambda told: told.update(remark="x")),
}  # fmt: skip


@pytest.mark.parametrize("what", SIGNATURES)
def test_the_signatures_are_what_the_entries_tell(made: MadeDispute, tmp_path: Path, what: str):
    expected, change = SIGNATURES[what]
    assert made.change("contract/signatures.json", change).found(tmp_path) == (expected, {"contract"})


def test_other_terms_have_another_hash(made: MadeDispute, tmp_path: Path):
    code, checks = made.change("contract/terms.json", lambda told: told.update(remark="x")).found(tmp_path)
    assert (code, checks) == (TAMPERED, {"contract"})


def test_a_signature_that_the_log_told_but_nobody_made_is_false(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    honest = Case.signature

    def false(case: Case, side: str) -> dict[str, Any]:
        return {**honest(case, side), "signature": "A" * 86 + "=="}

    monkeypatch.setattr(Case, "signature", false)
    assert a_dispute(tmp_path).found(tmp_path) == (TAMPERED, {"contract"})


def test_who_signed_in_person_is_taken_at_the_logs_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    honest = Case.signature

    def in_person(case: Case, side: str) -> dict[str, Any]:
        who = {name: value for name, value in honest(case, side).items() if name in ("side", "participant_id")}
        return {**who, "person": {"user_id": "user_1"}}

    monkeypatch.setattr(Case, "signature", in_person)
    assert a_dispute(tmp_path).verdict(tmp_path) == VERIFIED


@pytest.mark.parametrize("case, found", [
    (Case(uses_left=1), (TAMPERED, {"uses"})), (Case(report_digest="ab" * 32), (TAMPERED, {"quality"})),
    (Case(content_hash="c1" * 32), (TAMPERED, {"quality"})), (Case(sealed_vote="ab" * 32), (TAMPERED, {"case"})),
], ids=["uses", "digest", "content", "vote"])  # fmt: skip
def test_the_platforms_own_word_is_held_to_the_log(tmp_path: Path, case: Case, found: tuple[int, set[str]]):
    assert a_dispute(tmp_path, case).found(tmp_path) == found


def test_a_use_that_no_entry_tells_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Case, "facts", told_without("entitlement_used"))
    assert a_dispute(tmp_path).found(tmp_path) == (INCOMPLETE, {"uses"})


@pytest.mark.parametrize("left_out, check", [
    ("dispute_opened", "case"), ("arbiter_voted", "case"), ("contract_activated", "contract"),
    ("contract_signed", "contract"),
])  # fmt: skip
def test_a_log_that_never_heard_of_it_leaves_it_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_out: str, check: str
):
    monkeypatch.setattr(Case, "facts", told_without(left_out))
    assert a_dispute(tmp_path).found(tmp_path) == (INCOMPLETE, {check})
