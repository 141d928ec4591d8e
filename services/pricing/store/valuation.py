"""How valuations are kept: each once, as it was found."""

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, insert, select, true

from services.pricing.rules.comparable import Comparable
from services.pricing.rules.valuation import Figures, NoSuchValuation, Question, Valuation
from services.pricing.tables.results import valuations
from shared.database import Transaction
from shared.ids import ParticipantId, ValuationId

QUESTION = TypeAdapter(Question)
FIGURES = TypeAdapter(Figures | None)
COMPARABLES = TypeAdapter(tuple[Comparable, ...])


async def add(tx: Transaction, valuation: Valuation) -> None:
    row = {
        "id": valuation.id, "provider_id": valuation.question.provider_id,
        "version_id": valuation.question.version_id,
        "question": QUESTION.dump_python(valuation.question, mode="json"),
        "figures": FIGURES.dump_python(valuation.figures, mode="json"), "reason_code": valuation.reason_code,
        "comparables": COMPARABLES.dump_python(valuation.comparables, mode="json"),
        "document": valuation.document, "document_hash": valuation.document_hash, "valued_at": valuation.valued_at,
    }  # fmt: skip
    await tx.execute(insert(valuations).values(row))


async def valuation(tx: Transaction, valuation_id: ValuationId) -> Valuation:
    """Raises NoSuchValuation."""
    row = (await tx.execute(select(*valuations.c).where(valuations.c.id == valuation_id))).one_or_none()
    if row is None:
        raise NoSuchValuation()
    return _valuation(row)


async def of_provider(
    tx: Transaction, provider_id: ParticipantId, before: ValuationId | None, limit: int
) -> list[Valuation]:  # fmt: skip
    """Newest first, with ids below `before`."""
    older = valuations.c.id < before if before else true()
    query = select(*valuations.c).where(valuations.c.provider_id == provider_id, older)
    return [_valuation(row) for row in await tx.execute(query.order_by(valuations.c.id.desc()).limit(limit))]


def _valuation(row: Row[Any]) -> Valuation:
    return Valuation(
        row.id, QUESTION.validate_python(row.question), FIGURES.validate_python(row.figures), row.reason_code,
        COMPARABLES.validate_python(row.comparables), row.document, row.document_hash, row.valued_at,
    )  # fmt: skip
