"""How a market that was restored is compared with its log, and the log with its witnesses.

Promises: what a stripe has and what the log has of it are compared by hashes that stand for all before them; what the
log has and a service lost is named, fact by fact; nothing is changed here.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum

from services.audit.actions.audit import Audit
from services.audit.actions.witnessing import Overtaken
from services.audit.rules import entry
from services.audit.rules.cosignature import Cosignature
from services.audit.rules.entry import SourceHead
from services.audit.store import entry as entry_store
from services.audit.store import source as source_store
from services.audit.witnesses import Contradicted
from shared import recovery
from shared.database import Database
from shared.facts import GENESIS
from shared.outbox import StripeHead
from shared.recovery import Lost

LOST_AT_ONCE = 500


class Verdict(StrEnum):
    AGREES = "agrees"
    LOG_IS_BEHIND = "log is behind"  # its source sends it the rest
    SERVICE_IS_BEHIND = "service is behind"  # the log has what the service lost
    CONTRADICTS = "contradicts"


@dataclass(frozen=True, slots=True)
class StripeFound:
    """What a service and the log have of a stripe. `lost` are the facts that the log alone has."""

    service: str
    stripe: int
    verdict: Verdict
    seq: int
    log_seq: int
    lost: tuple[Lost, ...] = field(default=(), repr=False)


class Word(StrEnum):
    CONFIRMS = "confirms"
    CONTRADICTS = "contradicts"
    SAYS_NOTHING = "says nothing"


@dataclass(frozen=True, slots=True)
class Heard:
    witness: str
    word: Word
    detail: str = ""


async def stripes(service: str, database: Database, audit: Database) -> list[StripeFound]:
    """Each stripe of a service beside what the log has of it."""
    async with database.read() as tx:
        own = await recovery.heads(tx)
    async with audit.read() as tx:
        known = await source_store.source_heads_of(tx, service)
    return [
        await _found(service, stripe, own.get(stripe), known.get(stripe), database, audit)
        for stripe in sorted(own.keys() | known.keys())
    ]


async def witnesses(audit: Audit) -> list[Heard]:
    """What each witness of the policy says of the log as it is now."""
    found = list[Heard]()
    for name, said in (await audit.witnessing.compare()).items():
        match said:
            case Cosignature() | Overtaken():
                found.append(Heard(name, Word.CONFIRMS))
            case Contradicted(words):
                found.append(Heard(name, Word.CONTRADICTS, words))
            case said:
                found.append(Heard(name, Word.SAYS_NOTHING, said.words))
    return found


async def _found(
    service: str, stripe: int, head: StripeHead | None, known: SourceHead | None, database: Database, audit: Database
) -> StripeFound:  # fmt: skip
    own = head or StripeHead(stripe, 0, GENESIS)
    log = known or SourceHead(service, stripe)
    if log.seq <= own.seq:
        async with database.read() as tx:
            is_same = await recovery.hash_at(tx, stripe, log.seq) == log.hash
        agreeing = Verdict.AGREES if log.seq == own.seq else Verdict.LOG_IS_BEHIND
        return StripeFound(service, stripe, agreeing if is_same else Verdict.CONTRADICTS, own.seq, log.seq)
    lost = await _lost(audit, service, stripe, own.seq, log.seq)
    follows = len(lost) == log.seq - own.seq and await _hash_in_log(audit, service, stripe, own.seq) == own.hash
    verdict = Verdict.SERVICE_IS_BEHIND if follows else Verdict.CONTRADICTS
    return StripeFound(service, stripe, verdict, own.seq, log.seq, lost if follows else ())


async def _hash_in_log(audit: Database, service: str, stripe: int, seq: int) -> bytes | None:
    if seq == 0:
        return GENESIS
    async with audit.read() as tx:
        found = await entry_store.places_of(tx, service, stripe, seq, seq)
    return found[0][1] if found else None


async def _lost(audit: Database, service: str, stripe: int, seq: int, last_seq: int) -> tuple[Lost, ...]:
    lost = list[Lost]()
    for first in range(seq + 1, last_seq + 1, LOST_AT_ONCE):
        numbers = range(first, min(first + LOST_AT_ONCE, last_seq + 1))
        async with audit.read() as tx:
            for stored in await entry_store.entries_numbered(tx, service, stripe, numbers):
                line = entry.parse(stored.leaf).event_line
                act = json.loads(line)["act"]
                lost.append(Lost(stored.seq, stored.fact_id, act, line, stored.chain_hash, stored.index))
    return tuple(lost)
