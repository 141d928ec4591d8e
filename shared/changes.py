"""News between services: the feed that a service serves over its own outbox, and those who follow it.

Promises: a follower sees every fact of its source, in each stripe's order, and commits the effect of each exactly once;
it notices a fact that was altered, dropped or moved, because it checks the chain that it keeps the end of.
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, BeforeValidator, PlainSerializer
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table, insert, or_, select, update

from shared import observing
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.errors import Failure, Malformed, Unavailable
from shared.facts import GENESIS, link, microseconds, moment
from shared.mirrored import Ends, Keeper, Rows
from shared.outbox import facts_table
from shared.rest import Peer, RestClient

PAGE = 200
WAIT_SECONDS_MAX = 25.0
POLL_SECONDS = 0.25
KEPT_EVERY = 5 * PAGE  # facts: what a start at most has to read anew
log = logging.getLogger(__name__)

Positions = Mapping[int, int]
Microseconds = Annotated[datetime, BeforeValidator(moment), PlainSerializer(microseconds, when_used="json")]

inbox_table = Table(
    "inbox",
    MetaData(),
    Column("source", String, primary_key=True),
    Column("stripe", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)


class ChainBroken(Exception):
    """The source's facts do not follow on the ones that were read before."""


class Change(BaseModel):
    """A fact as its source recorded it. The line stays text: its bytes are what the hash covers."""

    stripe: int
    seq: int
    act: str
    line: str
    hash: str

    @property
    def data(self) -> dict[str, Any]:
        """The fact's body."""
        return json.loads(self.line)["data"]

    @property
    def by(self) -> str:
        """Who did it."""
        return json.loads(self.line)["actor"]["id"]

    @property
    def at(self) -> datetime:
        """When it happened."""
        return moment(json.loads(self.line)["ts"])


class PositionsUnreadable(Malformed):
    """Positions are written as stripe:seq, joined by commas."""


class FeedClosed(Unavailable):
    """This service is stopping; its news goes on when it is back."""


def tables(metadata: MetaData) -> None:
    """Give a service that follows others the table of what it has seen."""
    inbox_table.to_metadata(metadata)


def parse_positions(text: str) -> dict[int, int]:
    """Positions by stripe. Raises PositionsUnreadable for what `format_positions` would not have written."""
    pairs = text.split(",") if text else []
    if not all(re.fullmatch("[0-9]{1,9}:[0-9]{1,18}", pair) for pair in pairs):
        raise PositionsUnreadable()
    positions = {int(stripe): int(seq) for stripe, seq in (pair.split(":") for pair in pairs)}
    if format_positions(positions) != text:
        raise PositionsUnreadable()
    return positions


def format_positions(positions: Positions) -> str:
    return ",".join(f"{stripe}:{seq}" for stripe, seq in sorted(positions.items()))


class Feed:
    """A service's own facts, as others may follow them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._news = asyncio.Event()
        self._is_closed, self._reading, self._idle = False, 0, asyncio.Event()
        self._idle.set()
        database.on_news(self._tell)

    def open(self) -> None:
        self._is_closed = False

    async def close(self) -> None:
        """Wake whoever waits, and let whoever reads finish: before the database is closed, which they would open again.
        Services that follow each other stop one after the other, so one of them is followed to the last."""
        self._is_closed = True
        self._tell()
        await self._idle.wait()

    async def after(self, positions: Positions, wait_seconds: float = 0) -> list[Change]:
        """The next page of facts after the positions; waits for one if there is none yet."""
        deadline = asyncio.get_running_loop().time() + min(wait_seconds, WAIT_SECONDS_MAX)
        while True:
            news = self._news  # taken before the look, so that no commit falls between the two
            if self._is_closed:
                raise FeedClosed(retry_after_seconds=1)
            found = await self._read(positions)
            left = deadline - asyncio.get_running_loop().time()
            if found or left <= 0:
                return found
            with suppress(TimeoutError):  # not `wait_for`, which on Python 3.11 forgets a cancellation that meets news
                async with asyncio.timeout(min(left, POLL_SECONDS) if self._database.is_shared else left):
                    await news.wait()

    def _tell(self) -> None:
        told, self._news = self._news, asyncio.Event()
        told.set()

    async def _read(self, positions: Positions) -> list[Change]:
        self._reading += 1
        self._idle.clear()
        try:
            return await self._page(positions)
        finally:
            self._reading -= 1
            if not self._reading:
                self._idle.set()

    async def _page(self, positions: Positions) -> list[Change]:
        stripe, seq = facts_table.c.stripe, facts_table.c.seq
        known = [(stripe == number) & (seq > last) for number, last in positions.items()]
        others = stripe.not_in(list(positions)) if positions else stripe >= 0
        columns = (stripe, seq, facts_table.c.act, facts_table.c.line, facts_table.c.hash)
        query = select(*columns).where(or_(others, *known)).order_by(stripe, seq).limit(PAGE)
        async with self._database.read() as tx:
            rows = await tx.execute(query)
        return [Change(stripe=row.stripe, seq=row.seq, act=row.act, line=row.line.decode(), hash=row.hash.hex())
                for row in rows]  # fmt: skip


class Source(Protocol):
    """Whatever gives the facts after a position: a feed of this process, or a neighbour's."""

    async def after(self, positions: Positions, wait_seconds: float = 0) -> list[Change]: ...


