"""`yaosu replay FILE`: what it makes of log lines and of bundles, and what it says of anything else."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.__main__ import app as commands
from services.audit.rules import bundle, tile
from tests.trading import handmade
from tests.trading.handmade import AUCTION, CLOSE, SECOND

OTHER = AUCTION[:-1] + "f"
LATER = handmade.line("listing_closed", CLOSE + 86_400 * SECOND, {"listing_id": handmade.LISTING}, ret="txn")


def written(folder: Path, lines: Iterable[bytes], name: str = "log.jsonl") -> str:
    path = folder / name
    path.write_bytes(b"\n".join(lines) + b"\n")
    return str(path)


def by_hand() -> list[bytes]:
    return [handmade.canonical(line) for line in handmade.whole().values()]


def other_auction() -> list[bytes]:
    """The same under another id, with a winner that nobody bid for."""
    lines = handmade.whole()
    lines["closed"]["data"]["winner_id"] = handmade.EVE
    return [handmade.canonical(line | {"id": f"{line['id'][:-4]}beef"}).replace(AUCTION.encode(), OTHER.encode())
            for line in lines.values()]  # fmt: skip


def packed_of(events: list[bytes]) -> bytes:
    return tile.entry_bundle(b'{"prev":""}\n' + event + b'\n{"its":0}\n' for event in events)


def a_bundle(events: list[bytes]) -> bytes:
    """As much of a bundle as a replay reads; its proofs are the verifier's to judge."""
    packed = [
        bundle.member(f"tile/entries/{tile.Tile(0, at // 256, min(256, len(events) - at)).path()}",
                      packed_of(events[at : at + 256])) for at in range(0, len(events), 256)
    ]  # fmt: skip
    return bundle.member("policy.json", b"{}") + b"".join(packed) + bundle.END


def run(*arguments: str) -> tuple[int, str]:
    ran = CliRunner().invoke(commands, ["replay", *arguments])
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return ran.exit_code, ran.output


def as_events(lines: list[bytes]) -> list[bytes]:
    return lines


def as_changes(lines: list[bytes]) -> list[bytes]:
    return [json.dumps({"stripe": 0, "seq": seq, "act": "?", "line": line.decode(), "hash": "00"}).encode()
            for seq, line in enumerate(lines, 1)]  # fmt: skip


def as_entries(lines: list[bytes]) -> list[bytes]:
    return [json.dumps({"index": index, "event": line.decode()}, indent=None).encode()
            for index, line in enumerate(lines)]  # fmt: skip


@pytest.mark.parametrize("form", [as_events, as_changes, as_entries])
def test_a_file_of_lines_is_replayed_in_the_form_of_the_log_the_feed_or_the_entries(
    tmp_path: Path, form: Callable[[list[bytes]], list[bytes]]
):  # fmt: skip
    code, said = run(written(tmp_path, form(by_hand())))
    assert code == 0, said
    assert f"{AUCTION}: 一致 / the same" in said
    assert "受让人 winner participant_bbbb" in said and "价格 price 150 CNY" in said
    assert "run yaosu verify" in said


def test_a_bundle_is_replayed_entry_by_entry_under_the_logs_own_indexes(tmp_path: Path):
    others = [handmade.canonical(LATER | {"id": f"fact_{number:032x}"}) for number in range(300)]
    wrong = handmade.whole()
    wrong["closed"]["data"]["amount"]["minor"] = 149
    events = [*others, *[handmade.canonical(line) for line in wrong.values()]]
    (tmp_path / "bundle.tar").write_bytes(a_bundle(events))
    code, said = run(str(tmp_path / "bundle.tar"))
    assert code == 1
    assert "条目 entry 306 auction_closed · amount.minor" in said and "told 149, 复算 recomputed 150" in said
    # And where the first 256 were pruned, as a log still says after years.
    first = bundle.member("policy.json", b"{}") + bundle.member("tile/entries/000", packed_of(events[:256]))
    (tmp_path / "pruned.tar").write_bytes(a_bundle(events).replace(first, bundle.member("policy.json", b"{}")))
    assert "条目 entry 306 auction_closed · amount.minor" in run(str(tmp_path / "pruned.tar"))[1]


def test_all_auctions_of_a_file_are_replayed_or_the_one_that_is_named(tmp_path: Path):
    path = written(tmp_path, [*by_hand(), *other_auction()])
    code, said = run(path)
    assert code == 1 and f"{AUCTION}: 一致 / the same" in said and f"{OTHER}: 不一致 / DIFFERS" in said
    assert run(path, "--auction", AUCTION)[0] == 0
    assert run(path, "--auction", OTHER)[0] == 1


