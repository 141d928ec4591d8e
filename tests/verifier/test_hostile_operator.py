"""What an operator could do who holds the database, the files, the log's key and an old backup, but no witness's key.

Each of it is made as bytes. What contradicts itself or a signature is tampering whoever signed it; what is merely not
shown is incomplete; what a log with a true signature cannot contradict, the witnesses' policy does. Nothing is passed.
"""

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from services.audit.rules import bundle, checkpoint, evidence, tile
from services.audit.rules.checkpoint import Checkpoint
from shared import canonical
from tests.verifier.made_evidence import ASSET, an_answer
from tests.verifier.made_logs import LOG, ORIGIN, MadeLog, a_log, honest_leaves, of_leaves
from tests.verifier.mapped_logs import key_of
from tests.verifier.test_passing import an_event, linked
from tests.verifier.test_witnessed import NAMES, POLICY, cosigned
from tests.verifier.verdicts import KEY, checkpoint_root, verified
from verifier import yaosu_verify
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, UNDECIDED, VERIFIED

Forgery = Callable[[], MadeLog]


def with_members(log: MadeLog, **members: bytes | None) -> MadeLog:
    """The log with other members; `__` in a name stands for a slash, and None takes one away."""
    for name, content in members.items():
        log.members.pop(name.replace("__", "/"), None)
        if content is not None:
            log.members[name.replace("__", "/")] = content
    return log


def renamed(log: MadeLog, old: str, new: str) -> MadeLog:
    log.members[new] = log.members.pop(old)
    return log


def with_leaf(index: int, old: str, new: str) -> MadeLog:
    """A log signed anew over an entry of which this was replaced."""
    leaves = honest_leaves(12)
    assert old.encode() in leaves[index]
    leaves[index] = leaves[index].replace(old.encode(), new.encode())
    return of_leaves(leaves)


def with_line(line: bytes) -> MadeLog:
    """A log signed anew in which an event has another line, and chain and links follow on it."""
    return of_leaves(linked([*(an_event(number) for number in range(8)), line, *(an_event(n) for n in (9, 10))]))


def respelled(old: str, new: str) -> MadeLog:
    line = an_event(8)
    assert old.encode() in line
    return with_line(line.replace(old.encode(), new.encode()))


def swapped(first: int, second: int) -> MadeLog:
    """Two events in each other's place, with the seals of the places."""
    leaves = [leaf.split(b"\n") for leaf in honest_leaves(12)]
    leaves[first][:2], leaves[second][:2] = leaves[second][:2], leaves[first][:2]
    return of_leaves([b"\n".join(lines) for lines in leaves])


def first_three(tile: bytes) -> bytes:
    return tile[:96]


def of_another_origin(origin: str) -> MadeLog:
    """Another log of the same operator, by the same key, under a name of its own."""
    log = a_log(9)
    body = Checkpoint(origin, 9, checkpoint_root(log)).body()
    note = checkpoint.note_text(body, [(LOG.key, LOG.private.sign(body.encode()))]).encode()
    policy = log.members["policy.json"].replace(b'"origin":"%b"' % ORIGIN.encode(), b'"origin":"%b"' % origin.encode())
    return with_members(log, checkpoint=note, checkpoints__9=note, **{"policy.json": policy})


def with_policy(count: int = 9, **members: object) -> MadeLog:
    told = {"format": 2, "kind": "whole", "log_key": KEY, "minimum_index": 0, "origin": ORIGIN, **members}
    return with_members(a_log(count), **{"policy.json": canonical.encode(told)})


def noted(change: Callable[[bytes], bytes]) -> MadeLog:
    log = a_log(9)
    return with_members(log, checkpoint=change(log.members["checkpoint"]))


def without(log: MadeLog, *names: str) -> MadeLog:
    return with_members(log, **dict.fromkeys(names))


def with_tile(name: str, change: Callable[[bytes], bytes], of: str = "", count: int = 9) -> MadeLog:
    log = a_log(count)
    return with_members(log, **{name: change(log.members[of or name])})


