"""The replay of a double auction: both prices are told with their nonces by the decision.

Promises: as for auctions, whatever the facts tell, the answer is a list of differences and never an exception; a price
is taken only if its side had sealed it; what the facts do not decide, a denial, is listed as taken on trust.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.trading.rules import double_auction as rules
from services.trading.rules.award import FrozenFees
from services.trading.rules.double_auction import DoubleAuction, DoubleTerms
from services.trading.rules.market_rules import Windows
from services.trading.rules.negotiation_terms import Side
from services.trading.rules.replay import Verdict, verdict_of
from services.trading.rules.replay_entry import ID, Body, Difference, Entry, Findings, Kind, Lacking, money, note_of
from services.trading.rules.right import Right, RightKind
from services.trading.rules.scope import Scope
from shared.facts import moment
from shared.ids import DoubleAuctionId, ListingId, OrderId, ParticipantId

OPENED, SEALED, REVEALED = "double_auction_opened", "price_sealed", "price_revealed"
DECLINED, DECIDED, ORDERED = "double_auction_declined", "double_auction_decided", "order_placed"
COMMANDS = (OPENED, SEALED, REVEALED, DECLINED, DECIDED)


@dataclass(frozen=True, slots=True)
class ReplayedDouble:
    """`auction` is as far as it could be made again."""

    auction_id: DoubleAuctionId
    auction: DoubleAuction | None
    differences: tuple[Difference, ...]
    trusted: tuple[str, ...]

    @property
    def is_running(self) -> bool:
        return self.auction is not None and self.auction.deadline is not None and not self.differences

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.differences, is_running=self.is_running)


def concerned_double(entry: Entry) -> DoubleAuctionId | None:
    """The double auction whose replay needs the entry; None for one that no such replay needs."""
    told = entry.data.get("double_auction_id")
    if not entry.event.act.startswith("trading.") or not isinstance(told, str):
        return None
    match = ID.fullmatch(told)
    return DoubleAuctionId(told) if match and match[1] == DoubleAuctionId.kind else None


def replay_double(
    double_auction_id: DoubleAuctionId, entries: Sequence[Entry], seen_until: datetime
) -> ReplayedDouble:  # fmt: skip
    """It made again. Requires all that was read of it, each fact once, and the latest moment of anything read."""
    fold = Fold(tuple(entries), seen_until)
    fold.run()
    told = tuple(fold.findings.differences), tuple(fold.findings.trusted)
    return ReplayedDouble(double_auction_id, fold.auction, *told)


@dataclass(slots=True)
class Fold:
    """Takes the commands in the order of their revisions, and stops where one is missing or cannot be taken."""

    entries: tuple[Entry, ...]
    seen_until: datetime
    findings: Findings = field(default_factory=Findings)
    auction: DoubleAuction | None = None

    def run(self) -> None:
        steps: Mapping[str, Callable[[Entry], DoubleAuction]] = {
            OPENED: self._open, SEALED: self._seal, REVEALED: self._reveal, DECLINED: self._decline,
            DECIDED: self._decide,
        }  # fmt: skip
        if not self._are_known():
            return
        for entry in sorted((each for each in self.entries if each.act in COMMANDS), key=_revision):
            try:
                self._require_next(entry)
                self.auction = steps[entry.act](entry)
            except Exception as error:  # a body may be wrong in any way, and none of them may end the replay
                note_of(self.findings, entry, error)
                return
        if self.auction is None:
            self.findings.lack(OPENED, "revision", 1)
        elif self.auction.deadline is None:
            self._compare_orders(self.auction)
        elif self.seen_until >= self.auction.deadline or self._orders():
            self.findings.lack(DECIDED, "revision", self.auction.revision + 1)

    def _are_known(self) -> bool:
        for entry in self.entries:
            if entry.act not in (*COMMANDS, ORDERED):
                self.findings.differ(entry, "act", entry.act, "a fact that can be replayed here", Kind.UNKNOWN)
            elif entry.act != ORDERED and entry.event.v != 1:
                self.findings.differ(entry, "v", entry.event.v, 1, Kind.UNKNOWN)
        return not self.findings.differences

    def _require_next(self, entry: Entry) -> None:
        due, told = self.auction.revision + 1 if self.auction else 1, entry.data["revision"]
        if told == due:
            return
        if _revision(entry) > due:
            self.findings.lack("any", "revision", due)
        else:
            self.findings.differ(entry, "revision", told, f"{due}, or no such entry")
        raise Lacking()

    def _open(self, entry: Entry) -> DoubleAuction:
        data = entry.data
        who = ParticipantId(data["provider_id"]), ParticipantId(data["buyer_id"])
        ids = DoubleAuctionId(data["double_auction_id"]), ListingId(data["listing_id"])
        opened = rules.open_double(*ids, *who, _terms(data["terms"]), entry.at)
        self._compare(entry, opened, {
            "listing_id": opened.listing_id, "provider_id": opened.provider_id, "buyer_id": opened.buyer_id,
            "terms": opened.terms,
        })  # fmt: skip
        return opened

    def _seal(self, entry: Entry) -> DoubleAuction:
        side, commitment = Side(entry.data["side"]), dict(entry.event.pd or {}).get("price", "")
        after = rules.seal(self._auction(), side, commitment, entry.at)
        sealed = after.sealed_by(side)
        assert sealed
        self._compare(
            entry, after, self._of(side) | {"sealed_at": sealed.sealed_at}, {"price": sealed.commitment}
        )  # fmt: skip
        return after

    def _reveal(self, entry: Entry) -> DoubleAuction:
        side, decided = Side(entry.data["side"]), self._decision()
        if decided is None:
            self.findings.trust(f"{REVEALED}: that it is what was sealed, until it is told")
            after = _as_told(self._auction(), side, entry.at)
        else:
            told = next((each for each in decided.data["openings"] if each["side"] == side), None)
            if told is None:
                self.findings.lack(DECIDED, f"openings.{side}", "the amount and the nonce of a price that was opened")
                raise Lacking()
            after = rules.reveal(self._auction(), side, money(told["amount"]), told["nonce"], entry.at)
        sealed = after.sealed_by(side)
        assert sealed
        self._compare(entry, after, self._of(side) | {"revealed_at": sealed.revealed_at})
        return after

    def _decline(self, entry: Entry) -> DoubleAuction:
        side = Side(entry.data["side"])
        after = rules.decline(self._auction(), side, entry.at)
        self._compare(entry, after, self._of(side) | {"reason_code": after.reason_code})
        return after

    def _decide(self, entry: Entry) -> DoubleAuction:
        reason, denied = entry.data["reason_code"], None
        if reason not in set(rules.Reason):
            self.findings.trust(f"{DECIDED}: the buyer is denied, {reason}")
            denied = reason
        after = rules.decide(self._auction(), denied, entry.at)
        self._compare(entry, after, {
            "outcome_state": after.state, "reason_code": after.reason_code, "amount": after.price,
            "openings": after.openings,
        })  # fmt: skip
        return after

    def _compare_orders(self, auction: DoubleAuction) -> None:
        """One, on the terms that both agreed to, if there is a price; otherwise none."""
        found = self._orders()
        if auction.price is None:
            for entry in found:
                self.findings.differ(entry, "double_auction_id", auction.id, "no order")
            return
        if not found:
            self.findings.lack(ORDERED, "double_auction_id", auction.id)
            return
        for entry in found[1:]:
            self.findings.differ(entry, "double_auction_id", auction.id, "one order")
        entry, decided = found[0], self._decision()
        try:
            self.auction = replace(auction, order_id=OrderId(entry.data["order_id"]))
        except Exception as error:  # as above
            note_of(self.findings, entry, error)
            return
        self.findings.compare_members(entry, {
            "listing_id": auction.listing_id, "buyer_id": auction.buyer_id, "provider_id": auction.provider_id,
            "amount": auction.price, "fees": auction.terms.fees, "scope": auction.terms.scope,
        })  # fmt: skip
        self.findings.compare_amount(entry)
        if decided and entry.at != decided.at:  # one commit decides and orders
            self.findings.differ(entry, "ts", entry.at, decided.at)

    def _compare(
        self, entry: Entry, after: DoubleAuction, told: Mapping[str, object], sealed: Mapping[str, str] | None = None
    ) -> None:
        head = {"double_auction_id": after.id, "revision": after.revision}
        self.findings.compare(entry, {**head, **told}, sealed)

    def _of(self, side: Side) -> dict[str, object]:
        auction = self._auction()
        return {"participant_id": auction.buyer_id if side is Side.BUYER else auction.provider_id, "side": side}

    def _auction(self) -> DoubleAuction:
        if self.auction is None:
            self.findings.lack(OPENED, "revision", 1)
            raise Lacking()
        return self.auction

    def _decision(self) -> Entry | None:
        return next((entry for entry in self.entries if entry.act == DECIDED), None)

    def _orders(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.act == ORDERED]


def _revision(entry: Entry) -> int:
    """By which commands are in order, wherever in the log they stand."""
    told = entry.data.get("revision")
    return told if type(told) is int else 0


def _as_told(before: DoubleAuction, side: Side, at: datetime) -> DoubleAuction:
    """After a price was opened of which nobody has been told yet what it was."""
    at, sealed = max(at, before.last_at), before.sealed_by(side)
    if before.state is not rules.REVEALING or sealed is None:
        raise rules.RevealTooEarly(next_actor=before.next_actor, deadline=before.deadline)
    changed: dict[str, Any] = {"bid" if side is Side.BUYER else "ask": replace(sealed, revealed_at=at)}
    return replace(before, **changed, last_at=at, revision=before.revision + 1)


def _terms(told: Body) -> DoubleTerms:
    return DoubleTerms(
        _scope(told["scope"]), told["bid_weight_percent"], moment(told["seal_by"]), moment(told["reveal_by"]),
        FrozenFees(**told["fees"]), Windows(**told["windows"]), told["rules_name"],
    )  # fmt: skip


def _scope(told: Body) -> Scope:
    right: Any = told["right"]
    starts_at = right.get("starts_at")
    granted = Right(
        RightKind(right["kind"]), right["field"], right["territory"], right["period_days"], right.get("copies"),
        None if starts_at is None else moment(starts_at),
    )  # fmt: skip
    return Scope(granted, tuple(told["purposes"]), told["quota_uses"])
