"""When each account was last used. What is disabled has no use, and what another organisation has is not there."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, insert, select, update

from services.identity.rules.dormancy import Subject, Use, subject_of
from services.identity.tables import account_uses
from shared.database import Transaction, for_update
from shared.ids import ParticipantId

DUE_MAX = 100


async def add(tx: Transaction, subject: Subject, participant_id: ParticipantId | None, now: datetime) -> None:
    await tx.execute(insert(account_uses).values(subject=subject, participant_id=participant_id, used_at=now))


async def touch(tx: Transaction, subject: Subject, now: datetime) -> None:
    """It is used now, and nothing is to be told of it."""
    own = account_uses.c.subject == subject
    await tx.execute(update(account_uses).where(own).values(used_at=now, told_at=None))


async def forget(tx: Transaction, subject: Subject) -> None:
    await tx.execute(delete(account_uses).where(account_uses.c.subject == subject))


async def use_of(tx: Transaction, subject: Subject, *, lock: bool = False) -> Use | None:
    query = _query(account_uses.c.subject == subject)
    return next(iter(await _found(tx, for_update(query, tx) if lock else query)), None)


async def dormant(
    tx: Transaction, participant_id: ParticipantId | None, since: datetime, after: str | None, limit: int
) -> list[Use]:
    """Those of an organisation that were last used then or before, by id; everyone's for None."""
    conditions: list[ColumnElement[bool]] = [account_uses.c.used_at <= since]
    if participant_id is not None:
        conditions.append(account_uses.c.participant_id == participant_id)
    if after is not None:
        conditions.append(account_uses.c.subject > after)
    return await _found(tx, _query(*conditions).order_by(account_uses.c.subject).limit(limit))


async def to_tell(tx: Transaction, since: datetime) -> list[Use]:
    """Those of whom nobody was told yet, at most a hundred, locked."""
    due = _query(account_uses.c.used_at <= since, account_uses.c.told_at.is_(None))
    return await _found(tx, for_update(due.order_by(account_uses.c.used_at).limit(DUE_MAX), tx, skip_locked=True))


async def save_told(tx: Transaction, use: Use) -> None:
    own = account_uses.c.subject == use.subject
    await tx.execute(update(account_uses).where(own).values(told_at=use.told_at))


def _query(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(*account_uses.c).where(*conditions)


async def _found(tx: Transaction, query: Select[Any]) -> list[Use]:
    return [_use(row) for row in await tx.execute(query)]


def _use(row: Row[Any]) -> Use:
    return Use(subject_of(row.subject), row.participant_id, row.used_at, row.told_at)
