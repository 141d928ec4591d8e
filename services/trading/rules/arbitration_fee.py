"""What a dispute costs: each side's fee is held when it takes part, and ends with the dispute, once.

Promises: of what is held no more is charged than the outcome lays on that side, and the rest goes back; two equal holds
are charged exactly one fee together.
"""

from dataclasses import dataclass

from services.trading.rules.demand import Side, Split
from services.trading.rules.dispute_rules import DisputeRules
from services.trading.rules.hold import HELD, HoldState
from services.trading.rules.ruling import Ruling
from services.trading.rules.settlement import WHOLE
from shared.errors import Conflict
from shared.ids import DisputeId, ParticipantId, TransferId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class FeeHold:
    """`id` is the pending transfer's."""

    id: TransferId
    dispute_id: DisputeId
    number: int  # of the round: the first hearing or the appeal
    side: Side
    participant_id: ParticipantId
    amount: Money
    state: HoldState = HELD


class FeeHeldAlready(Conflict):
    """Your fee for this round is held already."""


class FeeEnded(Conflict):
    """This fee is no longer held."""


def fee(rules: DisputeRules, disputed: Money) -> Money:
    """Each side's for the first hearing."""
    return max(disputed.portion(rules.fee_basis_points), Money(rules.fee_minor_min, disputed.currency))


def appeal_fee(rules: DisputeRules, disputed: Money, ruling: Ruling, side: Side) -> Money:
    """A multiple of the first fee, the higher one for whoever did not get more than half. Rounded down."""
    share = ruling.split.claimant if side is Side.CLAIMANT else ruling.split.respondent
    won = 2 * share > WHOLE
    multiple = rules.appeal_winner_basis_points if won else rules.appeal_loser_basis_points
    return Money(fee(rules, disputed).minor * multiple // WHOLE, disputed.currency)


def charged(hold: FeeHold, fees: Split | None) -> Money:
    """What of a hold is to be paid; the rest goes back."""
    if fees is None:
        return Money(0, hold.amount.currency)
    return fees.part(hold.amount, hold.side)
