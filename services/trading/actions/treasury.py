"""What the acts on money need: part of `Trading`, as its `treasury`."""

from dataclasses import dataclass

from services.trading.custodian import Custodian
from shared.clock import Clock
from shared.database import Database
from shared.outbox import Outbox
from shared.standing import StandingMirror


@dataclass(frozen=True, slots=True)
class Treasury:
    """`custodian_key` is the raw public key of the custodian's callbacks; without one, every callback is refused, and
    the custodian is only ever asked."""

    database: Database
    outbox: Outbox
    clock: Clock
    standing: StandingMirror
    custodian: Custodian
    custodian_key: bytes | None = None
