"""What the acts of `audit` need."""

from dataclasses import dataclass

from services.audit.actions.sequencer import Sequencer
from services.audit.actions.signer import Signer
from shared.clock import Clock
from shared.database import Database
from shared.outbox import Outbox
from shared.signing import SigningKey


@dataclass(frozen=True, slots=True)
class Audit:
    database: Database
    outbox: Outbox
    clock: Clock
    origin: str
    key: SigningKey
    sequencer: Sequencer
    signer: Signer


def compose(database: Database, outbox: Outbox, clock: Clock, origin: str, key: SigningKey) -> Audit:
    sequencer = Sequencer(database)
    return Audit(database, outbox, clock, origin, key, sequencer, Signer(database, origin, key, sequencer))
