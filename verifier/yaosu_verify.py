#!/usr/bin/env python3
"""Yaosu 要素: the offline verifier of the audit log. 审计日志离线校验工具。

    python3 yaosu_verify.py BUNDLE.tar [--key NAME+ID+BASE64] [--policy FILE] [--receipt FILE]... [--json]

A bundle is the whole log, or evidence: all entries that answer one question, with what shows that these are all. Or it
is the file of a dispute, with evidence inside: then contract, case, texts and uses are held to what its entries say.
One file, Python 3.9 or later, nothing but the standard library, no network, constant memory.
Promises: what it reports as verified it has recomputed from the bundle's bytes; what it has not is listed as not
checked; the first entry that diverges is named. Exit: 0 verified, 1 tampered, 2 incomplete, 3 cannot decide.

Without --key the log's key is taken from the bundle itself: then the report only says that the bundle agrees with
itself, not whose it is. Get the key from its owner by another way, and compare this file's SHA-256 likewise.
A policy (C2SP tlog-policy) says the log's key, its witnesses, and whose cosignatures suffice. A receipt is what the log
answered a source: that it holds these events at these places.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import re
import sqlite3
import struct
import sys
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import chain, combinations, repeat
from operator import attrgetter, eq
from typing import Any, BinaryIO, cast

VERIFIED, TAMPERED, INCOMPLETE, UNDECIDED = range(4)
VERDICTS = {
    VERIFIED: ("已核验", "verified"),
    TAMPERED: ("已被篡改", "TAMPERED"),
    INCOMPLETE: ("不完整", "INCOMPLETE"),
    UNDECIDED: ("无法判定", "CANNOT DECIDE"),
}
CHECKS = {
    "signature": ("检查点签名", "checkpoint is signed by the log's key"),
    "witnesses": ("见证人法定数目", "enough of the policy's witnesses cosigned the checkpoint"),
    "leaves": ("条目散列与分块一致", "every entry's hash is the one in the tiles"),
    "tiles": ("哈希分块齐全，上层由条目重算一致", "tiles all there, the upper ones recomputed from the entries"),
    "root": ("树根由条目重算一致", "signed root recomputed from the entries"),
    "checkpoints": ("历次检查点前后一致", "all checkpoints signed and consistent"),
    "chains": ("来源链连续无缺", "source chains contiguous, nothing dropped or reordered"),
    "times": ("入账时间不倒退", "ingest times never run backwards"),
    "back_links": ("回链与计数正确", "back-links and counts"),
    "maps": ("键首映射由条目重算一致", "every map of keys recomputed from the entries"),
    "canonical": ("规范编码", "canonical form of every line"),
    "receipts": ("回执兑现", "what the log promised in its receipts is there"),
    "commitments": (
        "披露字段与承诺相符，删除只及于承诺字段",
        "opened fields match, erased ones were fields",
    ),
}
NOT_WITNESSED = ("见证：本包未经见证", "not witnessed: nothing shows that others were shown the same log")
OWN_WITNESSES = ("见证人密钥归属：取自包内", "whose keys the witnesses' are: they were taken from the bundle itself")
EVIDENCE_CHECKS = {
    "signature": CHECKS["signature"],
    "witnesses": CHECKS["witnesses"],
    "inclusion": ("条目在日志中的包含证明", "every entry is in the signed log, by its proof"),
    "canonical": CHECKS["canonical"],
    "whole": ("答案完整：回链、计数、编号、时间相连", "no entry left out: links, counts, numbers and times join up"),
    "map": ("末条由日志所载键首映射钉住", "each newest entry pinned by a map of keys that the log tells"),
    "tail": ("映射之后的条目逐条查看", "every entry behind the map looked at"),
    "documents": ("随附文件的散列载于条目", "an entry names the hash of each document"),
}
CASE_CHECKS = {
    "manifest": ("清单与文件逐一相符，无缺无多", "the manifest names every file with its hash, and there is no other"),
    "case": ("案件由条目所载事实重算一致", "the case, made again from the facts in the entries"),
    "contract": (
        "合同散列载于条目，双方签署有效",
        "the terms have the hash that the entries tell and both sides signed",
    ),
    "texts": ("文书齐全，散列载于条目", "every text is there, and an entry names its hash"),
    "uses": ("使用记录逐条载于条目", "every use that is told is in an entry, as it is told"),
    "quality": (
        "质量报告与其散列及合同标的相符",
        "the report on quality has its digest, and is of what the contract names",
    ),
}
DISPUTE_CHECKS = {
    "manifest": CASE_CHECKS["manifest"],
    **EVIDENCE_CHECKS,
    "whole": ("所附条目前后相连", "the entries that are given join up: none left out among them"),
    **CASE_CHECKS,
}
del DISPUTE_CHECKS["tail"]
LABELS = {**CHECKS, **EVIDENCE_CHECKS, **CASE_CHECKS}
PROVEN = (
    "本文件证明其所载内容；不主张其外日志之完整",
    "this file proves what it contains; completeness of the log outside of it is not claimed",
)
NOT_IN_CASE = [
    ("末条之后日志是否另有本案条目", "whether the log has more entries on this case, behind the last one of each key"),
    ("签署密钥系当事人登记", "that the keys of the signatures are registered as the parties'"),
    ("质量报告在目录服务的登记", "that the catalogue's own entry tells the digest of the report on quality"),
    ("未留存于平台的证据", "evidence that its party keeps itself, beyond its hash"),
]
NOT_IN_EVIDENCE = [
    (
        "键首映射与整个日志是否一致：须校验整个日志",
        "that the map is that of the whole log: a bundle of all of it shows that",
    ),
    ("化名键是否属于所问对象（无条目时）", "that a key without entries is that of whom was asked for"),
]
NEVER_CHECKED = [
    ("时间锚：签名时间未经第三方证明", "not anchored: no third party attests the time"),
    ("新旧：此检查点是否最新", "whether this checkpoint is the newest"),
    ("来源从未上报的事件", "events that a service never reported"),
    ("内容的真实性", "whether what the entries say is true"),
]
HANDOVER = ("at", "from", "to")  # in the order in which it is signed
OWN_KEY = ("密钥归属：密钥取自包内", "whose key it is: it was taken from the bundle itself")
EVENT_MEMBERS = set("v id ts act cat out actor data ret obj rsn onb ctr pol lb chg amt req pd".split())
EVENT_REQUIRED = set("v id ts act cat out actor data ret".split())
EVENT_KINDS = {
    **dict.fromkeys("id act cat out ret rsn onb ctr lb req".split(), str), "v": int, "ts": int, "obj": list,
    **dict.fromkeys("actor data pol chg amt pd".split(), dict),
}  # fmt: skip
PART_MEMBERS = {"actor": {"t", "id", "org", "auth"}, "obj": {"t", "id", "ver", "cls"}}
UNKNOWN = r"(?!(checkpoint|policy|policy\.json)$|checkpoints/|tile/([0-7]|entries)/)"
EVIDENCE_UNKNOWN = r"(?!(checkpoint|policy|(policy|query)\.json)$|(documents|entries|proofs|tail)/)"
EXCERPT_UNKNOWN = r"(?!(checkpoint|policy|policy\.json)$|checkpoints/|entry/|field/|tile/[0-7]/)"
UNKNOWN_BY_KIND = {"whole": UNKNOWN, "excerpt": EXCERPT_UNKNOWN, "evidence": EVIDENCE_UNKNOWN}
DISPUTE_FORMAT = "yaosu dispute v2"
DISPUTE_FILES = ("contract/signatures.json", "contract/terms.json", "dispute.json", "evidence.tar", "manifest.json")
TEXT_NAME = re.compile(r"texts/([0-9a-f]{64})\.txt")
DISPUTE_ACTS = set(
    "dispute_opened dispute_moved_on dispute_notice_proven dispute_answered dispute_evidence_added arbiters_drawn "
    "arbiter_left arbiter_voted dispute_ruled dispute_deadline_extended dispute_appealed settlement_offered "
    "dispute_withdrawn dispute_ended".split()
)
MOVED_BY_LATER_FACTS = {"state", "deadline", "provisional", "reason_code", "revision", "offers", "nonces", "appeal"}
SIGNATURE_MEMBERS = ("side", "participant_id", "key_id", "public_key", "signature", "person")
POLICY_MEMBERS = {
    1: {"format", "log_key", "origin"},
    2: {"format", "kind", "log_key", "minimum_index", "origin"},
    3: {"format", "handovers", "kind", "log_key", "minimum_index", "origin"},
}
FOLDERS = ("entry/", "field/", *(f"tile/{level}/" for level in range(8)), "tile/entries/")  # in their order
LEADS_ELSEWHERE = re.compile(r"/|(.*/)?\.{0,2}(/|$)")  # where whoever unpacks it would not look for it
CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)  # could feign lines of a report
MEMBER_BYTES_MAX = 32 * 1024 * 1024
LINE_BYTES_MAX, POLICY_BYTES_MAX, HANDOVERS_MAX, UNKNOWN_MAX = 8 * 1024 * 1024, 128 * 1024, 1_000, 100
PIECE_BYTES = 64 * 1024
KEY_SOURCES = {
    "given": "(由 --key 或 --policy 给定 / as given by --key or --policy)",
    "bundle": "(取自包内，未经独立确认 / FROM THE BUNDLE ITSELF, not confirmed by another way)",
}
QUESTIONS = {  # the members of each kind
    "subjects": {"kind"},
    "source": {"kind", "service", "stripe", "first_seq", "last_seq"},
    "ingested": {"kind", "from_us", "until_us"},
    "happened": {"kind", "from_us", "until_us"},
}
MARKS = {"ok": "通过 OK", "failed": "失败 FAILED", "not checked": "未检查 NOT CHECKED"}
BLAME = {  # by whether the signed root agrees with the entries, and with the tiles
    (True, False): "签名根与条目相符，分块被改动 / the signed root agrees with the entries: the tiles were altered",
    (False, True): "签名根与分块相符，条目被改动 / the signed root agrees with the tiles: the entries were altered",
    (False, False): "签名根与两者都不符 / the signed root agrees with neither entries nor tiles",
}  # fmt: skip
HASH_ANYWHERE = re.compile(b"(?=([0-9a-f]{64}))")
NUMBER = "(?:0|-?[1-9][0-9]{0,15})"
EXACT_NUMBER = rb"(?:0|-?(?:[1-8][0-9]{0,15}|9[0-9]{0,14}))"  # never beyond 2^53
SOURCE_LINE = re.compile(rf'\{{"prev":"[0-9a-f]{{64}}","seq":{NUMBER},"str":{NUMBER},"svc":"[a-z_]+"\}}'.encode())
LINK = rf'\["[0-9a-f]{{32}}",{NUMBER},{NUMBER}\]'
SEAL_LINE = re.compile(rf'\{{"ep":{NUMBER},"its":{NUMBER},"k":\[(?:{LINK}(?:,{LINK})*)?\],"lag":{NUMBER}\}}'.encode())
KEY = re.compile(b'"([0-9a-f]{32})"')
ROLES = ("actor", "org", "onb", "obj", "ctr")
CLOSED_PATHS = {("cat",), ("out",), ("ret",), ("v",), ("actor", "t"), ("actor", "auth")}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MAP_ENTRY = b'{"act":"audit.index_snapshot","actor":{"'
ACT, STRIPE = b'{"act":"', b',"str":'
READ_IN_FULL = {"audit.index_snapshot", "audit.log_pruned", "audit.redaction_done"}  # besides each sign of life
PLAIN = bytes(each for each in range(32, 256) if each not in b'"\\')  # but for what JSON escapes, and what escapes
EXACT_MAX = 2**53 - 1
SEAL_BEGIN = b'\n{"ep":%d,"its":'
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)
FIELD_STATES = {"disclosed": "披露", "withheld": "隐去", "erased": "已删除"}
FIELD_KINDS_MAX = 100
OPENED_MAX = 100
FINDINGS_MAX = 5  # of each check and verdict; more would only repeat it
FORMS_MAX, FORMS_OF_AN_ACT_MAX, LAYOUTS_MAX, PLACES_MAX = 512, 8, 512, 256
SUBJECTS_NEAR_MAX = 16_384
RUN = 128  # entries that are looked at together: their bytes stay near


@dataclass(frozen=True)
class Finding:
    """What is wrong. The divergence begins at `index`, or somewhere from `index` to `until`."""

    verdict: int
    check: str
    artefact: str
    expected: str
    found: str
    index: int | None = None
    until: int | None = None

    def bound(self) -> tuple[int, int]:
        if self.index is None:
            return sys.maxsize, 0
        return self.index if self.until is None else self.until, -self.index

    def describe(self) -> str:
        span = "" if self.until in (None, self.index) else f"–{self.until}"
        entry = "" if self.index is None else f"条目 / entry {self.index}{span}, "
        told = f"应为 / expected {self.expected}, 实为 / found {self.found}"
        return f"{entry}{self.artefact}: {' / '.join(LABELS[self.check])}: {told}"


@dataclass
class Report:
    key: str = ""
    key_source: str = "bundle"
    origin: str = ""
    size: int = 0
    root: str = ""
    handovers: list[dict[str, Any]] = field(default_factory=lambda: list[dict[str, Any]]())  # which key followed which
    policy_source: str = ""  # given, or the bundle itself; empty where there is no policy
    receipts: int = 0  # how many were given
    witnesses: dict[str, int] = field(default_factory=lambda: dict[str, int]())  # who cosigned, in seconds since 1970
    kind: str = "whole"
    disclosed: int = 0  # of an excerpt: entries that are in it, and proved
    withheld: int = 0  # and entries of which it has no more than the hash
    pruned: int = 0  # entries below the minimum index, which are kept by nobody any more
    minimum_index: int = 0
    pruned_by: str = ""  # by which they were pruned, as the log says
    fields: dict[str, dict[str, int]] = field(default_factory=lambda: dict[str, dict[str, int]]())  # by act and name
    opened: list[dict[str, Any]] = field(default_factory=lambda: list[dict[str, Any]]())
    reason: str = ""  # why nothing can be decided
    about: str = ""  # of evidence: what it is the answer to
    blame: str = ""  # which of entries and tiles the signed root contradicts
    done: set[str] = field(default_factory=lambda: set[str]())
    checks: dict[str, tuple[str, str]] = field(default_factory=lambda: dict(CHECKS))
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LABELS, 0))
    failures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LABELS, 0))
    findings: list[Finding] = field(default_factory=lambda: list[Finding]())
    unknown: list[str] = field(default_factory=lambda: list[str]())

    def add(self, finding: Finding) -> None:
        self.failures[finding.check] += 1
        alike = [each for each in self.findings if (each.check, each.verdict) == (finding.check, finding.verdict)]
        if len(alike) < FINDINGS_MAX:
            self.findings.append(finding)

    def exit_code(self) -> int:
        verdicts = {finding.verdict for finding in self.findings}
        if TAMPERED in verdicts:
            return TAMPERED
        if self.reason:
            return UNDECIDED
        return INCOMPLETE if verdicts or self.pruned or not set(self.checks) <= self.done else VERIFIED

    def status(self, check: str) -> str:
        verdicts = {finding.verdict for finding in self.findings if finding.check == check}
        if TAMPERED in verdicts:
            return "failed"
        return "not checked" if verdicts or check not in self.done else "ok"

    def first(self) -> Finding | None:
        """The surest statement about the earliest entry; of several, that of the check that comes first."""
        order = list(LABELS)
        return min(self.findings, key=lambda each: (each.verdict, each.bound(), order.index(each.check)), default=None)

    def not_checked(self) -> list[tuple[str, str]]:
        skipped = [label for check, label in self.checks.items() if self.status(check) == "not checked"]
        skipped += NOT_IN_EVIDENCE if "whole" in self.checks else []
        skipped += NOT_IN_CASE if "case" in self.checks else []
        own = [OWN_KEY] if self.key_source == "bundle" else []
        own += [NOT_WITNESSED] if not self.witnesses else [OWN_WITNESSES] if self.policy_source == "bundle" else []
        absent = [(f"隐去的条目 {self.withheld} 条", f"{self.withheld} entries withheld")] if self.withheld else []
        if self.pruned:
            told = f"{self.pruned} entries below {self.minimum_index}, pruned by policy {self.pruned_by or '?'}"
            absent.append((f"期限届满已清除的条目：序号小于 {self.minimum_index}，共 {self.pruned} 条", told))
        closed = sum(states["withheld"] for states in self.fields.values())
        if closed:
            absent.append((f"{closed} 个承诺字段的原值", f"the values behind {closed} commitments"))
        return absent + skipped + own + NEVER_CHECKED + [(name, "unknown member") for name in self.unknown]

    def as_json(self) -> dict[str, Any]:
        first, code = self.first(), self.exit_code()
        told = {name: value for name, value in asdict(self).items() if name not in ("done", "unknown")}
        return {
            **told, "verdict": VERDICTS[code][1].lower(), "exit_code": code, "proven": self.proven(),
            "checks": {check: self.status(check) for check in self.checks},
            "first_diverging": asdict(first) if first else None,
            "not_checked": [" / ".join(label) for label in self.not_checked()],
        }  # fmt: skip

    def proven(self) -> str:
        return " / ".join(PROVEN) if "case" in self.checks and self.exit_code() == VERIFIED else ""

    def as_text(self) -> str:
        verdict = " / ".join(VERDICTS[self.exit_code()])
        lines = [
            f"要素审计日志离线校验 / Yaosu audit log, offline verification: {verdict}", "",
            f"日志 / log: {self.origin}    条目数 / entries: {self.size}    树根 / root: {self.root}",
            f"密钥 / key: {self.key} " + KEY_SOURCES[self.key_source],
        ]  # fmt: skip
        for each in self.handovers:
            told = f"{each['from']} → {each['to']} {when(each['at'] // 1_000_000)}"
            lines.append(f"密钥交接（双方签名） / key handed over, signed by both: {told}")
        lines += [f"证据 / evidence: {self.about}"] * bool(self.about)
        lines += [f"结论 / conclusion: {self.proven()}"] * bool(self.proven())
        lines += [f"原因 / reason: {self.reason}"] * bool(self.reason)
        if self.kind == "excerpt":
            told = f"{self.disclosed} 条披露且已证明在此签名根之下 / entries disclosed and proved under the signed root"
            lines.append(f"摘录 / excerpt: {told}; {self.withheld} 条隐去 / withheld")
        for name, seconds in self.witnesses.items():
            lines.append(f"见证 / witnessed: {name} {when(seconds)}")
        for check, label in self.checks.items():
            lines.append(f"[{MARKS[self.status(check)]}] {' / '.join(label)}: {self.counts[check]}")
        for kind, states in self.fields.items():
            told = ", ".join(f"{label} {state} {states[state]}" for state, label in FIELD_STATES.items())
            lines.append(f"承诺字段 / committed field {kind}: {told}")
        for each in self.opened:
            lines.append(f"  - {each['index']} {each['name']}: {each['value']!r}")
        first = self.first()
        if first:
            lines += ["", f"首个差异 / first divergence: {first.describe()}", f"判断 / meaning: {self.blame or '-'}"]
            lines += [f"  - {finding.describe()}" for finding in self.findings if finding != first]
        lines += ["", "未检查 / NOT CHECKED:", *(f"  - {' / '.join(label)}" for label in self.not_checked())]
        return "\n".join(CONTROL.sub("�", line) for line in lines)


class CannotDecide(Exception):
    """This is not a bundle of a form known here."""


class Missing(Exception):
    """The bundle ends early, or lacks what cannot be done without."""


class Refused(ValueError):
    """The bytes are not in the one form that they must have."""


# --- the verification


def verify(
    path: str,
    key: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    policy: bytes | None = None,
    receipts: Sequence[bytes] = (),
) -> Report:
    """The report on a bundle; `key` is the log's verifier key from elsewhere, in the form name+id+base64.

    `policy` is the content of a policy from elsewhere; it says that key too. `receipts` are such as sources hold, each
    the JSON that the log answered. `progress` is told, now and then, how many of how many entries have been read.
    """
    report = Report(key_source="bundle" if key is None and policy is None else "given", receipts=len(receipts))
    try:
        _verify(Bundle(path), key, policy, receipts, report, progress or (lambda done, size: None))
    except Missing as error:
        report.add(Finding(INCOMPLETE, "leaves", path, "a whole bundle", str(error)))
    except Exception as error:  # also a full disk or a fault of this file: a crash's exit code would say "tampered"
        report.reason = str(error) or type(error).__name__
    return report


def _verify(
    bundle: Bundle,
    key_text: str | None,
    policy_text: bytes | None,
    receipts: Sequence[bytes],
    report: Report,
    progress: Callable[[int, int], None],
) -> None:
    case = Case(bundle, report) if bundle.has(DISPUTE_FILES) else None
    if case:
        inside = case.open()
        if inside is None:
            return
        bundle = inside
    small = dict(bundle.members(r"checkpoint$|policy$|policy\.json$"))
    try:
        policy = read_line(small["policy.json"])
        own_key, report.origin = parse_key(policy["log_key"]), policy["origin"]
        rules = _rules(small.get("policy"), policy_text, report)
        key = _choose_key(own_key, key_text, rules if policy_text is not None else None, report.origin)
        report.key, newest = f"{key.name}+{key.id.hex()}", small["checkpoint"]
        if {key.name, own_key.name} != {report.origin}:
            raise Refused(f"the log {report.origin} by a key of another name")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CannotDecide(f"no readable policy and checkpoint, or not a key: {error}") from error
    report.kind, report.minimum_index = policy.get("kind", "whole"), policy.get("minimum_index", 0)
    if type(policy.get("format")) is not int or type(report.kind) is not str:
        raise CannotDecide("a bundle of a format that this verifier does not know")
    if set(policy) != POLICY_MEMBERS.get(policy["format"]) or report.kind not in UNKNOWN_BY_KIND:
        raise CannotDecide("a bundle of a format that this verifier does not know")
    if type(report.minimum_index) is not int or report.minimum_index < 0 or report.minimum_index % 256:
        raise CannotDecide("a minimum index is a multiple of 256")
    trusted, keys = _keys(policy.get("handovers", []), own_key, key, report)
    if case and report.kind != "evidence":
        raise CannotDecide("the log's part of a dispute is evidence")
    labels = DISPUTE_CHECKS if case else EVIDENCE_CHECKS if report.kind == "evidence" else CHECKS
    asked = {"witnesses": bool(rules), "receipts": bool(receipts)}
    report.checks = {check: label for check, label in labels.items() if asked.get(check, True)}
    _note_unknown(bundle, report, case is not None)
    if case:
        case.refuse(report.unknown)
    try:
        report.counts["signature"] = 1
        report.size, root = open_checkpoint(newest, trusted, report.origin)
    except ValueError as error:
        expected = f"a checkpoint signed by {report.key}"
        return report.add(Finding(TAMPERED, "signature", "checkpoint", expected, str(error)))
    report.root = root.hex()
    report.done.add("signature")
    if rules:
        _hear_witnesses(newest, rules, report)
    if case:
        report.kind = "dispute"
        CaseEvidence(bundle, report, newest, root, case).check()
        return case.compare()
    if report.kind == "evidence":
        return Evidence(bundle, report, newest, root).check()
    promises = [read_receipt(each, keys) for each in receipts]
    history = {**_history(bundle, keys, report), report.size: root}
    (Scan if report.kind == "whole" else ExcerptScan)(bundle, report, history, progress).run(promises)


def _note_unknown(bundle: Bundle, report: Report, is_case: bool) -> None:
    """The members that nobody looks at. Of a case each is refused by its manifest."""
    for name, _ in bundle.members(UNKNOWN_BY_KIND[report.kind]):
        if LEADS_ELSEWHERE.match(name) and not is_case:
            raise CannotDecide(f"a member that leads out of the bundle: {name}")
        if len(report.unknown) <= UNKNOWN_MAX:
            report.unknown.append(name if len(report.unknown) < UNKNOWN_MAX else "…")


def _rules(own: bytes | None, given: bytes | None, report: Report) -> Policy | None:
    """The policy from elsewhere, or else the one that the bundle itself brings, if it brings one."""
    if given is None and own is None:
        return None
    report.policy_source = "bundle" if given is None else "given"
    return Policy(cast(bytes, own if given is None else given))


def _choose_key(own: Key, given: str | None, rules: Policy | None, origin: str) -> Key:
    """The key to verify with. What was given from elsewhere goes before what the bundle says of itself."""
    key = own if given is None else parse_key(given)
    if rules is None:
        return key
    known = [each for each in rules.logs if each.name == origin and given in (None, each.text())]
    if not known:
        raise CannotDecide(f"the policy knows no log {origin} by this key")
    return key if key in known else known[0]


def _keys(handovers: Any, own: Key, key: Key, report: Report) -> tuple[list[Key], set[Key]]:
    """By which keys the newest checkpoint may be signed, for whoever trusts this one, and by which those of before."""
    try:
        handed_over = read_handovers(handovers, report.origin)
        report.handovers = [{name: each[name] for name in HANDOVER} for each in handovers]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        report.add(Finding(TAMPERED, "signature", "policy.json", "handovers that both keys signed", str(error)))
        handed_over = []
    trusted = followers(key, handed_over)
    if own not in trusted and key not in followers(own, handed_over):
        named = f"{own.name}+{own.id.hex()}"
        report.add(Finding(TAMPERED, "signature", "policy.json", f"a log with the key {report.key}", named))
    return trusted, {*trusted, *followers(own, [(after, before) for before, after in handed_over[::-1]])}


def _hear_witnesses(note: bytes, rules: Policy, report: Report) -> None:
    """Who of the policy's witnesses cosigned the checkpoint, and whether they suffice."""
    text, lines = signature_lines(note)
    for name, key in rules.witnesses.items():
        for data in (data for signer, data in lines if signer == key.name and data[:4] == key.id):
            report.counts["witnesses"] += 1
            seconds, message = int.from_bytes(data[4:12], "big"), f"cosignature/v1\ntime %d\n{text}"
            if len(data) != 76 or not ed25519_verifies(key.public, (message % seconds).encode(), data[12:]):
                found = f"a false one by {key.name}"
                report.add(Finding(TAMPERED, "witnesses", "checkpoint", "the witness's own cosignature", found))
            else:
                report.witnesses[name] = seconds
    report.done.add("witnesses")
    if not rules.is_met(set(report.witnesses)):
        expected, found = f"cosigned by the quorum {rules.quorum}", ", ".join(report.witnesses) or "by nobody"
        report.add(Finding(INCOMPLETE, "witnesses", "checkpoint", expected, found))


