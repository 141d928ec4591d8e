"""One service's tables: SQLite with one writer, or a schema of PostgreSQL with any number.

Promises: a transaction commits whole or not at all; what it read for update cannot change before it writes; a reader
cannot write. Every difference between the two databases stands here. SQLite does not lock rows: whoever will write
holds the file from the first statement (BEGIN IMMEDIATE), where PostgreSQL takes SELECT FOR UPDATE.
"""

import fcntl
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Self, TypeVar, TypeVarTuple

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    MetaData,
    Select,
    String,
    Table,
    TypeDecorator,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool

from shared import observing
from shared import sqlite as sqlite_driver
from shared.clock import Clock
from shared.errors import Unavailable
from shared.faultpoint import faultpoint
from shared.ids import Id

Transaction = AsyncConnection
AnyId = TypeVar("AnyId", bound=Id)
Columns = TypeVarTuple("Columns")
POOL_SIZE = 8
CONNECTIONS_MAX = 18  # PostgreSQL: of each process, for writing, and as many for reading
# Nothing is waited for without end: each of these ends as `DatabaseBusy`.
BUSY_TIMEOUT_MILLISECONDS = 2000
PRAGMAS = (f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
NEWS, NOTICES = "yaosu_news", "yaosu_notices"
WRITER_SECONDS_MAX = 10  # SQLite: in the line for the one connection that writes
CONNECTION_SECONDS_MAX = 2  # PostgreSQL: for one of the pool
CONNECT_SECONDS_MAX = 5
LOCK_SECONDS_MAX = 4
STATEMENT_SECONDS_MAX = 60
IDLE_SECONDS_MAX = 30  # a process that stopped in the middle of a transaction loses it, and with it the locks
TRY_AGAIN = {"40001", "40P01", "55P03", "57014", "25P03", "53300", "57P01", "57P02", "57P03"}  # PostgreSQL's codes
DISK_FULL = {"53100"}


class DatabaseBusy(Unavailable):
    """The database cannot take this now; try again."""


class StorageFull(Unavailable):
    """There is no room for this now; what was there can still be read."""


class NotDurable(RuntimeError):
    """This database may forget what it has committed."""


class Unbound(RuntimeError):
    """No grant and no row-level security would hold this log-in."""


class ReferencesBroken(RuntimeError):
    """A migration would leave rows that refer to what is not there; nothing of it was kept."""


class InUse(RuntimeError):
    """Another process holds this database file."""


class Database:
    """Requires `sqlite+aiosqlite:///<path>` or `postgresql+asyncpg://…`; on PostgreSQL the tables live in `schema`.

    The moment of decision is the database's own on PostgreSQL, taken after the lock, unless `told_time` is set; on
    SQLite it is the clock's. `connect` opens a file of SQLite's; the simulator brings one without a thread.
    """

    def __init__(
        self, url: str, *, schema: str, clock: Clock, told_time: bool = False, connections_max: int = CONNECTIONS_MAX,
        connect: Callable[..., sqlite_driver.Connection] = sqlite_driver.connection,
    ) -> None:  # fmt: skip
        self.url, self.schema, self._clock = url, schema, clock
        self.is_sqlite = url.startswith("sqlite")
        self._told_time = told_time or self.is_sqlite
        self._after_commit: list[Callable[[], None]] = []
        self._after_news: list[Callable[[], None]] = []
        self._lock_file: IO[str] | None = None
        if self.is_sqlite:
            self._writer = _file(url, connect, "query_only=0", begin="BEGIN IMMEDIATE", pool_size=1, max_overflow=0)
            self._readers = _file(url, connect, "query_only=1", begin="BEGIN", pool_size=POOL_SIZE)
        else:
            session = {
                "search_path": schema, "application_name": f"yaosu-{schema}", "lock_timeout": f"{LOCK_SECONDS_MAX}s",
                "idle_in_transaction_session_timeout": f"{IDLE_SECONDS_MAX}s",
                "statement_timeout": f"{STATEMENT_SECONDS_MAX}s",
            }  # fmt: skip
            self._writer = _pool(url, session, connections_max)
            self._readers = _pool(url, session | {"default_transaction_read_only": "on"}, connections_max)

    @property
    def is_shared(self) -> bool:
        """Whether other processes commit here too. Of theirs there is no notice: who waits for news must look."""
        return not self.is_sqlite

    @property
    def path(self) -> Path:
        """The file, on SQLite."""
        return Path(self.url.removeprefix("sqlite+aiosqlite:///"))

    def open(self) -> None:
        """Take the file for this process, once. Raises InUse if another has it."""
        if not self.is_sqlite or self._lock_file:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock_file = self.path.with_suffix(".lock").open("w")
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock_file.close()
            raise InUse(
                f"{self.path} is in use by another process. Stop that one, or set YAOSU_DATABASE_URL to a PostgreSQL "
                "database, which any number of processes can share."
            ) from error
        lock_file.write(str(os.getpid()))
        lock_file.flush()
        self._lock_file = lock_file

    def on_commit(self, notice: Callable[[], None]) -> None:
        """Have `notice` called after each commit of this process. It must be quick and cannot fail the commit."""
        self._after_commit.append(notice)

    def on_news(self, notice: Callable[[], None]) -> None:
        """As `on_commit`, but only after commits that `has_news` was said of."""
        self._after_news.append(notice)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        with observing.transaction(), _busy_is_unavailable() as busy:
            async with self._writer.connect() as tx:
                async with tx.begin():
                    tx.info[NEWS], tx.info[NOTICES] = False, []  # the connection and its notes were another's
                    yield tx
                    notices = [*tx.info[NOTICES], *self._after_commit, *(self._after_news if tx.info[NEWS] else ())]
                    faultpoint("database.before_commit")
                faultpoint("database.committed")
                busy.is_over = True
                for notice in notices:  # before the next transaction has the connection
                    notice()

    @asynccontextmanager
    async def rewriting(self) -> AsyncGenerator[Transaction]:
        """A transaction in which migrations may write whole tables anew. Raises ReferencesBroken.

        On SQLite a table that others refer to can only be replaced while references are not watched; they are all
        checked before the commit instead.
        """
        if not self.is_sqlite:
            async with self.transaction() as tx:
                yield tx
            return
        with _busy_is_unavailable():
            async with self._writer.connect() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                assert driver is not None
                await driver.execute("PRAGMA foreign_keys=OFF")
                try:
                    async with connection.begin():
                        yield connection
                        if broken := (await connection.exec_driver_sql("PRAGMA foreign_key_check")).all():
                            raise ReferencesBroken(f"{self.schema}: rows refer to others that are not there: {broken}")
                finally:
                    await driver.execute("PRAGMA foreign_keys=ON")

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Transaction]:
        """One consistent view: what it reads is of one moment."""
        with _busy_is_unavailable():
            async with self._readers.connect() as connection:
                if not self.is_sqlite:
                    await connection.execution_options(isolation_level="REPEATABLE READ")
                async with connection.begin():
                    yield connection

    async def require_durable(self) -> None:
        """Raises NotDurable unless what is committed outlives a loss of power."""
        if self.is_sqlite:
            wanted, query = {"journal_mode": {"wal"}, "synchronous": {2}}, "PRAGMA {}"
        else:
            on = {"on", "remote_write", "remote_apply", "local"}
            wanted, query = {"fsync": {"on"}, "full_page_writes": {"on"}, "synchronous_commit": on}, "SHOW {}"
        async with self.transaction() as tx:
            for name, good in wanted.items():
                if (found := await tx.scalar(text(query.format(name)))) not in good:
                    raise NotDurable(f"{self.schema}: the database runs with {name} = {found}, and so may lose commits")

    async def require_bound(self) -> None:
        """Raises Unbound where the log-in is a superuser's or owns the tables, and so could do what it likes. On SQLite
        there are no log-ins."""
        if self.is_sqlite:
            return
        mighty = text("SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        owning = text(
            "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace(:schema)"
            " AND pg_has_role(relowner, 'MEMBER'))"
        )
        async with self.read() as tx:
            if await tx.scalar(mighty) or await tx.scalar(owning, {"schema": self.schema}):
                raise Unbound(f"{self.schema}: this log-in may do anything; `yaosu roles` makes one for each service")

    async def now(self, tx: Transaction) -> datetime:
        """The moment of decision. Requires that what is decided on is locked by now."""
        if self._told_time:
            return self._clock.now()
        moment: datetime | None = await tx.scalar(select(func.clock_timestamp()))
        assert moment is not None
        return moment.astimezone(UTC)

    async def claim(self, tx: Transaction, name: str) -> bool:
        """Whether this transaction alone, in any process, now holds the name; until it ends. Always so on SQLite."""
        if self.is_sqlite:
            return True
        return bool(await tx.scalar(select(func.pg_try_advisory_xact_lock(self.number_of(name)))))

    def number_of(self, name: str) -> int:
        """Under which PostgreSQL knows a name that is claimed."""
        return _number_of(f"{self.schema}\n{name}")

    async def wait_at_most(self, tx: Transaction, seconds: float) -> None:
        """Have this transaction fail as `DatabaseBusy` where it would wait longer for one lock. On SQLite, which has
        but one lock, it holds that already."""
        if not self.is_sqlite:
            await tx.execute(select(func.set_config("lock_timeout", f"{seconds * 1000:.0f}ms", True)))

    async def create(self, metadata: MetaData) -> None:
        """Make the tables from their definition, without migrations. Tests of single tables only."""
        async with self.transaction() as tx:
            await tx.run_sync(metadata.create_all)

    def connections_in_use(self) -> int:
        """How many of this process's connections work for somebody now."""
        pools = (self._writer.pool, self._readers.pool)
        return sum(pool.checkedout() for pool in pools if isinstance(pool, QueuePool))

    async def close(self) -> None:
        await self._writer.dispose()
        await self._readers.dispose()
        if self._lock_file:
            self._lock_file.close()
            self._lock_file = None


