"""How deliveries are kept: one row for each time that content was sent, or began to be."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, func, or_, select, update

from services.delivery.rules.delivery import STARTED, Cut, Delivery, Reason, State, UseSoFar
from services.delivery.tables.deliveries import deliveries as deliveries_table
from shared.database import Transaction, for_update
from shared.grades import Grade, Mode
from shared.ids import DeliveryId, EntitlementId, ParticipantId, UseId
from shared.turn import Added

_use_so_far = select(
    func.min(deliveries_table.c.entitlement_id).label("entitlement_id"),
    func.min(deliveries_table.c.started_at).label("started_at"),
    func.sum(func.coalesce(deliveries_table.c.bytes_counted, deliveries_table.c.bytes)).label("bytes_counted"),
).where(deliveries_table.c.use_id == bindparam("asked_use"))  # asked for at each part, and so made once


def adding(delivery: Delivery) -> Added:
    return Added(deliveries_table, [tuple(_row(delivery).values())])


async def running_delivery(tx: Transaction, delivery_id: DeliveryId) -> Delivery | None:
    """The delivery, locked, if it has not ended."""
    query = select(*deliveries_table.c).where(deliveries_table.c.id == delivery_id, deliveries_table.c.state == STARTED)
    row = (await tx.execute(for_update(query, tx))).one_or_none()
    return None if row is None else _delivery(row)


async def save_delivery(tx: Transaction, delivery: Delivery) -> None:
    await tx.execute(update(deliveries_table).where(deliveries_table.c.id == delivery.id).values(_row(delivery)))


async def use_so_far(tx: Transaction, use_id: UseId) -> UseSoFar | None:
    """None for a use that was not used yet."""
    row = (await tx.execute(_use_so_far, {"asked_use": use_id})).one()
    if row.entitlement_id is None:
        return None
    return UseSoFar(row.entitlement_id, row.started_at, int(row.bytes_counted))


async def deliveries_past_deadline(tx: Transaction, now: datetime) -> list[Delivery]:
    """Those whose process did not live to end them, at most a hundred."""
    query = select(*deliveries_table.c).where(deliveries_table.c.state == STARTED, deliveries_table.c.deadline <= now)
    query = query.order_by(deliveries_table.c.id).limit(100)
    return [_delivery(row) for row in await tx.execute(for_update(query, tx, skip_locked=True))]


async def listed_deliveries(
    tx: Transaction, party: ParticipantId | None, entitlement_id: EntitlementId | None, after: DeliveryId | None,
    limit: int,
) -> list[Delivery]:  # fmt: skip
    """In order of age; those in which `party` gives or receives, or all if it is None."""
    where: list[ColumnElement[bool]] = []
    if party is not None:
        where.append(or_(deliveries_table.c.buyer_id == party, deliveries_table.c.provider_id == party))
    if entitlement_id is not None:
        where.append(deliveries_table.c.entitlement_id == entitlement_id)
    if after is not None:
        where.append(deliveries_table.c.id > after)
    query = select(*deliveries_table.c).where(*where).order_by(deliveries_table.c.id).limit(limit)
    return [_delivery(row) for row in await tx.execute(query)]


def _delivery(row: Row[Any]) -> Delivery:
    reason = None if row.reason_code is None else Reason(row.reason_code)
    return Delivery(
        row.id, row.entitlement_id, row.contract_id, row.use_id, row.version_id, row.provider_id, row.buyer_id,
        Mode(row.mode), Grade(row.grade), row.grade_revision, row.content_hash, row.bytes, State(row.state),
        row.started_at, row.deadline, row.bytes_sent, row.ended_at, reason, None if row.cut is None else Cut(row.cut),
        row.purpose, row.first_byte, row.last_byte, row.bytes_counted,
    )  # fmt: skip


def _row(delivery: Delivery) -> dict[str, object]:
    return {column.name: getattr(delivery, column.name) for column in deliveries_table.c}
