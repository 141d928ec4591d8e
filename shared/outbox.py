"""The facts of a service, committed with the change they report, each chained to the one before in its stripe.

A stripe is a writer's slot: a process leases one, so every transaction takes exactly one stripe, last, and chains its
facts in Python. Promises: a fact commits with its change or not at all; `seq` has no gaps within a stripe, so a
position is safe to keep; a process whose lease was taken over can record nothing more (fencing); whoever knows a
stripe's last hash can tell that no earlier fact was altered, dropped or moved. What the log promised stays beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from shared import log
from shared.database import Database, IdOf, Moment, Transaction, for_update, has_news, insert_into, once_committed
from shared.errors import Unavailable
from shared.facts import GENESIS, Actor, Fact, event_line, link
from shared.faultpoint import faultpoint
from shared.ids import FactId, LeaseId
from shared.turn import Added, Changed, Question, Write, ask, write_all

STRIPES_SQLITE = 1
STRIPES_POSTGRESQL = 16
LEASE = timedelta(seconds=60)

_metadata = MetaData()

facts_table = Table(
    "outbox_facts",
    _metadata,
    Column("stripe", Integer, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("id", IdOf(FactId), nullable=False, unique=True),
    Column("act", String, nullable=False),
    Column("line", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("log_index", BigInteger),
)
unsent = facts_table.c.log_index.is_(None)
Index("outbox_unsent", facts_table.c.stripe, facts_table.c.seq, sqlite_where=unsent, postgresql_where=unsent)

receipts_table = Table(
    "outbox_receipts",
    _metadata,
    Column("stripe", Integer, primary_key=True),
    Column("last_seq", BigInteger, primary_key=True),
    Column("last_index", BigInteger, primary_key=True),  # the log that promises two places has broken its promise
    Column("receipt", Text, nullable=False),
)

stripes_table = Table(
    "outbox_stripes",
    _metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("holder", IdOf(LeaseId)),
    Column("leased_until", Moment),
)


_kinds = (stripes_table.c.seq.type, stripes_table.c.hash.type)
_HEAD = Question("SELECT seq, hash FROM outbox_stripes WHERE number = ? AND fence = ?", _kinds)
_LOCKED_HEAD = Question("SELECT seq, hash FROM outbox_stripes WHERE number = $1 AND fence = $2 FOR UPDATE", _kinds)


class StripeLost(Unavailable):
    """This process lost its place in the log to another; the request changed nothing, try again."""


class NoStripe(Unavailable):
    """As many processes as the outbox has stripes are writing already."""


class LogTooFarBehind(Unavailable):
    """The audit log has not taken what happened here for too long; until it has, nothing is given out."""


@dataclass(frozen=True, slots=True)
class Lease:
    stripe: int
    fence: int


@dataclass(frozen=True, slots=True)
class StripeHead:
    """The last fact of a stripe: its number and the chain's hash with it."""

    stripe: int
    seq: int
    hash: bytes


def tables(metadata: MetaData) -> None:
    """Give a service the tables of its outbox."""
    for table in (facts_table, stripes_table, receipts_table):
        table.to_metadata(metadata)


@dataclass(frozen=True, slots=True)
class Said:
    """A fact, who brought it about, and in which request, if in one."""

    actor: Actor
    fact: Fact
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Chained:
    """Facts that are chained onto a locked stripe, and what is to be written of them."""

    ids: list[FactId]
    writes: tuple[Write, ...]
    is_from_memory: bool = False