def has_news(tx: Transaction) -> None:
    """Note that this transaction records what others follow: once it has committed, they are woken."""
    tx.info[NEWS] = True


def once_committed(tx: Transaction, notice: Callable[[], None]) -> None:
    """Have `notice` called once this transaction has committed, and never if it does not. It must be quick."""
    tx.info.setdefault(NOTICES, []).append(notice)


def for_update(query: Select[*Columns], tx: Transaction, *, skip_locked: bool = False) -> Select[*Columns]:
    """The query, locking what it finds until the transaction ends. On SQLite the whole file is locked already."""
    return query if tx.dialect.name == "sqlite" else query.with_for_update(skip_locked=skip_locked)


async def wait_for_name(tx: Transaction, name: str, *, shared: bool = False) -> None:
    """Hold a name until the transaction ends: alone, or with others who share it. On SQLite the whole file is held
    already. Raises DatabaseBusy where it is waited for too long."""
    if tx.dialect.name == "sqlite":
        return
    lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    await tx.execute(select(lock(_number_of(f"name\n{name}"))))


def _number_of(name: str) -> int:
    """Under which PostgreSQL locks a name: 64 bits of its hash."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)


def insert_into(tx: Transaction, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that may say what follows on a conflict, as both databases can."""
    return (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(table)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. Requires a zone: SQLite would drop it in silence."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value and value.tzinfo is None:
            raise ValueError("a moment without its zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


class IdOf(TypeDecorator[AnyId]):
    """A typed id, as text."""

    impl = String
    cache_ok = True

    def __init__(self, kind: type[AnyId]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: AnyId | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> AnyId | None:
        return None if value is None else self.kind(value)


class _busy_is_unavailable:
    """Turns what passes by itself (a lost connection, a conflict, a full pool) into `DatabaseBusy` or `StorageFull`,
    until it is over."""

    is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self.is_over:
            return
        if isinstance(error, DBAPIError) and _is_full(error):
            raise StorageFull(retry_after_seconds=30) from error
        if isinstance(error, DBAPIError) and (error.connection_invalidated or _passes(error)):
            raise DatabaseBusy(retry_after_seconds=1) from error
        if isinstance(error, OSError | PoolExhausted):  # unknown, unreachable, silent or closed
            raise DatabaseBusy(retry_after_seconds=1) from error


def _passes(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state in TRY_AGAIN or "database is locked" in str(error.orig)


def _is_full(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in DISK_FULL or "database or disk is full" in str(error.orig)


def _pool(url: str, session: dict[str, str], connections_max: int) -> AsyncEngine:
    from shared.postgresql import Connection as OurConnection  # its driver only where there is a server

    arguments = {
        "server_settings": session, "timeout": CONNECT_SECONDS_MAX, "connection_class": OurConnection
    }  # fmt: skip
    kept = min(POOL_SIZE, connections_max)
    return create_async_engine(
        url, pool_size=kept, max_overflow=connections_max - kept, pool_timeout=CONNECTION_SECONDS_MAX,
        connect_args=arguments, hide_parameters=True,
    )  # fmt: skip


def _file(
    url: str, connect: Callable[..., sqlite_driver.Connection], own: str, *, begin: str, **pool: int
) -> AsyncEngine:  # fmt: skip
    driver = {
        "async_creator_fn": connect, "pragmas": (*PRAGMAS, own),
        "isolation_level": None,  # the driver would begin on its own, and too late
    }  # fmt: skip
    engine = create_async_engine(
        url, pool_timeout=WRITER_SECONDS_MAX, hide_parameters=True, connect_args=driver, **pool
    )  # fmt: skip

    def on_begin(connection: Connection) -> None:
        opened = connection.connection.driver_connection
        assert isinstance(opened, sqlite_driver.Connection)
        opened.begin_by(begin)

    def on_error(context: ExceptionContext) -> None:
        # What the disk did not take, this connection may believe to be there: the file is opened anew.
        context.is_disconnect |= "disk I/O error" in str(context.original_exception)

    event.listen(engine.sync_engine, "begin", on_begin)
    event.listen(engine.sync_engine, "handle_error", on_error)
    return engine
