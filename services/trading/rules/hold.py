"""A hold: a bidder's deposit, bound to one auction until it is posted or voided, once.

Promises: it was covered by available money when it was made; it ends once, by one of the two.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.errors import Conflict, NotFound
from shared.ids import AuctionId, ParticipantId, TransferId
from shared.lifecycle import Lifecycle
from shared.money import Money


class HoldState(StrEnum):
    HELD = "held"
    POSTED = "posted"
    VOIDED = "voided"


HELD, POSTED, VOIDED = HoldState

HOLD = Lifecycle(start=HELD, moves={
    HELD:   {POSTED, VOIDED},
    POSTED: set(),              # into a payment, or forfeited
    VOIDED: set(),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hold:
    """`id` is the pending transfer's."""

    id: TransferId
    auction_id: AuctionId
    participant_id: ParticipantId
    amount: Money
    state: HoldState = HELD


class DepositHeldAlready(Conflict):
    """Your deposit for this auction is held already."""


class HoldEnded(Conflict):
    """This deposit is no longer held."""


class NoSuchHold(NotFound):
    """There is no such deposit."""
