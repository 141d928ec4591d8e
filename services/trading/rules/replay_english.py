"""The replay of an English auction: every maximum is opened at its close, so that every bid can be made again.

Promises: a maximum is taken only if it is what was committed to when the bid was placed, and so is the reserve. What
was called off with bids stays sealed: then prices are taken as told, and said to be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from services.trading.rules import auction as rules
from services.trading.rules import award_queue as award_queue_rules
from services.trading.rules import replay_award_queue as award_queue
from services.trading.rules.auction import Auction
from services.trading.rules.auction_terms import Increment, Terms
from services.trading.rules.award import FrozenFees
from services.trading.rules.bid import Bid, Opening
from services.trading.rules.market_rules import Windows
from services.trading.rules.proxy import Lead
from services.trading.rules.replay_entry import Entry, Lacking, ids_of, in_currency_of, money, money_or_none
from services.trading.rules.replay_fold import CANCELLED, Fold, Owed
from shared.facts import commit, moment
from shared.ids import AuctionId, BidId, ParticipantId
from shared.money import Money

CLOSED = "auction_closed"
BOUGHT = "auction_bought_now"
OPENED_BIDS = "bids_opened"


@dataclass(slots=True)
class English(Fold):
    OPENING: ClassVar[str] = "auction_opened"
    COMMANDS: ClassVar[frozenset[str]] = frozenset({"bid_placed", BOUGHT, CLOSED}) | award_queue.FOLLOWING
    SUPPLEMENTS: ClassVar[frozenset[str]] = frozenset({OPENED_BIDS})
    VERSIONS: ClassVar[Mapping[str, Sequence[int]]] = {"auction_opened": (2,), CLOSED: (2,)}

    placed: list[Bid] = field(default_factory=list[Bid])
    openings: dict[int, Opening] = field(default_factory=dict[int, Opening])
    second: Lead | None = None

    @property
    def barred_ids(self) -> Sequence[ParticipantId]:
        return self._english().barred_ids

    @property
    def commands(self) -> list[Entry]:
        """Where somebody bought at once, the close tells nothing more, under the same revision."""
        repeated = self.case.one_of(CLOSED) if self.case.one_of(BOUGHT) else None
        return [entry for entry in self.case.all_of(*self.COMMANDS, CANCELLED) if entry is not repeated]

    def open(self, entry: Entry) -> Auction:
        closing = self.case.one_of(CLOSED)
        told = entry.data.get("open_reserve") if closing is None else closing.data.get("reserve_price")
        terms = _terms(entry, money_or_none(told))
        reoffer_of, barred_ids = entry.data.get("reoffer_of"), map(ParticipantId, entry.data["barred_ids"])
        auction = rules.open_auction(
            *ids_of(entry.data), terms, entry.at, reoffer_of and AuctionId(reoffer_of), tuple(barred_ids)
        )
        sealed = dict(entry.event.pd or {}) if closing is None else {}
        if closing is not None and terms.reserve_price is not None and _is_sealed(terms):
            sealed = _sealed("reserve_price", terms.reserve_price, closing.data.get("reserve_salt"))
        self.findings.compare(entry, _told_of_opening(auction), sealed)
        self._read_openings(closing)
        return auction

    def apply(self, entry: Entry) -> Auction:
        if entry.act in award_queue.FOLLOWING:
            return award_queue.follow(self.findings, self.owed, self._english(), self.second, entry)
        return {"bid_placed": self._bid, BOUGHT: self._buy_now, CLOSED: self._close}[entry.act](entry)

    def _bid(self, entry: Entry) -> Auction:
        before, data = self._english(), entry.data
        bidder_id = ParticipantId(data["participant_id"])
        sealed = dict(entry.event.pd or {})
        if self.case.one_of(CLOSED) is None:
            self.findings.trust("bid_placed: price, leading and closes_at, while maxima are sealed")
            after = _as_told(before, bidder_id, entry)
        else:
            opening = self._opening(entry)
            maximum = Money(opening.maximum_minor, before.terms.start_price.currency)
            sealed = _sealed("maximum", maximum, opening.salt)
            after = rules.place_bid(before, bidder_id, maximum, entry.at)
            assert after.price is not None
            self.placed.append(Bid(
                BidId(data["bid_id"]), after.id, after.bid_count, bidder_id, data["bidder_number"], maximum,
                opening.salt, after.price, after.leader_id == bidder_id, after.closes_at, after.last_at,
            ))  # fmt: skip
        self.findings.compare(entry, {
            "auction_id": after.id, "bid_id": BidId(data["bid_id"]), "sequence": after.bid_count,
            "bidder_number": self.number_of(entry, bidder_id), "participant_id": bidder_id, "price": after.price,
            "leading": after.leader_id == bidder_id, "closes_at": after.closes_at, "placed_at": after.last_at,
            "revision": after.revision,
        }, sealed)  # fmt: skip
        return after

    def _opening(self, entry: Entry) -> Opening:
        sequence = self._english().bid_count + 1
        if sequence not in self.openings:
            self.findings.lack(OPENED_BIDS, f"openings.{sequence}", f"the opening of the bid in entry {entry.index}")
            raise Lacking()
        return self.openings[sequence]

    def _close(self, entry: Entry) -> Auction:
        """At the close the leader is decided on anew by the grade of then, which the auction's facts do not tell."""
        reason = entry.data["reason_code"]
        denied = None if reason in set(rules.Reason) else str(reason)
        if denied:
            self.findings.trust(f"auction_closed: the leader is denied, {denied}")
        before = self._english()
        if before.leader_id is not None:
            self.second = award_queue_rules.second_of(before.terms, self.placed, before.leader_id)
        after = rules.close(before, entry.at, denied, self.second and self.second.bidder_id)
        self._compare_close(entry, after)
        return after

    def _buy_now(self, entry: Entry) -> Auction:
        bidder_id = ParticipantId(entry.data["participant_id"])
        after = rules.buy_now(self._english(), bidder_id, entry.at)
        self.findings.compare(entry, {
            "auction_id": after.id, "participant_id": bidder_id, "bidder_number": self.number_of(entry, bidder_id),
            "amount": after.price, "revision": after.revision,
        })  # fmt: skip
        closing = self.case.one_of(CLOSED)
        if closing is None:
            self.findings.lack(CLOSED, "revision", after.revision)
            raise Lacking()
        if closing.at != entry.at:
            self.findings.differ(closing, "ts", closing.at, entry.at)
        self._compare_close(closing, after)
        return after

    def _compare_close(self, entry: Entry, after: Auction) -> None:
        data = entry.data
        if after.winner_id is not None and after.price is not None:
            self.owed[after.winner_id] = Owed(after.price, entry)
        self.findings.compare(entry, {
            "auction_id": after.id, "listing_id": after.listing_id, "outcome_state": after.state,
            "reason_code": after.reason_code, "winner_id": after.winner_id,
            "amount": after.price if after.winner_id else None, "bids": after.bid_count, "closed_at": after.closes_at,
            "openings": data["openings"], "reserve_price": in_currency_of(after.terms),
            "reserve_salt": data.get("reserve_salt") if _is_sealed(after.terms) else None,
            "revision": after.revision, "second_id": after.second_id,
        })  # fmt: skip
        for sequence in sorted(set(self.openings) - set(range(1, after.bid_count + 1))):
            self.findings.lack("bid_placed", "sequence", sequence)

    def _read_openings(self, closing: Entry | None) -> None:
        """What the close opened, and the facts that go on with it in the same commit."""
        if closing is None:
            return
        for entry in [closing, *self.case.all_of(OPENED_BIDS)]:
            told: Sequence[dict[str, object]] = entry.data["openings"]
            if entry.act == OPENED_BIDS:
                self.findings.compare(entry, {"auction_id": self.case.auction_id, "openings": told})
                if entry.at != closing.at:
                    self.findings.differ(entry, "ts", entry.at, closing.at)
            for each in told:
                opening = Opening(**each)  # pyright: ignore[reportArgumentType]
                if self.openings.setdefault(opening.sequence, opening) is not opening:
                    self.findings.differ(entry, "openings", each, "each bid opened once")

    def _english(self) -> Auction:
        assert isinstance(self.auction, Auction)
        return self.auction


