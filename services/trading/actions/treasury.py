"""What the acts on money need: part of `Trading`, as its `treasury`."""

from dataclasses import dataclass

from services.trading.custodian import Custodian
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.payout import PayoutRules
from shared.clock import Clock
from shared.database import Database
from shared.ids import ParticipantId
from shared.outbox import Outbox
from shared.standing import StandingMirror


@dataclass(frozen=True, slots=True)
class Treasury:
    """`custodian_key` is the raw public key of the custodian's callbacks; without one, every callback is refused, and
    the custodian is only ever asked. `knows_all_persons`: whether every person who logs in is told of by our identity,
    or an outside provider vouches for some."""

    database: Database
    outbox: Outbox
    clock: Clock
    standing: StandingMirror
    custodian: Custodian
    custodian_key: bytes | None = None
    payout: PayoutRules = STANDARD.payout
    knows_all_persons: bool = True

    def persons_of(self, participant_id: ParticipantId) -> int | None:
        """How many persons could act for an organisation; None if that is not known."""
        return len(self.standing.persons_of(participant_id)) if self.knows_all_persons else None
