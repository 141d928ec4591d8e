"""How objections are kept: one open at a time for each order, and what was said stays said."""

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, select, update

from services.trading.rules.objection import Answer, Ground, NoSuchObjection, Objection, Said
from services.trading.store import rows
from services.trading.tables.objections import objections
from shared.database import Transaction
from shared.ids import OrderId, ParticipantId
from shared.money import Money
from shared.web import Page

_grounds = TypeAdapter(tuple[Ground, ...])
_answer = TypeAdapter(Answer)


async def add_objection(tx: Transaction, objection: Objection) -> None:
    """Requires the locked order."""
    said = objection.said
    row = {
        "order_id": objection.order_id, "number": objection.number, "buyer_id": objection.buyer_id,
        "provider_id": objection.provider_id, "grounds": _grounds.dump_python(said.grounds, mode="json"),
        "claim_minor": said.claim.minor, "currency": said.claim.currency, "reason": said.reason,
        "raised_at": objection.raised_at,
    }  # fmt: skip
    await rows.add(tx, objections, row | _changing(objection))


async def save_objection(tx: Transaction, objection: Objection) -> None:
    """Requires the locked order."""
    here = (objections.c.order_id == objection.order_id, objections.c.number == objection.number)
    await tx.execute(update(objections).where(*here).values(_changing(objection)))


async def objection(
    tx: Transaction, order_id: OrderId, number: int, party_id: ParticipantId | None
) -> Objection:  # fmt: skip
    """One of the party's own orders': another's is not there. For None, anyone's."""
    own = rows.whose(objections.c.buyer_id, objections.c.provider_id, party_id)
    here = (objections.c.order_id == order_id, objections.c.number == number)
    row = (await tx.execute(select(*objections.c).where(*here, *own))).one_or_none()
    if row is None:
        raise NoSuchObjection()
    return _objection(row)


async def last_objection(tx: Transaction, order_id: OrderId) -> Objection | None:
    """Of a locked order."""
    query = select(*objections.c).where(objections.c.order_id == order_id).order_by(objections.c.number.desc())
    row = (await tx.execute(query.limit(1))).one_or_none()
    return None if row is None else _objection(row)


async def page_of_objections(tx: Transaction, page: Page, order_id: OrderId) -> list[Objection]:
    """In their order."""
    after = rows.sequence_after(page)
    query = select(*objections.c).where(objections.c.order_id == order_id)
    if after is not None:
        query = query.where(objections.c.number > after)
    found = await tx.execute(query.order_by(objections.c.number).limit(page.limit + 1))
    return [_objection(row) for row in found]


def _objection(row: Row[Any]) -> Objection:
    grounds, claim = _grounds.validate_python(row.grounds), Money(row.claim_minor, row.currency)
    return Objection(
        order_id=row.order_id, number=row.number, buyer_id=row.buyer_id, provider_id=row.provider_id,
        said=Said(grounds, claim, row.reason), raised_at=row.raised_at, deadline=row.deadline,
        answer=row.answer and _answer.validate_python(row.answer), declined_at=row.declined_at, outcome=row.outcome,
        ended_at=row.ended_at,
    )  # fmt: skip


def _changing(objection: Objection) -> dict[str, object]:
    return {
        "deadline": objection.deadline, "answer": objection.answer and rows.told(objection.answer),
        "declined_at": objection.declined_at, "outcome": objection.outcome, "ended_at": objection.ended_at,
    }  # fmt: skip
