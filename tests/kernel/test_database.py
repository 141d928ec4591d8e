"""What both databases promise, and what only one of them has to."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.schema import CreateSchema

from shared.database import (
    Database,
    DatabaseBusy,
    IdOf,
    InUse,
    Moment,
    NotDurable,
    ReferencesBroken,
    StorageFull,
    for_update,
    wait_for_name,
)
from shared.ids import AssetId, VersionId
from tests.conftest import MakeDatabase
from tests.support.clock import ToldClock
from tests.support.postgres import fresh_database

METADATA = MetaData()
notes = Table("notes", METADATA, Column("id", Integer, primary_key=True), Column("text", String, nullable=False))
things = Table("things", METADATA, Column("id", IdOf(AssetId), primary_key=True), Column("made_at", Moment))
NOTE = {"id": 1, "text": "first"}


async def texts(database: Database) -> list[str]:
    async with database.read() as tx:
        return list(await tx.scalars(select(notes.c.text).order_by(notes.c.id)))


async def test_a_transaction_commits_whole_or_not_at_all(database: MakeDatabase):
    catalog = await database("catalog", METADATA)
    async with catalog.transaction() as tx:
        await tx.execute(insert(notes).values(NOTE))
    with pytest.raises(IntegrityError):
        async with catalog.transaction() as tx:
            await tx.execute(insert(notes).values(id=2, text="second"))
            await tx.execute(insert(notes).values(NOTE))
    with pytest.raises(ZeroDivisionError):
        async with catalog.transaction() as tx:
            await tx.execute(insert(notes).values(id=3, text="third"))
            raise ZeroDivisionError
    assert await texts(catalog) == ["first"]


async def test_a_rewrite_that_leaves_rows_without_what_they_refer_to_keeps_nothing(database: MakeDatabase):
    catalog = await database("catalog", METADATA)
    async with catalog.rewriting() as tx:
        await tx.execute(text("CREATE TABLE leaves (note_id INTEGER REFERENCES notes (id))"))
        await tx.execute(insert(notes).values(NOTE))
        await tx.execute(text("INSERT INTO leaves VALUES (1)"))
    with pytest.raises((ReferencesBroken, IntegrityError)):
        async with catalog.rewriting() as tx:
            await tx.execute(text("DELETE FROM notes"))
    assert await texts(catalog) == ["first"]
    with pytest.raises(IntegrityError):  # references are watched again
        async with catalog.transaction() as tx:
            await tx.execute(text("DELETE FROM notes"))


async def test_a_reader_cannot_write(database: MakeDatabase):
    catalog = await database("catalog", METADATA)
    with pytest.raises(DBAPIError, match="read-?only"):
        async with catalog.read() as tx:
            await tx.execute(insert(notes).values(NOTE))
    assert await texts(catalog) == []


async def test_what_a_reader_sees_is_of_one_moment(database: MakeDatabase):
    catalog = await database("catalog", METADATA)
    count = select(func.count()).select_from(notes)
    async with catalog.read() as reader:
        assert await reader.scalar(count) == 0
        async with catalog.transaction() as tx:
            await tx.execute(insert(notes).values(NOTE))
        assert await reader.scalar(count) == 0
    assert await texts(catalog) == ["first"]


async def test_what_was_read_for_update_does_not_change_before_it_is_written(database: MakeDatabase):
    catalog = await database("catalog", METADATA)
    async with catalog.transaction() as tx:
        await tx.execute(insert(notes).values(id=1, text="0"))

    async def count_on() -> None:
        async with catalog.transaction() as tx:
            found = await tx.scalar(for_update(select(notes.c.text).where(notes.c.id == 1), tx))
            await asyncio.sleep(0)
            await tx.execute(update(notes).values(text=str(int(found or 0) + 1)))

    await asyncio.gather(*(count_on() for _ in range(20)))
    assert await texts(catalog) == ["20"]


async def test_a_notice_follows_each_commit_and_no_rollback(database: MakeDatabase):
    catalog, notices = await database("catalog", METADATA), list[str]()
    catalog.on_commit(lambda: notices.append("committed"))
    async with catalog.transaction() as tx:
        await tx.execute(insert(notes).values(NOTE))
        assert notices == []
    assert notices == ["committed"]
    with pytest.raises(IntegrityError):
        async with catalog.transaction() as tx:
            await tx.execute(insert(notes).values(NOTE))
    assert notices == ["committed"]


@pytest.mark.parametrize("hours", [0, 8, -5])
async def test_a_moment_comes_back_as_the_same_moment_in_utc(database: MakeDatabase, hours: int):
    catalog, thing = await database("catalog", METADATA), AssetId.new()
    made_at = datetime(2030, 3, 31, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=hours)))
    async with catalog.transaction() as tx:
        await tx.execute(insert(things).values(id=thing, made_at=made_at))
        row = (await tx.execute(select(things))).one()
    assert (row.made_at, row.made_at.tzinfo) == (made_at, UTC)
    assert type(row.id) is AssetId


async def test_a_moment_without_its_zone_is_refused(database: MakeDatabase):
    catalog = await database("catalog", METADATA)
    with pytest.raises(StatementError, match="without its zone"):
        async with catalog.transaction() as tx:
            await tx.execute(insert(things).values(id=AssetId.new(), made_at=datetime(2030, 1, 1)))  # noqa: DTZ001


async def test_an_id_of_another_kind_is_not_read_as_one_of_this(database: MakeDatabase):
    catalog = await database("catalog", METADATA)
    async with catalog.transaction() as tx:
        await tx.execute(text("INSERT INTO things (id) VALUES (:id)"), {"id": str(VersionId.new())})
        with pytest.raises(ValueError, match="not the id of a asset"):
            (await tx.execute(select(things.c.id))).all()


async def test_moments_of_decision_come_from_the_clock_that_is_told(database: MakeDatabase, clock: ToldClock):
    catalog = await database("catalog", METADATA)
    clock.advance(days=400)
    async with catalog.transaction() as tx:
        assert await catalog.now(tx) == clock.now()


async def test_a_file_has_one_process_and_the_next_is_told_the_way_out(tmp_path: Path, clock: ToldClock):
    url = f"sqlite+aiosqlite:///{tmp_path}/deep/catalog.db"
    first, second = (Database(url, schema="catalog", clock=clock) for _ in range(2))
    first.open()
    first.open()
    with pytest.raises(InUse, match="another process.*YAOSU_DATABASE_URL.*PostgreSQL"):
        second.open()
    await first.close()
    second.open()
    await second.close()


async def test_a_database_that_is_away_is_busy_and_not_a_failure_of_ours(clock: ToldClock):
    away = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", schema="catalog", clock=clock)
    with pytest.raises(DatabaseBusy):
        async with away.transaction():
            pass
    await away.close()


async def drops(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("behave", [drops, says_nothing])
async def test_a_server_that_is_no_database_is_busy_within_the_time_allowed(
    behave: Any, clock: ToldClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shared.database.CONNECT_SECONDS_MAX", 0.05)
    async with await asyncio.start_server(behave, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        away = Database(f"postgresql+asyncpg://nobody@127.0.0.1:{port}/none", schema="catalog", clock=clock)
        with pytest.raises(DatabaseBusy):
            async with away.read():
                pass
        await away.close()


async def test_a_server_whose_name_is_not_known_is_busy(clock: ToldClock, monkeypatch: pytest.MonkeyPatch):
    async def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    away = Database("postgresql+asyncpg://nobody@database/none", schema="catalog", clock=clock)
    with pytest.raises(DatabaseBusy):
        async with away.transaction():
            pass
    await away.close()


async def test_whoever_waits_too_long_for_a_connection_is_told_that_it_is_busy(
    database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
):
    for limit in ("WRITER_SECONDS_MAX", "CONNECTION_SECONDS_MAX"):
        monkeypatch.setattr(f"shared.database.{limit}", 0.01)
    catalog = await database("catalog", METADATA)
    async with AsyncExitStack() as held:
        with pytest.raises(DatabaseBusy):
            for _ in range(100):
                await held.enter_async_context(catalog.transaction())
    async with catalog.transaction() as tx:
        await tx.execute(insert(notes).values(NOTE))
    assert await texts(catalog) == ["first"]


async def test_a_full_disk_is_said_as_such_and_what_was_kept_can_still_be_read(tmp_path: Path, clock: ToldClock):
    catalog = Database(f"sqlite+aiosqlite:///{tmp_path}/catalog.db", schema="catalog", clock=clock)
    await catalog.create(METADATA)
    async with catalog.transaction() as tx:
        await tx.execute(insert(notes).values(NOTE))
        pages = await tx.scalar(text("PRAGMA page_count"))
        await tx.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(StorageFull) as full:
        async with catalog.transaction() as tx:
            await tx.execute(insert(notes).values(id=2, text="x" * 100_000))
    assert full.value.facts == {"retry_after_seconds": 30}
    assert await texts(catalog) == ["first"]
    async with catalog.transaction() as tx:
        await tx.execute(text("PRAGMA max_page_count = 1000000"))
        await tx.execute(insert(notes).values(id=2, text="second"))
    assert await texts(catalog) == ["first", "second"]
    await catalog.close()


async def test_a_file_keeps_what_it_commits(tmp_path: Path, clock: ToldClock):
    catalog = Database(f"sqlite+aiosqlite:///{tmp_path}/catalog.db", schema="catalog", clock=clock)
    await catalog.require_durable()
    await catalog.close()


async def test_a_server_that_may_lose_commits_is_refused(production: Database):
    with pytest.raises(NotDurable, match="catalog: the database runs with fsync = off"):
        await production.require_durable()


async def test_a_session_asks_the_server_to_keep_what_it_commits(production: Database):
    async with production.transaction() as tx:
        assert await tx.scalar(text("SHOW synchronous_commit")) == "on"


async def test_what_was_sent_is_not_in_an_error_of_the_database(database: MakeDatabase):
    catalog = await database("catalog", METADATA)
    with pytest.raises(IntegrityError) as broken:
        async with catalog.transaction() as tx:
            await tx.execute(insert(notes), [{"id": 1, "text": "secret-7"}, {"id": 1, "text": "secret-7"}])
    assert "secret-7" not in str(broken.value)


@pytest.fixture
async def production(postgres: str, clock: ToldClock, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Database]:
    """PostgreSQL that tells its own time, as in production, and waits no longer for a lock."""
    monkeypatch.setattr("shared.database.LOCK_SECONDS_MAX", 4)
    async with fresh_database(postgres) as dsn:
        database = Database(dsn, schema="catalog", clock=clock)
        async with database.transaction() as tx:
            await tx.execute(CreateSchema("catalog"))
        await database.create(METADATA)
        async with database.transaction() as tx:
            await tx.execute(insert(notes).values(NOTE))
        yield database
        await database.close()


async def test_the_moment_of_decision_is_taken_after_the_lock(production: Database):
    locked, may_go = asyncio.Event(), asyncio.Event()
    this = select(notes.c.text).where(notes.c.id == 1)

    async def first() -> datetime:
        async with production.transaction() as tx:
            await tx.execute(for_update(this, tx))
            locked.set()
            await may_go.wait()
            return await production.now(tx)

    async def second() -> datetime:
        await locked.wait()
        async with production.transaction() as tx:
            await tx.execute(text("SELECT 1"))  # its transaction has begun, and its `now()` is fixed
            asyncio.get_running_loop().call_soon(may_go.set)
            await tx.execute(for_update(this, tx))
            return await production.now(tx)

    earlier, later = await asyncio.gather(first(), second())
    assert earlier < later
    assert later.tzinfo is UTC


async def test_a_name_is_claimed_by_one_transaction_until_it_ends(production: Database):
    async with production.transaction() as one, production.transaction() as other:
        assert await production.claim(one, "ana\nkey")
        assert not await production.claim(other, "ana\nkey")
        assert await production.claim(other, "ben\nkey")
    async with production.transaction() as tx:
        assert await production.claim(tx, "ana\nkey")


async def test_a_name_is_shared_by_many_or_held_by_one(production: Database):
    async with production.transaction() as one, production.transaction() as other:
        await wait_for_name(one, "ana", shared=True)
        await wait_for_name(other, "ana", shared=True)
        with pytest.raises(DatabaseBusy):
            async with production.transaction() as alone:
                await production.wait_at_most(alone, 0.02)
                await wait_for_name(alone, "ana")
    async with production.transaction() as alone, production.transaction() as other:
        await wait_for_name(alone, "ana")
        await wait_for_name(other, "ben", shared=True)
        with pytest.raises(DatabaseBusy):
            async with production.transaction() as late:
                await production.wait_at_most(late, 0.02)
                await wait_for_name(late, "ana", shared=True)


async def test_a_transaction_may_say_that_it_waits_less_long(production: Database):
    this = select(notes.c.text).where(notes.c.id == 1)
    async with production.transaction() as holder:
        await holder.execute(for_update(this, holder))
        with pytest.raises(DatabaseBusy):
            async with production.transaction() as tx:
                await production.wait_at_most(tx, 0.02)
                await tx.execute(for_update(this, tx))
    async with production.transaction() as tx:
        assert await tx.scalar(text("SHOW lock_timeout")) == "4s", "of that transaction alone"


async def test_no_statement_runs_without_end(production: Database):
    async with production.transaction() as tx:
        assert await tx.scalar(text("SHOW statement_timeout")) == "1min"
        await tx.execute(text("SET LOCAL statement_timeout = '20ms'"))
        with pytest.raises(DBAPIError, match="statement timeout"):
            await tx.execute(text("SELECT pg_sleep(60)"))


async def test_a_process_opens_no_more_connections_than_it_may(
    production: Database, clock: ToldClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("shared.database.CONNECTION_SECONDS_MAX", 0.05)
    frugal = Database(production.url, schema="catalog", clock=clock, connections_max=2)
    try:
        async with frugal.transaction(), frugal.transaction(), frugal.read(), frugal.read():
            for another in (frugal.transaction, frugal.read):
                with pytest.raises(DatabaseBusy):
                    async with another():
                        raise AssertionError("a third connection")
    finally:
        await frugal.close()


async def test_waiting_too_long_for_a_lock_is_said_as_busy_and_a_broken_rule_is_not(production: Database):
    this = select(notes.c.text).where(notes.c.id == 1)
    async with production.transaction() as holder:
        await holder.execute(for_update(this, holder))
        with pytest.raises(DatabaseBusy) as busy:
            async with production.transaction() as tx:
                await tx.execute(text("SET LOCAL lock_timeout = '20ms'"))
                await tx.execute(for_update(this, tx))
    assert busy.value.facts == {"retry_after_seconds": 1}
    with pytest.raises(IntegrityError):
        async with production.transaction() as tx:
            await tx.execute(insert(notes).values(NOTE))


async def test_the_tables_of_a_service_stand_in_its_own_schema(production: Database, clock: ToldClock):
    stranger = Database(production.url, schema="trading", clock=clock)
    with pytest.raises(DBAPIError, match="notes"):
        async with stranger.read() as tx:
            await tx.execute(select(notes))
    await stranger.close()
