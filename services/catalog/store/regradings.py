"""How duties to grade again are kept. Promises: a version has one open duty per trigger, whoever races."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, insert, select
from sqlalchemy.exc import IntegrityError

from services.catalog.rules.asset import NextActor
from services.catalog.rules.grading import Grounds
from services.catalog.rules.regrading import (
    CLOSED,
    NoSuchRegrading,
    Regrading,
    RegradingPending,
    State,
    Trigger,
)
from services.catalog.rules.viewing import Viewer
from services.catalog.store import rows, sight
from services.catalog.tables.entries import versions
from services.catalog.tables.files import regradings
from shared.database import Transaction
from shared.ids import RegradingId, VersionId

SAID = TypeAdapter(Grounds | None)


async def add_regrading(tx: Transaction, regrading: Regrading) -> None:
    """Raises RegradingPending if the version has an open duty for this reason."""
    try:
        await tx.execute(insert(regradings).values(_row(regrading)))
    except IntegrityError as error:
        raise RegradingPending(trigger=regrading.trigger) from error


async def save_regrading(tx: Transaction, regrading: Regrading) -> None:
    await rows.save(tx, regradings, regrading, _row(regrading))


async def regrading(tx: Transaction, regrading_id: RegradingId, viewer: Viewer) -> Regrading:
    """Raises NoSuchRegrading, also for what is not the viewer's to see."""
    seen = sight.readable(regradings.c.asset_id, regradings.c.provider_id, viewer)
    row = (await tx.execute(select(*regradings.c).where(regradings.c.id == regrading_id, seen))).one_or_none()
    if row is None:
        raise NoSuchRegrading()
    return _regrading(row)


async def open_regradings(tx: Transaction, version_id: VersionId) -> list[Regrading]:
    """In the order of their ids."""
    here = (regradings.c.version_id == version_id, regradings.c.state != CLOSED)
    return [_regrading(row) for row in await tx.execute(select(*regradings.c).where(*here).order_by(regradings.c.id))]


async def page_of_regradings(
    tx: Transaction, viewer: Viewer, version_id: VersionId | None, state: State | None, before: str | None, limit: int
) -> list[Regrading]:
    """Newest first."""
    query = select(*regradings.c).where(sight.readable(regradings.c.asset_id, regradings.c.provider_id, viewer))
    if version_id is not None:
        query = query.where(regradings.c.version_id == version_id)
    if state is not None:
        query = query.where(regradings.c.state == state)
    return [_regrading(row) for row in await tx.execute(rows.newest_first(query, regradings.c.id, before, limit))]


async def due_regradings(tx: Transaction, now: datetime) -> list[RegradingId]:
    query = select(regradings.c.id).where(regradings.c.deadline <= now).order_by(regradings.c.deadline)
    return list(await tx.scalars(query.limit(rows.DUE_MAX)))


async def versions_to_regrade(tx: Transaction, now: datetime) -> list[VersionId]:
    """Registered versions whose year is over."""
    query = select(versions.c.id).where(versions.c.regrade_by <= now).order_by(versions.c.regrade_by)
    return list(await tx.scalars(query.limit(rows.DUE_MAX)))


def _regrading(row: Row[Any]) -> Regrading:
    return Regrading(
        row.id, row.asset_id, row.version_id, row.provider_id, Trigger(row.trigger), row.note, row.reported_by,
        State(row.state), row.opened_at, row.next_actor and NextActor(row.next_actor), row.deadline,
        SAID.validate_python(row.said), row.reason_code, row.revision,
    )  # fmt: skip


def _row(regrading: Regrading) -> dict[str, object]:
    return {
        "id": regrading.id, "asset_id": regrading.asset_id, "version_id": regrading.version_id,
        "provider_id": regrading.provider_id, "trigger": regrading.trigger, "note": regrading.note,
        "reported_by": regrading.reported_by, "state": regrading.state, "opened_at": regrading.opened_at,
        "next_actor": regrading.next_actor, "deadline": regrading.deadline,
        "said": SAID.dump_python(regrading.said, mode="json"), "reason_code": regrading.reason_code,
        "revision": regrading.revision,
    }  # fmt: skip
