"""How it is kept which auctions an operator has proposed to call off. Requires the locked auction."""

from sqlalchemy import delete, select

from services.trading.rules.calling_off import Ground, Proposal
from services.trading.store import rows
from services.trading.tables.calling_off import proposals
from shared.database import Transaction
from shared.ids import AuctionId


async def proposal(tx: Transaction, auction_id: AuctionId) -> Proposal | None:
    """The last one, whether or not its time has passed."""
    row = (await tx.execute(select(*proposals.c).where(proposals.c.auction_id == auction_id))).one_or_none()
    return Proposal(row.auction_id, row.operator, Ground(row.ground), row.proposed_at) if row else None


async def keep_proposal(tx: Transaction, proposal: Proposal) -> None:
    """In the place of the one before it."""
    await tx.execute(delete(proposals).where(proposals.c.auction_id == proposal.auction_id))
    row = {
        "auction_id": proposal.auction_id, "operator": proposal.operator, "ground": proposal.ground,
        "proposed_at": proposal.proposed_at,
    }  # fmt: skip
    await rows.add(tx, proposals, row)