class FeedClient(RestClient):
    """A neighbour's feed. Needs no more than its path, so that a follower imports nothing of its source."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(peer)
        self._path = f"/{peer.service}/v1/changes"

    async def after(self, positions: Positions, wait_seconds: float = 0) -> list[Change]:
        after = format_positions(positions)
        return await self.get(self._path, list[Change], wait_seconds=wait_seconds, after=after, wait=wait_seconds)


class Follower:
    """Applies a source's facts to this service's tables, each exactly once: position and effect commit together."""

    def __init__(
        self, database: Database, clock: Clock, source: str, feed: Source,
        apply: Callable[[Transaction, Change], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._database, self._clock, self._source, self._feed, self._apply = database, clock, source, feed, apply

    async def run(self) -> None:
        while True:
            try:
                await self.tick(WAIT_SECONDS_MAX)
            except Exception as error:
                _report(error, f"following {self._source}")
                await self._clock.sleep(1.0)

    async def tick(self, wait_seconds: float = 0) -> int:
        """Apply what is new. Returns how many facts that was."""
        applied = 0
        while changes := await self._feed.after(await self._positions(), wait_seconds):
            for change in changes:
                async with self._database.transaction() as tx:
                    if await self._advance(tx, change):
                        await self._apply(tx, change)
                        applied += 1
            _tell(self._source, len(changes), self._clock.now() - changes[-1].at)
            wait_seconds = 0
        _tell_heard(self._source, self._clock.now())
        return applied

    async def _positions(self) -> dict[int, int]:
        query = select(inbox_table.c.stripe, inbox_table.c.seq).where(inbox_table.c.source == self._source)
        async with self._database.read() as tx:
            return {row.stripe: row.seq for row in await tx.execute(query)}

    async def _advance(self, tx: Transaction, change: Change) -> bool:
        """Move the position onto this fact. False if another process of ours has already applied it."""
        here = (inbox_table.c.source == self._source, inbox_table.c.stripe == change.stripe)
        row = (await tx.execute(select(inbox_table.c.seq, inbox_table.c.hash).where(*here))).one_or_none()
        seq, previous = (row.seq, row.hash) if row else (0, GENESIS)
        if seq >= change.seq:
            return False
        values = {"seq": change.seq, "hash": _checked(previous, seq, change)}
        if row is None:
            await tx.execute(insert(inbox_table).values(source=self._source, stripe=change.stripe, **values))
            return True
        return (
            await tx.execute(update(inbox_table).where(*here, inbox_table.c.seq == seq).values(values))
        ).rowcount == 1


@dataclass(frozen=True, slots=True)
class Memory:
    """How a mirror is kept: `rows_of` tells those with the given keys as JSON, `take_up` begins with all of them."""

    keeper: Keeper
    rows_of: Callable[[Iterable[str]], Rows]
    take_up: Callable[[Rows], None]


class MemoryFollower:
    """Folds a source's facts into something kept in memory: after a start again from the first fact on, or from what
    was kept of it in the tables. `apply` tells the keys of the rows that it changed."""

    def __init__(
        self, clock: Clock, source: str, feed: Source, apply: Callable[[Change], Iterable[str] | None],
        caught_up: Callable[[datetime], None], memory: Memory | None = None,
    ) -> None:  # fmt: skip
        self._clock, self._source, self._feed, self._apply, self._caught_up = clock, source, feed, apply, caught_up
        self._ends: dict[int, tuple[int, bytes]] = {}
        self._memory, self._has_begun, self._is_keeping = memory, memory is None, False
        self._kept_ends: Ends = {}
        self._changed, self._unkept = set[str](), 0  # the rows since then, and how many facts

    async def run(self) -> None:
        while True:
            try:
                await self.tick(WAIT_SECONDS_MAX / 5)
            except Exception as error:
                _report(error, f"mirroring {self._source}")
                await self._clock.sleep(1.0)

    async def tick(self, wait_seconds: float = 0) -> None:
        """Take in what is new; `caught_up` is told the moment before which nothing is missing."""
        if self._memory and not self._has_begun:
            await self._begin(self._memory)
        while True:
            asked_at = self._clock.now()
            positions = {stripe: seq for stripe, (seq, _) in self._ends.items()}
            changes = await self._feed.after(positions, wait_seconds)
            for change in changes:
                self._take_in(change)
            if changes:
                _tell(self._source, len(changes), self._clock.now() - changes[-1].at)
            is_all = len(changes) < PAGE
            if is_all:
                self._caught_up(asked_at)
                _tell_heard(self._source, asked_at)
            if self._memory and self._unkept >= KEPT_EVERY and not self._is_keeping:
                await self._keep(self._memory)
            if is_all:
                return
            wait_seconds = 0

    def _take_in(self, change: Change) -> None:
        seq, previous = self._ends.get(change.stripe, (0, GENESIS))
        if change.seq <= seq:  # another look, begun at the same time, has taken it in
            return
        end = change.seq, _checked(previous, seq, change)
        self._changed.update(self._apply(change) or ())
        self._ends[change.stripe] = end  # only now: what could not be taken in must not be passed over
        self._unkept += 1

    async def _begin(self, memory: Memory) -> None:
        kept = await memory.keeper.kept()
        if self._has_begun:  # by another look, meanwhile
            return
        self._has_begun = True
        if kept:
            memory.take_up(kept.rows)
            self._ends, self._kept_ends = dict(kept.ends), kept.ends

    async def _keep(self, memory: Memory) -> None:
        """One at a time: each tells what changed since the one before."""
        ends, changed, unkept = dict(self._ends), self._changed, self._unkept
        self._is_keeping, self._changed, self._unkept = True, set[str](), 0
        try:
            is_kept = await memory.keeper.keep(memory.rows_of(changed), since=self._kept_ends, ends=ends)
        except BaseException:
            self._changed |= changed
            self._unkept += unkept
            raise
        finally:
            self._is_keeping = False
        if is_kept:
            self._kept_ends = ends
        else:  # another is about to keep more; these rows are told with the next
            self._changed |= changed


def _checked(previous: bytes, seq: int, change: Change) -> bytes:
    """The fact's hash. Raises ChainBroken unless it follows on the end that is known."""
    computed = link(previous, change.seq, change.line.encode())
    if change.seq != seq + 1 or computed.hex() != change.hash:
        raise ChainBroken(f"stripe {change.stripe}: fact {change.seq} does not follow on {seq}")
    return computed


def _tell(source: str, taken_in: int, lag: timedelta) -> None:
    if observer := observing.current():
        observer.metrics.feed_facts.labels(source).inc(taken_in)
        observer.metrics.feed_lag.labels(source).set(lag.total_seconds())


def _tell_heard(source: str, moment: datetime) -> None:
    if observer := observing.current():
        observer.metrics.feed_heard.labels(source).set(moment.timestamp())


def _report(error: Exception, what: str) -> None:
    if isinstance(error, Failure):
        log.warning("%s waits: %s", what, error.code())
    else:
        log.error("%s failed; it runs again", what, exc_info=error)
