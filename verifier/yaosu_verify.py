#!/usr/bin/env python3
"""Yaosu 要素: the offline verifier of the audit log. 审计日志离线校验工具。

    python3 yaosu_verify.py BUNDLE.tar [--key NAME+ID+BASE64] [--json]

One file, Python 3.9 or later, nothing but the standard library, no network, constant memory.
Promises: what it reports as verified it has recomputed from the bundle's bytes; what it has not is listed as not
checked; the first entry that diverges is named. Exit: 0 verified, 1 tampered, 2 incomplete, 3 cannot decide.

Without --key the log's key is taken from the bundle itself: then the report only says that the bundle agrees with
itself, not whose it is. Get the key from its owner by another way, and compare this file's SHA-256 likewise.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import re
import sqlite3
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
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
    "leaves": ("条目散列与分块一致", "every entry's hash is the one in the tiles"),
    "tiles": ("哈希分块齐全，上层由条目重算一致", "tiles all there, the upper ones recomputed from the entries"),
    "root": ("树根由条目重算一致", "signed root recomputed from the entries"),
    "checkpoints": ("历次检查点前后一致", "all checkpoints signed and consistent"),
    "chains": ("来源链连续无缺", "source chains contiguous, nothing dropped or reordered"),
    "times": ("入账时间不倒退", "ingest times never run backwards"),
    "back_links": ("回链与计数正确", "back-links and counts"),
    "canonical": ("规范编码", "canonical form of every line"),
    "commitments": (
        "披露字段与承诺相符，删除只及于承诺字段",
        "opened fields match, erased ones were fields",
    ),
}
NEVER_CHECKED = [
    ("见证：本包未经见证", "not witnessed: nothing shows that others were shown the same log"),
    ("时间锚：签名时间未经第三方证明", "not anchored: no third party attests the time"),
    ("新旧：此检查点是否最新", "whether this checkpoint is the newest"),
    ("来源从未上报的事件", "events that a service never reported"),
    ("内容的真实性", "whether what the entries say is true"),
]
OWN_KEY = ("密钥归属：密钥取自包内", "whose key it is: it was taken from the bundle itself")
EVENT_MEMBERS = set("v id ts act cat out actor data ret obj rsn onb ctr pol lb chg amt req pd".split())
EVENT_REQUIRED = set("v id ts act cat out actor data ret".split())
UNKNOWN = r"(?!(checkpoint|policy\.json)$|checkpoints/|tile/([0-7]|entries)/)"
UNKNOWN_IN_AN_EXCERPT = r"(?!(checkpoint|policy\.json)$|checkpoints/|entry/|field/|tile/[0-7]/)"
POLICY_MEMBERS = {1: {"format", "log_key", "origin"}, 2: {"format", "kind", "log_key", "minimum_index", "origin"}}
MEMBER_BYTES_MAX = 32 * 1024 * 1024
KEY_SOURCES = {
    "given": "(由 --key 给定 / as given by --key)",
    "bundle": "(取自包内，未经独立确认 / FROM THE BUNDLE ITSELF, not confirmed by another way)",
}
MARKS = {"ok": "通过 OK", "failed": "失败 FAILED", "not checked": "未检查 NOT CHECKED"}
BLAME = {  # by whether the signed root agrees with the entries, and with the tiles
    (True, False): "签名根与条目相符，分块被改动 / the signed root agrees with the entries: the tiles were altered",
    (False, True): "签名根与分块相符，条目被改动 / the signed root agrees with the tiles: the entries were altered",
    (False, False): "签名根与两者都不符 / the signed root agrees with neither entries nor tiles",
}  # fmt: skip
NUMBER = "(?:0|-?[1-9][0-9]{0,15})"
SOURCE_LINE = re.compile(rf'\{{"prev":"[0-9a-f]{{64}}","seq":{NUMBER},"str":{NUMBER},"svc":"[a-z_]+"\}}'.encode())
LINK = rf'\["[0-9a-f]{{32}}",{NUMBER},{NUMBER}\]'
SEAL_LINE = re.compile(rf'\{{"ep":{NUMBER},"its":{NUMBER},"k":\[(?:{LINK}(?:,{LINK})*)?\],"lag":{NUMBER}\}}'.encode())
FIELD_STATES = {"disclosed": "披露", "withheld": "隐去", "erased": "已删除"}
FIELD_KINDS_MAX = 100
OPENED_MAX = 100
FINDINGS_MAX = 5  # of each check and verdict; more would only repeat it


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
        return f"{entry}{self.artefact}: {' / '.join(CHECKS[self.check])}: {told}"


@dataclass
class Report:
    key: str = ""
    key_source: str = "bundle"
    origin: str = ""
    size: int = 0
    root: str = ""
    kind: str = "whole"
    disclosed: int = 0  # of an excerpt: entries that are in it, and proved
    withheld: int = 0  # and entries of which it has no more than the hash
    pruned: int = 0  # entries below the minimum index, which are kept by nobody any more
    minimum_index: int = 0
    policy: str = ""  # by which they were pruned, as the log says
    fields: dict[str, dict[str, int]] = field(default_factory=lambda: dict[str, dict[str, int]]())  # by act and name
    opened: list[dict[str, Any]] = field(default_factory=lambda: list[dict[str, Any]]())
    reason: str = ""  # why nothing can be decided
    blame: str = ""  # which of entries and tiles the signed root contradicts
    done: set[str] = field(default_factory=lambda: set[str]())
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0))
    failures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0))
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
        return INCOMPLETE if verdicts or self.pruned or self.done != set(CHECKS) else VERIFIED

    def status(self, check: str) -> str:
        verdicts = {finding.verdict for finding in self.findings if finding.check == check}
        if TAMPERED in verdicts:
            return "failed"
        return "not checked" if verdicts or check not in self.done else "ok"

    def first(self) -> Finding | None:
        """The surest statement about the earliest entry; of several, that of the check that comes first."""
        order = list(CHECKS)
        return min(self.findings, key=lambda each: (each.verdict, each.bound(), order.index(each.check)), default=None)

    def not_checked(self) -> list[tuple[str, str]]:
        skipped = [label for check, label in CHECKS.items() if self.status(check) == "not checked"]
        own = [OWN_KEY] if self.key_source == "bundle" else []
        absent = [(f"隐去的条目 {self.withheld} 条", f"{self.withheld} entries withheld")] if self.withheld else []
        if self.pruned:
            told = f"{self.pruned} entries below {self.minimum_index}, pruned by policy {self.policy or '?'}"
            absent.append((f"期限届满已清除的条目：序号小于 {self.minimum_index}，共 {self.pruned} 条", told))
        closed = sum(states["withheld"] for states in self.fields.values())
        if closed:
            absent.append((f"{closed} 个承诺字段的原值", f"the values behind {closed} commitments"))
        return absent + skipped + own + NEVER_CHECKED + [(name, "unknown member") for name in self.unknown]

    def as_json(self) -> dict[str, Any]:
        first, code = self.first(), self.exit_code()
        told = {name: value for name, value in asdict(self).items() if name not in ("done", "unknown")}
        return {
            **told, "verdict": VERDICTS[code][1].lower(), "exit_code": code,
            "checks": {check: self.status(check) for check in CHECKS},
            "first_diverging": asdict(first) if first else None,
            "not_checked": [" / ".join(label) for label in self.not_checked()],
        }  # fmt: skip

    def as_text(self) -> str:
        verdict = " / ".join(VERDICTS[self.exit_code()])
        lines = [
            f"要素审计日志离线校验 / Yaosu audit log, offline verification: {verdict}", "",
            f"日志 / log: {self.origin}    条目数 / entries: {self.size}    树根 / root: {self.root}",
            f"密钥 / key: {self.key} " + KEY_SOURCES[self.key_source],
        ]  # fmt: skip
        lines += [f"原因 / reason: {self.reason}"] * bool(self.reason)
        if self.kind == "excerpt":
            told = f"{self.disclosed} 条披露且已证明在此签名根之下 / entries disclosed and proved under the signed root"
            lines.append(f"摘录 / excerpt: {told}; {self.withheld} 条隐去 / withheld")
        for check, label in CHECKS.items():
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
        return "\n".join(lines)


class CannotDecide(Exception):
    """This is not a bundle of a form known here."""


class Missing(Exception):
    """The bundle ends early, or lacks what cannot be done without."""


class Refused(ValueError):
    """The bytes are not in the one form that they must have."""


# --- the verification


def verify(path: str, key: str | None = None, progress: Callable[[int, int], None] | None = None) -> Report:
    """The report on a bundle; `key` is the log's verifier key from elsewhere, in the form name+id+base64.

    `progress` is told, now and then, how many of how many entries have been read.
    """
    report = Report(key_source="bundle" if key is None else "given")
    try:
        _verify(Bundle(path), key, report, progress or (lambda done, size: None))
    except Missing as error:
        report.add(Finding(INCOMPLETE, "leaves", path, "a whole bundle", str(error)))
    except Exception as error:  # also a full disk or a fault of this file: a crash's exit code would say "tampered"
        report.reason = str(error) or type(error).__name__
    return report


def _verify(bundle: Bundle, key_text: str | None, report: Report, progress: Callable[[int, int], None]) -> None:
    small = dict(bundle.members(r"checkpoint$|policy\.json$"))
    try:
        policy = read_line(small["policy.json"])
        own_key, report.origin = parse_key(policy["log_key"]), policy["origin"]
        key = own_key if key_text is None else parse_key(key_text)
        report.key, newest = f"{key.name}+{key.id.hex()}", small["checkpoint"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CannotDecide(f"no readable policy and checkpoint, or not a key: {error}") from error
    report.kind, report.minimum_index = policy.get("kind", "whole"), policy.get("minimum_index", 0)
    if set(policy) != POLICY_MEMBERS.get(policy.get("format", 0)) or report.kind not in ("whole", "excerpt"):
        raise CannotDecide("a bundle of a format that this verifier does not know")
    if type(report.minimum_index) is not int or report.minimum_index < 0 or report.minimum_index % 256:
        raise CannotDecide("a minimum index is a multiple of 256")
    if key != own_key:
        named = f"{own_key.name}+{own_key.id.hex()}"
        report.add(Finding(TAMPERED, "signature", "policy.json", f"a log with the key {report.key}", named))
    unknown = UNKNOWN if report.kind == "whole" else UNKNOWN_IN_AN_EXCERPT
    report.unknown = [name for name, _ in bundle.members(unknown)]
    try:
        report.counts["signature"] = 1
        report.size, root = open_checkpoint(newest, key, report.origin)
    except ValueError as error:
        expected = f"a checkpoint signed by {report.key}"
        return report.add(Finding(TAMPERED, "signature", "checkpoint", expected, str(error)))
    report.root = root.hex()
    report.done.add("signature")
    history = {**_history(bundle, key, report), report.size: root}
    (Scan if report.kind == "whole" else ExcerptScan)(bundle, report, history, progress).run()


def _history(bundle: Bundle, key: Key, report: Report) -> dict[int, bytes]:
    """The roots that the earlier checkpoints of the bundle give, by size."""
    history: dict[int, bytes] = {}
    for name, note in bundle.members("checkpoints/"):
        report.counts["checkpoints"] += 1
        try:
            size, root = open_checkpoint(note, key, report.origin)
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
        self._tree, self._given, self._content = Tree(), Tree(), Content(report)
        self._good = 0  # the largest size at which a checkpoint's root was right

    def run(self) -> None:
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
            leaves = unpack(packed)
            for index, leaf in enumerate(leaves, first):
                self._tree.add(hashlib.sha256(b"\x00" + leaf).digest())
                self._content.check(index, leaf)
                self._compare_checkpoint()
            if len(leaves) != min(256, size - first):
                at, expected = first + len(leaves), f"{min(256, size - first)} entries"
                return self._report.add(Finding(TAMPERED, "leaves", path, expected, f"{len(leaves)} readable", at))
            self._compare_tiles(last=self._tree.size == size)
            self._progress(self._tree.size, size)
        self._end()

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
            self._tree.add(expected)
            self._given.add(expected)
            self._compare_checkpoint()
            self._take_entry(index, expected, name)
        self._tree.rows[0].clear()
        self._compare_tiles(last=self._tree.size == self._report.size)
        self._progress(self._tree.size, self._report.size)
        return True

    def _take_entry(self, index: int, expected: bytes, tile: str) -> None:
        self._report.pruned += 1

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
            if tile is not None and level == 0 and len(tile) == 32 * len(row):
                self._compare_leaves(first, row, tile, name)
            elif tile != b"".join(row):
                verdict, found = (INCOMPLETE, "missing") if tile is None else (TAMPERED, "others")
                for check in ["tiles"] if level else ["leaves", "tiles"]:
                    self._report.add(Finding(verdict, check, name, "the hashes recomputed from the entries", found))
            row.clear()
            self._given.rows[level].clear()

    def _compare_leaves(self, first: int, row: list[bytes], tile: bytes, name: str) -> None:
        for offset, found in enumerate(row):
            expected = tile[32 * offset : 32 * offset + 32]
            self._report.counts["leaves"] += 1
            self._given.add(expected)
            if expected != found:
                self._report.add(Finding(TAMPERED, "leaves", name, expected.hex(), found.hex(), first + offset))

    def _end(self) -> None:
        for series in [self._entries, *self._tiles]:
            series.end()
        report = self._report
        of_all = {"root", "tiles"} if report.pruned else set[str]()  # which are of every entry, or not at all
        report.done |= set(CHECKS) - self._content.unread - of_all
        self._content.expect_pruning()
        if self._given.size == report.size:
            agree = self._tree.root().hex() == report.root, self._given.root().hex() == report.root
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
        self._report.done |= {"checkpoints", "commitments"}
        self._content.expect_pruning()

    def _take_entry(self, index: int, expected: bytes, tile: str) -> None:
        leaf, opened = self._entries.take(f"{index:016}"), self._fields.take(f"{index:016}")
        is_pruned = index < self._report.minimum_index
        if leaf is None:
            self._report.withheld += not is_pruned
            self._report.pruned += is_pruned
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
    """Reads entry after entry; on disk, in SQLite's own temporary file, it keeps the last entry of each subject."""

    def __init__(self, report: Report) -> None:
        self._report, self._its, self._epoch = report, 0, 0
        self.unread: set[str] = set()
        self._chains: dict[tuple[str, int], tuple[int, bytes, int]] = {}
        self._subjects = sqlite3.connect("", isolation_level=None)
        self._subjects.execute("PRAGMA journal_mode = OFF")
        self._subjects.execute("CREATE TABLE subjects (subject PRIMARY KEY, key UNIQUE, last, count) WITHOUT ROWID")
        self._subjects.execute("CREATE TABLE fields (entry, name, act, state, PRIMARY KEY (entry, name)) WITHOUT ROWID")
        self._subjects.execute("CREATE TABLE salts (salt PRIMARY KEY) WITHOUT ROWID")
        self.is_whole, self._pruned_below = True, 0

    def check(self, index: int, leaf: bytes) -> None:
        """The entry in itself, and after all before it."""
        lines = self.read(index, leaf)
        if lines is None:
            self.unread = {"chains", "times", "back_links"}  # they say nothing of an entry that cannot be read
            return
        source, event, seal = lines
        self._follow_chain(index, source, leaf.split(b"\n")[1])
        self._follow_time(index, event, seal)
        self._follow_links(index, subjects(event), seal["k"])
        self.follow_fields(index, event, None)

    def read(self, index: int, leaf: bytes) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]] | None:
        """The entry's lines, if they are of the log's form; said if they are not."""
        lines = leaf.split(b"\n")
        try:
            if len(lines) != 4 or lines[3]:
                raise Refused("an entry has three lines")
            source, event, seal = (read_line(line) for line in lines[:3])
            if not SOURCE_LINE.fullmatch(lines[0]) or not SEAL_LINE.fullmatch(lines[2]):
                raise Refused("the source line or the seal line is not of its form")
            if not EVENT_REQUIRED <= set(event) <= EVENT_MEMBERS or type(event["ts"]) is not int:
                raise Refused("the event has unknown or missing members")
            act: str = event["act"]
            subjects(event)
            self._tell("canonical", index, f"an act of {source['svc']}", act, act.split(".")[0] == source["svc"])
            return source, event, seal
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            self._tell("canonical", index, "three canonical lines of the log's form", str(error), False)
            return None

    def _follow_chain(self, index: int, source: dict[str, Any], line: bytes) -> None:
        stripe, seq, previous = (source["svc"], source["str"]), source["seq"], bytes.fromhex(source["prev"])
        begun = (seq - 1, previous, index) if self._report.minimum_index else (0, bytes(32), index)
        last_seq, last_hash, last_index = self._chains.get(stripe, begun)
        expected, found = f"seq {last_seq + 1} after {last_hash.hex()}", f"seq {seq} after {previous.hex()}"
        if seq != last_seq + 1:
            self._tell("chains", index, expected, found, False)
        else:  # either the entry before was altered, or this one: the divergence begins at one of the two
            self._tell("chains", last_index, expected, found, previous == last_hash, until=index)
        reached = hashlib.sha256(b"\x10" + previous + seq.to_bytes(8, "big") + line).digest()
        self._chains[stripe] = (seq, reached, index)

    def _follow_time(self, index: int, event: dict[str, Any], seal: dict[str, Any]) -> None:
        its, epoch = seal["its"], seal["ep"]
        expected = f"its >= {self._its}, lag {its - event['ts']}, ep >= {self._epoch}"
        right = its >= self._its and its - event["ts"] == seal["lag"] and epoch >= self._epoch
        self._tell("times", index, expected, f"its {its}, lag {seal['lag']}, ep {epoch}", right)
        self._its, self._epoch = max(its, self._its), max(epoch, self._epoch)

    def _follow_links(self, index: int, told: list[str], links: list[Any]) -> None:
        self._tell("back_links", index, f"{len(told)} links", f"{len(links)}", len(told) == len(links))
        for subject, (key, previous, count) in zip(told, links):  # noqa: B905 (Python 3.9 has no `strict`)
            query = "SELECT key, last, count FROM subjects WHERE subject = ?"
            is_cut = 0 <= previous < self._report.minimum_index and count > 1  # the link leads to what was pruned
            begun = (key, previous, count - 1) if is_cut else (key, -1, 0)
            known = self._subjects.execute(query, (subject,)).fetchone()
            known_key, last, before = known or begun
            expected, found = [known_key, last, before + 1], [key, previous, count]
            self._tell("back_links", index, str(expected), str(found), expected == found)
            try:
                row = (subject, known_key, index, before + 1)
                self._subjects.execute(f"{'REPLACE' if known else 'INSERT'} INTO subjects VALUES (?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                self._tell("back_links", index, "a key of its own", f"{key} of another subject", False)

    def follow_fields(self, index: int, event: dict[str, Any], opened: bytes | None) -> None:
        """What the entry commits to, what is opened of it here, and what it says was erased of those before it."""
        try:
            for name in event.get("pd", {}):
                row = (index, name, event["act"], "withheld")
                self._subjects.execute("INSERT INTO fields VALUES (?, ?, ?, ?)", row)
            if opened is not None:
                for name, told in read_line(opened)["fields"].items():
                    self._open_field(index, name, event.get("pd", {}).get(name), told)
            if event["act"] == "audit.log_pruned" and event["data"]["minimum_index"] > self._pruned_below:
                self._pruned_below, self._report.policy = event["data"]["minimum_index"], event["data"]["policy_id"]
            if event["act"] == "audit.redaction_done" and event["data"]["state"] == "erased":
                for each in event["data"]["fields"]:
                    self._erase_field(index, each["index"], each["name"])
        except (ValueError, KeyError, TypeError, AttributeError, sqlite3.Error) as error:
            self._tell("commitments", index, "fields in the log's form", str(error), False)

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
            self._subjects.execute("INSERT INTO salts VALUES (?)", (salt,))
        except sqlite3.IntegrityError:
            self._tell("commitments", index, f"a salt of its own for {name}", "the salt of another field", False)
        if found == commitment:
            self._set_field(index, name, "disclosed")
            if len(self._report.opened) < OPENED_MAX:
                self._report.opened.append({"index": index, "name": name, "value": value})

    def _erase_field(self, index: int, erased: int, name: str) -> None:
        row = self._subjects.execute("SELECT state FROM fields WHERE entry = ? AND name = ?", (erased, name)).fetchone()
        if row is None and (not self.is_whole or erased < self._report.minimum_index):
            return  # of an entry that is withheld, or pruned
        right = row is not None and row[0] != "disclosed"
        found = "no such field" if row is None else row[0]
        self._tell("commitments", index, f"a committed field {erased}/{name} that nobody can open", found, right)
        if right:
            self._set_field(erased, name, "erased")

    def _set_field(self, index: int, name: str, state: str) -> None:
        self._subjects.execute("UPDATE fields SET state = ? WHERE entry = ? AND name = ?", (state, index, name))

    def close(self) -> None:
        query = "SELECT act, name, state, count(*) FROM fields GROUP BY act, name, state ORDER BY act, name"
        for act, name, state, count in self._subjects.execute(query):
            kind = f"{act}.{name}"
            if kind in self._report.fields or len(self._report.fields) < FIELD_KINDS_MAX:
                self._report.fields.setdefault(kind, dict.fromkeys(FIELD_STATES, 0))[state] = count
        self._subjects.close()

    def _tell(self, check: str, index: int, expected: str, found: str, right: bool, until: int | None = None) -> None:
        self._report.counts[check] += 1
        if not right:
            self._report.add(Finding(TAMPERED, check, "tile/entries", expected, found, index, until))


def subjects(event: dict[str, Any]) -> list[str]:
    """Whom and what an event is about, in the order of its back-links."""
    told = [("actor", event["actor"]["id"]), ("org", event["actor"].get("org")), ("onb", event.get("onb"))]
    told += [("obj", each["id"]) for each in event.get("obj", [])] + [("ctr", event.get("ctr"))]
    return list(dict.fromkeys(f"{role} {name}" for role, name in told if name is not None))


# --- the bundle: a deterministic ustar file, read without ever holding more than one member of it


class Bundle:
    """Requires plain files in strictly ascending order of name, so that each name has one content."""

    def __init__(self, path: str) -> None:
        self._path = path

    def members(self, pattern: str) -> Iterator[tuple[str, bytes]]:
        """Name and bytes of each member whose name begins with the pattern."""
        with open(self._path, "rb") as file:
            before = ""
            while True:
                name, size = _read_header(file.read(512))
                if not name:
                    return _expect_the_end(file)
                if name <= before:
                    raise CannotDecide(f"the members are not in strict order: {before}, {name}")
                before, padding = name, -size % 512
                if re.match(pattern, name):
                    yield name, _read_content(file, name, size, padding)
                else:
                    file.seek(size + padding, 1)


class Series:
    """The members below a prefix, each asked for by the name it must have."""

    def __init__(self, bundle: Bundle, prefix: str, report: Report) -> None:
        self._members, self._prefix, self._report = bundle.members(prefix), prefix, report
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


def unpack(packed: bytes) -> list[bytes]:
    """The leaves of an entry bundle, up to the first that is not whole."""
    leaves: list[bytes] = []
    at = 0
    while at < len(packed):
        start = at + 2
        at = start + int.from_bytes(packed[at:start], "big")
        if at > len(packed) or start > len(packed):
            return leaves
        leaves.append(packed[start:at])
    return leaves


# --- the tree (RFC 9162 section 2.1)


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """Grows by leaf hashes; keeps its right edge, and of each level of tiles the hashes not yet in a full tile."""

    def __init__(self) -> None:
        self.size = 0
        self.rows: list[list[bytes]] = [[] for _ in range(8)]
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        self.rows[0].append(leaf)
        carry, level = self.size, 0
        while carry & 1:
            leaf, carry, level = node_hash(self._peaks.pop(), leaf), carry >> 1, level + 1
            if level % 8 == 0:
                self.rows[level // 8].append(leaf)
        self._peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        root = self._peaks[-1]
        for peak in self._peaks[-2::-1]:
            root = node_hash(peak, root)
        return root


# --- notes and keys (C2SP signed-note, tlog-checkpoint)


@dataclass(frozen=True)
class Key:
    name: str
    public: bytes
    id: bytes


def parse_key(text: str) -> Key:
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    data = _base64(encoded)
    if len(data) != 33 or data[:1] != b"\x01":
        raise Refused("the key is not an Ed25519 key in the form name+id+base64")
    counted = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    if counted.hex() != key_id:
        raise Refused("the key's id does not belong to its name and bytes")
    return Key(name, data[1:], counted)


def open_checkpoint(note: bytes, key: Key, origin: str) -> tuple[int, bytes]:
    """Size and root, if the note is signed by the key and of this origin; raises Refused otherwise."""
    text, separator, block = note.decode().rpartition("\n\n")
    text += "\n"
    lines, signed = block.split("\n"), False
    if not separator or lines.pop() or not 1 <= len(lines) <= 16 or re.search(r"[\x00-\x09\x0b-\x1f]", note.decode()):
        raise Refused("not a signed note")
    for line in lines:
        match = re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})", line)
        if not match:
            raise Refused("a signature line is not of its form")
        data = _base64(match[2])
        if match[1] == key.name and data[:4] == key.id:
            if not ed25519_verifies(key.public, text.encode(), data[4:]):
                raise Refused(f"the signature by {key.name} is false")
            signed = True
    if not signed:
        raise Refused(f"there is no signature by {key.name}+{key.id.hex()}")
    match = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n", text)
    if not match or match[1] != origin:
        raise Refused(f"not a checkpoint of {origin}")
    return int(match[2]), _base64(match[3])