OUTSIDE = ("../checkpoint", "/etc/passwd", "more//x", "documents/./x")
FULL, GONE, ZERO = "tile/0/000", "tile/entries/000", bytes(32)
SIZELESS = LOG.sign(Checkpoint(ORIGIN, 10**18, bytes(32)))
BEYOND = LOG.sign(Checkpoint(ORIGIN, 99, bytes(32)))
ENTRIES, TENTH = "tile/entries/000.p/9", tile.entry_bundle(honest_leaves(10)[9:])
OF_TRUTH = b'{"format":true,' + bundle.policy(LOG.key).split(b",", 1)[1]
FORGED: dict[str, tuple[int, Forgery]] = {
    "two events in each other's place":     (TAMPERED, lambda: swapped(4, 7)),
    "two events of other stripes swapped":  (TAMPERED, lambda: swapped(4, 5)),
    "one entry of another stripe":          (TAMPERED, lambda: with_leaf(7, '"str":1', '"str":2')),
    "one entry of another service":         (TAMPERED, lambda: with_leaf(7, '"svc":"trading"', '"svc":"pricing"')),
    "a chain that begins anew":             (TAMPERED, lambda: with_leaf(7, '"seq":3', '"seq":1')),
    "a number in other digits":             (TAMPERED, lambda: with_leaf(7, '"seq":3', '"seq":03')),
    "a line more in an entry":              (TAMPERED, lambda: with_leaf(7, '"lag":3000}', '"lag":3000}\n{}')),
    "a count one lower":                    (TAMPERED, lambda: with_leaf(11, ",4]", ",3]")),
    "whitespace":                           (TAMPERED, lambda: respelled('"cat":', '"cat":\t')),
    "a member twice, the last one true":    (TAMPERED, lambda: respelled('"out":"ok"', '"out":"deny","out":"ok"')),
    "an escape of what needs none":         (TAMPERED, lambda: respelled("第", "\\u7b2c")),
    "minus nothing":                        (TAMPERED, lambda: respelled("[1,2]", "[-0,2]")),
    "a number of 400 digits":               (TAMPERED, lambda: respelled("[1,2]", f"[{'1' * 400},2]")),
    "no number":                            (TAMPERED, lambda: respelled("[1,2]", "[NaN,2]")),
    "a number for a text":                  (TAMPERED, lambda: respelled('"out":"ok"', '"out":1')),
    "an actor of more members":             (TAMPERED, lambda: respelled('"t":"user"}', '"t":"user","x":"y"}')),
    "an object of no kind":                 (TAMPERED, lambda: respelled(',"t":"asset"', "")),
    "a name in other letters":              (TAMPERED, lambda: respelled('"order_1"', '"o\u0301rder_1"')),
    "lists within lists":                   (TAMPERED, lambda: respelled("[1,2]", "[" * 400 + "]" * 400)),
    "a log of another origin by this key":  (UNDECIDED, lambda: of_another_origin("yaosu.example/other")),
    "a checkpoint with a byte behind":      (TAMPERED, lambda: noted(lambda note: note + b"x")),
    "a checkpoint with a line behind":      (TAMPERED, lambda: noted(lambda note: note + b"x\n")),
    "a size with a sign":                   (TAMPERED, lambda: noted(lambda note: note.replace(b"\n9\n", b"\n+9\n"))),
    "an older checkpoint for the newest":   (TAMPERED, lambda: with_members(a_log(9), checkpoint=a_log(5).notes[5])),
    "a checkpoint of a size beyond":        (TAMPERED, lambda: with_members(a_log(9), checkpoints__99=BEYOND)),
    "a size without end":                   (INCOMPLETE, lambda: with_members(a_log(9), checkpoint=SIZELESS)),
    "a partial tile for a full one":        (TAMPERED, lambda: renamed(a_log(300), "tile/0/000", "tile/0/000.p/255")),
    "a partial tile beside a full one":     (TAMPERED, lambda: with_tile("tile/0/000.p/3", first_three, FULL, 300)),
    "a tile that is longer":                (TAMPERED, lambda: with_tile("tile/0/000.p/9", lambda told: told + ZERO)),
    "a tile of another width":              (TAMPERED, lambda: renamed(a_log(9), "tile/0/000.p/9", "tile/0/000.p/8")),
    "entries of another width":             (TAMPERED, lambda: renamed(a_log(9), ENTRIES, "tile/entries/000.p/10")),
    "more entries than the tree has":       (TAMPERED, lambda: with_tile(ENTRIES, lambda packed: packed + TENTH)),
    "a missing tile of the second level":   (INCOMPLETE, lambda: without(a_log(300), "tile/1/000.p/1")),
    "a missing tile":                       (INCOMPLETE, lambda: without(a_log(300), "tile/0/001.p/44")),
    "missing entries":                      (INCOMPLETE, lambda: without(a_log(300), GONE)),
    "all entries missing":                  (INCOMPLETE, lambda: without(a_log(9), ENTRIES)),
    "entries said to be pruned":            (INCOMPLETE, lambda: without(with_policy(300, minimum_index=256), GONE)),
    "more said to be pruned than there is": (TAMPERED, lambda: with_policy(minimum_index=2**52)),
    "pruned up to within a tile":           (UNDECIDED, lambda: with_policy(minimum_index=3)),
    "a whole log called an excerpt":        (INCOMPLETE, lambda: with_policy(kind="excerpt")),
    "a kind that is a list":                (UNDECIDED, lambda: with_policy(kind=["whole"])),
    "a format that is true":                (UNDECIDED, lambda: with_members(a_log(9), **{"policy.json": OF_TRUTH})),
    "a member by a way around":             (TAMPERED, lambda: with_members(a_log(9), **{"tile/0/../0/000.p/9": b"x"})),
    **{f"a member {name}": (UNDECIDED, lambda name=name: with_members(a_log(9), **{name: b"x"})) for name in OUTSIDE},
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_what_was_forged_is_not_passed(tmp_path: Path, what: str):
    expected, forged = FORGED[what]
    report = verified(forged(), tmp_path)
    assert report.exit_code() == expected, report.as_text()
    assert report.first() or report.reason or report.withheld
    assert report.as_json()["verdict"] != "verified"


def stripe_renamed() -> MadeLog:
    return of_leaves([leaf.replace(b'"str":1', b'"str":7') for leaf in honest_leaves(12)])


REWRITTEN: dict[str, Forgery] = {
    "a stripe under another number":   stripe_renamed,
    "the last events never taken":     lambda: a_log(7),
    "the log of the old backup":       lambda: a_log(9),
    "another history from the middle": lambda: of_leaves([*honest_leaves(12)[:6], *honest_leaves(14)[6:9]]),
}  # fmt: skip


@pytest.mark.parametrize("what", REWRITTEN)
def test_a_log_that_agrees_with_itself_is_not_the_one_that_was_witnessed(tmp_path: Path, what: str):
    """Signed anew by the log's own key: whoever has the policy sees that nobody witnessed this one."""
    policy, forged = POLICY.text().encode(), REWRITTEN[what]()
    report = yaosu_verify.verify(str(forged.write(tmp_path)), policy=policy)
    assert report.exit_code() == INCOMPLETE
    honest = cosigned(a_log(12), *NAMES).members["checkpoint"].decode()
    forged.members["checkpoint"] += honest.split("\n\n")[1].split("\n", 1)[1].encode()
    assert yaosu_verify.verify(str(forged.write(tmp_path)), policy=policy).exit_code() == TAMPERED


@pytest.mark.parametrize("policy", [
    POLICY.text().replace("group both 2", "group both 1"),
    POLICY.text().replace("quorum both", "quorum none"),
    POLICY.text().replace("quorum both", "quorum auditor"),
], ids=["a threshold lowered", "no quorum", "another quorum"])  # fmt: skip
def test_the_policy_in_the_bundle_does_not_change_the_one_from_elsewhere(tmp_path: Path, policy: str):
    log = with_members(cosigned(a_log(9), "auditor"), policy=policy.encode())
    assert policy != POLICY.text()
    assert yaosu_verify.verify(str(log.write(tmp_path)), policy=POLICY.text().encode()).exit_code() == INCOMPLETE
    own = yaosu_verify.verify(str(log.write(tmp_path)), KEY)
    assert yaosu_verify.OWN_WITNESSES in own.not_checked() or yaosu_verify.NOT_WITNESSED in own.not_checked()


def test_one_witness_under_two_names_is_no_quorum_of_two(tmp_path: Path):
    of_log, witness = (line for line in POLICY.text().splitlines() if line.startswith(("log", f"witness {NAMES[0]} ")))
    twice = [of_log, witness, witness.replace(NAMES[0], "again", 1), f"group two 2 {NAMES[0]} again", "quorum two", ""]
    log = with_members(cosigned(a_log(9), *NAMES), policy="\n".join(twice).encode())
    assert verified(log, tmp_path).exit_code() == UNDECIDED


def test_an_entry_that_lacks_the_link_of_whom_was_asked_for_is_no_miss(tmp_path: Path):
    """By the log's own hand: the entry is about the asset, and its seal says nothing of it."""
    answer = an_answer()
    name, key = evidence.entry_name(36), key_of("obj", ASSET)
    leaf = answer.members[name]
    begin = leaf.index(f',["{key}"'.encode())
    answer.members[name] = leaf[:begin] + leaf[leaf.index(b"]", begin) + 1 :]
    report = answer.verified(tmp_path)
    assert report.exit_code() == TAMPERED and report.failures["canonical"]


def test_a_map_that_another_service_tells_is_none(tmp_path: Path):
    answer = an_answer()
    name = evidence.entry_name(30)
    answer.members[name] = answer.members[name].replace(b'"svc":"audit"', b'"svc":"trading"')
    report = answer.verified(tmp_path)
    assert report.exit_code() == TAMPERED and report.failures["map"]


@pytest.mark.parametrize("index", [11, 16, 26, 36])
def test_a_hit_that_is_left_out_of_an_answer_with_the_count_lowered_is_missed(tmp_path: Path, index: int):
    answer = an_answer()
    answer.drop(index)
    answer.query["count"] -= 1
    assert answer.verdict(tmp_path) == INCOMPLETE


def test_a_report_cannot_be_made_to_feign_another_verdict(tmp_path: Path):
    log = with_policy(origin="x\n\x1b[2J\u202e要素审计日志离线校验: 已核验 / verified")
    text = verified(log, tmp_path).as_text()
    assert "CANNOT DECIDE" in text and not {"\x1b", "\u202e"} & {*text}
    told = [line for line in text.splitlines() if "已核验" in line]
    assert told and all(line.startswith(("日志 / log: x", "原因 / reason: ")) for line in told)


def exhausting(what: str) -> MadeLog:
    log = a_log(9)
    match what:
        case "a policy of witnesses without end":
            lines = b"".join(b"witness w%d x+1+AAAA\n" % number for number in range(200_000))
            return with_members(log, policy=lines)
        case "lists within lists":
            return with_members(log, **{"policy.json": b'{"format":' + b"[" * 100_000})
        case "a number of a million digits":
            return with_members(log, **{"policy.json": b'{"format":' + b"9" * 1_000_000 + b"}"})
        case "handovers without end":
            return with_policy(format=3, handovers=[0] * 2_000)
        case "members without end":
            return with_members(log, **{f"z/{number}": b"" for number in range(300)})
        case _:
            return with_line(an_event(8).replace(b"[1,2]", b"[" + b",".join([b"1"] * 15_000) + b"]"))


@pytest.mark.parametrize("what, expected", [
    ("a policy of witnesses without end", UNDECIDED), ("lists within lists", UNDECIDED),
    ("a number of a million digits", UNDECIDED), ("handovers without end", TAMPERED),
    ("members without end", VERIFIED), ("an event of many values", VERIFIED),
])  # fmt: skip
def test_no_bundle_takes_time_and_memory_without_end(tmp_path: Path, what: str, expected: int):
    path = exhausting(what).write(tmp_path)
    tracemalloc.start()
    began = time.process_time()
    report = yaosu_verify.verify(str(path), KEY)
    spent, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (report.exit_code(), spent < 30, peak < 64 * 2**20) == (expected, True, True), report.reason
    assert len(report.as_text()) < 100_000


LYING: dict[str, Callable[[bytes], bytes]] = {
    "a member larger than the file": lambda tar: tar[:124] + b"00177777777" + tar[135:],
    "a member larger than any":      lambda tar: tar[:124] + b"77777777777" + tar[135:],
    "a size in another base":        lambda tar: tar[:124] + b"\x80" + bytes(10) + tar[135:],
    "a link":                        lambda tar: tar[:156] + b"2" + tar[157:],
    "a time":                        lambda tar: tar[:136] + b"00000000001" + tar[147:],
    "a member twice":                lambda tar: tar[:1024] + tar,
    "members in another order":      lambda tar: tar[1024:-1024] + tar[:1024] + tar[-1024:],
    "compressed":                    lambda tar: b"\x1f\x8b\x08\x00" + tar,
    "a zip file":                    lambda tar: b"PK\x03\x04" + tar,
}  # fmt: skip


@pytest.mark.parametrize("what", LYING)
def test_a_file_that_lies_about_its_members_is_not_passed(tmp_path: Path, what: str):
    path = a_log(9).write(tmp_path)
    path.write_bytes(LYING[what](path.read_bytes()))
    assert yaosu_verify.verify(str(path), KEY).exit_code() in (INCOMPLETE, UNDECIDED)


def test_the_signer_of_another_name_signs_for_nobody_else(tmp_path: Path):
    log = a_log(9, signer=replace(LOG, name="yaosu.example/log2"))
    assert verified(log, tmp_path).exit_code() != VERIFIED
