"""Most entries are passed, as every byte of them is what all before say: that must tell what reading all tells."""

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verifier.made_logs import LOG, honest_leaves, of_leaves
from verifier import yaosu_verify
from verifier.yaosu_verify import TAMPERED, VERIFIED, Content, Report

Link = tuple[str, int, int]


def an_event(number: int, **other: object) -> bytes:
    told = {
        "v": 1, "id": f"fact_{number}", "ts": 1_900_000_000_000_000 + number, "act": "trading.bid_placed",
        "cat": "trade", "out": "ok", "actor": {"t": "user", "id": f"user_{number % 3}", "org": "participant_1"},
        "ret": "txn", "data": {"remark": f"第 {number} 号", "is_last": number % 2 == 0, "steps": [1, 2]},
        "obj": [{"t": "asset", "id": f"asset_{number % 4}"}, {"t": "order", "id": "order_1"}], **other,
    }  # fmt: skip
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def linked(lines: Iterable[bytes]) -> list[bytes]:
    """A log of these lines that takes whatever it is given: chain, times and links are right, the lines may not be."""
    reached, heads, leaves = bytes(32), dict[str, Link](), list[bytes]()
    for index, line in enumerate(lines):
        event = json.loads(line, strict=False)
        source = {"prev": reached.hex(), "seq": index + 1, "str": 0, "svc": "trading"}
        told = [f"actor {event['actor']['id']}", f"org {event['actor']['org']}"]
        told += dict.fromkeys(f"obj {each['id']}" for each in event["obj"])
        before = [heads.get(each, (sha256(each.encode()).hexdigest()[:32], -1, 0)) for each in told]
        links: list[Link] = [(key, last, count + 1) for key, last, count in before]
        heads |= {each: (key, index, count) for each, (key, _, count) in zip(told, links, strict=True)}
        seal = {"ep": 1, "its": event["ts"] + 5, "k": links, "lag": 5}
        own = (json.dumps(each, sort_keys=True, separators=(",", ":")).encode() for each in (source, seal))
        leaves.append(next(own) + b"\n" + line + b"\n" + next(own) + b"\n")
        reached = sha256(b"\x10" + reached + (index + 1).to_bytes(8, "big") + line).digest()
    return leaves


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that most lines are taken apart by the layout of one before, which the first long run has none of."""
    monkeypatch.setattr(yaosu_verify, "RUN", 2)


def verified(leaves: list[bytes], folder: Path) -> Report:
    return yaosu_verify.verify(str(of_leaves(leaves).write(folder)), LOG.key.text())


def never(*_: object) -> bool:
    return False


def read_in_full(leaves: list[bytes], folder: Path) -> Report:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Content, "_passes", never)
        return verified(leaves, folder)


def test_of_entries_alike_only_the_first_is_read_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    read, check = list[int](), Content.check

    def noted(content: Content, index: int, leaf: bytes) -> None:
        read.append(index)
        check(content, index, leaf)

    monkeypatch.setattr(Content, "check", noted)
    assert verified(linked(an_event(number) for number in range(600)), tmp_path).exit_code() == VERIFIED
    assert read == [0]


def changed(number: int, old: str, new: str) -> bytes:
    line = an_event(number).replace(old.encode(), new.encode())
    assert line != an_event(number)
    return line


TRICKS = {
    "NFD": changed(5, "第", "e\u0301"),
    "an escaped letter": changed(5, "第", "\\u0041"),
    "an escaped slash": changed(5, "第", "\\/"),
    "a raw control character": changed(5, "第", "\x01"),
    "a raw line feed": changed(5, "第", "\n"),
    "invalid UTF-8": an_event(5).replace("第".encode(), "第".encode()[:2]),
    "a lone surrogate": an_event(5).replace("第".encode(), b"\xed\xa0\x80"),
    "2^53": changed(5, "[1,2]", f"[1,{2**53}]"),
    "a number of twenty digits": changed(5, "[1,2]", f"[1,{10**20}]"),
    "-0": changed(5, "[1,2]", "[1,-0]"),
    "a zero in front": changed(5, "[1,2]", "[1,02]"),
    "a float": changed(5, "[1,2]", "[1,2.0]"),
    "no number": changed(5, "[1,2]", "[1,NaN]"),
    "null": changed(5, "[1,2]", "[1,null]"),
    "a blank": changed(5, '"cat":', '"cat": '),
    "an unknown member": changed(5, '"v":1', '"v":1,"w":1'),
    "a member twice": changed(5, '"v":1', '"v":1,"v":1'),
    "members out of order": changed(5, '"cat":"trade","data"', '"data":{},"cat":"trade","data"'),
    "another service's act": changed(5, "trading.bid_placed", "pricing.bid_placed"),
    "a time that is a text": changed(5, '"ts":1900000000000005', '"ts":"1900000000000005"'),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_in_an_entry_like_those_before_it_is_noticed(tmp_path: Path, trick: str):
    before, behind = [an_event(number) for number in range(5)], an_event(6)
    leaves = linked([*before, an_event(5), behind])
    [forged] = [linked([*before, an_event(5)])[5].replace(an_event(5), TRICKS[trick])]
    report = verified([*leaves[:5], forged, leaves[6]], tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.check, first.index) == (TAMPERED, "canonical", 5)
    assert report.as_json() == read_in_full([*leaves[:5], forged, leaves[6]], tmp_path).as_json()


HARMLESS = {
    "the largest integer": changed(5, "[1,2]", f"[1,{2**53 - 1}]"),
    "a quote that is escaped": changed(5, "第", '\\"'),
    "another list": changed(5, "[1,2]", "[1,2,3]"),
    "beyond the first plane": changed(5, "第", "\U00020000"),
    "subjects never met": changed(5, "asset_1", "asset_new").replace(b"user_2", b"user_new"),
    "an object twice": changed(5, "asset_1", "order_1"),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_is_unlike_those_before_it_and_in_order_is_verified(tmp_path: Path, what: str):
    leaves = linked([*(an_event(number) for number in range(5)), HARMLESS[what], an_event(6)])
    report = verified(leaves, tmp_path)
    assert report.exit_code() == VERIFIED
    assert report.as_json() == read_in_full(leaves, tmp_path).as_json()


@pytest.mark.parametrize("old, new", [
    (b'"k":[', b'"k":["'),
    (sha256(b"obj asset_new").hexdigest()[:32].encode(), sha256(b"obj asset_0").hexdigest()[:32].encode()),
    (sha256(b"obj asset_new").hexdigest()[:32].encode(), sha256(b"actor user_new").hexdigest()[:32].encode()),
    (b",-1,1]", b",-1,2]"),
    (b",-1,1]", b",0,1]"),
], ids=["no link at all", "a key of another", "one key for two", "a count too high", "another before"])  # fmt: skip
def test_links_of_subjects_never_met_are_checked_as_any(tmp_path: Path, old: bytes, new: bytes):
    line = HARMLESS["subjects never met"]
    leaves = linked([*(an_event(number) for number in range(5)), line])
    if new == b'"k":["':
        own, seal = leaves[5].split(b'"k":[')
        leaves[5] = own + b'"k":[]' + seal[seal.rindex(b',"lag"') :]
    else:
        leaves[5] = leaves[5].replace(old, new, 1)
    report = verified(leaves, tmp_path)
    first = report.first()
    assert first and (report.exit_code(), first.check, first.index) == (TAMPERED, "back_links", 5)
    assert report.as_json() == read_in_full(leaves, tmp_path).as_json()


def test_one_link_too_many_for_an_object_that_is_told_twice_is_noticed(tmp_path: Path):
    leaves = linked([*(an_event(number) for number in range(5)), HARMLESS["an object twice"]])
    own, seal = leaves[5].split(b'],"lag"')
    leaves[5] = own + own[own.rindex(b",[") :] + b'],"lag"' + seal
    report = verified(leaves, tmp_path)
    assert (report.exit_code(), report.counts["back_links"]) == (TAMPERED, 6 + 5 * 4 + 3)
    assert report.as_json() == read_in_full(leaves, tmp_path).as_json()


PLAIN, MADE = honest_leaves(40), linked(an_event(number) for number in range(40))


@given(st.sampled_from([PLAIN, MADE]), st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_done_to_the_entries_passing_tells_the_same(
    tmp_path: Path, honest: list[bytes], data: st.DataObject
):
    leaves = list(honest)
    for _ in range(data.draw(st.integers(1, 3))):
        at, other = (data.draw(st.integers(0, len(leaves) - 1)) for _ in range(2))
        match data.draw(st.sampled_from(["flip", "swap", "drop", "repeat", "splice"])):
            case "flip":
                place = data.draw(st.integers(0, len(leaves[at]) - 1))
                byte = leaves[at][place] ^ data.draw(st.integers(1, 255))
                leaves[at] = leaves[at][:place] + bytes([byte]) + leaves[at][place + 1 :]
            case "swap":
                leaves[at], leaves[other] = leaves[other], leaves[at]
            case "drop":
                del leaves[at]
            case "repeat":
                leaves.insert(at, leaves[other])
            case _:
                head, tail = leaves[at].split(b"\n"), leaves[other].split(b"\n")
                leaves[at] = b"\n".join([head[0], *tail[1:]])
    assert verified(leaves, tmp_path).as_json() == read_in_full(leaves, tmp_path).as_json()


def test_more_subjects_than_are_kept_at_hand_are_all_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(yaosu_verify, "SUBJECTS_NEAR_MAX", 3)
    leaves = linked(an_event(number) for number in range(600))
    assert verified(leaves, tmp_path).exit_code() == VERIFIED
    leaves[599] = leaves[599].replace(b",596,", b",593,")
    assert verified(leaves, tmp_path).exit_code() == TAMPERED


def test_a_line_is_taken_apart_with_those_of_its_length_as_it_is_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    alone, together = list[bytes](), list[bytes]()
    read_one, read = yaosu_verify.Forms.read_one, yaosu_verify.Layout.read

    def one(forms: yaosu_verify.Forms, line: bytes) -> object:
        alone.append(line)
        return read_one(forms, line)

    def some(layout: yaosu_verify.Layout, lines: list[bytes]) -> object:
        together.extend(lines)
        return read(layout, lines)

    monkeypatch.setattr(yaosu_verify.Forms, "read_one", one)
    monkeypatch.setattr(yaosu_verify.Layout, "read", some)
    assert verified(linked(an_event(number) for number in range(400)), tmp_path).exit_code() == VERIFIED
    assert len(together) > 100 and {len(line) for line in together} <= {len(line) for line in alone}
