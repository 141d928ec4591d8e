"""What the acts of `audit` need."""

from dataclasses import dataclass
from datetime import timedelta

from services.audit.actions.log_keys import OVERLAP, LogKeys
from services.audit.actions.sequencer import Sequencer
from services.audit.actions.signer import Signer
from services.audit.actions.witnessing import Witnessing
from services.audit.rules import retention
from services.audit.rules.policy import Policy
from services.audit.rules.snapshot import Cadence
from shared.clock import Clock
from shared.database import Database
from shared.outbox import Outbox
from shared.rest import Directory
from shared.sealing import MasterKey
from shared.signing import SigningKey

CADENCE = Cadence(timedelta(minutes=10), 1_000_000)


@dataclass(frozen=True, slots=True)
class Audit:
    database: Database
    outbox: Outbox
    clock: Clock
    origin: str
    keys: LogKeys
    sequencer: Sequencer
    signer: Signer
    witnessing: Witnessing
    cadence: Cadence
    retention: retention.Policy
    master_key: MasterKey | None
    is_pruned: bool


def compose(
    database: Database, outbox: Outbox, clock: Clock, origin: str, key: SigningKey, policy: Policy | None = None,
    witnesses: Directory | None = None, cadence: Cadence = CADENCE, *, terms: retention.Policy = retention.STANDARD,
    master_key: MasterKey | None = None, is_pruned: bool = False, following: SigningKey | None = None,
    overlap: timedelta = OVERLAP,
) -> Audit:  # fmt: skip
    """Witnesses are asked where the policy says they are, or where `witnesses` has them by their names in it."""
    sequencer = Sequencer(database)
    keys = LogKeys(origin, key, following, overlap)
    signer = Signer(database, keys, sequencer)
    urls = {each.name: each.url for each in policy.witnesses if each.url} if policy else {}
    places = Directory(urls) if witnesses is None else witnesses
    witnessing = Witnessing(database, outbox, clock, sequencer, signer, keys, policy, places)
    return Audit(
        database, outbox, clock, origin, keys, sequencer, signer, witnessing, cadence, terms, master_key, is_pruned
    )
