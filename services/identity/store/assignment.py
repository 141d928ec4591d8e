"""How assignments are kept. Promises: one that changed since it was read cannot be saved."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, insert, or_, select, update

from services.identity.rules.assignment import IN_FORCE, Assignment, Matter, NoSuchAssignment, State
from services.identity.tables import assignments
from shared.database import Transaction, for_update
from shared.errors import Conflict
from shared.grades import Grade
from shared.ids import AssignmentId

DUE_MAX = 100


class AssignmentChanged(Conflict):
    """Someone else changed this assignment; look again."""


async def assignment(tx: Transaction, assignment_id: AssignmentId, *, lock: bool = False) -> Assignment:
    query = _query(assignments.c.id == assignment_id)
    found = await _found(tx, for_update(query, tx) if lock else query)
    if not found:
        raise NoSuchAssignment()
    return found[0]


async def assignments_of(
    tx: Transaction, officer: str | None, state: State | None, after: str | None, limit: int
) -> list[Assignment]:
    """Those that name an officer; everyone's for None."""
    conditions: list[ColumnElement[bool]] = []
    if officer is not None:
        named = (assignments.c.business_officer_id, assignments.c.security_officer_id)
        conditions.append(or_(*(column == officer for column in named)))
    if state is not None:
        conditions.append(assignments.c.state == state)
    if after is not None:
        conditions.append(assignments.c.id > after)
    return await _found(tx, _query(*conditions).order_by(assignments.c.id).limit(limit))


async def due(tx: Transaction, now: datetime) -> list[Assignment]:
    """Locked, in the order of their ids; at most a hundred."""
    query = _query(assignments.c.state == IN_FORCE, assignments.c.deadline <= now)
    return await _found(tx, for_update(query.order_by(assignments.c.id).limit(DUE_MAX), tx))


async def add(tx: Transaction, made: Assignment) -> None:
    await tx.execute(insert(assignments).values(_row(made)))


async def save(tx: Transaction, changed: Iterable[Assignment]) -> None:
    for each in changed:
        as_read = (assignments.c.id == each.id, assignments.c.revision == each.revision - 1)
        if (await tx.execute(update(assignments).where(*as_read).values(_row(each)))).rowcount != 1:
            raise AssignmentChanged()


def _query(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(*assignments.c).where(*conditions)


async def _found(tx: Transaction, query: Select[Any]) -> list[Assignment]:
    return [_assignment(row) for row in await tx.execute(query)]


def _assignment(row: Row[Any]) -> Assignment:
    officers = (row.business_officer_id, row.security_officer_id)
    return Assignment(
        row.id, Matter(Grade(row.highest), *officers, row.asset_id, row.provider_id), row.reason, row.assigned_by,
        row.ends_at, State(row.state), row.deadline, row.reason_code, row.revision,
    )  # fmt: skip


def _row(assignment: Assignment) -> dict[str, object]:
    matter = assignment.matter
    return {
        "id": assignment.id, "highest": matter.highest, "business_officer_id": matter.business_officer_id,
        "security_officer_id": matter.security_officer_id, "asset_id": matter.asset_id,
        "provider_id": matter.provider_id, "reason": assignment.reason, "assigned_by": assignment.assigned_by,
        "ends_at": assignment.ends_at, "state": assignment.state, "deadline": assignment.deadline,
        "reason_code": assignment.reason_code, "revision": assignment.revision,
    }  # fmt: skip
