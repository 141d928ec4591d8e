"""Evidence bundles made naively: of a log that is held whole, by the definitions, entry by entry."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from services.audit.rules import bundle, evidence, tile, tree
from services.audit.rules.checkpoint import Checkpoint
from services.audit.rules.snapshot import Head, Snapshot
from services.audit.rules.tree import Edge
from shared import canonical
from shared.facts import read_event
from tests.audit.test_tree import path as path_of
from tests.verifier.made_logs import LOG, NOON, ORIGIN
from tests.verifier.mapped_logs import Writer, key_of
from verifier import yaosu_verify
from verifier.yaosu_verify import Report

Subject = tuple[str, str]
SECOND = 1_000_000
START = int(NOON.timestamp()) * SECOND
ASSET, CONTRACT, NOBODY = f"asset_{1:032x}", f"contract_{1:032x}", f"asset_{99:032x}"


def map_root(heads: Sequence[Head]) -> bytes:
    hashes = [evidence_leaf(each) for each in heads]
    while len(hashes) > 1:  # level by level: what has no neighbour goes up as it is, as in RFC 6962
        pairs = [tree.node_hash(*hashes[at : at + 2]) for at in range(0, len(hashes) - 1, 2)]
        hashes = pairs + (hashes[-1:] if len(hashes) % 2 else [])
    return hashes[0]


def evidence_leaf(head: Head) -> bytes:
    return yaosu_verify.head_hash(head.key, head.last_index, head.count)


def map_path(position: int, heads: Sequence[Head]) -> list[str]:
    if len(heads) < 2:
        return []
    k = 1
    while k * 2 < len(heads):
        k *= 2
    if position < k:
        return [*map_path(position, heads[:k]), map_root(heads[k:]).hex()]
    return [*map_path(position - k, heads[k:]), map_root(heads[:k]).hex()]


def place(position: int, heads: Sequence[Head]) -> dict[str, Any]:
    head = heads[position]
    told = {"key": head.key, "last_index": head.last_index, "count": head.count}
    return {"position": position, **told, "hashes": map_path(position, heads)}


def places(key: str, heads: Sequence[Head]) -> list[dict[str, Any]]:
    at = bisect_left([each.key for each in heads], key)
    if at < len(heads) and heads[at].key == key:
        return [place(at, heads)]
    return [place(each, heads) for each in (at - 1, at) if 0 <= each < len(heads)]


@dataclass
class MadeEvidence:
    """Members of an evidence bundle by name, of which `query` is written last."""

    members: dict[str, bytes]
    query: dict[str, Any]
    size: int
    hits: list[int] = field(default_factory=list[int])
    has_query: bool = True

    def write(self, folder: Path) -> Path:
        path = folder / "evidence.tar"
        query = {"query.json": canonical.encode(self.query)} if self.has_query else {}
        in_order = sorted((self.members | query).items())
        path.write_bytes(b"".join(bundle.member(name, content) for name, content in in_order) + bundle.END)
        return path

    def verified(self, folder: Path) -> Report:
        return yaosu_verify.verify(str(self.write(folder)), LOG.key.text())

    def verdict(self, folder: Path) -> int:
        return self.verified(folder).exit_code()

    def found(self, folder: Path) -> tuple[int, str, int | None]:
        """Exit code, and check and entry of the first divergence; the end of its range if it is one."""
        report = self.verified(folder)
        first = report.first()
        assert first, report.as_text()
        return report.exit_code(), first.check, first.index if first.until is None else first.until

    def drop(self, index: int) -> None:
        del self.members[evidence.entry_name(index)], self.members[evidence.proof_name(index)]

    def drop_tail(self) -> None:
        del self.query["tail_peaks"]
        for name in [name for name in self.members if name.startswith("tail/")]:
            del self.members[name]


@cache
def a_log(count: int = 30, mapped: int = 28, more: int = 9) -> tuple[Writer, Snapshot, int]:
    """So many events, the entry that tells the map of the first of them, and some more; not to be changed."""
    writer = Writer().events(count)
    told = writer.snapshot(mapped)
    writer.tell(told).events(more)
    return writer, told, count


def an_answer(*subjects: Subject, count: int = 30, mapped: int = 28, more: int = 9) -> MadeEvidence:
    return about(*a_log(count, mapped, more), *(subjects or [("obj", ASSET)]))


def about(writer: Writer, told: Snapshot | None, told_at: int | None, *subjects: Subject) -> MadeEvidence:
    """All entries of a log about any of these, pinned by a map that its entry `told_at` tells."""
    keys = {key_of(*each) for each in subjects}
    hits = [index for index, some in enumerate(writer.keys) if keys & {*some}]
    mapped = told.size if told else 0
    heads = writer.mapped(mapped)
    threads = [
        {"role": role, "name": name, "key": key_of(role, name), "in_map": places(key_of(role, name), heads)}
        for role, name in subjects
    ]
    query = {"question": {"kind": "subjects"}, "threads": threads}
    return _made(writer, {*hits, *([] if told_at is None else [told_at])}, query, hits, mapped, told_at)


def of_source(writer: Writer, service: str, stripe: int, first: int, last: int) -> MadeEvidence:
    hits = [
        index for index, leaf in enumerate(writer.leaves)
        if (told := yaosu_verify.read_line(leaf.split(b"\n")[0]))["svc"] == service
        and told["str"] == stripe and first <= told["seq"] <= last
    ]  # fmt: skip
    question = {"kind": "source", "service": service, "stripe": stripe, "first_seq": first, "last_seq": last}
    return _made(writer, hits, {"question": question}, hits)


def ingested(writer: Writer, from_us: int, until_us: int) -> MadeEvidence:
    moments = [yaosu_verify.read_line(leaf.split(b"\n")[2])["its"] for leaf in writer.leaves]
    hits = [index for index, moment in enumerate(moments) if from_us <= moment < until_us]
    start, end = bisect_left(moments, from_us), bisect_left(moments, until_us)
    given = range(max(0, start - 1), min(end + 1, len(moments)))
    question = {"kind": "ingested", "from_us": from_us, "until_us": until_us}
    return _made(writer, given, {"question": question}, hits)


def happened(writer: Writer, told: Snapshot, told_at: int, from_us: int, until_us: int) -> MadeEvidence:
    moments = [read_event(leaf.split(b"\n")[1]).ts for leaf in writer.leaves]
    taken = [yaosu_verify.read_line(leaf.split(b"\n")[2])["its"] for leaf in writer.leaves[: told.size]]
    hits = [index for index, moment in enumerate(moments) if from_us <= moment < until_us]
    start = bisect_left(taken, from_us + (told.lags.least_us or 0))
    end = bisect_left(taken, until_us + (told.lags.most_us or 0))
    run = range(max(0, start - 1), min(end + 1, told.size))
    given = {*run, *(index for index in hits if index >= told.size), told_at}
    question = {"kind": "happened", "from_us": from_us, "until_us": until_us}
    return _made(writer, given, {"question": question}, hits, told.size, told_at)


def _made(
    writer: Writer, given: Iterable[int], query: dict[str, Any], hits: list[int], mapped: int | None = None,
    told_at: int | None = None,
) -> MadeEvidence:  # fmt: skip
    leaves, size = writer.leaves, len(writer.leaves)
    hashes = [tree.leaf_hash(leaf) for leaf in leaves]
    note = LOG.sign(Checkpoint(ORIGIN, size, Edge().append(hashes).root()))
    members = {"checkpoint": note, "policy.json": evidence.policy(LOG.key)}
    for index in given:
        members[evidence.entry_name(index)] = leaves[index]
        members[evidence.proof_name(index)] = evidence.proof(index, path_of(index, leaves), note)
    query |= {"count": len(hits), "size": size} | ({} if told_at is None else {"told_by": told_at})
    if mapped is not None:
        query["tail_peaks"] = [each.hex() for each in Edge().append(hashes[:mapped]).peaks]
        for first in range(mapped, size, evidence.TAIL_WIDTH):
            members[evidence.tail_name(first)] = tile.entry_bundle(leaves[first : first + evidence.TAIL_WIDTH])
    return MadeEvidence(members, query, size, hits)
