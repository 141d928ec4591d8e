"""`yaosu replay` (竞价复算): whether an auction came out as the log's facts and the opened commitments make it.

Promises: every auction that is asked for is told the same, differing, incomplete or undecided, with the entry and the
field of each difference; what was taken on trust and what was not looked at is said. A bundle is read entry by entry,
and only the facts of auctions are kept. Nothing is asked of the exchange but its facts and the outcome that it shows.
Does not: check the bundle's hashes and signatures; `yaosu verify` does, and should be run first.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import httpx2

from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.auction import CANCELLED
from services.trading.rules.replay import Replayed, Verdict, concerned, replay
from services.trading.rules.replay_double import ReplayedDouble, concerned_double, replay_double
from services.trading.rules.replay_entry import Difference, Entry, Kind
from services.trading.rules.sealed import SealedAuction
from services.trading.schemas.double_auctions import DoubleAuctionView
from services.trading.schemas.mechanisms import view_of
from shared.facts import EVENT_BYTES_MAX, read_event
from shared.ids import AuctionId, DoubleAuctionId
from verifier import yaosu_verify

SECONDS_MAX = 10.0
PAGE = 100
LINE_BYTES_MAX = 4 * EVENT_BYTES_MAX  # a change or an entry carries a line as text, with its quotes escaped
STATED = re.compile(r"(double_)?auction_[0-9a-f]{32}")
TAR_MAGIC = slice(257, 262)
WORDS = {
    Verdict.SAME: ("一致", "the same"),
    Verdict.DIFFERS: ("不一致", "DIFFERS"),
    Verdict.INCOMPLETE: ("不完整", "INCOMPLETE"),
    Verdict.UNDECIDED: ("无法判定", "CANNOT DECIDE"),
}
RUNNING = ("尚未截止", "still running")
KINDS = {
    Kind.DIFFERS: ("所载与复算不符", "told otherwise than recomputed"),
    Kind.REFUSED: ("规则不予接受", "the rules refuse it"),
    Kind.UNREADABLE: ("无法读取", "no such fact"),
    Kind.MISSING: ("缺失", "missing"),
    Kind.UNKNOWN: ("暂不能复算", "cannot be replayed yet"),
}
NOT_CHECKED = {
    "file": "日志的散列与签名，请用 yaosu verify / the log's hashes and signatures: run yaosu verify",
    "url": "日志的散列与签名，请导出监管包 / the log's hashes and signatures: export a bundle, and run yaosu verify",
}
NEITHER = "the file is neither a regulator's bundle (GET /audit/v1/bundle) nor lines of the log, one a line"
OF_NOW = frozenset({"phase", "next_step_at"})  # of a view: they say what is so now, not what came out
SEALED_FOR_EVER = frozenset({"has_reserve", "seed_commitment"})  # of what was called off nobody is told the reserve
AnyId = AuctionId | DoubleAuctionId
AnyReplayed = Replayed | ReplayedDouble
ORDER = (Verdict.DIFFERS, Verdict.UNDECIDED, Verdict.INCOMPLETE, Verdict.SAME)  # the gravest first


class CannotDecide(Exception):
    """Something that is needed is missing; the message says what, and the way out."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is to be said of every auction that was replayed."""

    auctions: tuple[AnyReplayed, ...]
    not_checked: str
    reason: str | None = None

    @property
    def code(self) -> Verdict:
        """The gravest verdict. An auction that is still running spoils it only if there is no other."""
        if self.reason is not None:
            return Verdict.UNDECIDED
        decided = [each.verdict for each in self.auctions if not each.is_running]
        return min(decided, key=ORDER.index) if decided else Verdict.INCOMPLETE

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": WORDS[self.code][1].lower(), "exit_code": int(self.code), "reason": self.reason,
            "auctions": [_told(each) for each in self.auctions], "not_checked": [self.not_checked],
        }  # fmt: skip

    def as_text(self) -> str:
        lines = [f"竞价复算 / auctions replayed: {' / '.join(WORDS[self.code])}"]
        lines += [f"原因 / reason: {self.reason}"] * bool(self.reason)
        for each in self.auctions:
            lines += _lines(each)
        return "\n".join([*lines, f"未检查 / not checked: {self.not_checked}"])


def check(source: str, auction: str | None, url: str | None, token: str | None) -> Report:
    """The report on a file's auctions, or on one auction of a running exchange."""
    of_exchange = STATED.fullmatch(source) is not None
    not_checked = NOT_CHECKED["url" if of_exchange else "file"]
    try:
        if of_exchange:
            return Report((_asked(_id_of(source), url, token),), not_checked)
        return Report(tuple(_replayed(_read(Path(source)), _wanted(auction))), not_checked)
    except CannotDecide as reason:
        return Report((), not_checked, str(reason))


# --- a file


