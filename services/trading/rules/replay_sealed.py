"""The replay of an auction by sealed bids: each bid that was revealed is told with its nonce at the close.

Promises: an amount is taken only if the bidder had committed to it, a coin only if its seed was committed to before
anyone could bid; a bid that was never revealed counts for nothing, and its bidder is told so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from services.trading.rules import replay_award_queue as award_queue
from services.trading.rules import rsop
from services.trading.rules import sealed as rules
from services.trading.rules.award import FrozenFees
from services.trading.rules.market_rules import Windows
from services.trading.rules.mechanism import Mechanism
from services.trading.rules.phase import REVEALING
from services.trading.rules.proxy import Lead
from services.trading.rules.replay_entry import Body, Entry, Lacking, ids_of, in_currency_of, money, money_or_none
from services.trading.rules.replay_fold import Fold, Owed
from services.trading.rules.sealed import SealedAuction, SealedBid
from services.trading.rules.sealed_terms import SealedTerms
from shared.facts import commit, moment
from shared.ids import BidId, ParticipantId
from shared.money import Money

CLOSED = "sealed_auction_closed"
JUDGED = "sealed_bids_judged"
PLACED, REVEALED = "sealed_bid_placed", "sealed_bid_revealed"


@dataclass(slots=True)
class Sealed(Fold):
    OPENING: ClassVar[str] = "sealed_auction_opened"
    COMMANDS: ClassVar[frozenset[str]] = frozenset({PLACED, REVEALED, CLOSED}) | award_queue.FOLLOWING
    SUPPLEMENTS: ClassVar[frozenset[str]] = frozenset({JUDGED})
    VERSIONS: ClassVar[Mapping[str, Sequence[int]]] = {"sealed_auction_opened": (1, 2), CLOSED: (1, 2)}

    placed: dict[int, SealedBid] = field(default_factory=dict[int, SealedBid])
    verdicts: dict[int, tuple[Entry, Body]] = field(default_factory=dict[int, tuple[Entry, Body]])
    second: Lead | None = None

    @property
    def bids(self) -> Sequence[SealedBid]:
        return [bid for _, bid in sorted(self.placed.items())]

    def open(self, entry: Entry) -> SealedAuction:
        closing = self.case.one_of(CLOSED)
        terms = _terms(entry.data, closing.data if closing else {})
        auction = rules.open_sealed(*ids_of(entry.data), terms, entry.at)
        sealed = dict(entry.event.pd or {}) if closing is None else _commitments(auction, closing.data)
        self.findings.compare(entry, {
            "auction_id": auction.id, "listing_id": auction.listing_id, "provider_id": auction.provider_id,
            "mechanism": terms.mechanism, "copies": terms.copies, "start_price": terms.start_price,
            "deposit": terms.deposit, "opens_at": terms.opens_at, "closes_at": terms.closes_at,
            "reveal_closes_at": terms.reveal_closes_at, "fees": terms.fees, "windows": terms.windows,
            "rules_name": terms.rules_name, **_told_of_second(entry, terms),
        }, sealed)  # fmt: skip
        if (terms.mechanism is Mechanism.RSOP) != ("seed" in sealed):
            self.findings.differ(entry, "seed", sealed.get("seed"), "committed to for random sampling, and only then")
        if closing is not None and closing.event.v < entry.event.v:
            self.findings.differ(closing, "v", closing.event.v, f"no earlier than {entry.event.v}")
        self._read_verdicts(closing)
        return auction

    def apply(self, entry: Entry) -> SealedAuction:
        match entry.act:
            case "sealed_bid_placed":
                return self._place(entry)
            case "sealed_bid_revealed":
                return self._reveal(entry)
            case "sealed_auction_closed":
                return self._close(entry)
            case _:
                return award_queue.follow(self.findings, self.owed, self._sealed(), self.second, entry)

    def _place(self, entry: Entry) -> SealedAuction:
        data, sealed = entry.data, dict(entry.event.pd or {})
        bidder_id = ParticipantId(data["participant_id"])
        if any(bid.participant_id == bidder_id for bid in self.placed.values()):
            raise rules.SealedAlready()
        number = self.number_of(entry, bidder_id)
        after, bid = rules.commit(
            self._sealed(), BidId(data["bid_id"]), bidder_id, number, sealed.get("bid", ""), entry.at
        )  # fmt: skip
        self.placed[bid.sequence] = bid
        self.findings.compare(entry, {
            "auction_id": after.id, "bid_id": bid.id, "sequence": bid.sequence, "bidder_number": bid.bidder_number,
            "participant_id": bidder_id, "placed_at": bid.committed_at, "revision": after.revision,
        }, {"bid": bid.commitment})  # fmt: skip
        return after

    def _reveal(self, entry: Entry) -> SealedAuction:
        sequence = entry.data["sequence"]
        if sequence not in self.placed:
            self.findings.lack(PLACED, "sequence", sequence)
            raise Lacking()
        if self.case.one_of(CLOSED) is None:
            self.findings.trust("sealed_bid_revealed: that it is what was committed to, until it is told")
            after, bid = _as_told(self._sealed(), self.placed[sequence], entry)
        else:
            revelation = self._revelation(sequence)
            after, bid = rules.reveal(self._sealed(), self.placed[sequence], *revelation, entry.at)
        self.placed[sequence] = bid
        self.findings.compare(entry, {
            "auction_id": after.id, "bid_id": bid.id, "sequence": bid.sequence, "participant_id": bid.participant_id,
            "revealed_at": bid.revealed_at, "revision": after.revision,
        })  # fmt: skip
        return after

    def _revelation(self, sequence: int) -> tuple[Money, str]:
        told = self.verdicts[sequence][1] if sequence in self.verdicts else dict[str, Any]()
        if "amount_minor" not in told or "nonce" not in told:
            self.findings.lack(JUDGED, f"verdicts.{sequence}", "the amount and the nonce of a bid that was revealed")
            raise Lacking()
        return Money(told["amount_minor"], self._sealed().terms.start_price.currency), told["nonce"]

    def _close(self, entry: Entry) -> SealedAuction:
        data = entry.data
        after, judged = rules.close(self._sealed(), self.bids, self._denied(), entry.at)
        self.placed = {bid.sequence: bid for bid in judged}
        self.owed = {bid.participant_id: Owed(bid.price, entry) for bid in judged if bid.price is not None}
        self.second = rules.second_of(after.terms, judged)
        terms = after.terms
        self.findings.compare(entry, {
            "auction_id": after.id, "listing_id": after.listing_id, "outcome_state": after.state,
            "reason_code": after.reason_code, "awards": after.award_count, "winner_id": after.winner_id,
            "amount": after.price, "bids": after.bid_count, "revealed": after.reveal_count,
            "closed_at": after.decided_at, "verdicts": data["verdicts"], "reserve_price": in_currency_of(terms),
            "reserve_salt": data.get("reserve_salt") if terms.reserve_price else None, "seed": terms.seed,
            "revision": after.revision, "second_id": after.second_id,
        })  # fmt: skip
        self._compare_verdicts()
        return after

    def _compare_verdicts(self) -> None:
        for bid in self.bids:
            if bid.sequence not in self.verdicts:
                self.findings.lack(JUDGED, f"verdicts.{bid.sequence}", bid.reason_code)
                continue
            entry, told = self.verdicts[bid.sequence]
            wanted = {
                "sequence": bid.sequence, "amount_minor": bid.amount and bid.amount.minor, "nonce": bid.nonce,
                "price_minor": bid.price and bid.price.minor, "reason_code": bid.reason_code,
            }  # fmt: skip
            self.findings.compare_within(entry, f"verdicts.{bid.sequence}", told, wanted)
        for sequence in sorted(set(self.verdicts) - set(self.placed)):
            self.findings.lack(PLACED, "sequence", sequence)

    def _denied(self) -> dict[ParticipantId, str]:
        """Whoever was left out, by the grade or the standing of then: a reason that is none of the mechanism's own."""
        found = dict[ParticipantId, str]()
        for bid in self.bids:
            reason = self.verdicts[bid.sequence][1]["reason_code"] if bid.sequence in self.verdicts else None
            if reason is not None and reason not in set(rules.Reason):
                self.findings.trust(f"{CLOSED}: the bidder of bid {bid.sequence} is denied, {reason}")
                found[bid.participant_id] = reason
        return found

    def _read_verdicts(self, closing: Entry | None) -> None:
        """The verdicts of the close, and of the facts that go on with it in the same commit."""
        if closing is None:
            return
        for entry in [closing, *self.case.all_of(JUDGED)]:
            told: Sequence[Body] = entry.data["verdicts"]
            if entry.act == JUDGED:
                self.findings.compare(entry, {"auction_id": self.case.auction_id, "verdicts": told})
                if entry.at != closing.at:
                    self.findings.differ(entry, "ts", entry.at, closing.at)
            for each in told:
                if each["sequence"] in self.verdicts:
                    self.findings.differ(entry, "verdicts", each, "each bid judged once")
                self.verdicts.setdefault(each["sequence"], (entry, each))

    def _sealed(self) -> SealedAuction:
        assert isinstance(self.auction, SealedAuction)
        return self.auction


