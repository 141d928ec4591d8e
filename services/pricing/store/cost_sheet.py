"""How cost sheets are kept: each once, as it was drawn."""

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, insert, select, true

from services.pricing.rules.cost_sheet import CostSheet, NoSuchCostSheet, Statement, Treated
from services.pricing.tables.results import cost_sheets
from shared.database import Transaction
from shared.ids import CostSheetId, ParticipantId

STATEMENT = TypeAdapter(Statement)
TREATED = TypeAdapter(tuple[Treated, ...])


async def add(tx: Transaction, sheet: CostSheet) -> None:
    row = {
        "id": sheet.id, "provider_id": sheet.provider_id, "version_id": sheet.statement.version_id,
        "statement": STATEMENT.dump_python(sheet.statement, mode="json"),
        "treated": TREATED.dump_python(sheet.treated, mode="json"), "document": sheet.document,
        "document_hash": sheet.document_hash, "drawn_at": sheet.drawn_at,
    }  # fmt: skip
    await tx.execute(insert(cost_sheets).values(row))


async def sheet(tx: Transaction, sheet_id: CostSheetId) -> CostSheet:
    """Raises NoSuchCostSheet."""
    row = (await tx.execute(select(*cost_sheets.c).where(cost_sheets.c.id == sheet_id))).one_or_none()
    if row is None:
        raise NoSuchCostSheet()
    return _sheet(row)


async def of_provider(
    tx: Transaction, provider_id: ParticipantId, before: CostSheetId | None, limit: int
) -> list[CostSheet]:  # fmt: skip
    """Newest first, with ids below `before`."""
    older = cost_sheets.c.id < before if before else true()
    query = select(*cost_sheets.c).where(cost_sheets.c.provider_id == provider_id, older)
    return [_sheet(row) for row in await tx.execute(query.order_by(cost_sheets.c.id.desc()).limit(limit))]


def _sheet(row: Row[Any]) -> CostSheet:
    return CostSheet(
        row.id, row.provider_id, STATEMENT.validate_python(row.statement), TREATED.validate_python(row.treated),
        row.document, row.document_hash, row.drawn_at,
    )  # fmt: skip