class Outbox:
    def __init__(self, service: str, database: Database) -> None:
        self.service = service
        self.itself = Actor("service", service)
        self._database = database
        self._holder = LeaseId.new()
        self._lease: Lease | None = None
        self._newest: StripeHead | None = None  # as this process left it in a commit, until it goes on from there
        self._chained: StripeHead | None = None  # where the last transaction that recorded would leave it
        self.is_behind = False  # whether the log is too far behind for what would give something out (`heartbeats`)

    @property
    def is_leased(self) -> bool:
        return self._lease is not None

    async def record(
        self, tx: Transaction, actor: Actor, now: datetime, *facts: Fact, beside: Sequence[Write] = ()
    ) -> list[FactId]:  # fmt: skip
        """Chain one actor's facts onto this process's stripe, as `record_all` does."""
        return await self.record_all(tx, now, [Said(actor, fact, log.request_id()) for fact in facts], beside)

    async def record_all(
        self, tx: Transaction, now: datetime, said: Sequence[Said], beside: Sequence[Write] = ()
    ) -> list[FactId]:  # fmt: skip
        """Chain the facts onto this process's stripe, in order. Requires a writing transaction, as its last step; and
        facts, where something is to be written `beside` them, in the same turn.

        Raises StripeLost, and so takes the transaction back, if another process holds the stripe by now; and
        LogTooFarBehind if a fact is of high risk and the log is.
        """
        if not said:
            return []
        chained = await self.chain(tx, now, said, from_memory=self._database.is_sqlite)
        try:
            *_, moved = await write_all(tx, *beside, *chained.writes)
        except IntegrityError:
            if not chained.is_from_memory:
                raise
            moved = 0
        if not moved:
            await self.give_up(tx)
        faultpoint("outbox.recorded")
        return chained.ids

    async def chain(
        self, tx: Transaction, now: datetime, said: Sequence[Said], *, from_memory: bool = False
    ) -> "Chained":
        """The same, but for the writes: they are the caller's to make, at once, with what else it writes. Requires at
        least one fact.

        What this process itself committed last need not be read again where no other can write; the stripe then moves
        only if it stands there, and where it does not, `give_up`.
        """
        if self.is_behind and any(each.fact.is_high_risk for each in said):
            raise LogTooFarBehind(retry_after_seconds=60)
        newest, self._newest = self._newest, None
        known = (self._lease, newest) if from_memory and self._lease and newest else None
        lease, head = known or await self._locked(tx)
        seq, previous, rows, ids = head.seq, head.hash, list[tuple[object, ...]](), list[FactId]()
        for each in said:
            fact = each.fact
            seq, fact_id = seq + 1, getattr(fact, "fact_id", None) or FactId.new()
            line = event_line(
                fact, service=self.service, fact_id=fact_id, actor=each.actor, at=now, request_id=each.request_id
            )
            previous = link(previous, seq, line)
            rows.append((lease.stripe, seq, fact_id, fact.act(self.service), line, previous, None))
            ids.append(fact_id)
        has_news(tx)
        self._chained = reached = StripeHead(lease.stripe, seq, previous)
        once_committed(tx, lambda: self._remember(reached))
        moved = {"seq": seq, "hash": previous}
        place = {"number": lease.stripe, "fence": lease.fence, "seq": head.seq, "hash": head.hash}
        return Chained(ids, (Added(facts_table, rows), Changed(stripes_table, moved, place)), known is not None)

    async def give_up(self, tx: Transaction) -> NoReturn:
        """Another went on from what this process left of its stripe, or set it back. Raises StripeLost."""
        await self._locked(tx)
        raise StripeLost(retry_after_seconds=1)

    async def head(self, tx: Transaction) -> StripeHead:
        """How far this process's stripe has been written. Requires a writing transaction; raises StripeLost."""
        return (await self._locked(tx))[1]

    async def lease(self) -> Lease:
        """Take a free stripe, or keep the one held. Call again before `LEASE` is over to keep it.

        Runs in a transaction of its own; raises NoStripe where all are taken.
        """
        self._newest = None  # what is remembered of the stripe is looked at again now and then
        async with self._database.transaction() as tx:
            now = await self._database.now(tx)
            await self._ensure_stripes(tx)
            if self._lease and await self._renewed(tx, self._lease, now):
                return self._lease
            free = stripes_table.c.leased_until.is_(None) | (stripes_table.c.leased_until < now)
            if self._database.is_sqlite:  # one process holds the file, so a lease found here is a dead process's
                free = stripes_table.c.number == 0
            found = select(stripes_table.c.number, stripes_table.c.fence).where(free).order_by(stripes_table.c.number)
            row = (await tx.execute(for_update(found.limit(1), tx, skip_locked=True))).one_or_none()
            if row is None:
                raise NoStripe(retry_after_seconds=int(LEASE.total_seconds()))
            values = {"fence": row.fence + 1, "holder": self._holder, "leased_until": now + LEASE}
            await tx.execute(update(stripes_table).where(stripes_table.c.number == row.number).values(values))
        self._lease = Lease(row.number, row.fence + 1)
        return self._lease

    async def stripes_to_relay(self, tx: Transaction, now: datetime) -> list[int]:
        """This process's stripe, and those whose process is gone: their facts are waiting too."""
        mine = stripes_table.c.holder == self._holder
        abandoned = stripes_table.c.leased_until.is_(None) | (stripes_table.c.leased_until < now)
        numbers = select(stripes_table.c.number).where(mine | abandoned).order_by(stripes_table.c.number)
        return list(await tx.scalars(numbers))

    async def release(self) -> None:
        """Give the stripe back at a clean stop, so that the next process need not wait for the lease to end."""
        if self._lease:
            async with self._database.transaction() as tx:
                await tx.execute(update(stripes_table).where(*_held(self._lease)).values(leased_until=None))
            self._lease = None

    async def _locked(self, tx: Transaction) -> tuple[Lease, StripeHead]:
        lease = self._lease
        if lease is None:
            raise StripeLost(retry_after_seconds=1)
        found = await ask(tx, _HEAD if self._database.is_sqlite else _LOCKED_HEAD, lease.stripe, lease.fence)
        if not found:
            if self._lease == lease:  # otherwise another has been taken meanwhile
                self._lease = None
            raise StripeLost(retry_after_seconds=1)
        return lease, StripeHead(lease.stripe, *found[0])

    def _remember(self, reached: StripeHead) -> None:
        if self._chained is reached:  # nobody has begun to go on from there meanwhile
            self._newest = reached

    async def _renewed(self, tx: Transaction, lease: Lease, now: datetime) -> bool:
        renewal = update(stripes_table).where(*_held(lease)).values(leased_until=now + LEASE)
        return (await tx.execute(renewal)).rowcount == 1

    async def _ensure_stripes(self, tx: Transaction) -> None:
        count = STRIPES_SQLITE if self._database.is_sqlite else STRIPES_POSTGRESQL
        rows = [{"number": number, "seq": 0, "hash": GENESIS, "fence": 0} for number in range(count)]
        await tx.execute(insert_into(tx, stripes_table).on_conflict_do_nothing(), rows)


def _held(lease: Lease) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (stripes_table.c.number == lease.stripe, stripes_table.c.fence == lease.fence)