def test_a_fact_that_stands_twice_counts_once(tmp_path: Path):
    assert run(written(tmp_path, [*by_hand(), *by_hand()]))[0] == 0


def test_the_report_is_to_be_had_as_json(tmp_path: Path):
    code, said = run(written(tmp_path, [*by_hand(), *other_auction()]), "--json")
    report = json.loads(said)
    assert (code, report["exit_code"], report["verdict"], report["reason"]) == (1, 1, "differs", None)
    same, other = report["auctions"]
    assert {name: same[name] for name in ("auction_id", "verdict", "mechanism", "state", "price", "bids")} == {
        "auction_id": AUCTION, "verdict": "the same", "mechanism": "english", "state": "sold",
        "price": {"minor": 150, "currency": "CNY"}, "bids": 3,
    }  # fmt: skip
    assert (same["differences"], same["taken_on_trust"]) == ([], [])
    assert other["differences"][0] == {
        "kind": "differs", "index": 14, "act": "auction_closed", "field": "winner_id", "told": handmade.EVE,
        "recomputed": handmade.BEA,
    }  # fmt: skip


def test_an_auction_that_is_still_running_spoils_nothing_but_itself(tmp_path: Path):
    running = [handmade.canonical(line).replace(AUCTION.encode(), OTHER.encode()).replace(b'"fact_', b'"fact_0')
               for line in (handmade.opened() | {"id": "fact_" + "9" * 31},)]  # fmt: skip
    later = [line.replace(str(CLOSE).encode(), str(CLOSE + 3_600 * SECOND).encode()) for line in running]
    code, said = run(written(tmp_path, later))
    assert code == 2 and f"{OTHER}: 尚未截止 / still running" in said
    code, said = run(written(tmp_path, [*later, *by_hand()]))
    assert code == 0 and "尚未截止 / still running" in said and "一致 / the same" in said


def test_a_close_that_is_overdue_when_the_log_ends_is_missing(tmp_path: Path):
    lines = by_hand()[:-2]
    assert "尚未截止" in run(written(tmp_path, lines))[1]
    code, said = run(written(tmp_path, [*lines, handmade.canonical(LATER)]))
    assert code == 2 and "缺失 / missing" in said


@pytest.mark.parametrize("content, reason", [
    (b"hello", "line 1 is not JSON: the file is neither"),
    (b"\xff\xfe", "line 1 is not JSON"),
    (b"[" * 50_000, "line 1 is not JSON"),
    (b"[1]", "not an event"),
    (b"", "no fact of an auction is among what was read"),
    (handmade.canonical(LATER), "no fact of an auction is among what was read"),
    (b'{"line":"auction_"}', "not an event"),
    (a_bundle([b"x"])[:-512], "not a whole bundle"),
    (a_bundle([b"x"]), "not an event"),
    (bundle.member("entry/0000000000000000", b"x") + bundle.END, "is an excerpt"),
    (b"\x00" * 257 + b"ustar" + b"\x00" * 300, "not a whole bundle"),
    (bundle.member("tile/entries/first", b"") + bundle.END, "not a whole bundle"),
], ids=range(12))  # fmt: skip
def test_what_is_no_log_cannot_be_decided_and_is_told_the_way_out(tmp_path: Path, content: bytes, reason: str):
    path = tmp_path / "file"
    path.write_bytes(content)
    code, said = run(str(path))
    assert (code, reason in said) == (3, True), said


@pytest.mark.parametrize("arguments, reason", [
    (["nowhere.tar"], "nowhere.tar cannot be read: No such file or directory; name a bundle"),
    (["."], "cannot be read: Is a directory"),
    ([AUCTION], "say which with --url, and give a regulator's token"),
    ([AUCTION, "--url", "http://127.0.0.1:1"], "--token or YAOSU_TOKEN"),
    ([AUCTION, "--url", "http://127.0.0.1:1", "--token", "t"], "gives no answer to /trading/v1/auctions/"),
    ([AUCTION, "--url", "not an address", "--token", "t"], "gives no answer to /trading/v1/auctions/"),
], ids=range(6))  # fmt: skip
def test_what_cannot_be_read_or_reached_cannot_be_decided(
    arguments: list[str], reason: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("YAOSU_TOKEN", raising=False)
    code, said = run(*arguments)
    assert code == 3 and reason in said, said


def test_an_auction_that_is_not_in_the_file_or_no_id_is_told(tmp_path: Path):
    path = written(tmp_path, by_hand())
    code, said = run(path, "--auction", OTHER)
    assert code == 3 and f"no fact of {OTHER} is among what was read" in said
    code, said = run(path, "--auction", "auction_1")
    assert code == 3 and "auction_1 is not an auction's id" in said
