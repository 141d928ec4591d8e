"""Writes that go in one turn are what they would be one by one, on both databases."""

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import JSON, Boolean, Column, Integer, LargeBinary, MetaData, Table, func, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.database import Database, IdOf, Moment
from shared.ids import AssetId
from shared.turn import Added, Changed, Put, Question, ask, write_all
from tests.conftest import MakeDatabase

METADATA = MetaData()
things = Table(
    "things",
    METADATA,
    Column("id", IdOf(AssetId), primary_key=True),
    Column("made_at", Moment),
    Column("parts", JSON, nullable=False),
    Column("content", LargeBinary),
    Column("is_whole", Boolean, nullable=False),
)
AT = datetime(2030, 1, 1, 0, 0, 0, 7, timezone(timedelta(hours=8)))


def row(thing: AssetId, made_at: datetime | None = AT) -> tuple[object, ...]:
    return (thing, made_at, ["a", 1], b"\x00\xff", True)


@pytest.fixture
async def catalog(database: MakeDatabase) -> Database:
    return await database("catalog", METADATA)


async def test_what_is_written_together_is_what_is_written_one_by_one(catalog: Database):
    one, two, three = AssetId.new(), AssetId.new(), AssetId.new()
    async with catalog.transaction() as tx:
        await tx.execute(insert(things).values(row(three)))
        reached = await write_all(
            tx,
            Changed(things, {"parts": [], "is_whole": False}, {"id": three, "is_whole": True}),
            Added(things, [row(one), row(two, None)]),
            Changed(things, {"made_at": None}, {"id": AssetId.new()}),
        )
    assert reached == [1, 2, 0]
    async with catalog.read() as tx:
        found = {each.id: tuple(each)[1:] for each in await tx.execute(select(things))}
        same = select(things.c.made_at).where(things.c.id == three).scalar_subquery()
        assert await tx.scalar(select(func.count()).where(things.c.made_at == same)) == 2
    assert found == {one: row(one)[1:], two: row(two, None)[1:], three: (AT, [], b"\x00\xff", False)}


async def test_what_is_put_takes_the_place_of_what_has_its_key(catalog: Database):
    one, two = AssetId.new(), AssetId.new()
    async with catalog.transaction() as tx:
        await write_all(tx, Added(things, [row(one)]))
        assert await write_all(tx, Put(things, [row(one, None), row(two)]), Put(things, [row(AssetId.new())])) == [2, 1]
    async with catalog.read() as tx:
        found = {each.id: each.made_at for each in await tx.execute(select(things))}
    assert (found[one], found[two], len(found)) == (None, AT, 3)


async def test_of_writes_that_fail_none_takes_effect_and_no_value_is_told(catalog: Database):
    one = AssetId.new()
    async with catalog.transaction() as tx:
        await write_all(tx, Added(things, [row(one)]))
    with pytest.raises(IntegrityError) as refused:
        async with catalog.transaction() as tx:
            await write_all(tx, Added(things, [row(AssetId.new())]), Added(things, [row(AssetId.new()), row(one)]))
    assert one not in str(refused.value)
    async with catalog.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(things)) == 1


async def test_a_value_that_its_column_does_not_take_is_refused(catalog: Database):
    async with catalog.transaction() as tx:
        with pytest.raises(ValueError, match="without its zone"):
            await write_all(tx, Added(things, [row(AssetId.new(), datetime(2030, 1, 1))]))  # noqa: DTZ001


async def test_what_is_asked_comes_as_it_was_written(catalog: Database):
    one, two = AssetId.new(), AssetId.new()
    async with catalog.transaction() as tx:
        await write_all(tx, Added(things, [row(one), row(two, None)]))
        mark = "?" if catalog.is_sqlite else "$1"
        question = Question(
            f"SELECT id, made_at, parts, content, is_whole FROM things WHERE id = {mark}",
            tuple(column.type for column in things.c),
        )
        assert [await ask(tx, question, each) for each in (one, two, AssetId.new())] == [
            [row(one)],
            [row(two, None)],
            [],
        ]


async def test_a_question_that_fails_is_told_as_any_statement_is(catalog: Database):
    with pytest.raises(DBAPIError, match="no_such_table"):
        async with catalog.transaction() as tx:
            await ask(tx, Question("SELECT 1 FROM no_such_table", (Boolean(),)))
    async with catalog.transaction() as tx:
        assert await ask(tx, Question("SELECT 1", (Integer(),))) == [(1,)]


@pytest.mark.parametrize("count", [1, 63, 64, 65, 131])
async def test_any_number_of_rows_is_added_and_counted(catalog: Database, count: int):
    async with catalog.transaction() as tx:
        added = Added(things, [row(AssetId.new()) for _ in range(count)])
        none = Changed(things, {"made_at": None}, {"id": AssetId.new()})
        assert await write_all(tx, added, none) == [count, 0]
        assert await tx.scalar(select(func.count()).select_from(things)) == count