def _as_told(before: Auction, bidder_id: ParticipantId, entry: Entry) -> Auction:
    """The auction after a bid whose maximum nobody has opened."""
    rules.require_takes_bidders(before, entry.at)
    closes_at = moment(entry.data["closes_at"])
    return replace(
        before, bid_count=before.bid_count + 1, price=money(entry.data["price"]),
        leader_id=bidder_id if entry.data["leading"] else before.leader_id, closes_at=closes_at,
        extensions=before.extensions + (closes_at > before.closes_at), last_at=max(entry.at, before.last_at),
        revision=before.revision + 1,
    )  # fmt: skip


def _terms(entry: Entry, reserve: Money | None) -> Terms:
    data = entry.data
    return Terms(
        start_price=money(data["start_price"]), increments=tuple(Increment(**band) for band in data["increments"]),
        reserve_price=reserve, deposit=money(data["deposit"]), opens_at=moment(data["opens_at"]),
        closes_at=moment(data["closes_at"]), hard_closes_at=moment(data["hard_closes_at"]),
        soft_close_seconds=data["soft_close_seconds"], extension_seconds=data["extension_seconds"],
        extensions_max=data["extensions_max"], fees=FrozenFees(**data["fees"]), windows=Windows(**data["windows"]),
        rules_name=data["rules_name"], price_cap=money_or_none(data.get("price_cap")),
        reserve_is_open="open_reserve" in data, priority_ids=tuple(map(ParticipantId, data["priority_ids"])),
        buy_now_price=money_or_none(data.get("buy_now_price")), keeps_second=data["keeps_second"],
        second_answer_seconds=data["second_answer_seconds"],
    )  # fmt: skip


def _told_of_opening(auction: Auction) -> dict[str, object]:
    terms = auction.terms
    return {
        "auction_id": auction.id, "listing_id": auction.listing_id, "provider_id": auction.provider_id,
        "start_price": terms.start_price, "increments": terms.increments, "deposit": terms.deposit,
        "opens_at": terms.opens_at, "closes_at": terms.closes_at, "hard_closes_at": terms.hard_closes_at,
        "soft_close_seconds": terms.soft_close_seconds, "extension_seconds": terms.extension_seconds,
        "extensions_max": terms.extensions_max, "fees": terms.fees, "windows": terms.windows,
        "rules_name": terms.rules_name, "price_cap": terms.price_cap, "open_reserve": terms.open_reserve,
        "priority_ids": terms.priority_ids, "buy_now_price": terms.buy_now_price, "keeps_second": terms.keeps_second,
        "second_answer_seconds": terms.second_answer_seconds, "reoffer_of": auction.reoffer_of,
        "barred_ids": auction.barred_ids,
    }  # fmt: skip


def _is_sealed(terms: Terms) -> bool:
    """Whether there is a reserve that was not told at the opening."""
    return terms.reserve_price is not None and not terms.reserve_is_open


def _sealed(name: str, amount: Money, salt: object) -> dict[str, str]:
    """The commitment that this amount and salt open."""
    return {name: commit(name, str(amount.minor), bytes.fromhex(str(salt))).hex}
