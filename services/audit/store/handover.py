"""How it is kept which key of the log was followed by which."""

from sqlalchemy import select

from services.audit.rules.checkpoint import parse_verifier_key
from services.audit.rules.handover import Handover
from services.audit.tables import handovers
from shared.database import Transaction, insert_into


async def all_handovers(tx: Transaction) -> list[Handover]:
    """In the order of their time."""
    rows = await tx.execute(select(*handovers.c).order_by(handovers.c.at, handovers.c.after))
    return [
        Handover(
            parse_verifier_key(row.before), parse_verifier_key(row.after), row.at, row.signature_before,
            row.signature_after,
        )
        for row in rows
    ]  # fmt: skip


async def add_handover(tx: Transaction, handover: Handover) -> bool:
    """Whether it is new. A key follows one other, and only once."""
    row = {
        "after": handover.after.text(), "before": handover.before.text(), "at": handover.at,
        "signature_before": handover.signature_before, "signature_after": handover.signature_after,
    }  # fmt: skip
    added = insert_into(tx, handovers).values(row).on_conflict_do_nothing().returning(handovers.c.after)
    return (await tx.scalar(added)) is not None
