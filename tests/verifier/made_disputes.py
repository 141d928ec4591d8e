"""Dispute files made by hand: a small case, told by a log that is held whole, and what a forger can do to the file.

The log of a case: two entries of others, four on the contract, seven of the dispute, among which others stand, and one
on the order behind them all. Terms, texts and the case itself are written out here, not computed by what is tested.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.audit.rules import bundle
from shared import canonical
from tests.verifier import made_evidence
from tests.verifier.made_evidence import MadeEvidence
from tests.verifier.made_logs import LOG, NOON
from tests.verifier.mapped_logs import Writer
from verifier import yaosu_verify
from verifier.yaosu_verify import Report

BUYER, PROVIDER = f"participant_{1:032x}", f"participant_{2:032x}"
ARBITERS = [f"user_{number:032x}" for number in (7, 8)]
AT = int(NOON.timestamp()) * 1_000_000
SEED = "5e" * 32
PRICE = {"currency": "CNY", "minor": 10_000}
KEYS = {side: Ed25519PrivateKey.from_private_bytes(side.encode().ljust(32)) for side in ("buyer", "provider")}


def hash_of(content: bytes) -> str:
    return sha256(content).hexdigest()


@dataclass
class Case:
    """`number` tells cases apart. What the platform says of uses and quality may be other than what the log has."""

    number: int = 1
    uses_left: int = 2
    report_digest: str | None = None
    content_hash: str = "c0" * 32
    sealed_vote: str = ""

    def __post_init__(self) -> None:
        number = self.number
        self.id, self.order = f"dispute_{number:032x}", f"order_{number:032x}"
        self.contract, self.use = f"contract_{100 + number:032x}", f"use_{number:032x}"
        self.terms = canonical.encode({
            "contract_id": self.contract, "order_id": self.order,
            "subject": {"content_hash": "c0" * 32, "version_id": f"version_{1:032x}"},
        })  # fmt: skip
        self.terms_hash = hash_of(self.terms)
        report = {"rows": 3, "score_basis_points": 9_000}
        use = {"use_id": self.use, "used_at": AT, "uses_left": self.uses_left}
        told = {
            "contract": {"contract_id": self.contract, "terms_hash": self.terms_hash},
            "delivery": {"order_id": self.order, "uses": [use]},
            "quality": {
                "version_id": f"version_{1:032x}", "content_hash": self.content_hash, "report": report,
                "report_digest": self.report_digest or canonical.digest(report),
            },
        }  # fmt: skip
        self.own = {kind: canonical.encode(what) for kind, what in told.items()}
        self.said, self.reasons = "字段缺失".encode(), "理由".encode()
        salted = hmac.new(bytes.fromhex(SEED), b"\x11vote\x00" + canonical.encode(self.vote()), "sha256")
        self.sealed_vote = self.sealed_vote or salted.hexdigest()

    def pieces(self) -> list[dict[str, Any]]:
        by = [("claimant", "statement", hash_of(self.said), True), ("claimant", "document", "d0" * 32, False)]
        by += [("platform", kind, hash_of(content), True) for kind, content in self.own.items()]
        return [
            {"added_at": AT, "by": who, "content_hash": what, "kept": kept, "kind": kind, "sequence": number}
            for number, (who, kind, what, kept) in enumerate(by, 1)
        ]

    def signature(self, side: str) -> dict[str, Any]:
        key = KEYS[side]
        return {
            "side": side, "participant_id": {"buyer": BUYER, "provider": PROVIDER}[side], "key_id": f"key_{1:032x}",
            "public_key": b64encode(key.public_key().public_bytes_raw()).decode(),
            "signature": b64encode(key.sign(b"yaosu contract v1\n" + self.terms_hash.encode())).decode(),
        }  # fmt: skip

    def opened(self) -> dict[str, Any]:
        return {
            "order_id": self.order, "contract_id": self.contract, "buyer_id": BUYER, "provider_id": PROVIDER,
            "claimant_id": BUYER, "price": PRICE, "demand": {"amount": PRICE, "category": "not_as_described"},
            "rules": {"review": 10}, "came_from": "awaiting_acceptance", "window_seconds": 60, "opened_at": AT,
            "notice_fact_id": f"fact_{1:032x}",
        }  # fmt: skip

    def facts(self) -> list[tuple[str, dict[str, Any]]]:
        """All that the log is told on the case, in its order."""
        ids = {"contract_id": self.contract, "order_id": self.order}
        signed = [{**self.signature(side), **ids, "terms_hash": self.terms_hash} for side in KEYS]
        nonces = {"claimant": "1" * 64, "respondent": "2" * 64}
        commitment = hash_of(b"yaosu arbiter draw v1\n" + bytes.fromhex(SEED))
        opened = self.opened() | {"state": "open", "deadline": AT + 1, "provisional": False}

        def moved(revision: int, state: str, **more: Any) -> dict[str, Any]:
            return {"dispute_id": self.id, **ids, "state": state, "provisional": False, "revision": revision, **more}

        drawn = {"round": 1, "size": 1, "seed": SEED, "nonces": nonces, "eligible": ARBITERS, "drawn_at": AT}
        return [
            ("contract_signed", signed[0]), ("contract_signed", signed[1]),
            ("contract_activated", {**ids, "terms_hash": self.terms_hash}),
            ("entitlement_used", {**ids, "use_id": self.use, "uses_left": 2}),
            ("dispute_opened", {"dispute_id": self.id, **opened, "commitment": commitment, "nonce": "1" * 64}),
            ("dispute_evidence_added", moved(2, "open", deadline=AT + 1, pieces=self.pieces())),
            ("dispute_answered", moved(3, "evidence", deadline=AT + 2, answer={"admitted": PRICE}, nonce="2" * 64)),
            ("arbiters_drawn", moved(4, "review", deadline=AT + 3, **drawn)),
            ("arbiter_voted", moved(5, "ruled", reason_code="ruled", round=1, arbiter_id=ARBITERS[0])),
            ("dispute_ruled", moved(5, "ruled", reason_code="ruled", ruling={"number": 1, "split": 5_000},
                                    votes=[self.vote()])),
            ("dispute_ended", moved(6, "enforced", reason_code="ruling_final", result={"claimant": PRICE})),
            ("order_settled", ids),
        ]  # fmt: skip

    def vote(self) -> dict[str, Any]:
        return {"arbiter_id": ARBITERS[0], "reasons_hash": hash_of(self.reasons), "salt": SEED, "split": 5_000}

    def told(self) -> dict[str, Any]:
        """The case as it stands at its end."""
        said = {"seed": SEED, "round": 1, "dispute": self.id, "nonces": {"claimant": "1" * 64, "respondent": "2" * 64}}
        lots = {
            each: hash_of(b"yaosu arbiter draw v1\n" + canonical.encode(said | {"arbiter": each})) for each in ARBITERS
        }
        panel = {
            "number": 1, "size": 1, "seed": SEED, "nonces": said["nonces"], "eligible": ARBITERS, "drawn_at": AT,
            "order": sorted(ARBITERS, key=lambda each: lots[each]), "gone": [], "votes": [self.vote()],
        }  # fmt: skip
        return self.opened() | {
            "id": self.id, "state": "enforced", "provisional": False, "reason_code": "ruling_final", "revision": 6,
            "commitments": [hash_of(b"yaosu arbiter draw v1\n" + bytes.fromhex(SEED))], "nonces": [said["nonces"]],
            "answer": {"admitted": PRICE}, "evidence": self.pieces(), "panels": [panel], "offers": [],
            "rulings": [{"number": 1, "split": 5_000}], "extensions": [], "outcome": {"claimant": PRICE},
        }  # fmt: skip

    def subjects(self) -> list[tuple[str, str]]:
        return [("obj", self.contract), ("ctr", self.contract), ("obj", self.order), ("obj", self.id)]

    def texts(self) -> dict[str, bytes]:
        return {f"texts/{hash_of(each)}.txt": each for each in (self.said, self.reasons, *self.own.values())}


def event(number: int, act: str, data: Mapping[str, Any], more: Mapping[str, Any]) -> bytes:
    ids = {name: str(data[name]) for name in ("dispute_id", "contract_id", "order_id") if name in data}
    return canonical.encode({
        "act": f"trading.{act}", "actor": {"t": "service", "id": "trading"}, "cat": "trade", "ctr": data["contract_id"],
        "data": dict(data), "id": f"fact_{number:032x}", "obj": [{"t": name[:-3], "id": ids[name]} for name in ids],
        "out": "ok", "ret": "txn", "ts": AT, "v": 1, **more,
    })  # fmt: skip


def logged(*cases: Case, mapped: bool = True) -> tuple[Writer, Any, int | None]:
    """The log of all these, its map of keys, and where it is told."""
    writer = Writer().events(2)
    for case in cases:
        for number, (act, data) in enumerate(case.facts()):
            sealed = {"pd": {"vote": case.sealed_vote}} if act == "arbiter_voted" else {}
            line = event(1_000 * case.number + number, act, data, sealed)
            writer.take("trading", 0, line).events(number % 2)
    if not mapped:
        return writer, None, None
    told, at = writer.snapshot(), len(writer.leaves)
    writer.tell(told).events(2)
    return writer, told, at


@dataclass
class MadeDispute:
    """Files by name; the manifest is made of them when it is written, unless it is among them."""

    files: dict[str, bytes]
    evidence: MadeEvidence

    def write(self, folder: Path) -> Path:
        path = folder / "dispute.tar"
        members = self.files | ({} if "manifest.json" in self.files else {"manifest.json": manifest(self.files)})
        path.write_bytes(b"".join(bundle.member(*each) for each in sorted(members.items())) + bundle.END)
        return path

    def seal(self) -> "MadeDispute":
        """From now on the manifest stays as it is, whatever is done to the files."""
        self.files["manifest.json"] = manifest(self.files)
        return self

    def pack(self, folder: Path) -> "MadeDispute":
        """Put the log's part, as it now is, into the file."""
        self.files["evidence.tar"] = self.evidence.write(folder).read_bytes()
        return self

    def change(self, name: str, change: Callable[[dict[str, Any]], object]) -> "MadeDispute":
        told = json.loads(self.files[name])
        change(told)
        self.files[name] = canonical.encode(told)
        return self

    def verified(self, folder: Path, policy: bytes | None = None) -> Report:
        key = LOG.key.text() if policy is None else None
        return yaosu_verify.verify(str(self.write(folder)), key, policy=policy)

    def verdict(self, folder: Path) -> int:
        return self.verified(folder).exit_code()

    def found(self, folder: Path) -> tuple[int, set[str]]:
        """Exit code, and the checks at which something was found."""
        report = self.verified(folder)
        return report.exit_code(), {each.check for each in report.findings}


def manifest(files: Mapping[str, bytes]) -> bytes:
    listed = [{"name": name, "hash": hash_of(files[name]), "bytes": len(files[name])} for name in sorted(files)]
    return canonical.encode({"format": "yaosu dispute v2", "files": listed})


def a_dispute(
    folder: Path, case: Case | None = None, others: tuple[Case, ...] = (), mapped: bool = True
) -> MadeDispute:
    case = case or Case()
    made = made_evidence.about(*logged(case, *others, mapped=mapped), *case.subjects())
    made.members |= dict([(f"documents/{case.terms_hash}/terms.json", case.terms)])
    made.drop_tail()
    signatures = [{**case.signature(side), "signed_at": AT} for side in KEYS]
    files = {
        "contract/terms.json": case.terms, "dispute.json": canonical.encode(case.told()),
        "contract/signatures.json": canonical.encode({"terms_hash": case.terms_hash, "signatures": signatures}),
        **case.texts(),
    }  # fmt: skip
    return MadeDispute(files, made).pack(folder)
