"""What the acts of `audit` need."""

from dataclasses import dataclass

from services.audit.actions.sequencer import Sequencer
from services.audit.actions.signer import Signer
from services.audit.rules.retention import STANDARD, Policy
from shared.clock import Clock
from shared.database import Database
from shared.outbox import Outbox
from shared.sealing import MasterKey
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
    retention: Policy
    master_key: MasterKey | None = None
    is_pruned: bool = False


def compose(
    database: Database, outbox: Outbox, clock: Clock, origin: str, key: SigningKey, retention: Policy = STANDARD,
    master_key: MasterKey | None = None, *, is_pruned: bool = False,
) -> Audit:  # fmt: skip
    sequencer = Sequencer(database)
    signer = Signer(database, origin, key, sequencer)
    return Audit(database, outbox, clock, origin, key, sequencer, signer, retention, master_key, is_pruned)
