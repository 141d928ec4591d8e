"""`yaosu restored`: what must happen after every restore, by whichever tool, before the market is opened.

Promises: no token, session or lease of before is good any more; the log is compared with its witnesses, and every
service with the log; what contradicts keeps the market closed, and what is missing is named and has to be accepted.
Works on both databases, and can be repeated. Requires that no process of the market runs, and on PostgreSQL the log-in
that migrates.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from migrations import newest, roles, schema
from services import market
from services.audit.actions.audit import Audit, compose
from services.audit.actions.recovery import void_lease
from services.audit.actions.witnessing import read_policy
from services.audit.rules.checkpoint import VerifierKey
from services.audit.store import log as log_store
from services.identity.actions.recovery import begin_again
from services.recovery import comparison, marker
from services.recovery.comparison import Heard, StripeFound, Verdict, Word
from shared import mirrored, recovery, tenancy
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.outbox import Outbox
from shared.rest import Directory
from shared.settings import SERVICES, Settings
from shared.signing import SigningKey


@dataclass(frozen=True, slots=True)
class Found:
    """What came of it. `put_back` counts the facts that were taken from the log, `sent_again` those that go to it."""

    epoch: int
    sessions_ended: int
    log_size: int
    witnesses: Sequence[Heard]
    stripes: Sequence[StripeFound]
    put_back: int = 0
    sent_again: int = 0
    reasons: Sequence[str] = field(default=())

    @property
    def may_open(self) -> bool:
        return not self.reasons

    @property
    def lost(self) -> int:
        return sum(len(each.lost) for each in self.stripes)


async def begin(
    settings: Settings, clock: Clock, *, accept_loss: bool = False, accept_silence: bool = False,
    witnesses: Directory | None = None,
) -> Found:  # fmt: skip
    """`accept_loss`: go on without what the log has and services lost; `accept_silence`: though a witness says nothing.

    Requires the log's key and policy in the settings. `witnesses`: where they are in tests.
    """
    async with AsyncExitStack() as stack:
        databases = dict[str, Database]()
        for service in SERVICES:
            databases[service] = database = market.database_of(service, settings, clock)
            stack.push_async_callback(database.close)
            database.open()
            await newest.require(database)
        tenancy.work_for_everyone()
        epoch, sessions_ended = await _void(databases)
        audit = _audit(settings, clock, databases["audit"], witnesses)
        stack.push_async_callback(audit.witnessing.places.close)
        heard, log_size = await comparison.witnesses(audit), await _log_size(databases["audit"])
        stripes = [
            found for service in SERVICES
            for found in await comparison.stripes(service, databases[service], databases["audit"])
        ]  # fmt: skip
        reasons = [*_of_witnesses(heard, accept_silence), *_of_stripes(stripes, accept_loss)]
        put_back = sent_again = 0
        if not reasons:
            put_back, sent_again = await _go_on(databases, stripes)
            marker.take_away(settings.var)
    return Found(epoch, sessions_ended, log_size, heard, stripes, put_back, sent_again, reasons)


async def _void(databases: Mapping[str, Database]) -> tuple[int, int]:
    for service, database in databases.items():
        async with database.transaction() as tx:
            await _as_owner(tx, database)
            await recovery.void_leases(tx)
            await mirrored.forget(tx)
            if service == "audit":
                await void_lease(tx)
    identity = databases["identity"]
    async with identity.transaction() as tx:
        await _as_owner(tx, identity)
        return await begin_again(tx, await identity.now(tx))


async def _as_owner(tx: Transaction, database: Database) -> None:
    if not database.is_sqlite:
        await tx.run_sync(roles.become_owner)


def _audit(settings: Settings, clock: Clock, database: Database, witnesses: Directory | None) -> Audit:
    key, path = SigningKey.from_pem(settings.require_secret("log_key")), settings.log_policy
    policy = read_policy(path, VerifierKey(settings.log_origin, key.public)) if path else None
    return compose(database, Outbox("audit", database), clock, settings.log_origin, key, policy, witnesses)


async def _log_size(database: Database) -> int:
    async with database.read() as tx:
        return (await log_store.head(tx)).size if await log_store.has_begun(tx) else 0


async def _go_on(databases: Mapping[str, Database], stripes: Sequence[StripeFound]) -> tuple[int, int]:
    put_back = sent_again = 0
    for found in stripes:
        database = databases[found.service]
        async with database.transaction() as tx:
            await _as_owner(tx, database)
            await recovery.put_back(tx, found.stripe, found.lost)
            sent_again += await recovery.send_again(tx, found.stripe, found.log_seq)
        put_back += len(found.lost)
    for source, database in databases.items():
        async with database.read() as tx:
            ends = await recovery.heads(tx)
        for follower in databases.values():
            if recovery.follows(schema.metadata_of(follower.schema)):
                async with follower.transaction() as tx:
                    await _as_owner(tx, follower)
                    await recovery.set_back(tx, source, ends)
    return put_back, sent_again


def _of_witnesses(heard: Sequence[Heard], accept_silence: bool) -> list[str]:
    contradicted = [
        f"the witness {each.witness} contradicts the log: {each.detail}. Restore audit's tables from a later copy; if "
        "there is none, this log can never go on: see docs/recovery.md"
        for each in heard if each.word is Word.CONTRADICTS
    ]  # fmt: skip
    silent = [
        f"the witness {each.witness} says nothing: {each.detail}. Wait for it, or say --accept-silence"
        for each in heard if each.word is Word.SAYS_NOTHING and not accept_silence
    ]  # fmt: skip
    return contradicted + silent


def _of_stripes(stripes: Sequence[StripeFound], accept_loss: bool) -> list[str]:
    contradicting = [
        f"{each.service}, stripe {each.stripe}: what the log has and what the service has are not the same facts"
        for each in stripes if each.verdict is Verdict.CONTRADICTS
    ]  # fmt: skip
    behind = [
        f"{each.service}, stripe {each.stripe}: {len(each.lost)} facts are in the log and not in its tables. Restore "
        "its tables from a later copy, or say --accept-loss"
        for each in stripes if each.verdict is Verdict.SERVICE_IS_BEHIND and not accept_loss
    ]  # fmt: skip
    return contradicting + behind