def _wanted(auction: str | None) -> AnyId | None:
    if auction is not None and not STATED.fullmatch(auction):
        raise CannotDecide(f"{auction} is not an auction's id: auction_ and 32 digits of hex")
    return _id_of(auction) if auction else None


def _id_of(stated: str) -> AnyId:
    return DoubleAuctionId(stated) if stated.startswith(DoubleAuctionId.kind) else AuctionId(stated)


def _replayed(entries: Iterable[Entry], wanted: AnyId | None) -> Iterator[AnyReplayed]:
    """Every auction that the entries tell of, or the one that is wanted."""
    found, seen, seen_until = dict[AnyId, list[Entry]](), set[str](), None
    for entry in entries:
        seen_until = max(entry.at, seen_until or entry.at)
        auction_id = concerned(entry) or concerned_double(entry)
        if auction_id is not None and entry.event.id not in seen and wanted in {None, auction_id}:
            seen.add(entry.event.id)
            found.setdefault(auction_id, []).append(entry)
    if not found:
        raise CannotDecide(f"no fact of {wanted or 'an auction'} is among what was read")
    for auction_id, own in found.items():
        if isinstance(auction_id, DoubleAuctionId):
            yield replay_double(auction_id, own, cast(datetime, seen_until))
        else:
            yield replay(auction_id, own, cast(datetime, seen_until))


def _read(path: Path) -> Iterator[Entry]:
    """The entries of a regulator's bundle, or of a file with one line of the log in each line."""
    try:
        with path.open("rb") as file:
            is_tar = file.read(TAR_MAGIC.stop)[TAR_MAGIC] == b"ustar"
        yield from _needed(_of_bundle(path) if is_tar else _of_lines(path))
    except OSError as error:
        way_out = "name a bundle, a file of log lines, or an auction's id with --url"
        raise CannotDecide(f"{path} cannot be read: {error.strerror}; {way_out}") from error


def _needed(lines: Iterator[tuple[int, bytes]]) -> Iterator[Entry]:
    """The lines that may tell of an auction, and the last, which says how far the log goes."""
    last = None
    for index, line in lines:
        last = (index, line)
        if b'"auction_' in line or b'"double_auction_' in line:
            yield _entry(*last)
            last = None
    if last is not None:
        yield _entry(*last)