def _base64(text: str) -> bytes:
    data = base64.b64decode(text.encode(), validate=True)
    if base64.b64encode(data).decode() != text:
        raise Refused("the base64 has stray bits")
    return data


# --- canonical JSON (RFC 8785 within the log's profile)


def read_line(line: bytes) -> dict[str, Any]:
    value = json.loads(line.decode(), object_pairs_hook=_members, parse_float=_no_float, parse_constant=_no_float)
    again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if not isinstance(value, dict) or again.encode() != line or not unicodedata.is_normalized("NFC", again):
        raise Refused("not the canonical bytes of an object")
    _lint(value)
    return cast(dict[str, Any], value)


def _lint(value: Any, depth: int = 0) -> None:
    if value is None or depth > 16 or (type(value) is int and abs(value) >= 2**53):
        raise Refused("a value outside of the profile")
    members = cast("dict[str, Any]", value).values() if isinstance(value, dict) else value
    for member in cast("list[Any]", members) if isinstance(value, (dict, list)) else ():
        _lint(member, depth + 1)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if not all(re.fullmatch("[a-z_]+", name) for name, _ in pairs):
        raise Refused("a member's name is not of [a-z_]")
    return dict(pairs)  # a name that stands twice is dropped here, and missed when the bytes are compared


def _no_float(text: str) -> Any:
    raise Refused(f"{text} is not an integer")


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


def _show(done: int, size: int) -> None:
    print(f"\r{done:,} / {size:,}", end="" if done < size else "\n", file=sys.stderr, flush=True)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--key", help="the log's verifier key, from a source other than the bundle")
    parser.add_argument("--json", action="store_true")
    try:
        options = parser.parse_args(argv)
    except SystemExit as stop:
        return UNDECIDED if stop.code else 0
    report = verify(options.bundle, options.key, _show if sys.stderr.isatty() else None)
    output: Any = sys.stdout
    if hasattr(output, "reconfigure"):
        output.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter changes no verdict
    print(json.dumps(report.as_json(), indent=2) if options.json else report.as_text())
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
