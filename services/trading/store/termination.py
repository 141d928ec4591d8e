"""How proposals to end a contract are kept: one open of a contract at most, and each answered once."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.exc import IntegrityError

from services.trading.rules.termination import (
    PROPOSED,
    Ground,
    NoSuchTermination,
    State,
    Termination,
    TerminationOpen,
)
from services.trading.store import rows
from services.trading.tables.contracts import terminations
from shared.database import Transaction, for_update
from shared.ids import ContractId, TerminationId
from shared.web import Page

DUE_MAX = 100


async def add_termination(tx: Transaction, proposed: Termination) -> None:
    """Raises TerminationOpen if another proposal of the same contract is not answered yet."""
    row = {
        "id": proposed.id, "contract_id": proposed.contract_id, "proposed_by": proposed.proposed_by,
        "ground": proposed.ground, "reason": proposed.reason, "proposed_at": proposed.proposed_at,
    }  # fmt: skip
    try:
        await tx.execute(insert(terminations).values(row | _changing(proposed)))
    except IntegrityError as error:
        raise TerminationOpen() from error


async def save_termination(tx: Transaction, proposed: Termination) -> None:
    await rows.save(tx, terminations, proposed, _changing(proposed))


async def contract_of(tx: Transaction, termination_id: TerminationId) -> ContractId:
    """The contract that a proposal would end. Raises NoSuchTermination."""
    found = await tx.scalar(select(terminations.c.contract_id).where(terminations.c.id == termination_id))
    if found is None:
        raise NoSuchTermination()
    return found


async def termination_for_update(
    tx: Transaction, termination_id: TerminationId, contract_id: ContractId
) -> Termination:  # fmt: skip
    """A proposal to end this contract: one to end another is not there."""
    where = (terminations.c.id == termination_id, terminations.c.contract_id == contract_id)
    row = (await tx.execute(for_update(select(*terminations.c).where(*where), tx))).one_or_none()
    if row is None:
        raise NoSuchTermination()
    return _termination(row)


async def page_of_terminations(tx: Transaction, page: Page, contract_id: ContractId) -> list[Termination]:
    query = select(*terminations.c).where(terminations.c.contract_id == contract_id)
    found = await tx.execute(rows.newest_first(query, terminations.c.id, TerminationId, page))
    return [_termination(row) for row in found]


async def terminations_due(tx: Transaction, now: datetime) -> list[TerminationId]:
    """Those that were not answered in time, at most a hundred."""
    where = (terminations.c.state == PROPOSED, terminations.c.deadline <= now)
    query = select(terminations.c.id).where(*where).order_by(terminations.c.deadline)
    return list(await tx.scalars(query.limit(DUE_MAX)))


def _termination(row: Row[Any]) -> Termination:
    return Termination(
        id=row.id, contract_id=row.contract_id, proposed_by=row.proposed_by, ground=Ground(row.ground),
        reason=row.reason, proposed_at=row.proposed_at, state=State(row.state), deadline=row.deadline,
        reason_code=row.reason_code, answer=row.answer, answered_at=row.answered_at, revision=row.revision,
    )  # fmt: skip


def _changing(proposed: Termination) -> dict[str, object]:
    return {
        "state": proposed.state, "deadline": proposed.deadline, "reason_code": proposed.reason_code,
        "answer": proposed.answer, "answered_at": proposed.answered_at, "revision": proposed.revision,
    }  # fmt: skip