def _of_bundle(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        for name, packed in yaosu_verify.Bundle(str(path)).members("tile/entries/|entry/"):
            if name.startswith("entry/"):
                raise CannotDecide(f"{path} is an excerpt: entries are withheld that an auction may rest on")
            place = name.removeprefix("tile/entries/").partition(".p/")[0]  # not the first where a log was pruned
            first = 256 * int(place.replace("/", "").replace("x", ""))
            leaves, rest = yaosu_verify.unpack(packed)
            if rest:
                raise ValueError(f"{rest} bytes of {name} are no whole entry")
            for index, leaf in enumerate(leaves, first):
                yield index, leaf.split(b"\n")[1] if leaf.count(b"\n") > 1 else leaf
    except (yaosu_verify.CannotDecide, yaosu_verify.Missing, ValueError) as error:
        raise CannotDecide(f"{path} is not a whole bundle: {error}; yaosu verify says more") from error


def _of_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """JSON lines: events, or the changes or entries of which they are the `line` or the `event`."""
    with path.open("rb") as file:
        for index, line in enumerate(iter(lambda: file.readline(LINE_BYTES_MAX), b"")):
            if line.strip():
                yield index, _event_in(index, line.strip())


def _event_in(index: int, line: bytes) -> bytes:
    try:
        told: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CannotDecide(f"line {index + 1} is not JSON: {NEITHER}") from error
    members = cast(dict[str, object], told) if isinstance(told, dict) else {}
    inner = members.get("line", members.get("event"))
    return inner.encode() if isinstance(inner, str) else line


def _entry(index: int, line: bytes) -> Entry:
    try:
        return Entry(index, read_event(line))
    except ValueError as error:
        raise CannotDecide(f"entry {index} is {error}: {NEITHER}") from error


# --- a running exchange


def _asked(auction_id: AnyId, url: str | None, token: str | None) -> AnyReplayed:
    """The facts by the log's REST, the outcome by trading's. What the one makes of it must be what the other shows."""
    if url is None or token is None:
        raise CannotDecide(
            f"{auction_id} is asked of a running exchange: say which with --url, and give a regulator's token with "
            "--token or YAOSU_TOKEN (POST /identity/v1/token)"
        )
    with httpx2.Client(
        base_url=url, timeout=SECONDS_MAX, headers={"Authorization": f"Bearer {token}"}
    ) as client:  # fmt: skip
        kind = "double-auctions" if isinstance(auction_id, DoubleAuctionId) else "auctions"
        shown = _get(client, f"/trading/v1/{kind}/{auction_id}")
        entries = list(_of_exchange(client, auction_id))
    (found,) = _replayed(entries, auction_id)
    return _compared(found, shown, entries)


def _of_exchange(client: httpx2.Client, auction_id: AnyId) -> Iterator[Entry]:
    after: int | None = -1
    while after is not None:
        page = _get(client, "/audit/v1/entries", object=auction_id, after_index=after, limit=PAGE)
        if page.get("withheld"):
            raise CannotDecide(f"entries {page['withheld']} are read under a case only: ask with an auditor's token")
        yield from (_entry(each["index"], each["event"].encode()) for each in page["items"])
        after = page["next_after_index"]


def _get(client: httpx2.Client, path: str, **query: str | int) -> dict[str, Any]:
    try:
        answer = client.get(path, params=query)
        return answer.raise_for_status().json()
    except httpx2.HTTPStatusError as error:
        way_out = "is it this market's auction, and the token a regulator's that still holds?"
        raise CannotDecide(
            f"{path} answers {error.response.status_code} {_title(error.response)}; {way_out}"
        ) from error
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise CannotDecide(f"{client.base_url} gives no answer to {path}: {type(error).__name__}") from error


def _title(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["title"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase


def _compared(found: AnyReplayed, shown: dict[str, Any], entries: list[Entry]) -> AnyReplayed:
    """With what the exchange shows, as far as that is decided."""
    if found.auction is None or found.differences:
        return found
    if found.is_running:
        missing = Difference(Kind.MISSING, None, "close", "state", shown.get("state"), str(found.auction.state))
        return found if shown.get("state") == found.auction.state else replace(found, differences=(missing,))
    wanted = _wanted_view(found, max(entry.at for entry in entries))
    return replace(found, differences=tuple(
        Difference(Kind.DIFFERS, None, "shown", name, json.dumps(shown.get(name)), json.dumps(value))
        for name, value in wanted.items() if shown.get(name) != value
    ))  # fmt: skip


def _wanted_view(found: AnyReplayed, now: datetime) -> dict[str, Any]:
    """What the exchange should show of what was made again."""
    assert found.auction is not None
    if isinstance(found, ReplayedDouble):
        return DoubleAuctionView.of(found.auction, None).model_dump(mode="json")
    assert isinstance(found.auction, AnyAuction)
    left_out = OF_NOW if found.auction.state is not CANCELLED else OF_NOW | SEALED_FOR_EVER
    view = view_of(found.auction, found.leading_bidder_number, now)
    return {name: value for name, value in view.model_dump(mode="json").items() if name not in left_out}


# --- what is said


def _told(found: AnyReplayed) -> dict[str, Any]:
    auction: Any = found.auction
    price = getattr(auction, "price", None)
    if isinstance(found, ReplayedDouble):
        mechanism, bids, awarded = "k_double", auction and len(auction.openings), list[dict[str, Any]]()
        winner_id = auction.buyer_id if price else None
    else:
        mechanism, bids = auction and str(auction.mechanism), auction and auction.bid_count
        winner_id = auction and auction.winner_id
        won = {bid.participant_id: bid.price for bid in found.bids if bid.price}
        if isinstance(auction, SealedAuction) and auction.leader_id:  # what followed on its close counts, too
            won = {winner_id: price} if winner_id and price else {}
        awarded = [{"participant_id": who, "price_minor": paid.minor} for who, paid in won.items()]
    return {
        "auction_id": found.auction_id, "verdict": RUNNING[1] if found.is_running else WORDS[found.verdict][1].lower(),
        "mechanism": mechanism, "state": auction and str(auction.state),
        "reason_code": auction and auction.reason_code, "winner_id": winner_id,
        "price": price and {"minor": price.minor, "currency": price.currency}, "bids": bids, "awards": awarded,
        "differences": [asdict(each) for each in found.differences], "taken_on_trust": list(found.trusted),
    }  # fmt: skip


def _lines(found: AnyReplayed) -> Iterator[str]:
    told = _told(found)
    yield f"{found.auction_id}: {' / '.join(RUNNING if found.is_running else WORDS[found.verdict])}"
    if found.auction is not None:
        price = told["price"]
        amount = f"{price['minor']} {price['currency']} (分 minor)" if price else "-"
        yield (
            f"  {told['mechanism']} · 状态 state {told['state']} ({told['reason_code']}) · 出价 bids {told['bids']} · "
            f"受让人 winner {told['winner_id']} · 价格 price {amount}"
        )
    for award in told["awards"]:
        yield f"  授予 awarded to {award['participant_id']}: {award['price_minor']} (分 minor)"
    for each in found.differences:
        place = "-" if each.index is None else str(each.index)
        yield (
            f"  条目 entry {place} {each.act} · {each.field}: {' / '.join(KINDS[each.kind])}: "
            f"所载 told {each.told}, 复算 recomputed {each.recomputed}"
        )
    for note in found.trusted:
        yield f"  据其所载 taken on trust: {note}"