def _as_told(before: SealedAuction, bid: SealedBid, entry: Entry) -> tuple[SealedAuction, SealedBid]:
    """The auction and the bid after a reveal of which nobody has been told yet what it was."""
    at = max(entry.at, before.last_at)
    if before.step(at).phase is not REVEALING:
        raise rules.RevealNotStarted(opens_at=before.closes_at)
    if bid.revealed_at is not None:
        raise rules.RevealedAlready(revealed_at=bid.revealed_at)
    counted = replace(before, reveal_count=before.reveal_count + 1, last_at=at, revision=before.revision + 1)
    return counted, replace(bid, revealed_at=at)


def _commitments(auction: SealedAuction, closing: Body) -> dict[str, str]:
    """What the opening must have committed to, by what the close opened."""
    terms, told = auction.terms, dict[str, str]()
    if terms.reserve_price is not None:
        salt = bytes.fromhex(str(closing.get("reserve_salt")))
        told["reserve_price"] = commit("reserve_price", str(terms.reserve_price.minor), salt).hex
    if terms.seed is not None:
        told["seed"] = rsop.seed_commitment(auction.id, terms.seed).hex
    return told


def _terms(data: Body, closing: Body) -> SealedTerms:
    return SealedTerms(
        Mechanism(data["mechanism"]), data.get("copies"), money(data["start_price"]),
        money_or_none(closing.get("reserve_price")), money(data["deposit"]), moment(data["opens_at"]),
        moment(data["closes_at"]), moment(data["reveal_closes_at"]), FrozenFees(**data["fees"]),
        Windows(**data["windows"]), data["rules_name"], closing.get("seed"), data.get("keeps_second", False),
        data.get("second_answer_seconds", 0),
    )  # fmt: skip


def _told_of_second(entry: Entry, terms: SealedTerms) -> dict[str, object]:
    """What the first version of the fact does not tell."""
    if entry.event.v == 1:
        return {}
    return {"keeps_second": terms.keeps_second, "second_answer_seconds": terms.second_answer_seconds}
