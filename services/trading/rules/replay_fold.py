"""The frame that the replays of all mechanisms share: the facts of one auction, and a fold over what moved it.

Promises: a fold takes the commands in the order of their revisions, wherever in the log they stand, for several
processes may have written them; it applies the very rules that decided them, and compares what comes out with the whole
of what each fact tells. It stops where a command is missing or cannot be taken: what follows says nothing then.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from services.trading.rules import auction as auction_rules
from services.trading.rules.any_auction import AnyAuction, Awardable
from services.trading.rules.auction import OPEN, Reason
from services.trading.rules.replay_entry import Entry, Findings, Lacking, note_of
from services.trading.rules.sealed import SealedBid
from shared.ids import AuctionId, OrderId, ParticipantId, RegistrationId
from shared.money import Money

CANCELLED = "auction_cancelled"
REGISTERED = "bidder_registered"
ORDERED = "order_placed"
Step = Callable[[Entry], None]


@dataclass(frozen=True, slots=True)
class Bidder:
    number: int
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class Owed:
    """What a winner is to have an order for, by the entry in whose commit it is made."""

    price: Money
    by: Entry


@dataclass(frozen=True, slots=True)
class Case:
    """The facts of one auction, by their kind, each in the order in which they were read; and what was read last."""

    auction_id: AuctionId
    entries: tuple[Entry, ...]
    seen_until: datetime

    def all_of(self, *acts: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.act in acts]

    def one_of(self, *acts: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.act in acts), None)


@dataclass(slots=True)
class Fold(ABC):
    """The replay of one mechanism. `OPENING` names its first fact, `COMMANDS` those that carry a revision, and
    `SUPPLEMENTS` what a close tells in further facts; `VERSIONS` says of which facts it reads others than the first.
    """

    OPENING: ClassVar[str]
    COMMANDS: ClassVar[frozenset[str]]
    SUPPLEMENTS: ClassVar[frozenset[str]] = frozenset()
    VERSIONS: ClassVar[Mapping[str, Sequence[int]]] = {}

    case: Case
    findings: Findings
    bidders: dict[ParticipantId, Bidder] = field(default_factory=dict[ParticipantId, Bidder])
    auction: AnyAuction | None = None
    owed: dict[ParticipantId, Owed] = field(default_factory=dict[ParticipantId, Owed])

    @abstractmethod
    def open(self, entry: Entry) -> AnyAuction:
        """The auction as its first fact tells it, compared with that fact."""

    @abstractmethod
    def apply(self, entry: Entry) -> AnyAuction:
        """The auction after a command that is no cancellation, compared with its fact. Whoever is to have an order
        by it goes into `owed`."""

    @property
    def commands(self) -> list[Entry]:
        """What moved the auction, but for its opening."""
        return self.case.all_of(*self.COMMANDS, CANCELLED)

    @property
    def bids(self) -> Sequence[SealedBid]:
        """The bids that were judged, where the mechanism judges each by itself."""
        return ()

    @property
    def barred_ids(self) -> Sequence[ParticipantId]:
        """Who may not bid, beside the provider."""
        return ()

    @property
    def leading_number(self) -> int | None:
        """The number of whoever leads an open outcry, or has or is asked for what one bidder wins by a sealed one."""
        leader_id = self.auction.leader_id if isinstance(self.auction, Awardable) else None
        bidder = self.bidders.get(leader_id) if leader_id else None
        return bidder and bidder.number

    def run(self) -> None:
        """Fold everything that was read."""
        first, *others = self.case.all_of(self.OPENING)
        for entry in others:
            self.findings.differ(entry, "act", entry.act, "opened once")
        if not self._opened(first):
            return
        for entry in sorted(self.case.all_of(REGISTERED), key=_number):
            self._guarded(self._register, entry)
        if not self._moved():
            return
        assert self.auction is not None
        if self.auction.state is OPEN:
            if self.case.seen_until >= self.auction.decided_at or self.case.one_of(ORDERED):
                self.findings.lack("close", "revision", self.auction.revision + 1)
        else:
            self._compare_orders()

    def _opened(self, entry: Entry) -> bool:
        def take(entry: Entry) -> None:
            self.auction = opened = self.open(entry)
            if entry.at > opened.terms.opens_at:
                self.findings.differ(entry, "ts", entry.at, f"not after the opening, {opened.terms.opens_at}")

        return self._guarded(take, entry)

    def _moved(self) -> bool:
        """Whether every command could be taken, in the order of the revisions that they led to."""
        for entry in self.commands:
            if type(entry.data.get("revision")) is not int:
                self.findings.differ(entry, "revision", entry.data.get("revision"), "a whole number")
                return False
        for entry in sorted(self.commands, key=lambda each: each.data["revision"]):
            if not self._guarded(self._move, entry):
                return False
        return True

    def _move(self, entry: Entry) -> None:
        assert self.auction is not None
        due, told = self.auction.revision + 1, entry.data["revision"]
        if told > due:
            self.findings.lack("any", "revision", due)
            raise Lacking()
        if told < due:
            self.findings.differ(entry, "revision", told, f"{due}, or no such entry")
            raise Lacking()
        self.auction = self._cancelled(entry) if entry.act == CANCELLED else self.apply(entry)

    def _cancelled(self, entry: Entry) -> AnyAuction:
        """By the provider, unbid; or because it may no longer be sold, which the auction's own facts do not decide."""
        before, reason = self.auction, entry.data["reason_code"]
        assert before is not None
        if reason == Reason.BY_PROVIDER:
            after = auction_rules.cancel(before, entry.at)
        else:
            self.findings.trust(f"auction_cancelled: {reason}")
            after = auction_rules.forbid(before, reason, entry.at)
        self.findings.compare(entry, {
            "auction_id": after.id, "listing_id": after.listing_id, "provider_id": after.provider_id,
            "reason_code": after.reason_code, "bids": after.bid_count, "revision": after.revision,
        })  # fmt: skip
        return after

    def _register(self, entry: Entry) -> None:
        assert self.auction is not None
        data = entry.data
        bidder_id = ParticipantId(data["participant_id"])
        if bidder_id in self.bidders:
            self.findings.differ(entry, "participant_id", bidder_id, "registered once")
            return
        if bidder_id in {self.auction.provider_id, *self.barred_ids}:
            self.findings.differ(entry, "participant_id", bidder_id, "somebody who may bid")
        self.bidders[bidder_id] = Bidder(data["bidder_number"], entry.at)
        decision = {**data["decision"], "allowed": True}
        self.findings.compare(entry, {
            "auction_id": self.auction.id, "registration_id": RegistrationId(data["registration_id"]),
            "participant_id": bidder_id, "bidder_number": len(self.bidders), "deposit": self.auction.terms.deposit,
            "clearance": data.get("clearance"), "decision": decision,
        })  # fmt: skip

    def number_of(self, entry: Entry, bidder_id: ParticipantId) -> int:
        """The number of whoever the entry says has bid."""
        bidder = self.bidders.get(bidder_id)
        if bidder is None:
            self.findings.lack(REGISTERED, "participant_id", bidder_id)
            return entry.data["bidder_number"]
        if bidder.registered_at > entry.at:
            self.findings.differ(entry, "ts", entry.at, f"not before the registration, {bidder.registered_at}")
        return bidder.number

    def _compare_orders(self) -> None:
        """Each winner has one order, on the auction's terms, and nobody else has one."""
        for entry in self.case.all_of(ORDERED):
            self._guarded(self._compare_order, entry)
        for bidder_id, owed in self.owed.items():
            self.findings.lack(ORDERED, "buyer_id", {"buyer_id": bidder_id, "amount": owed.price})

    def _compare_order(self, entry: Entry) -> None:
        assert self.auction is not None
        buyer_id, terms = ParticipantId(entry.data["buyer_id"]), self.auction.terms
        owed = self.owed.pop(buyer_id, None)
        if owed is None:
            self.findings.differ(entry, "buyer_id", buyer_id, "a winner, once")
            return
        wanted = {
            "order_id": OrderId(entry.data["order_id"]), "listing_id": self.auction.listing_id, "buyer_id": buyer_id,
            "provider_id": self.auction.provider_id, "amount": owed.price, "fees": terms.fees,
            "windows": terms.windows,
        }  # fmt: skip
        self.findings.compare_members(entry, wanted)
        self.findings.compare_amount(entry)
        if entry.at != owed.by.at:  # one commit decides and orders
            self.findings.differ(entry, "ts", entry.at, owed.by.at)

    def _guarded(self, step: Step, entry: Entry) -> bool:
        """Whether the step could be taken."""
        try:
            step(entry)
        except Exception as error:  # a body may be wrong in any way, and none of them may end the replay
            note_of(self.findings, entry, error)
            return False
        return True


def _number(entry: Entry) -> int:
    """By which registrations are in order, wherever in the log they stand."""
    told = entry.data.get("bidder_number")
    return told if type(told) is int else 0
