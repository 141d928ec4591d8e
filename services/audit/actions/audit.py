"""What the acts of `audit` need."""

from dataclasses import dataclass
from datetime import timedelta

from services.audit.actions.sequencer import Sequencer
from services.audit.actions.signer import Signer
from services.audit.rules.snapshot import Cadence
from shared.clock import Clock
from shared.database import Database
from shared.outbox import Outbox
from shared.signing import SigningKey

CADENCE = Cadence(timedelta(minutes=10), 1_000_000)


@dataclass(frozen=True, slots=True)
class Audit:
    database: Database
    outbox: Outbox
    clock: Clock
    origin: str
    key: SigningKey
    sequencer: Sequencer
    signer: Signer
    cadence: Cadence


def compose(
    database: Database, outbox: Outbox, clock: Clock, origin: str, key: SigningKey, cadence: Cadence = CADENCE
) -> Audit:
    sequencer = Sequencer(database)
    return Audit(database, outbox, clock, origin, key, sequencer, Signer(database, origin, key, sequencer), cadence)
