"""The replay of a Dutch auction: its price is a function of the clock, and everything about it is told openly."""

from dataclasses import dataclass
from typing import ClassVar

from services.trading.rules import dutch as rules
from services.trading.rules.award import FrozenFees
from services.trading.rules.dutch import DutchAuction, DutchTerms, Schedule
from services.trading.rules.market_rules import Windows
from services.trading.rules.replay_entry import Body, Entry, ids_of, money
from services.trading.rules.replay_fold import Fold, Owed
from shared.facts import moment
from shared.ids import ParticipantId

ACCEPTED = "dutch_price_accepted"


@dataclass(slots=True)
class Dutch(Fold):
    OPENING: ClassVar[str] = "dutch_auction_opened"
    COMMANDS: ClassVar[frozenset[str]] = frozenset({ACCEPTED, "dutch_auction_ended"})

    def open(self, entry: Entry) -> DutchAuction:
        auction = rules.open_dutch(*ids_of(entry.data), _terms(entry.data), entry.at)
        terms = auction.terms
        self.findings.compare(entry, {
            "auction_id": auction.id, "listing_id": auction.listing_id, "provider_id": auction.provider_id,
            "start_price": terms.start_price, "schedule": terms.schedule, "deposit": terms.deposit,
            "opens_at": terms.opens_at, "closes_at": terms.closes_at, "fees": terms.fees, "windows": terms.windows,
            "rules_name": terms.rules_name,
        })  # fmt: skip
        return auction

    def apply(self, entry: Entry) -> DutchAuction:
        return self._accepted(entry) if entry.act == ACCEPTED else self._ended(entry)

    def _accepted(self, entry: Entry) -> DutchAuction:
        bidder_id = ParticipantId(entry.data["participant_id"])
        after = rules.accept(self._dutch(), bidder_id, money(entry.data["maximum"]), entry.at)
        self.findings.compare(entry, {
            "auction_id": after.id, "listing_id": after.listing_id, "participant_id": bidder_id,
            "bidder_number": self.number_of(entry, bidder_id), "maximum": after.maximum, "amount": after.price,
            "outcome_state": after.state, "reason_code": after.reason_code, "accepted_at": after.last_at,
            "revision": after.revision,
        })  # fmt: skip
        assert after.price is not None
        self.owed[bidder_id] = Owed(after.price, entry)
        return after

    def _ended(self, entry: Entry) -> DutchAuction:
        after = rules.close(self._dutch(), entry.at)
        self.findings.compare(entry, {
            "auction_id": after.id, "listing_id": after.listing_id, "outcome_state": after.state,
            "reason_code": after.reason_code, "closed_at": after.closes_at, "revision": after.revision,
        })  # fmt: skip
        return after

    def _dutch(self) -> DutchAuction:
        assert isinstance(self.auction, DutchAuction)
        return self.auction


def _terms(data: Body) -> DutchTerms:
    told = data["schedule"]
    schedule = Schedule(money(told["decrement"]), told["interval_seconds"], money(told["floor_price"]))
    return DutchTerms(
        money(data["start_price"]), schedule, money(data["deposit"]), moment(data["opens_at"]),
        moment(data["closes_at"]), FrozenFees(**data["fees"]), Windows(**data["windows"]), data["rules_name"],
    )  # fmt: skip
