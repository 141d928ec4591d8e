"""Documents that are given with evidence: bound to the log by the hash that an entry names, or said not to be."""

from hashlib import sha256
from pathlib import Path

import pytest

from services.audit.rules import evidence
from services.audit.rules.evidence import NotADocument
from tests.verifier import made_evidence
from tests.verifier.made_evidence import MadeEvidence, an_answer
from tests.verifier.made_logs import an_event
from tests.verifier.mapped_logs import Writer
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, VERIFIED


def with_documents(**documents: bytes) -> MadeEvidence:
    made = an_answer()
    made.members |= dict(evidence.document(f"{name}.pdf", content) for name, content in documents.items())
    return made


def test_a_document_whose_hash_an_entry_names_is_bound_to_it(tmp_path: Path):
    line = an_event(0, "trading").replace("第 0 号".encode(), sha256(b"contract").hexdigest().encode())
    made = made_evidence.about(Writer().take("trading", 0, line), None, None, ("obj", f"asset_{0:032x}"))
    made.members |= dict([evidence.document("contract.pdf", b"contract")])
    report = made.verified(tmp_path)
    assert (report.exit_code(), report.counts["documents"]) == (VERIFIED, 1)


def test_a_document_that_no_entry_names_is_not_called_checked(tmp_path: Path):
    made = with_documents(contract=b"contract")
    assert made.found(tmp_path) == (INCOMPLETE, "documents", None)
    assert made.verified(tmp_path).status("documents") == "not checked"


def test_a_document_that_is_not_what_its_name_says_is_forged(tmp_path: Path):
    made = with_documents(contract=b"contract")
    [name] = [name for name in made.members if name.startswith("documents/")]
    made.members[name] = b"another"
    assert made.found(tmp_path) == (TAMPERED, "documents", None)


def test_documents_are_put_into_a_finished_bundle_and_change_nothing_else(tmp_path: Path):
    whole = an_answer().write(tmp_path).read_bytes()
    given = {"b.pdf": b"b" * 600, "a.json": b"{}"}
    filled = evidence.with_documents(whole, given)
    made = an_answer()
    made.members |= dict(evidence.document(name, content) for name, content in given.items())
    assert filled == made.write(tmp_path).read_bytes()
    assert evidence.with_documents(whole, {}) == whole


@pytest.mark.parametrize("name", ["", "a b", "../a", "ü.pdf", ".a", "a" * 25, "a/b"])
def test_a_document_has_a_plain_name(name: str):
    with pytest.raises(NotADocument) as wrong:
        evidence.document(name, b"")
    assert wrong.value.facts == {"name": name}
    assert evidence.document("a" * 24, b"")[0].endswith("/" + "a" * 24)


def test_a_document_has_a_size(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(evidence, "DOCUMENT_BYTES_MAX", 3)
    assert evidence.document("a", b"123")[1] == b"123"
    with pytest.raises(NotADocument):
        evidence.document("a", b"1234")
