"""The smallest service that uses every part of the kernel: it counts, once per key, and tells of it."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from fastapi import Depends, FastAPI, Response
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select

from shared import idempotency, outbox, web
from shared.access import Member
from shared.core import Core
from shared.facts import Category, Fact
from shared.idempotency import Keyed, Once
from shared.permission import Buyer, Public
from shared.routing import Router
from shared.web import Listing, PageQuery
from tests.support.bench import Bench

METADATA = MetaData()
marks_table = Table("marks", METADATA, Column("id", Integer, primary_key=True), Column("name", String, nullable=False))
outbox.tables(METADATA)
idempotency.tables(METADATA)


@dataclass(frozen=True, slots=True)
class MarkMade(Fact):
    category: ClassVar = Category.SYSTEM
    name: str


@dataclass(frozen=True, slots=True)
class Mark:
    number: int
    name: str


@dataclass
class Marks:
    core: Core
    crash: list[str] = field(default_factory=list[str])  # the names at which to break just before the commit


class NewMark(web.Request):
    name: str


class MarkView(web.View):
    number: int
    name: str


MarksService = Annotated[Marks, Depends(web.service)]
router = Router(prefix="/catalog/v1")


@router.post("/marks", status_code=201)
async def make(new: NewMark, buyer: Buyer, once: Keyed, marks: MarksService, response: Response) -> MarkView:
    web.created(response, "/catalog/v1/marks")
    return MarkView.model_validate(await _make(marks, new.name, buyer, once))


@router.post("/other-marks", status_code=201)
async def make_otherwise(new: NewMark, buyer: Buyer, once: Keyed, marks: MarksService) -> MarkView:
    return MarkView.model_validate(await _make(marks, new.name, buyer, once))


@router.get("/marks")
async def listed(_: Public, marks: MarksService, page: PageQuery) -> Listing[MarkView]:
    async with marks.core.database.read() as tx:
        after = int(page.after or 0)
        query = select(marks_table.c.id.label("number"), marks_table.c.name).where(marks_table.c.id > after)
        rows = (await tx.execute(query.order_by(marks_table.c.id).limit(page.limit + 1))).all()
    return Listing[MarkView].of([MarkView.model_validate(row) for row in rows], page, lambda mark: str(mark.number))


async def _make(marks: Marks, name: str, buyer: Member, once: Once) -> Mark:
    database = marks.core.database
    async with database.transaction() as tx:
        if earlier := await once.recall(tx, Mark):
            return earlier
        number = (await tx.scalar(select(func.count()).select_from(marks_table)) or 0) + 1
        mark = Mark(number, name)
        await tx.execute(insert(marks_table).values(id=number, name=name))
        await once.remember(tx, mark)
        await marks.core.outbox.record(tx, buyer.actor, await database.now(tx), MarkMade(name))
        if name in marks.crash:
            marks.crash.remove(name)
            raise ZeroDivisionError("the inside")
    return mark


async def build(bench: Bench) -> tuple[FastAPI, Marks]:
    core = await bench.core("catalog", METADATA)
    service = Marks(core)
    return web.application(core, router, service), service