def _history(bundle: Bundle, keys: Collection[Key], report: Report) -> dict[int, bytes]:
    """The roots that the earlier checkpoints of the bundle give, by size."""
    history: dict[int, bytes] = {}
    for name, note in bundle.members("checkpoints/"):
        report.counts["checkpoints"] += 1
        try:
            size, root = open_checkpoint(note, keys, report.origin)
            if name != f"checkpoints/{size}" or size > report.size:
                raise Refused(f"a checkpoint of size {size}")
            history[size] = root
        except ValueError as error:
            expected = f"a signed checkpoint of size {name[12:]}, at most {report.size}"
            report.add(Finding(TAMPERED, "checkpoints", name, expected, str(error)))
    if history.get(report.size, bytes.fromhex(report.root)) != bytes.fromhex(report.root):
        name = f"checkpoints/{report.size}"
        report.add(Finding(TAMPERED, "checkpoints", name, "the same root as `checkpoint`", "another"))
    return history


class Scan:
    """One walk over all entries beside all tiles."""

    def __init__(
        self, bundle: Bundle, report: Report, history: dict[int, bytes], progress: Callable[[int, int], None]
    ) -> None:
        self._report, self._history, self._progress = report, history, progress
        self._entries = Series(bundle, "tile/entries/", report)
        self._tiles = [Series(bundle, f"tile/{level}/", report) for level in range(8)]
        self._tree, self._content, self._mapped = Tree(), Content(report), mapped_sizes(bundle)
        self._given: Tree | None = None  # the tree of the tiles' hashes, once it is another than that of the entries
        self._begun = Tree(levels=0)  # the tree before the tile at hand
        self._good = 0  # the largest size at which a checkpoint's root was right

    def run(self, promises: Sequence[Promise]) -> None:
        self._content.promises = sorted(promises, key=lambda each: each.index)
        try:
            self._walk()
        finally:
            self._content.close()

    def _walk(self) -> None:
        size = self._report.size
        self._compare_checkpoint()
        for first in range(0, size, 256):
            path = tile_path(first // 256, min(256, size - first))
            if first < self._report.minimum_index:
                if not self._take_tile(first, path):
                    return
                continue
            packed = self._entries.take(path)
            if packed is None:
                missing = Finding(INCOMPLETE, "leaves", f"tile/entries/{path}", "present", "missing", first)
                return self._report.add(missing)
            width = min(256, size - first)
            (leaves, rest), self._begun = unpack(packed, width), self._tree.edge()
            for run in self._runs(first, leaves):
                index = self._tree.size
                self._tree.extend([hashlib.sha256(b"\x00" + leaf).digest() for leaf in run])
                self._content.check_all(index, run)
                if self._tree.size in self._mapped:
                    self._content.map_keys(self._tree.size)
                self._compare_checkpoint()
            if len(leaves) != width:
                at, expected, found = first + len(leaves), f"{width} entries", f"{len(leaves)} readable"
                return self._report.add(Finding(TAMPERED, "leaves", path, expected, found, at))
            if rest:
                told = f"tile/entries/{path}", "nothing behind its entries", f"{rest} bytes"
                self._report.add(Finding(TAMPERED, "leaves", *told))
            self._compare_tiles(last=self._tree.size == size)
            self._progress(self._tree.size, size)
        self._end()

    def _runs(self, first: int, leaves: list[bytes]) -> Iterator[list[bytes]]:
        """The leaves in pieces that end where a checkpoint or a map is to be compared."""
        until = first + len(leaves)
        ends = [end for end in range(first + 1, until) if end in self._history or end in self._mapped]
        for end in [*ends, until] if leaves else ():
            yield leaves[: end - first]
            leaves, first = leaves[end - first :], end

    def _take_tile(self, first: int, path: str) -> bool:
        """Let the hashes of a tile stand for entries that are not there. Says whether it could be done."""
        width = min(256, self._report.size - first)
        tile, name = self._tiles[0].take(path), f"tile/0/{path}"
        if tile is None or len(tile) != 32 * width:
            verdict, found = (INCOMPLETE, "missing") if tile is None else (TAMPERED, f"{len(tile)} bytes")
            self._report.add(Finding(verdict, "tiles", name, f"{32 * width} bytes", found, first))
            return False
        for index in range(first, first + width):
            expected = tile[32 * (index - first) : 32 * (index - first) + 32]
            self._tree.extend([expected])
            self._compare_checkpoint()
            self._take_entry(index, expected, name)
        self._tree.rows[0].clear()
        self._compare_tiles(last=self._tree.size == self._report.size)
        self._progress(self._tree.size, self._report.size)
        return True

    def _take_entry(self, index: int, expected: bytes, tile: str) -> None:
        self._report.pruned += 1
        self._content.miss(index, "pruned")

    def _compare_checkpoint(self) -> None:
        size = self._tree.size
        if size not in self._history:
            return
        self._report.counts["root"] += size == self._report.size
        expected, found = self._history[size].hex(), self._tree.root().hex()
        if expected == found:
            self._good = size
            return
        for check in ["checkpoints"] + ["root"] * (size == self._report.size):
            artefact = "checkpoint" if check == "root" else f"checkpoints/{size}"
            self._report.add(Finding(TAMPERED, check, artefact, expected, found, self._good, max(size - 1, self._good)))

    def _compare_tiles(self, last: bool) -> None:
        for level, row in enumerate(self._tree.rows):
            if len(row) < 256 and not (last and row):
                continue
            first = (self._tree.size >> 8 * level) - len(row)
            path = tile_path(first // 256, len(row))
            tile, name = self._tiles[level].take(path), f"tile/{level}/{path}"
            self._report.counts["tiles"] += 1
            is_same = tile == b"".join(row)
            if level == 0:
                self._follow_given(tile, len(row), is_same)
            if tile is not None and level == 0 and len(tile) == 32 * len(row):
                self._report.counts["leaves"] += len(row)
                self._compare_leaves(first, () if is_same else row, tile, name)
            elif not is_same:
                verdict, found = (INCOMPLETE, "missing") if tile is None else (TAMPERED, "others")
                for check in ["tiles"] if level else ["leaves", "tiles"]:
                    self._report.add(Finding(verdict, check, name, "the hashes recomputed from the entries", found))
            row.clear()

    def _follow_given(self, tile: bytes | None, width: int, is_same: bool) -> None:
        if self._given is None and not is_same:
            self._given = self._begun
        if self._given is not None and tile is not None and len(tile) == 32 * width:
            self._given.extend([tile[at : at + 32] for at in range(0, len(tile), 32)])

    def _compare_leaves(self, first: int, row: Sequence[bytes], tile: bytes, name: str) -> None:
        for offset, found in enumerate(row):
            expected = tile[32 * offset : 32 * offset + 32]
            if expected != found:
                self._report.add(Finding(TAMPERED, "leaves", name, expected.hex(), found.hex(), first + offset))

    def _end(self) -> None:
        for series in [self._entries, *self._tiles]:
            series.end()
        report = self._report
        self._content.miss(sys.maxsize, f"{report.size} entries")
        of_all = {"root", "tiles", "maps"} if report.pruned else set[str]()  # which are of every entry, or not at all
        report.done |= set(CHECKS) - {"witnesses"} - self._content.unread - of_all
        self._content.expect_pruning()
        given = self._given or self._tree
        if given.size == report.size:
            agree = self._tree.root().hex() == report.root, given.root().hex() == report.root
            report.blame = BLAME.get(agree, "")


class ExcerptScan(Scan):
    """The same walk where some entries are withheld: of those the hash stands in the tiles of level 0, out of which the
    signed root is computed; each entry that is there must have the hash of its place."""

    def __init__(
        self, bundle: Bundle, report: Report, history: dict[int, bytes], progress: Callable[[int, int], None]
    ) -> None:
        super().__init__(bundle, report, history, progress)
        self._entries, self._fields = Series(bundle, "entry/", report), Series(bundle, "field/", report)
        self._content.is_whole = False

    def _walk(self) -> None:
        size = self._report.size
        self._compare_checkpoint()
        for first in range(0, size, 256):
            if not self._take_tile(first, tile_path(first // 256, min(256, size - first))):
                return
        for series in [self._entries, self._fields, *self._tiles]:
            series.end()
        self._content.miss(sys.maxsize, f"{size} entries")
        self._report.done |= {"checkpoints", "commitments", "receipts"}
        self._content.expect_pruning()

    def _take_entry(self, index: int, expected: bytes, tile: str) -> None:
        leaf, opened = self._entries.take(f"{index:016}"), self._fields.take(f"{index:016}")
        is_pruned = index < self._report.minimum_index
        if leaf is None:
            self._report.withheld += not is_pruned
            self._report.pruned += is_pruned
            self._content.miss(index, "pruned" if is_pruned else "withheld")
            if opened is not None:
                self._report.add(Finding(TAMPERED, "commitments", f"field/{index:016}", "its entry", "none", index))
            return
        found = hashlib.sha256(b"\x00" + leaf).digest()
        self._report.counts["leaves"] += 1
        self._report.disclosed += found == expected
        if found != expected:
            self._report.add(Finding(TAMPERED, "leaves", tile, expected.hex(), found.hex(), index))
        lines = self._content.read(index, leaf)
        if lines:
            self._content.follow_fields(index, lines[1], opened)


# --- what the entries say of each other


class Content:
    """Reads entry after entry. Most are of a form that was met before, and follow on all before them in every byte:
    these are passed, without taking them apart; each other one is read in full, and said what is wrong with it."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._its: int = 0
        self._lags: tuple[int, ...] = ()  # the least and the most
        self._maps: dict[Any, dict[str, Any]] = {}
        self.unread: set[str] = set()
        self.promises: list[Promise] = []  # in order of their places
        self._seal = SEAL_BEGIN % 0  # in the epoch at hand
        self._links = 0  # of the entries that were passed
        self._chains: dict[bytes, Chain] = {}  # by how a source line ends
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute("CREATE TABLE fields (entry, name, act, state, PRIMARY KEY (entry, name)) WITHOUT ROWID")
        self._file.execute("CREATE TABLE salts (salt PRIMARY KEY) WITHOUT ROWID")
        self._subjects = Subjects(self._file)
        self._forms = Forms(self._subjects.near)
        self.is_whole, self._pruned_below = True, 0

    def check_all(self, first: int, leaves: list[bytes]) -> None:
        """The entries from an index on, each in itself, and after all before it."""
        for at in range(0, len(leaves), RUN):
            self._subjects.settle()
            self._check_run(first + at, leaves[at : at + RUN])
        self._report.counts["back_links"] += self._links
        self._links = 0

    def _check_run(self, first: int, leaves: list[bytes]) -> None:
        begins = [leaf.find(b"\n") for leaf in leaves]
        ends = [leaf.find(b"\n", begin + 1) for leaf, begin in zip(leaves, begins)]  # noqa: B905 (Python 3.9)
        lines = [leaf[begin + 1 : end] for leaf, begin, end in zip(leaves, begins, ends)]  # noqa: B905
        known, index, passed = self._forms.read(lines), first, 0
        for leaf, begin, end, line, told in zip(leaves, begins, ends, lines, known):  # noqa: B905
            told = told or self._forms.read_one(line)  # what was met a moment ago is known by now
            form, happened, names = told or UNTOLD
            if form and self._passes(index, leaf[:begin], line, leaf[end:], form, happened, names):
                passed += 1
            else:
                self.check(index, leaf)
            index += 1
        for check in ("canonical", "chains", "times", "back_links"):
            self._report.counts[check] += passed

    def _passes(
        self, index: int, source: bytes, line: bytes, seal: bytes, form: Form, happened: int, names: tuple[bytes, ...]
    ) -> bool:
        """Whether the entry is what a look at every part of it would find in order: then it is taken note of. If not,
        nothing has been done. Of source and seal each byte is known beforehand, but for the epoch and the time."""
        chain = self._chains.get(source[source.find(STRIPE) :])
        if chain is None or chain.awaited != source or chain.service != form.service:
            return False
        if self.promises and self.promises[0].index <= index:
            return False
        heads, is_new, begin = [*map(NEAR, form.near, names)], False, self._seal
        try:
            links = ",".join([*map(NEXT, heads)])
        except AttributeError:
            is_new, heads = True, self._subjects.meet(form.roles, names, KEY.findall(seal))
            links = ",".join([each.next for each in heads])
        try:
            if not seal.startswith(begin):
                begin = self._turned(seal)
            its = int(seal[len(begin) : len(begin) + 16])
        except ValueError:
            return False
        lag = its - happened
        if (
            seal != begin + f'{its},"k":[{links}],"lag":{lag}}}\n'.encode()
            or not self._its <= its <= EXACT_MAX
            or not heads
        ):
            return False
        if not self._lags[0] <= lag <= self._lags[1]:
            if abs(lag) > EXACT_MAX:
                return False
            self._lags = min(lag, self._lags[0]), max(lag, self._lags[1])
        self._its, self._seal, told = its, begin, f"{index},"
        for each in heads:
            each.last = index
            each.count = count = each.count + 1
            each.next = f"{each.begin}{told}{count + 1}]"
        self._links += len(heads)
        if is_new:
            self._subjects.keep(form.roles, names, heads)
        chain.follow(index, line)
        if form.committed:
            self._commit(index, form.committed, form.act)
        return True

    def _turned(self, seal: bytes) -> bytes:
        """How seal lines begin from this one on, if it is of a later epoch. Raises ValueError if it is not."""
        epoch = int(seal[7 : seal.find(b",")])
        if not int(self._seal[7:-7]) <= epoch <= EXACT_MAX:
            raise Refused("an epoch of before")
        begin = SEAL_BEGIN % epoch
        if not seal.startswith(begin):
            raise Refused("a seal line of another form")
        return begin

    def check(self, index: int, leaf: bytes) -> None:
        """The entry in itself, and after all before it."""
        lines = self.read(index, leaf)
        if lines is None:
            # They say nothing of an entry that cannot be read.
            self.unread = {"chains", "times", "back_links", "maps", "receipts"}
            return
        source, event, seal = lines
        self._follow_chain(index, source, leaf.split(b"\n")[1])
        self._follow_time(index, event, seal)
        self._follow_links(index, [each.partition(" ") for each in subjects(event)], seal["k"])
        if event["act"] == "audit.index_snapshot" and not self._report.minimum_index:
            expected = self._maps.get(event["data"]["size"], {})
            self._tell("maps", index, str(expected), str(event["data"]), event["data"] == expected)
        self.follow_fields(index, event, None)
        self._forms.learn(source["svc"], event)

    def read(self, index: int, leaf: bytes) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]] | None:
        """The entry's lines, if they are of the log's form; said if they are not."""
        try:
            source, event, seal = read_entry(leaf)
            act: str = event["act"]
            reached = chain_hash(source, leaf.split(b"\n")[1])
            subjects(event)
            self._tell("canonical", index, f"an act of {source['svc']}", act, act.split(".")[0] == source["svc"])
            if act.endswith(".source_heartbeat"):
                told = {"stripe": source["str"], "seq": source["seq"] - 1, "hash": source["prev"]}
                self._tell("chains", index, f"a sign of life {told}", str(event["data"]), event["data"] == told)
            if act == "audit.index_snapshot" and type(event["data"]["size"]) is not int:
                raise Refused("a map of no size")
            self._keep_promises(index, source, reached.hex())
            return source, event, seal
        except UNREADABLE as error:
            self._tell("canonical", index, "three canonical lines of the log's form", str(error), False)
            return None

    def _follow_chain(self, index: int, source: dict[str, Any], line: bytes) -> None:
        seq, previous = source["seq"], bytes.fromhex(source["prev"])
        stripe = f',"str":{source["str"]},"svc":"{source["svc"]}"}}'.encode()
        begun = (seq - 1, previous) if self._report.minimum_index else (0, bytes(32))
        chain = self._chains.setdefault(stripe, Chain(source["svc"], stripe, *begun, index))
        last_seq, last_hash, last_index = chain.seq, chain.reached, chain.index
        expected, found = f"seq {last_seq + 1} after {last_hash.hex()}", f"seq {seq} after {previous.hex()}"
        if seq != last_seq + 1:
            self._tell("chains", index, expected, found, False)
        else:  # either the entry before was altered, or this one: the divergence begins at one of the two
            self._tell("chains", last_index, expected, found, previous == last_hash, until=index)
        chain.seq, chain.reached = seq - 1, previous
        chain.follow(index, line)

    def _keep_promises(self, index: int, source: dict[str, Any], reached: str) -> None:
        while self.promises and self.promises[0].index <= index:
            told = self.promises.pop(0)
            expected = f"entry {told.index}, {told.service}/{told.stripe} {told.seq} with {told.hash}"
            place = (index, source["svc"], source["str"], source["seq"], reached)
            right = place == (told.index, told.service, told.stripe, told.seq, told.hash)
            self._tell("receipts", index, expected, "entry {}, {}/{} {} with {}".format(*place), right)

    def miss(self, index: int, found: str) -> None:
        """The entry is not there to be read: what was promised of it remains open."""
        while self.promises and self.promises[0].index <= index:
            told = f"entry {self.promises.pop(0).index}", found
            self._report.add(Finding(INCOMPLETE, "receipts", "checkpoint", *told))

    def _follow_time(self, index: int, event: dict[str, Any], seal: dict[str, Any]) -> None:
        its, epoch, before = seal["its"], seal["ep"], int(self._seal[7:-7])
        expected = f"its >= {self._its}, lag {its - event['ts']}, ep >= {before}"
        right = its >= self._its and its - event["ts"] == seal["lag"] and epoch >= before
        self._tell("times", index, expected, f"its {its}, lag {seal['lag']}, ep {epoch}", right)
        self._its, self._seal = max(its, self._its), SEAL_BEGIN % max(epoch, before)
        self._lags = min((seal["lag"], *self._lags)), max((seal["lag"], *self._lags))

    def _follow_links(self, index: int, told: list[tuple[str, str, str]], links: list[Any]) -> None:
        self._tell("back_links", index, f"{len(told)} links", f"{len(links)}", len(told) == len(links))
        for (role, _, name), (key, previous, count) in zip(told, links):  # noqa: B905 (Python 3.9 has no `strict`)
            is_cut = 0 <= previous < self._report.minimum_index and 1 < count <= previous + 2  # it leads to the pruned
            begun = Head(key, previous, count - 1) if is_cut else Head(key)
            spelled = ENCODER.encode(name)[1:-1].encode()
            known = self._subjects.head(role, spelled)
            head = known or begun
            expected, found = [head.key, head.last, head.count + 1], [key, previous, count]
            self._tell("back_links", index, expected, found, expected == found)
            head.move(index, head.count + 1)
            try:
                if not known:
                    self._subjects.begin(role, spelled, head)
            except sqlite3.IntegrityError:
                self._tell("back_links", index, "a key of its own", f"{key} of another subject", False)

    def map_keys(self, size: int) -> None:
        """What an entry that tells of the map at this size must say: a sorted tree of (key, last index, count)."""
        tree = Tree(levels=0)
        for key, last, count in self._subjects.by_key():
            tree.extend([head_hash(key, last, count)])
        told = {"size": size, "root": tree.root().hex(), "key_count": tree.size}
        self._maps[size] = {**told, **dict(zip(("lag_least_us", "lag_most_us"), self._lags))}  # noqa: B905

    def follow_fields(self, index: int, event: dict[str, Any], opened: bytes | None) -> None:
        """What the entry commits to, what is opened of it here, and what it says was erased of those before it."""
        try:
            self._commit(index, event.get("pd", {}), event["act"])
            if opened is not None:
                for name, told in read_line(opened)["fields"].items():
                    self._open_field(index, name, event.get("pd", {}).get(name), told)
            if event["act"] == "audit.log_pruned" and event["data"]["minimum_index"] > self._pruned_below:
                self._pruned_below, self._report.pruned_by = event["data"]["minimum_index"], event["data"]["policy_id"]
            if event["act"] == "audit.redaction_done" and event["data"]["state"] == "erased":
                for each in event["data"]["fields"]:
                    self._erase_field(index, each["index"], each["name"])
        except (ValueError, KeyError, TypeError, AttributeError, sqlite3.Error) as error:
            self._tell("commitments", index, "fields in the log's form", str(error), False)

    def _commit(self, index: int, names: Iterable[str], act: str) -> None:
        for name in names:
            self._file.execute("INSERT INTO fields VALUES (?, ?, ?, ?)", (index, name, act, "withheld"))

    def expect_pruning(self) -> None:
        """Where entries are not there because they were pruned, the log itself says so."""
        claimed = self._report.minimum_index
        if claimed > self._pruned_below:
            expected, found = f"an entry that says so of those below {claimed}", f"of those below {self._pruned_below}"
            self._report.add(Finding(INCOMPLETE, "leaves", "policy.json", expected, found))

    def _open_field(self, index: int, name: str, commitment: str | None, told: dict[str, str]) -> None:
        salt, value = bytes.fromhex(told["salt"]), told["value"]
        if len(salt) != 32:  # HMAC takes a shorter one for the same as one with zeros behind
            raise Refused("a salt has 32 bytes")
        found = hmac.new(salt, b"\x11" + name.encode() + b"\x00" + value.encode(), hashlib.sha256).hexdigest()
        self._tell("commitments", index, f"{name} {commitment}", f"{name} {found}", found == commitment)
        try:
            self._file.execute("INSERT INTO salts VALUES (?)", (salt,))
        except sqlite3.IntegrityError:
            self._tell("commitments", index, f"a salt of its own for {name}", "the salt of another field", False)
        if found == commitment:
            self._set_field(index, name, "disclosed")
            if len(self._report.opened) < OPENED_MAX:
                self._report.opened.append({"index": index, "name": name, "value": value})

    def _erase_field(self, index: int, erased: int, name: str) -> None:
        row = self._file.execute("SELECT state FROM fields WHERE entry = ? AND name = ?", (erased, name)).fetchone()
        if row is None and (not self.is_whole or erased < self._report.minimum_index):
            return  # of an entry that is withheld, or pruned
        right = row is not None and row[0] != "disclosed"
        found = "no such field" if row is None else row[0]
        self._tell("commitments", index, f"a committed field {erased}/{name} that nobody can open", found, right)
        if right:
            self._set_field(erased, name, "erased")

    def _set_field(self, index: int, name: str, state: str) -> None:
        self._file.execute("UPDATE fields SET state = ? WHERE entry = ? AND name = ?", (state, index, name))

    def close(self) -> None:
        query = "SELECT act, name, state, count(*) FROM fields GROUP BY act, name, state ORDER BY act, name"
        for act, name, state, count in self._file.execute(query):
            kind = f"{act}.{name}"
            if kind in self._report.fields or len(self._report.fields) < FIELD_KINDS_MAX:
                self._report.fields.setdefault(kind, dict.fromkeys(FIELD_STATES, 0))[state] = count
        self._file.close()

    def _tell(self, check: str, index: int, expected: Any, found: Any, right: bool, until: int | None = None) -> None:
        self._report.counts[check] += 1
        if not right:
            self._report.add(Finding(TAMPERED, check, "tile/entries", str(expected), str(found), index, until))


class Chain:
    """How far a stripe of a source has come, and the source line that must come next."""

    __slots__ = ("awaited", "index", "reached", "seq", "service", "stripe")

    def __init__(self, service: str, stripe: bytes, seq: int, reached: bytes, index: int) -> None:
        self.service, self.stripe, self.seq, self.reached, self.index = service, stripe, seq, reached, index
        self.awaited: bytes | None = None

    def follow(self, index: int, line: bytes) -> None:
        """Move on by an event. Nothing is awaited behind the largest number."""
        self.index = index
        self.seq = seq = self.seq + 1
        self.reached = reached = SHA256(CHAINED(b"\x10", self.reached, seq) + line).digest()
        awaited = f'{{"prev":"{reached.hex()}","seq":{seq + 1}'.encode() + self.stripe
        self.awaited = awaited if seq < EXACT_MAX else None


class Head:
    """The newest entry about a subject, how many there are, and the link that the next one must have."""

    __slots__ = ("begin", "count", "key", "last", "next")

    def __init__(self, key: str, last: int = -1, count: int = 0) -> None:
        self.key, self.begin = key, f'["{key}",'
        self.move(last, count)

    def move(self, last: int, count: int) -> None:
        self.last, self.count, self.next = last, count, f"{self.begin}{last},{count + 1}]"


class Subjects:
    """The head of each subject: of those met of late in memory, of all in SQLite's own temporary file.

    A subject's name is spelled as it stands in an event, between quotes."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file
        self.near: dict[str, dict[bytes, Head]] = {role: {} for role in ROLES}
        file.execute("CREATE TABLE subjects (subject PRIMARY KEY, key UNIQUE, last, count) WITHOUT ROWID")

    def head(self, role: str, name: bytes) -> Head | None:
        near = self.near[role].get(name)
        if near is None:
            query = "SELECT key, last, count FROM subjects WHERE subject = ?"
            for row in self._file.execute(query, (b"%b %b" % (role.encode(), name),)):
                near = self.near[role][name] = Head(*row)
        return near

    def begin(self, role: str, name: bytes, head: Head) -> None:
        """Raises sqlite3.IntegrityError if its key is that of another subject."""
        row = b"%b %b" % (role.encode(), name), head.key, head.last, head.count
        self._file.execute("INSERT INTO subjects VALUES (?, ?, ?, ?)", row)
        self.near[role][name] = head

    def meet(self, roles: Sequence[str], names: Sequence[bytes], keys: list[bytes]) -> list[Head]:
        """The head of each subject, a new one by the key that is given for it where there is none. None at all, if keys
        are missing or not free, or if a subject stands twice or is not plain."""
        told = [*zip(roles, names)]  # noqa: B905
        known = [self.head(*each) for each in told]
        new = [key.decode() for key, head in zip(keys, known) if head is None]  # noqa: B905
        query = "SELECT 1 FROM subjects WHERE key = ?"
        are_free = not any(self._file.execute(query, (key,)).fetchone() for key in new)
        if len(keys) != len(told) or len({*told}) < len(told) or len({*new}) < len(new) or not are_free:
            return []
        if not is_plain(b'"'.join(names), len(names) - 1):
            return []
        return [head or Head(key.decode()) for key, head in zip(keys, known)]  # noqa: B905

    def keep(self, roles: Sequence[str], names: Sequence[bytes], heads: Sequence[Head]) -> None:
        """Take note of those that were new."""
        for role, name, head in zip(roles, names, heads):  # noqa: B905
            if head.count == 1:
                self.begin(role, name, head)

    def settle(self) -> None:
        """Let go of what is in memory, where it has become much."""
        if sum(map(len, self.near.values())) > SUBJECTS_NEAR_MAX:
            self._write()
            for heads in self.near.values():
                heads.clear()

    def by_key(self) -> Iterator[tuple[str, int, int]]:
        self._write()
        yield from self._file.execute("SELECT key, last, count FROM subjects ORDER BY key")

    def _write(self) -> None:
        told = [(role.encode(), name, head) for role, heads in self.near.items() for name, head in heads.items()]
        rows = [(head.last, head.count, b"%b %b" % (role, name)) for role, name, head in told]
        self._file.executemany("UPDATE subjects SET last = ?, count = ? WHERE subject = ?", rows)


class Form:
    """What events have in common that differ only in what stands in their strings and numbers.

    Made of an event that was read in full. A line that matches is in canonical form as that one was, if its text is
    plain; what says when it happened, and whom and what it is about, is taken out of it.
    """

    def __init__(self, service: str, event: dict[str, Any], near: dict[str, dict[bytes, Head]]) -> None:
        self.service, self.act = service, cast(str, event["act"])
        self.committed = tuple(cast("dict[str, str]", event.get("pd", {})))
        self.places: list[tuple[tuple[str, ...], type]] = []  # the path of each value, and what it is
        pattern = self._of(event, ())
        self.is_small = len(self.places) <= PLACES_MAX
        self.match = re.compile(pattern if self.is_small else b"").fullmatch
        objects = [("obj", str(at), "id") for at in range(len(event.get("obj", ())))]
        paths = [("actor", "id"), ("actor", "org"), ("onb",), *objects, ("ctr",)]
        roles = ["actor", "org", "onb", *["obj"] * len(objects), "ctr"]
        groups = {path: at for at, (path, _) in enumerate(self.places, 1)}
        self.own = [groups[path] for path in [("ts",), *paths] if path in groups]
        self.roles = [role for role, path in zip(roles, paths) if path in groups]  # noqa: B905
        self.near = [near[role] for role in self.roles]
        self._objects = (
            slice(self.roles.index("obj"), self.roles.index("obj") + len(objects)) if objects else slice(0, 0)
        )

    def tells_twice(self, columns: Sequence[Sequence[bytes]]) -> bool:
        """Whether any of the lines whose names these are names an object twice."""
        return any(any(map(eq, one, other)) for one, other in combinations(columns[self._objects], 2))

    def _of(self, value: Any, path: tuple[str, ...]) -> bytes:
        """The pattern of a value that stands at a path: its names as they are, a group for each value."""
        if isinstance(value, dict):
            members = cast("dict[str, Any]", value).items()
            return rb"\{%b\}" % b",".join(
                b'"%b":%b' % (name.encode(), self._of(each, (*path, name))) for name, each in members
            )
        if isinstance(value, list):
            members = enumerate(cast("list[Any]", value))
            return rb"\[%b\]" % b",".join(self._of(each, (*path, str(at))) for at, each in members)
        if path == ("act",):
            return b'"%b"' % re.escape(value.encode())
        kind = cast("type[Any]", type(value))
        self.places.append((path, kind))
        return {str: b'"([^"]*)"', int: b"(%b)" % EXACT_NUMBER, bool: b"(true|false)"}[kind]


class Layout:
    """Where in a line each value stands, of one form and of one length of each value: then all lines of a run are taken
    apart at once. A word out of few, and a text that may have letters beyond ASCII, are those of the line that it is
    made of."""

    def __init__(self, form: Form, line: re.Match[bytes]) -> None:
        self._form, spans = form, [line.span(group) for group in form.own]
        wild, digits, leads, plain, foreign = (list[tuple[int, int]]() for _ in range(5))
        for (begin, end), (path, kind) in zip(line.regs[1:], form.places):  # noqa: B905
            if kind is bool or path in CLOSED_PATHS or (path[0] == "obj" and path[-1] == "t"):
                continue
            if kind is int:
                is_below = line[0][begin : begin + 1] == b"-"
                begin += is_below
                if end - begin == 16:
                    begin += 1  # the first is as it was, and no 9: the number is not beyond 2^53
                else:
                    leads += [(begin, begin + 1)] * (end - begin > 1 or is_below)
                digits.append((begin, end))
            elif (begin, end) not in spans:
                (plain if line[0][begin:end].isascii() else foreign).append((begin, end))
            wild.append((begin, end))
        edges = [0, *chain.from_iterable(wild), line.end()]
        size, fixed = line.end(), [*zip(edges[::2], edges[1::2])]  # noqa: B905
        self._fixed, self._own = cut(fixed, size), cut(sorted(spans), size)
        self._said, self._order = self._fixed.unpack(line[0]), [sorted(spans).index(each) for each in spans]
        self._digits, self._leads = cut(digits, size), cut(leads, size)
        self._texts = [(cut(plain, size), max(len(plain), 1))] + [(cut(foreign, size), len(foreign))] * bool(foreign)

    def read(self, lines: list[bytes]) -> Iterable[Told] | None:
        """What each line says; None if any may not be what it must. Requires lines of this length."""
        joined, many = b"".join(lines), len(lines)
        if [*self._fixed.iter_unpack(joined)] != [self._said] * many:
            return None
        if not together(self._digits, joined).isdigit() or b"0" in together(self._leads, joined):
            return None
        for texts, width in self._texts:
            if not is_plain(b'"'.join([b'"'.join(each) for each in texts.iter_unpack(joined)]), many * width - 1):
                return None
        columns = [*zip(*self._own.iter_unpack(joined))]  # noqa: B905
        happened, *names = [columns[at] for at in self._order]
        if self._form.tells_twice(names):
            return None
        return zip(repeat(self._form), map(int, happened), zip(*names))  # noqa: B905


class Forms:
    """The forms met so far, by the act of their events, and the layouts; only so many are kept."""

    def __init__(self, near: dict[str, dict[bytes, Head]]) -> None:
        self._by_act: dict[bytes, list[Form]] = {}
        self._layouts: dict[tuple[int, bytes], Layout] = {}
        self._near, self._count = near, 0

    def read(self, lines: list[bytes]) -> Iterable[Told | None]:
        """Of each event its form, its time, and whom and what it is about; None where it is to be read in full."""
        alike: dict[tuple[int, bytes], list[int]] = {}
        for at, line in enumerate(lines):
            alike.setdefault((len(line), line[8:24]), []).append(at)
        if len(alike) == 1:
            [key] = alike
            return self._read_alike(key, lines)
        found: list[Told | None] = [None] * len(lines)
        for key, places in alike.items():
            for at, told in zip(places, self._read_alike(key, [lines[at] for at in places])):  # noqa: B905
                found[at] = told
        return found

    def _read_alike(self, key: tuple[int, bytes], lines: list[bytes]) -> Iterable[Told | None]:
        layout = self._layouts.get(key)
        return (layout and layout.read(lines)) or [self.read_one(line) for line in lines]

    def read_one(self, line: bytes) -> Told | None:
        if not is_plain(line, line.count(b'"')):
            return None
        for form in self._by_act.get(line[len(ACT) : line.find(b'"', len(ACT))], ()):
            match = form.match(line)
            if match:
                key = len(line), line[8:24]
                if key not in self._layouts and len(self._layouts) < LAYOUTS_MAX:
                    self._layouts[key] = Layout(form, match)
                happened, *names = match.group(*form.own)
                return None if form.tells_twice([[each] for each in names]) else (form, int(happened), tuple(names))
        return None

    def learn(self, service: str, event: dict[str, Any]) -> None:
        """Requires an event in canonical form that `subjects` can be told of."""
        act, committed = cast(str, event["act"]), event.get("pd", {})
        known = self._by_act.setdefault(act.encode(), [])
        names = [event["actor"]["id"], event["actor"].get("org", ""), event.get("onb", ""), event.get("ctr", "")]
        names += [each["id"] for each in event.get("obj", ())]
        is_of_texts = all(type(each) is str for each in names) and isinstance(committed, dict)
        is_read_in_full = act in READ_IN_FULL or act.endswith(".source_heartbeat") or act.split(".")[0] != service
        if is_of_texts and not is_read_in_full and len(known) < FORMS_OF_AN_ACT_MAX and self._count < FORMS_MAX:
            form = Form(service, event, self._near)
            known += [form] * form.is_small
            self._count += form.is_small


Told = tuple[Form, int, tuple[bytes, ...]]
UNTOLD: tuple[None, int, tuple[bytes, ...]] = (None, 0, ())


def cut(spans: Sequence[tuple[int, int]], size: int) -> struct.Struct:
    """What takes these stretches, in their order, out of lines of one size."""
    at, told = 0, list[str]()
    for begin, end in spans:
        told.append(f"{begin - at}x{end - begin}s")
        at = end
    return struct.Struct("".join(told) + f"{size - at}x")


def together(part: struct.Struct, joined: bytes) -> bytes:
    return b"".join(chain.from_iterable(part.iter_unpack(joined)))


def is_plain(text: bytes, quotes: int) -> bool:
    """Whether JSON text has nothing to escape, nothing that is not in NFC, and no quotes but so many."""
    return len(text.translate(None, PLAIN)) == quotes and (text.isascii() or is_normal(text))


def is_normal(line: bytes) -> bool:
    """Whether the line is UTF-8 in NFC."""
    try:
        return unicodedata.is_normalized("NFC", line.decode())
    except ValueError:
        return False


def read_entry(leaf: bytes) -> list[dict[str, Any]]:
    """Source, event and seal of a leaf."""
    lines = leaf.split(b"\n")
    if len(lines) != 4 or lines[3]:
        raise Refused("an entry has three lines")
    source, event, seal = read_form(lines[0], SOURCE_LINE), read_line(lines[1]), read_form(lines[2], SEAL_LINE)
    if not EVENT_REQUIRED <= set(event) <= EVENT_MEMBERS or type(event["ts"]) is not int:
        raise Refused("the event has unknown or missing members")
    for name, kind in EVENT_KINDS.items():
        if name in event and type(event[name]) is not kind:
            raise Refused(f"`{name}` is not what it must be")
    for part, name in [(event["actor"], "actor"), *((each, "obj") for each in event.get("obj", ()))]:
        if not {"id", "t"} <= set(part) <= PART_MEMBERS[name] or {type(each) for each in part.values()} != {str}:
            raise Refused(f"`{name}` has unknown or missing members")
    return [source, event, seal]


def expect_own_act(source: dict[str, Any], event: dict[str, Any]) -> None:
    """Raises Refused if a service tells of what another did."""
    if event["act"].split(".")[0] != source["svc"]:
        raise Refused(f"{event['act']} told by {source['svc']}")


def mapped_sizes(bundle: Bundle) -> set[int]:
    """The sizes of which an entry tells the map: to be computed on the walk, when it comes past them."""
    sizes: set[int] = set()
    for _, packed in bundle.below("tile/entries/"):
        for leaf in unpack(packed)[0] if MAP_ENTRY in packed else ():
            told = re.search(rb'"size":([0-9]{1,16})[,}]', leaf) if MAP_ENTRY in leaf else None
            sizes |= {int(told[1])} if told else set()
    return sizes


def chain_hash(source: dict[str, Any], line: bytes) -> bytes:
    """Where a source's chain stands after this event."""
    previous, seq = bytes.fromhex(source["prev"]), cast(int, source["seq"])
    return hashlib.sha256(b"\x10" + previous + seq.to_bytes(8, "big") + line).digest()


def head_hash(key: str, last: int, count: int) -> bytes:
    return hashlib.sha256(b"\x12" + bytes.fromhex(key) + last.to_bytes(8, "big") + count.to_bytes(8, "big")).digest()


def subjects(event: dict[str, Any]) -> list[str]:
    """Whom and what an event is about, in the order of its back-links."""
    told = [("actor", event["actor"]["id"]), ("org", event["actor"].get("org")), ("onb", event.get("onb"))]
    told += [("obj", each["id"]) for each in event.get("obj", [])] + [("ctr", event.get("ctr"))]
    return list(dict.fromkeys(f"{role} {name}" for role, name in told if name is not None))


# --- evidence: the answer to a question, and what shows that it is all of it


class Thread:
    """All entries with one key: how far they join up among the entries that are given, and up to the map."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told, self.key, self.name = told, told["key"], told["name"]
        self.subject = f"{told['role']} {told['name']}"
        nothing = cast("tuple[int, int]", (-1, 0))  # the index of the newest entry, and how many there are
        self.head, self.at_map = nothing, nothing
        self.pinned: tuple[int, int] | None = nothing  # None where the map's word is not to be had

    def link(self, event: dict[str, Any], seal: dict[str, Any]) -> list[Any] | None:
        """The entry's link of this thread. Raises Refused if key and subject do not go together."""
        told = subjects(event)
        if len(told) != len(seal["k"]):
            raise Refused(f"{len(seal['k'])} links for {len(told)} subjects")
        for subject, link in zip(told, seal["k"]):  # noqa: B905
            if (subject == self.subject) != (link[0] == self.key):
                raise Refused(f"the key {link[0]} for {subject}")
            if link[0] == self.key:
                return cast("list[Any]", link)
        return None


class Evidence:
    """One walk over the entries beside their proofs, then over the tail."""

    def __init__(self, bundle: Bundle, report: Report, note: bytes, root: bytes) -> None:
        self._bundle, self._report, self._note, self._root = bundle, report, note, root
        self._size, self._hits, self._last_hit = report.size, 0, -1
        self._documents: dict[bytes, str] = {}
        self._named: set[bytes] = set()
        self._map: dict[str, Any] = {}
        self._run: list[tuple[int, int]] = []  # the first and the last entry of a time, or the last of a source
        self._source: tuple[int, bytes] | None = None  # the number before, and the chain's hash after it
        query = dict(bundle.members(r"query\.json$")).get("query.json")
        if query is None:
            raise Missing("there is no query.json")
        try:
            self._query = read_line(query)
            self._asked, self._kind = self._query["question"], self._query["question"]["kind"]
            self._threads = [Thread(each) for each in self._query.get("threads", [])]
            self._teller: int | None = self._query.get("told_by")
            if {type(value) for name, value in self._asked.items() if name not in ("kind", "service")} - {int}:
                raise Refused("a number is none")
            if QUESTIONS.get(self._kind) != {*self._asked} or bool(self._threads) != (self._kind == "subjects"):
                raise Refused("a question that is not known here")
            if self._query["size"] != self._size:
                raise Refused("it is of another checkpoint")
        except UNREADABLE as error:
            raise CannotDecide(f"the question cannot be read: {error}") from error
        if self._kind in ("source", "ingested"):
            self._report.checks = {name: told for name, told in EVIDENCE_CHECKS.items() if name not in ("map", "tail")}
        asked = [f"{name} {value}" for name, value in sorted(self._asked.items()) if name != "kind"]
        report.about = ", ".join([self._kind, *(each.subject for each in self._threads), *asked])

    def check(self) -> None:
        report = self._report
        for name, content in self._bundle.members("documents/"):
            claimed, report.counts["documents"] = name.split("/")[1], report.counts["documents"] + 1
            found = hashlib.sha256(content).hexdigest()
            if claimed != found:
                report.add(Finding(TAMPERED, "documents", name, claimed, found))
            self._documents[claimed.encode()] = name
        mapped = self._read_map()
        self._walk(mapped or 0)
        if self._kind in ("ingested", "happened"):
            self._compare_edges(self._size if self._kind == "ingested" else mapped or 0)
        if self._kind == "source" and (self._source or (0, b""))[0] < self._asked["last_seq"]:
            first = self._run[-1][0] + 1 if self._run else 0
            told = f"seq {self._asked['last_seq']}", "no more", min(first, self._size - 1), self._size - 1
            self._add(INCOMPLETE, "whole", "entries/", *told)
        if "map" in report.checks and mapped is not None:
            for thread in self._threads:
                self._pin(thread)
        if "tail" in report.checks and mapped is not None:
            self._look_at_tail(mapped)
        for claimed in self._documents.keys() - self._named:
            self._add(INCOMPLETE, "documents", self._documents[claimed], "its hash in an entry", "in none", None)
        claimed_count = self._query.get("count")
        if not report.findings and claimed_count != self._hits:
            told = str(self._hits), str(claimed_count), max(self._last_hit, 0)
            self._add(TAMPERED, "whole", "query.json: count", *told)
        report.done |= set(report.checks)

    def _add(
        self, verdict: int, check: str, artefact: str, expected: str, found: str, index: int | None,
        until: int | None = None,
    ) -> None:  # fmt: skip
        self._report.add(Finding(verdict, check, artefact, expected, found, index, until))

    def _read_map(self) -> int | None:
        """How many entries the map reaches, 0 if there is none yet; None if it should be there and cannot be used."""
        if self._teller is None:
            return 0
        name = f"entries/{self._teller:016d}"
        leaf = dict(self._bundle.members(name + "$")).get(name)
        if leaf is None:
            return self._add(INCOMPLETE, "map", name, "the entry that tells the map", "missing", self._teller)
        try:
            source, event, _ = read_entry(leaf)
            expect_own_act(source, event)
            told = cast("dict[str, Any]", event["data"] if event["act"] == "audit.index_snapshot" else {})
            if not 0 < told["size"] <= self._teller:
                raise Refused("a map of another size")
            numbers = {name: int(told[name]) for name in ("key_count", "lag_least_us", "lag_most_us")}
            self._map = {"root": bytes.fromhex(told["root"]), **numbers}
        except UNREADABLE as error:
            return self._add(TAMPERED, "map", name, "an entry that tells a map", str(error), self._teller)
        return cast(int, told["size"])

    def _walk(self, mapped: int) -> None:
        proofs = self._bundle.members("proofs/")
        proof = next(proofs, None)
        for name, leaf in self._bundle.members("entries/"):
            index, wanted = number_of(name), f"proofs/{name[8:]}.tlog-proof"
            while proof and proof[0] < wanted:
                self._add(INCOMPLETE, "inclusion", proof[0], "its entry", "missing", number_of(proof[0]))
                proof = next(proofs, None)
            self._prove(index, leaf, wanted, proof[1] if proof and proof[0] == wanted else None)
            proof = next(proofs, None) if proof and proof[0] == wanted else proof
            if self._documents:
                self._named |= self._documents.keys() & set(HASH_ANYWHERE.findall(leaf))
            self._report.counts["canonical"] += 1
            try:
                source, event, seal = read_entry(leaf)
                expect_own_act(source, event)
                self._follow(index, mapped, source, event, seal, leaf)
            except UNREADABLE as error:
                self._add(TAMPERED, "canonical", name, "an entry of the log's form", str(error), index)
        while proof:
            self._add(INCOMPLETE, "inclusion", proof[0], "its entry", "missing", number_of(proof[0]))
            proof = next(proofs, None)

    def _prove(self, index: int, leaf: bytes, name: str, proof: bytes | None) -> None:
        self._report.counts["inclusion"] += 1
        if proof is None:
            return self._add(INCOMPLETE, "inclusion", name, "a proof", "missing", index)
        try:
            hashes, digest = read_proof(proof, index, self._note), hashlib.sha256(b"\x00" + leaf).digest()
            if not leads_to(index, self._size, digest, hashes, self._root):
                raise Refused(f"an entry with the hash {digest.hex()}, which leads elsewhere")
        except ValueError as error:
            self._add(TAMPERED, "inclusion", name, f"a path to the root {self._root.hex()}", str(error), index)

    def _follow(
        self, index: int, mapped: int, source: dict[str, Any], event: dict[str, Any], seal: dict[str, Any], leaf: bytes
    ) -> None:
        if self._kind == "subjects":
            links = [(thread, thread.link(event, seal)) for thread in self._threads]
            for thread, link in links:
                self._join(thread, index, mapped, link) if link else None
            is_hit = any(link for _, link in links)
        elif self._kind == "source":
            is_hit = self._follow_source(index, source, leaf)
        else:
            moment = seal["its"] if self._kind == "ingested" else event["ts"]
            is_hit = self._asked["from_us"] <= moment < self._asked["until_us"]
            if self._kind == "ingested" or index < mapped:
                last = self._run[-1][0] if self._run else index - 1
                if index != last + 1:
                    self._add(INCOMPLETE, "whole", "entries/", "the next entry", f"{index}", last + 1, index - 1)
                self._run = [*self._run[:1], (index, seal["its"])]
        self._report.counts["whole"] += is_hit
        self._hits, self._last_hit = self._hits + is_hit, index if is_hit else self._last_hit

    def _join(self, thread: Thread, index: int, mapped: int, link: list[Any]) -> None:
        """The entry to the one before it in the thread."""
        last, count = thread.head
        previous, before = link[1], link[2] - 1
        if previous > last and before > count:
            first = previous if before == count + 1 else last + 1
            self._add(INCOMPLETE, "whole", f"entries/{previous:016d}", f"entry {before} of {thread.subject}",
                      f"missing, as entry {index} points to it", first, previous)  # fmt: skip
        elif (previous, before) != (last, count):
            self._add(TAMPERED, "whole", f"entries/{index:016d}", f"a link to {thread.head}", str(link), index)
        thread.head = (index, link[2])
        thread.at_map = thread.head if index < mapped else thread.at_map

    def _follow_source(self, index: int, source: dict[str, Any], leaf: bytes) -> bool:
        asked, seq = self._asked, source["seq"]
        if (source["svc"], source["str"]) != (asked["service"], asked["stripe"]):
            return False
        last, reached = self._source or (asked["first_seq"] - 1, bytes.fromhex(source["prev"]))
        if seq != last + 1:
            first = self._run[-1][0] + 1 if self._run else 0
            self._add(INCOMPLETE, "whole", "entries/", f"seq {last + 1}", f"seq {seq}", first, max(first, index - 1))
        elif bytes.fromhex(source["prev"]) != reached:
            self._add(TAMPERED, "whole", f"entries/{index:016d}", f"after {reached.hex()}", source["prev"], index)
        self._source, self._run = (seq, chain_hash(source, leaf.split(b"\n")[1])), [(index, 0)]
        return cast(bool, asked["first_seq"] <= seq <= asked["last_seq"])

    def _compare_edges(self, end: int) -> None:
        """The entries of a time must be followed, on both sides, by one of another time or by the log's end."""
        least, most = self._map.get("lag_least_us", 0), self._map.get("lag_most_us", 0)
        low, high = self._asked["from_us"], self._asked["until_us"]
        low, high = (low + least, high + most) if self._kind == "happened" else (low, high)
        if not self._run and end:
            return self._add(INCOMPLETE, "whole", "entries/", "the entries next to this time", "none", 0, end - 1)
        first, last = (self._run or [(0, 0)])[0], (self._run or [(end - 1, 0)])[-1]
        if first[0] > 0 and first[1] >= low:
            self._add(INCOMPLETE, "whole", "entries/", "an entry before this time", f"from {first[0]} on", first[0] - 1)
        if last[0] < end - 1 and last[1] < high:
            self._add(INCOMPLETE, "whole", "entries/", "an entry after this time", f"up to {last[0]}", last[0] + 1)

    def _pin(self, thread: Thread) -> None:
        """What the map says of the thread's newest entry, against those that are given."""
        self._report.counts["map"] += 1
        pinned = thread.pinned = (-1, 0)
        if self._map:
            thread.pinned = None
            try:
                pinned = thread.pinned = self._place(thread)
            except Missing as error:
                told = "the place of its key in the map", str(error), self._teller
                return self._add(INCOMPLETE, "map", f"query.json: {thread.subject}", *told)
            except UNREADABLE as error:
                told = f"the place of {thread.key} in the map", str(error), self._teller
                return self._add(TAMPERED, "map", f"query.json: {thread.subject}", *told)
        (last, count), (given, given_count) = pinned, thread.at_map
        if count > given_count:
            first = last if count == given_count + 1 else given + 1
            told = f"entry {count} of {thread.subject}, as the map has it"
            self._add(INCOMPLETE, "whole", f"entries/{last:016d}", told, "missing", first, last)
        elif (last, count) != (given, given_count):
            self._add(TAMPERED, "map", f"query.json: {thread.subject}", str(thread.at_map), str(pinned), given)

    def _place(self, thread: Thread) -> tuple[int, int]:
        """Last index and count of the thread's key; none of it where two neighbouring leaves leave no room."""
        places, count = thread.told.get("in_map", []), self._map["key_count"]
        for each in places:
            leaf = head_hash(each["key"], each["last_index"], each["count"])
            hashes = [bytes.fromhex(value) for value in each["hashes"]]
            if len(each["key"]) != 32 or not leads_to(each["position"], count, leaf, hashes, self._map["root"]):
                raise Refused(f"a leaf {each['position']} that does not lead to the map's root")
        if [each["key"] for each in places] == [thread.key]:
            return places[0]["last_index"], places[0]["count"]
        below = [each["position"] for each in places if each["key"] < thread.key] or [-1]
        above = [each["position"] for each in places if each["key"] > thread.key] or [count]
        if len(places) < 2 and below[0] + 1 != above[0]:
            raise Missing("a neighbour is missing")
        if [below[-1] + 1, len(below), len(above)] != [above[0], 1, 1]:
            raise Refused("no two neighbours between which the key would stand")
        return -1, 0

    def _look_at_tail(self, first: int) -> None:
        size, peaks = self._size, self._query.get("tail_peaks")
        if peaks is None:
            return self._add(INCOMPLETE, "tail", "tail/", f"entries {first} to {size - 1}", "none", first, size - 1)
        if len(peaks) != bin(first).count("1"):
            return self._add(TAMPERED, "tail", "query.json", f"the edge of a tree of {first}", "another", first)
        tree = Tree(0, first, [bytes.fromhex(each) for each in peaks])
        given = self._bundle.members("entries/")
        for name, packed in self._bundle.members("tail/"):
            if name != f"tail/{tree.size:016d}":
                break
            leaves, rest = unpack(packed)
            if rest:
                told = "nothing behind its entries", f"{rest} bytes", tree.size
                self._add(TAMPERED, "tail", name, *told, size - 1)
            for leaf in leaves:
                self._report.counts["tail"] += 1
                self._pass(tree.size, leaf, given)
                tree.extend([hashlib.sha256(b"\x00" + leaf).digest()])
        if tree.size < size:
            return self._add(INCOMPLETE, "tail", f"tail/{tree.size:016d}", "an entry", "missing", tree.size)
        if tree.size > size or tree.root() != self._root:
            told = f"entries that lead to the root {self._root.hex()}", tree.root().hex()
            self._add(TAMPERED, "tail", "tail/", *told, first, size - 1)

    def _pass(self, index: int, leaf: bytes, given: Iterator[tuple[str, bytes]]) -> None:
        """An entry of the tail: if it answers the question, it must be given, and follow on the one before."""
        try:
            threads = [each for each in self._threads if any(told.encode() in leaf for told in (each.key, each.name))]
            if not threads and self._kind == "subjects":
                return
            source, event, seal = read_entry(leaf)
            expect_own_act(source, event)
            is_hit = self._kind == "happened" and self._asked["from_us"] <= event["ts"] < self._asked["until_us"]
            for thread in threads:
                link = thread.link(event, seal)
                if link and thread.pinned not in (None, (link[1], link[2] - 1)):
                    told = f"a link to {thread.pinned}", str(link), index
                    self._add(TAMPERED, "map", f"tail: {thread.subject}", *told)
                thread.pinned = (index, link[2]) if link else thread.pinned
                is_hit = is_hit or bool(link)
        except UNREADABLE as error:
            return self._add(TAMPERED, "canonical", "tail/", "an entry of the log's form", str(error), index)
        name = f"entries/{index:016d}"
        if is_hit and next((each for each, _ in given if each >= name), "") != name:
            self._add(INCOMPLETE, "whole", name, "an entry that answers the question", "only in the tail", index)


# --- the file of a dispute: evidence, and beside it what the entries are held against


class Case:
    """What a dispute file says of itself; collects on the walk over the entries what they say of the same."""

    def __init__(self, bundle: Bundle, report: Report) -> None:
        self._bundle, self._report, report.kind = bundle, report, "dispute"
        report.checks = {name: label for name, label in DISPUTE_CHECKS.items() if name != "witnesses"}
        self._told: dict[str, Any] = {}
        self._texts: dict[str, Any] = {}  # of the platform's own, by kind
        self._facts: list[tuple[int, int, str, dict[str, Any]]] = []  # by revision, then by place
        self._sealed: dict[tuple[int, str], str] = {}  # the commitment to each vote, by round and arbiter
        self._signed: dict[str, dict[str, Any]] = {}
        self._active: str | None = None  # the hash of the terms that came into force
        self._names = set[str]()  # of the texts, which are their hashes
        self._uses: dict[str, dict[str, int]] = {}  # those that the entries tell, of those that are told of

    def open(self) -> Bundle | None:
        """The log's part, once the file is held to its manifest. None where it cannot be gone on."""
        small = dict(self._bundle.members(r"(contract/(signatures|terms)|dispute|manifest)\.json$"))
        names = self._compare_manifest(small.get("manifest.json"))
        absent = [name for name in DISPUTE_FILES if name not in names]
        for name in absent:
            self._add(INCOMPLETE, "manifest", name, "present", "missing")
        if absent:
            return None
        try:
            self._told, self._terms = read_line(small["dispute.json"]), read_line(small["contract/terms.json"])
            self._signatures = read_line(small["contract/signatures.json"])
            self._terms_hash = hashlib.sha256(small["contract/terms.json"]).hexdigest()
            self._ids = {name: str(self._told[name]) for name in ("id", "contract_id", "order_id")}
            kinds = {each["content_hash"]: each["kind"] for each in self._told["evidence"] if each["by"] == "platform"}
            self._names = {name[6:-4] for name in names if name.startswith("texts/")}
            for name, content in self._bundle.members("texts/"):
                if hashlib.sha256(content).hexdigest() != name[6:-4]:
                    self._add(TAMPERED, "texts", name, "the text of this hash", "another")
                if name[6:-4] in kinds:
                    self._texts[kinds[name[6:-4]]] = read_line(content)
            self._claimed = {each["use_id"]: each for each in self._texts.get("delivery", {}).get("uses", [])}
        except UNREADABLE as error:
            self._add(TAMPERED, "case", "dispute.json", "a case in its form", str(error))
            return None
        return self._bundle.inside("evidence.tar")

    def _compare_manifest(self, manifest: bytes | None) -> set[str]:
        """The names of all files, of which each is as the manifest has it."""
        found = dict(self._bundle.digests())
        names = set(found)
        found.pop("manifest.json", None)
        self._report.counts["manifest"] = len(found)
        self._report.done.add("manifest")
        listed = cast("dict[str, Any]", {})
        if manifest is not None:
            try:
                told = read_line(manifest)
                listed = {each["name"]: (each["hash"], each["bytes"]) for each in told["files"]}
                if told.get("format") != DISPUTE_FORMAT or set(told) != {"format", "files"}:
                    raise Refused(f"the format {told.get('format')}")
                if [*listed] != sorted(listed) or len(listed) < len(told["files"]):
                    raise Refused("names that are not in strict order")
            except UNREADABLE as error:
                self._add(TAMPERED, "manifest", "manifest.json", f"a manifest of {DISPUTE_FORMAT}", str(error))
        for name in sorted({*found, *listed}):
            if name not in found:
                self._add(INCOMPLETE, "manifest", name, "present", "missing")
            elif found[name] != listed.get(name):
                self._add(TAMPERED, "manifest", name, str(listed.get(name, "not listed")), str(found[name]))
            elif name not in DISPUTE_FILES and not TEXT_NAME.fullmatch(name):
                self._add(TAMPERED, "manifest", name, "a file of a dispute", "another")
        return names

    def refuse(self, unknown: list[str]) -> None:
        """Nothing may stand in the log's part that nobody looks at."""
        for name in unknown:
            self._add(TAMPERED, "manifest", f"evidence.tar: {name}", "a member of evidence", "another")
        unknown.clear()

    def require_about(self, threads: Iterable[Thread]) -> None:
        """The log was asked for everything about this very case."""
        asked = sorted(each.subject for each in threads)
        wanted = sorted([f"ctr {self._ids['contract_id']}", *(f"obj {each}" for each in self._ids.values())])
        if asked != wanted:
            self._add(TAMPERED, "case", "evidence.tar: query.json", str(wanted), str(asked))

    def take(self, index: int, event: dict[str, Any]) -> None:
        """What an entry says of the case."""
        data, (service, _, act) = event["data"], event["act"].partition(".")
        if service != "trading":
            return
        if act in DISPUTE_ACTS and data["dispute_id"] == self._ids["id"]:
            self._facts.append((data.get("revision", 1), index, act, data))
            if act == "arbiter_voted":
                self._sealed[data["round"], data["arbiter_id"]] = event["pd"]["vote"]
        if act in ("contract_signed", "contract_activated") and data["contract_id"] == self._ids["contract_id"]:
            if act == "contract_activated":
                self._active = data["terms_hash"]
            else:
                told = {name: data[name] for name in SIGNATURE_MEMBERS if name in data}
                self._signed[data["side"]] = {**told, "signed_at": event["ts"]}
        if act == "entitlement_used" and data["use_id"] in self._claimed:
            self._uses[data["use_id"]] = {"uses_left": data["uses_left"], "used_at": event["ts"]}

    def compare(self) -> None:
        """What the file says against what its entries have said."""
        compared = {
            "case": self._compare_case, "contract": self._compare_contract, "texts": self._compare_texts,
            "uses": self._compare_uses, "quality": self._compare_quality,
        }  # fmt: skip
        for check, compare in compared.items():
            try:
                compare()
            except UNREADABLE as error:
                verdict = INCOMPLETE if check == "case" and self._lacks_entries() else TAMPERED
                self._add(verdict, check, "dispute.json", "what can be compared with the entries", repr(error))
            self._report.done.add(check)

    def _compare_case(self) -> None:
        facts = [(act, data) for _, _, act, data in sorted(self._facts, key=lambda each: each[:2])]
        if not facts or facts[0][0] != "dispute_opened":
            return self._add(INCOMPLETE, "case", "dispute.json", "the entry that opens it", "missing")
        made, told = made_again(self._ids["id"], [data for _, data in facts]), self._told
        self._report.counts["case"] = len(facts)
        self._compare_hearings(made)
        is_behind = made["revision"] < told["revision"]
        for name in sorted({*made, *told}):
            known, claimed = made.get(name), told.get(name)
            if known != claimed:
                is_later = is_behind and name in MOVED_BY_LATER_FACTS
                is_more = self._lacks_entries() or is_later or known is None or is_part(known, claimed)
                verdict = INCOMPLETE if is_more else TAMPERED
                self._add(verdict, "case", f"dispute.json: {name}", f"{known}, as the entries tell it", str(claimed))

    def _compare_hearings(self, made: dict[str, Any]) -> None:
        """Each draw by the seed, and each vote, that had been committed to."""
        for number, panel in enumerate(made["panels"]):
            drawn = hashlib.sha256(b"yaosu arbiter draw v1\n" + bytes.fromhex(panel["seed"])).hexdigest()
            if drawn != made["commitments"][number]:
                self._add(TAMPERED, "case", f"draw {number + 1}", f"the seed of {made['commitments'][number]}", drawn)
            for vote in panel["votes"]:
                known = self._sealed.get((panel["number"], vote["arbiter_id"]))
                message = b"\x11vote\x00" + ENCODER.encode(vote).encode()
                found = hmac.new(bytes.fromhex(vote["salt"]), message, hashlib.sha256).hexdigest()
                if known != found:
                    verdict = TAMPERED if known else INCOMPLETE
                    self._add(verdict, "case", f"vote of {vote['arbiter_id']}", f"the vote of {known}", found)

    def _lacks_entries(self) -> bool:
        return any(self._report.failures[check] for check in ("inclusion", "whole"))

    def _compare_contract(self) -> None:
        told, signed = self._signatures, {each["side"]: each for each in self._signatures["signatures"]}
        if set(told) != {"terms_hash", "signatures"} or len(signed) < len(told["signatures"]):
            raise Refused("more than a hash and two signatures")
        in_texts = self._texts.get("contract", {}).get("terms_hash", self._terms_hash)
        for found in (told["terms_hash"], in_texts, self._active):
            if found != self._terms_hash:
                verdict = TAMPERED if found else INCOMPLETE
                self._add(verdict, "contract", "contract/terms.json", f"terms of the hash {found}", self._terms_hash)
        for side in sorted({"buyer", "provider", *signed, *self._signed}):
            known, claimed = self._signed.get(side), signed.get(side)
            self._report.counts["contract"] += 1
            if known != claimed or claimed is None:
                verdict = TAMPERED if known else INCOMPLETE
                self._add(
                    verdict, "contract", f"signatures.json: {side}", f"{known}, as an entry tells it", str(claimed)
                )
            elif "person" not in claimed:
                message = b"yaosu contract v1\n" + self._terms_hash.encode()
                if not ed25519_verifies(_base64(claimed["public_key"]), message, _base64(claimed["signature"])):
                    self._add(TAMPERED, "contract", f"signatures.json: {side}", "a signature over the terms", "another")

    def _compare_texts(self) -> None:
        named, wanted = set[str](), set[str]()
        _hashes(self._told, named, wanted)
        self._report.counts["texts"] = len(self._names)
        for each in sorted(self._names - named):
            self._add(TAMPERED, "texts", f"texts/{each}.txt", "a text that the case names", "another")
        for each in sorted(wanted - self._names):
            self._add(INCOMPLETE, "texts", f"texts/{each}.txt", "present", "missing")

    def _compare_uses(self) -> None:
        self._report.counts["uses"] = len(self._claimed)
        for use_id, told in sorted(self._claimed.items()):
            known, claimed = self._uses.get(use_id), {name: told[name] for name in ("uses_left", "used_at")}
            if known != claimed:
                verdict = TAMPERED if known else INCOMPLETE
                self._add(verdict, "uses", use_id, f"{known}, as an entry tells it", str(claimed))

    def _compare_quality(self) -> None:
        told = self._texts.get("quality")
        if told is None:
            return
        self._report.counts["quality"] = 1
        subject = self._terms["subject"]
        for name in ("version_id", "content_hash"):
            if told[name] != subject[name]:
                self._add(TAMPERED, "quality", f"texts/: {name}", str(subject[name]), str(told[name]))
        digest = hashlib.sha256(ENCODER.encode(told["report"]).encode()).hexdigest() if "report" in told else None
        if digest != told.get("report_digest"):
            self._add(TAMPERED, "quality", "texts/: report", str(told.get("report_digest")), str(digest))

    def _add(self, verdict: int, check: str, artefact: str, expected: str, found: str) -> None:
        self._report.add(Finding(verdict, check, artefact, expected, found))


class CaseEvidence(Evidence):
    """The same walk, on which the case hears what each entry says of it."""

    def __init__(self, bundle: Bundle, report: Report, note: bytes, root: bytes, case: Case) -> None:
        super().__init__(bundle, report, note, root)
        self._case = case
        case.require_about(self._threads)
        if self._teller is None:
            del report.checks["map"]  # there is none, and without the tail nothing stands in for it

    def _follow(
        self, index: int, mapped: int, source: dict[str, Any], event: dict[str, Any], seal: dict[str, Any], leaf: bytes
    ) -> None:
        super()._follow(index, mapped, source, event, seal, leaf)
        self._case.take(index, event)


def made_again(dispute_id: str, facts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A dispute as its facts tell it, in their order, of which the first opens it."""
    made: dict[str, Any] = {
        **facts[0], "id": dispute_id, "revision": 1, "evidence": [], "panels": [], "rulings": [], "offers": [],
        "extensions": [],
    }  # fmt: skip
    del made["dispute_id"]
    made["commitments"] = [made.pop("commitment")]
    made["nonces"] = [{"claimant": made.pop("nonce"), "respondent": ""}]
    for fact in facts[1:]:
        for name in ("state", "provisional", "revision", "deadline", "reason_code"):
            made.pop(name, None)
            made.update({name: fact[name]} if name in fact else {})
        made.update({name: fact[name] for name in ("notice", "answer", "appeal") if name in fact})
        _take_fact(made, fact)
    return made


def _take_fact(made: dict[str, Any], fact: dict[str, Any]) -> None:
    panels = {panel["number"]: panel for panel in made["panels"]}
    if "answer" in fact:
        made["nonces"][0] = {**made["nonces"][0], "respondent": fact["nonce"]}
    if "appeal" in fact:
        made["nonces"] = [made["nonces"][0], fact["nonces"]]
    made["evidence"] += fact.get("pieces", [])
    made["extensions"] += [fact["extension"]] if "extension" in fact else []
    if "offer" in fact:
        made["offers"] = [each for each in made["offers"] if each["side"] != fact["offer"]["side"]] + [fact["offer"]]
    if "seed" in fact:
        names = ("size", "seed", "nonces", "eligible", "drawn_at", "beacon")
        told = {name: fact[name] for name in names if name in fact}
        order = sorted(fact["eligible"], key=lambda each: lot(made["id"], fact, each))
        made["panels"].append({**told, "number": fact["round"], "order": order, "gone": [], "votes": []})
    if "gone" in fact:
        panels[fact["round"]]["gone"].append(fact["gone"])
    if "ruling" in fact:
        made["rulings"].append(fact["ruling"])
        made["offers"] = []
        made["commitments"] += [fact["commitment"]] if "commitment" in fact else []
        panels[fact["ruling"]["number"]]["votes"] = fact["votes"]
    if "result" in fact:
        made["outcome"] = fact["result"]


def lot(dispute_id: str, drawn: dict[str, Any], arbiter: str) -> str:
    """By which an arbiter is drawn: a hash that nobody chose alone."""
    said = {"arbiter": arbiter, "dispute": dispute_id, **{name: drawn[name] for name in ("nonces", "round", "seed")}}
    said.update({"beacon": drawn["beacon"]} if drawn.get("beacon") else {})
    return hashlib.sha256(b"yaosu arbiter draw v1\n" + ENCODER.encode(said).encode()).hexdigest()


def is_part(known: Any, claimed: Any) -> bool:
    """Whether a value says nothing that another does not say too."""
    if isinstance(known, dict) and isinstance(claimed, dict):
        told = cast("dict[str, Any]", claimed)
        return all(name in told and is_part(each, told[name]) for name, each in cast("dict[str, Any]", known).items())
    if isinstance(known, list) and isinstance(claimed, list):
        pairs = zip(cast("list[Any]", known), cast("list[Any]", claimed))  # noqa: B905
        return len(cast("list[Any]", known)) <= len(cast("list[Any]", claimed)) and all(
            is_part(*each) for each in pairs
        )
    return bool(known == claimed)


def _hashes(value: Any, named: set[str], wanted: set[str]) -> None:
    """Every hash that a value names, and those of texts that the platform keeps."""
    if isinstance(value, dict):
        told = cast("dict[str, Any]", value)
        kept = ["reasons_hash", "reason_hash"] + ["content_hash"] * bool(told.get("kept"))
        wanted.update(told[name] for name in kept if name in told)
    for each in cast("dict[str, Any]", value).values() if isinstance(value, dict) else cast("list[Any]", value):
        if isinstance(each, (dict, list)):
            _hashes(each, named, wanted)
        elif isinstance(each, str):
            named.add(each)


def number_of(name: str) -> int:
    match = re.fullmatch(r"(?:entries|proofs)/([0-9]{16})(?:\.tlog-proof)?", name)
    if not match:
        raise CannotDecide(f"a member of an unknown name: {name}")
    return int(match[1])


def read_proof(proof: bytes, index: int, note: bytes) -> list[bytes]:
    """The hashes of a C2SP tlog-proof of this index under this checkpoint."""
    head, _, checkpoint = proof.partition(b"\n\n")
    lines = head.decode().split("\n")
    if lines[:2] != ["c2sp.org/tlog-proof@v1", f"index {index}"] or checkpoint != note:
        raise Refused("a proof of another entry, or under another checkpoint")
    return [_base64(line) for line in lines[2:]]


# --- the bundle: a deterministic ustar file, read without ever holding more than one member of it


class Bundle:
    """Requires plain files in strictly ascending order of name, so that each name has one content."""

    def __init__(self, path: str) -> None:
        self._path, self._place = path, cast("tuple[int, int] | None", None)
        self._begins: dict[str, tuple[int, str]] = {}  # of each folder: where, and the member before

    def members(self, pattern: str) -> Iterator[tuple[str, bytes]]:
        """Name and bytes of each member whose name begins with the pattern."""
        for name, size, file in self._walk():
            if re.match(pattern, name):
                yield name, _read_content(file, name, size, -size % 512)

    def below(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """As `members` of one of FOLDERS, without looking at the many before and behind it again."""
        if not self._begins:
            before, open_folders, begin = "", [*FOLDERS], 0
            for name, _, file in self._walk():
                begin = file.tell() - 512
                while open_folders and name >= open_folders[0]:
                    self._begins[open_folders.pop(0)] = begin, before
                before = name
            self._begins.update(dict.fromkeys(open_folders, (begin, "")))
        for name, size, file in self._walk(*self._begins[folder]):
            if name.startswith(folder):
                yield name, _read_content(file, name, size, -size % 512)
            elif name > folder:
                return

    def digests(self) -> Iterator[tuple[str, tuple[str, int]]]:
        """Name, hash and size of each member, however long it is."""
        for name, size, file in self._walk():
            hashed, left = hashlib.sha256(), size
            while left > PIECE_BYTES:
                hashed.update(file.read(PIECE_BYTES))
                left -= PIECE_BYTES
            hashed.update(_read_content(file, name, left, -size % 512))
            yield name, (hashed.hexdigest(), size)

    def has(self, names: Sequence[str]) -> bool:
        """Whether any member has one of these names, as far as the file can be read."""
        try:
            return any(name in names for name, _, _ in self._walk())
        except (CannotDecide, Missing):
            return False

    def inside(self, member: str) -> Bundle:
        """The bundle that is itself a member of this one. Requires that there is such a member."""
        place = next((file.tell(), size) for name, size, file in self._walk() if name == member)
        bundle = Bundle(self._path)
        bundle._place = place
        return bundle

    def _walk(self, begin: int = 0, before: str = "") -> Iterator[tuple[str, int, BinaryIO]]:
        """Name and size of each member from a place on, and the file where its content begins."""
        with open(self._path, "rb") as opened:
            file = cast(BinaryIO, Part(opened, *self._place)) if self._place else opened
            at = begin or file.tell()
            while True:
                file.seek(at)
                name, size = _read_header(file.read(512))
                if not name:
                    return _expect_the_end(file)
                if name <= before:
                    raise CannotDecide(f"the members are not in strict order: {before}, {name}")
                before, at = name, at + 512 + size + -size % 512
                yield name, size, file


class Part:
    """A stretch of a file, read as if nothing stood behind it."""

    def __init__(self, file: BinaryIO, begin: int, size: int) -> None:
        self._file, self._end, self.seek, self.tell = file, begin + size, file.seek, file.tell
        file.seek(begin)

    def read(self, size: int) -> bytes:
        return self._file.read(max(0, min(size, self._end - self._file.tell())))


class Series:
    """The members below a prefix, each asked for by the name it must have."""

    def __init__(self, bundle: Bundle, prefix: str, report: Report) -> None:
        self._members, self._prefix, self._report = bundle.below(prefix), prefix, report
        self._next = next(self._members, None)

    def take(self, path: str) -> bytes | None:
        """The member's bytes, or None if it is missing."""
        name = self._prefix + path
        self._refuse_before(name)
        if self._next is None or self._next[0] != name:
            return None
        content, self._next = self._next[1], next(self._members, None)
        return content

    def end(self) -> None:
        self._refuse_before("\x7f")

    def _refuse_before(self, name: str) -> None:
        while self._next and self._next[0] < name:
            self._report.add(Finding(TAMPERED, "tiles", self._next[0], "no such member at this size", "a member"))
            self._next = next(self._members, None)


def _read_header(header: bytes) -> tuple[str, int]:
    """Name and size; no name at the end."""
    if len(header) < 512:
        raise Missing("the file ends early")
    if not header.strip(b"\0"):
        return "", 0
    name, octal = header[:100].rstrip(b"\0").decode("ascii", "replace"), header[124:135]
    size = int(octal, 8) if re.fullmatch(b"[0-7]{11}", octal) else MEMBER_BYTES_MAX
    if size >= MEMBER_BYTES_MAX or header != _plain_header(name, octal):
        raise CannotDecide("this is not a tar file of plain members without owners and times")
    return name, size


def _plain_header(name: str, octal: bytes) -> bytes:
    before = name.encode().ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + octal + b"\0" + b"0" * 11 + b"\0"
    behind = b"0" + bytes(100) + b"ustar\x0000"
    return (before + b"%06o\0 " % (sum(before) + sum(behind) + 8 * 32) + behind).ljust(512, b"\0")


def _read_content(file: BinaryIO, name: str, size: int, padding: int) -> bytes:
    content, rest = file.read(size), file.read(padding)
    if len(content) + len(rest) < size + padding:
        raise Missing(f"the file ends inside {name}")
    if rest.strip(b"\0"):
        raise CannotDecide(f"there is something hidden behind {name}")
    return content


def _expect_the_end(file: BinaryIO) -> None:
    rest = file.read(10_240)
    if len(rest) < 512:
        raise Missing("the file ends early")
    if rest.strip(b"\0") or file.read(1):
        raise CannotDecide("there is something behind the end of the tar file")


def tile_path(index: int, width: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "".join(f"x{group}/" for group in groups[:-1]) + groups[-1] + (f".p/{width}" if width < 256 else "")


def unpack(packed: bytes, count: int = 256) -> tuple[list[bytes], int]:
    """The leaves of an entry bundle, up to the first that is not whole, and how many bytes are behind them."""
    leaves: list[bytes] = []
    at, end = 0, len(packed)
    while len(leaves) < count and at + 2 <= end:
        start = at + 2
        behind = start + (packed[at] << 8 | packed[at + 1])
        if behind > end:
            break
        leaves.append(packed[start:behind])
        at = behind
    return leaves, end - at


# --- the tree (RFC 9162 section 2.1)


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


NEXT = cast("Callable[[Head], str]", attrgetter("next"))
NEAR = cast(
    "Callable[[dict[bytes, Head], bytes], Head]", dict[bytes, Any].get
)  # None where there is none, which has no `next`
SHA256 = hashlib.sha256
CHAINED = struct.Struct(">c32sQ").pack


class Tree:
    """Grows by leaf hashes; keeps its right edge, and of some levels of tiles the hashes not yet in a full tile."""

    def __init__(self, levels: int = 8, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        self.size = size
        self.rows: list[list[bytes]] = [[] for _ in range(levels)]
        self._peaks = list(peaks)

    def edge(self) -> Tree:
        """The same tree, without what is not yet in a full tile."""
        return Tree(0, self.size, self._peaks)

    def extend(self, row: list[bytes]) -> None:
        """Put leaves behind it: level by level, all that is complete on each."""
        size, level, peaks = self.size + len(row), 0, list[bytes]()
        while row:
            if self.rows and level % 8 == 0:
                self.rows[level // 8] += row
            if self.size >> level & 1:
                row = [self._peaks.pop(), *row]
            if len(row) & 1:
                peaks.append(row[-1])
            pairs = iter(row)
            row = [SHA256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs)]  # noqa: B905
            level += 1
        self._peaks += peaks[::-1]
        self.size = size

    def root(self) -> bytes:
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        root = self._peaks[-1]
        for peak in self._peaks[-2::-1]:
            root = node_hash(peak, root)
        return root


def leads_to(index: int, size: int, leaf: bytes, hashes: Sequence[bytes], root: bytes) -> bool:
    """Whether the hashes lead from the leaf at `index` to the root of `size` leaves (RFC 9162 section 2.1.3.2)."""
    at, last = index, size - 1
    if not 0 <= at <= last or any(len(each) != 32 for each in hashes):
        return False
    for sibling in hashes:
        if last == 0:
            return False
        leaf = node_hash(sibling, leaf) if at & 1 or at == last else node_hash(leaf, sibling)
        while at == last and not at & 1 and at:
            at, last = at >> 1, last >> 1
        at, last = at >> 1, last >> 1
    return last == 0 and leaf == root


# --- notes and keys (C2SP signed-note, tlog-checkpoint)


@dataclass(frozen=True)
class Key:
    name: str
    public: bytes
    id: bytes
    kind: bytes = b"\x01"

    def text(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self.kind + self.public).decode()}"


def parse_key(text: str, kind: bytes = b"\x01") -> Key:
    """A log's key, or with kind 4 a witness's."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    data = _base64(encoded)
    if len(data) != 33 or data[:1] != kind:
        raise Refused("the key is not an Ed25519 key in the form name+id+base64")
    counted = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    if counted.hex() != key_id:
        raise Refused("the key's id does not belong to its name and bytes")
    return Key(name, data[1:], counted, kind)


def signature_lines(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """The text that is signed, and of each signature the name, and the key's id before what it signed."""
    text, separator, block = note.decode().rpartition("\n\n")
    text += "\n"
    lines, found = block.split("\n"), list[tuple[str, bytes]]()
    if not separator or lines.pop() or not 1 <= len(lines) <= 16 or re.search(r"[\x00-\x09\x0b-\x1f]", note.decode()):
        raise Refused("not a signed note")
    for line in lines:
        match = re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})", line)
        if not match:
            raise Refused("a signature line is not of its form")
        found.append((match[1], _base64(match[2])))
    return text, found


def open_checkpoint(note: bytes, keys: Collection[Key], origin: str) -> tuple[int, bytes]:
    """Size and root, if the note is signed by one of the keys, and truly by each that it names, and of this origin.

    Raises Refused otherwise."""
    (text, lines), signed = signature_lines(note), False
    for name, data in lines:
        for key in [each for each in keys if (each.name, each.id) == (name, data[:4])]:
            if not ed25519_verifies(key.public, text.encode(), data[4:]):
                raise Refused(f"the signature by {key.name} is false")
            signed = True
    if not signed:
        raise Refused("there is no signature by " + " or ".join(f"{key.name}+{key.id.hex()}" for key in keys))
    match = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n", text)
    if not match or match[1] != origin:
        raise Refused(f"not a checkpoint of {origin}")
    return int(match[2]), _base64(match[3])


def read_handovers(told: list[dict[str, Any]], origin: str) -> list[tuple[Key, Key]]:
    """Which key of the log was followed by which; raises Refused unless both signed that."""
    found = list[tuple[Key, Key]]()
    if len(told) > HANDOVERS_MAX:
        raise Refused("more handovers than a log can have had")
    for each in told:
        if set(each) != {*HANDOVER, "signature_from", "signature_to"} or type(each["at"]) is not int:
            raise Refused("a handover of another form")
        line = json.dumps({name: each[name] for name in HANDOVER}, separators=(",", ":"), ensure_ascii=False)
        keys = parse_key(each["from"]), parse_key(each["to"])
        for key, signature in zip(keys, (each["signature_from"], each["signature_to"])):  # noqa: B905
            message = b"yaosu log key v1\n" + line.encode()
            if key.name != origin or not ed25519_verifies(key.public, message, bytes.fromhex(signature)):
                raise Refused(f"a handover that {key.name}+{key.id.hex()} did not sign")
        found.append(keys)
    return found


def followers(key: Key, handed_over: Sequence[tuple[Key, Key]]) -> list[Key]:
    """The key, and each that followed it or one of these. Requires handovers in the order of their time."""
    found = [key]
    for before, after in handed_over:
        if before in found and after not in found:
            found.append(after)
    return found


def _base64(text: str) -> bytes:
    data = base64.b64decode(text.encode(), validate=True)
    if base64.b64encode(data).decode() != text:
        raise Refused("the base64 has stray bits")
    return data


class Policy:
    """Logs, witnesses by their names here, and the quorum (C2SP tlog-policy). Raises Refused."""

    def __init__(self, content: bytes) -> None:
        self.logs: list[Key] = []
        self.witnesses: dict[str, Key] = {}
        self.groups: dict[str, tuple[int, list[str]]] = {}
        self.quorum = ""
        if re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", content) or not content.endswith(b"\n"):
            raise Refused("the policy is not lines of text")
        if len(content) > POLICY_BYTES_MAX:
            raise Refused("the policy is longer than any")
        for line in content.decode("utf-8", "surrogateescape").split("\n"):
            words = re.split("[ \t]+", line.strip(" \t"))
            if words != [""] and not words[0].startswith("#"):
                self._take(words[0], words[1:])
        publics = [key.public for key in self.logs], [key.public for key in self.witnesses.values()]
        members = [member for _, group in self.groups.values() for member in group]
        if not self.quorum or any(len(set(each)) < len(each) for each in (*publics, members)):
            raise Refused("the policy says no quorum, or something twice")

    def _take(self, kind: str, words: list[str]) -> None:
        known = {*self.witnesses, *self.groups}
        if kind == "log" and len(words) in (1, 2):
            self.logs.append(parse_key(words[0]))
        elif kind == "witness" and len(words) in (2, 3) and words[0] not in known | {"none"}:
            self.witnesses[words[0]] = parse_key(words[1], b"\x04")
        elif kind == "group" and words and words[0] not in known | {"none"} and known >= set(words[2:]) > set():
            count = {"any": "1", "all": str(len(words[2:]))}.get(words[1], words[1])
            if not re.fullmatch("[1-9][0-9]{0,8}", count) or int(count) > len(words[2:]):
                raise Refused(f"the group {words[0]} has no such threshold")
            self.groups[words[0]] = (int(count), words[2:])
        elif kind == "quorum" and len(words) == 1 and not self.quorum and words[0] in known | {"none"}:
            self.quorum = words[0]
        else:
            raise Refused(f"a line of the policy is not of its form, or names what is not before it: {kind}")

    def is_met(self, seen: set[str]) -> bool:
        for name, (count, members) in self.groups.items():
            if len(seen & set(members)) >= count:
                seen = seen | {name}
        return self.quorum in seen | {"none"}


@dataclass(frozen=True)
class Promise:
    """Of a receipt: the log holds the stripe up to this number, with this hash, at this place."""

    index: int
    service: str
    stripe: int
    seq: int
    hash: str


def read_receipt(content: bytes, keys: Collection[Key]) -> Promise:
    """What a receipt promises. Raises CannotDecide unless a key of the log signed it."""
    try:
        told = json.loads(content)
        signature, issued_at = _base64(told.pop("signature")), told["issued_at"].replace("Z", "+00:00")
        told["issued_at"] = (datetime.fromisoformat(issued_at) - EPOCH) // timedelta(microseconds=1)
        line = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        if not any(ed25519_verifies(key.public, b"yaosu receipt v1\n" + line, signature) for key in keys):
            raise Refused("it is not signed by the log's key")
        return Promise(told["last_index"], told["service"], told["stripe"], told["last_seq"], told["last_hash"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CannotDecide(f"this is no receipt of the log: {error}") from error


# --- canonical JSON (RFC 8785 within the log's profile)


def read_line(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_BYTES_MAX:
        raise Refused("longer than a line of the log's form can be")
    value = DECODER.decode(line.decode())
    again = ENCODER.encode(value)
    if not isinstance(value, dict) or again.encode() != line or not unicodedata.is_normalized("NFC", again):
        raise Refused("not the canonical bytes of an object")
    _lint(value)
    return cast(dict[str, Any], value)


def read_form(line: bytes, form: re.Pattern[bytes]) -> dict[str, Any]:
    """A line of a form that has one way to write each value: what matches it is canonical, but for large numbers."""
    if not form.fullmatch(line):
        raise Refused("the source line or the seal line is not of its form")
    value = json.loads(line)
    _lint(value)
    return cast(dict[str, Any], value)


def _lint(value: Any, depth: int = 0) -> None:
    if value is None or (type(value) is int and not -(2**53) < value < 2**53):
        raise Refused("a value outside of the profile")
    members = cast("dict[str, Any]", value).values() if isinstance(value, dict) else value
    for member in cast("list[Any]", members) if isinstance(value, (dict, list)) else ():
        if depth == 16:
            raise Refused("a value outside of the profile")
        if type(member) is not str:
            _lint(member, depth + 1)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, _ in pairs:
        if not NAME.fullmatch(name):
            raise Refused("a member's name is not of [a-z_]")
    return dict(pairs)  # a name that stands twice is dropped here, and missed when the bytes are compared


def _exact(text: str) -> int:
    if len(text) > 17:
        raise Refused("a number beyond 2^53")
    return int(text)


def _no_float(text: str) -> Any:
    raise Refused(f"{text} is not an integer")


NAME = re.compile("[a-z_]+")
DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_exact, parse_float=_no_float, parse_constant=_no_float
)
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# --- Ed25519 (RFC 8032 section 5.1), verification only

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
BASE = b"\x58" + b"\x66" * 31
Point = tuple[int, int, int, int]  # extended coordinates: x, y, z, t


def _decompress(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def _plus(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


@lru_cache(16)  # the newest checkpoint stands in a bundle twice
def ed25519_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(public) != 32 or len(signature) != 64:
        return False
    base, key, commitment = _decompress(BASE), _decompress(public), _decompress(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if base is None or key is None or commitment is None or scalar >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    minus_key = (P - key[0], key[1], 1, P - key[3])
    sums = (None, base, minus_key, _plus(base, minus_key))
    reached: Point = (0, 1, 1, 0)  # scalar * base - challenge * key, both from the highest bit down
    for bit in range(max(scalar, challenge).bit_length() - 1, -1, -1):
        reached = _plus(reached, reached)
        term = sums[(scalar >> bit & 1) | (challenge >> bit & 1) << 1]
        reached = _plus(reached, term) if term else reached
    x, y, z, _ = reached
    return (x - commitment[0] * z) % P == 0 and (y - commitment[1] * z) % P == 0


# --- the command line


def when(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s"


def _read_file(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _show(done: int, size: int) -> None:
    print(f"\r{done:,} / {size:,}", end="" if done < size else "\n", file=sys.stderr, flush=True)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--key", help="the log's verifier key, from a source other than the bundle")
    parser.add_argument("--policy", help="a C2SP tlog-policy: the log's key, its witnesses and the quorum")
    parser.add_argument(
        "--receipt", action="append", default=[], help="a file of what the log answered a source, a line each"
    )
    parser.add_argument("--json", action="store_true")
    try:
        options = parser.parse_args(argv)
    except SystemExit as stop:
        return UNDECIDED if stop.code else 0
    try:
        policy = _read_file(options.policy) if options.policy else None
        receipts = [line for path in options.receipt for line in _read_file(path).splitlines() or [b""]]
    except OSError as error:
        print(error, file=sys.stderr)
        return UNDECIDED
    report = verify(options.bundle, options.key, _show if sys.stderr.isatty() else None, policy, receipts)
    output: Any = sys.stdout
    if hasattr(output, "reconfigure"):
        output.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter changes no verdict
    print(json.dumps(report.as_json(), indent=2) if options.json else report.as_text())
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
