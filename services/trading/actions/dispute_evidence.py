"""The platform's own evidence: what trading holds on an order when a dispute over it is opened.

Promises: each piece is the canonical JSON of what stands in the tables at that moment, so that its hash binds it.
"""

from datetime import datetime

from services.catalog.client import AssessmentView, NoQualityReport
from services.trading.actions import dispute_money
from services.trading.actions.trading import Trading
from services.trading.rules.dispute import Dispute
from services.trading.rules.evidence import FROM_PLATFORM, Evidence, EvidenceKind, hash_of
from services.trading.rules.order import Order
from services.trading.store import contract as contract_store
from services.trading.store import entitlement as entitlement_store
from services.trading.store import listing as listing_store
from services.trading.store import order as order_store
from shared import canonical
from shared.database import Transaction
from shared.errors import Unavailable
from shared.facts import plain
from shared.ids import OrderId

USES_TOLD_MAX = 500
ENTRIES_TOLD_MAX = 500


async def assessed(trading: Trading, order_id: OrderId) -> AssessmentView | None:
    """What the catalogue says of the quality of what was sold, asked before any transaction. None if it has assessed
    nothing, or cannot be asked now: no claim waits for it. Raises NoSuchOrder."""
    async with trading.database.read() as tx:
        order = await order_store.order(tx, order_id, None)
        version_id = (await listing_store.listing(tx, order.listing_id)).version_id
    try:
        return await trading.catalog.assessment(version_id)
    except (NoQualityReport, Unavailable):
        return None


async def of_platform(
    tx: Transaction, order: Order, dispute: Dispute, quality: AssessmentView | None, after: int, now: datetime
) -> dict[Evidence, str]:
    """The pieces, numbered on from the last one, with their content."""
    told = {
        EvidenceKind.CONTRACT: await _contract(tx, order),
        EvidenceKind.DELIVERY: await _delivery(tx, order),
        EvidenceKind.QUALITY: await _quality(tx, order, quality),
        EvidenceKind.MONEY: await money_of(tx, dispute),
    }
    contents = {kind: canonical.encode(plain(what)).decode() for kind, what in told.items()}
    return {
        Evidence(number, FROM_PLATFORM, kind, hash_of(content), True, now): content
        for number, (kind, content) in enumerate(contents.items(), after + 1)
    }


async def money_of(tx: Transaction, dispute: Dispute) -> dict[str, object]:
    """What has moved in the order's escrow and for the dispute's fees: the ledger's entries and the facts they name."""
    entries = await dispute_money.entries(tx, dispute, ENTRIES_TOLD_MAX)
    return {
        "order_id": dispute.order_id,
        "entries": [
            {
                "transfer_id": each.transfer.id, "debit": each.transfer.debit.id, "credit": each.transfer.credit.id,
                "amount": each.transfer.amount, "phase": each.transfer.phase, "pending_id": each.transfer.pending_id,
                "fact_id": each.fact_id, "at": each.created_at,
            }
            for each in entries
        ],
    }  # fmt: skip


async def _contract(tx: Transaction, order: Order) -> dict[str, object]:
    contract = await contract_store.contract(tx, order.contract_id)
    return {
        "contract_id": contract.id, "order_id": order.id, "terms_hash": contract.terms_hash, "state": contract.state,
        "signatures": list(contract.signatures),
    }  # fmt: skip


async def _delivery(tx: Transaction, order: Order) -> dict[str, object]:
    if order.entitlement_id is None:
        return {"order_id": order.id, "uses": []}
    right = await entitlement_store.entitlement(tx, order.entitlement_id, None)
    uses = await entitlement_store.uses_of(tx, right.id, USES_TOLD_MAX)
    return {
        "order_id": order.id, "entitlement_id": right.id, "mode": right.mode, "state": right.state,
        "granted_at": right.granted_at, "quota_uses": right.quota_uses, "uses_spent": right.uses_spent,
        "uses": [{"use_id": use_id, "uses_left": left, "used_at": at} for use_id, left, at in uses],
    }  # fmt: skip


async def _quality(tx: Transaction, order: Order, quality: AssessmentView | None) -> dict[str, object]:
    """Which content was offered, by which inspection it was graded, and the report on its quality. The log has the
    report's digest, in the fact that tells of it."""
    listing = await listing_store.listing(tx, order.listing_id)
    return {
        "listing_id": listing.id, "version_id": listing.version_id, "title": listing.title,
        "content_hash": listing.content_hash, "grade": listing.grade, "grade_revision": listing.grade_revision,
        "report": quality and quality.report, "report_digest": quality and quality.digest,
    }  # fmt: skip
