"""What happens when an auction with bids is called off: one operator proposes it, another confirms it."""

from services.trading.actions.auction import ANY, free_deposits
from services.trading.actions.trading import Trading
from services.trading.events.auction import AuctionCancelled
from services.trading.events.calling_off import CancellationProposed
from services.trading.rules import auction as auction_rules
from services.trading.rules import calling_off as rules
from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.calling_off import Ground, Proposal
from services.trading.store import auction as auction_store
from services.trading.store import calling_off as store
from shared.access import Caller
from shared.idempotency import Once
from shared.ids import AuctionId


async def propose(trading: Trading, operator: Caller, auction_id: AuctionId, ground: Ground, once: Once) -> Proposal:
    """The first yes. Nothing of the auction changes by it."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Proposal):
            return earlier
        rules.require_independent(operator.participant_id)
        auction = await auction_store.auction_for_update(tx, auction_id)
        now = await trading.database.now(tx)
        standing = await store.proposal(tx, auction_id)
        proposal = rules.propose(auction, standing, operator.subject, ground, now)
        await store.keep_proposal(tx, proposal)
        await once.remember(tx, proposal)
        await trading.outbox.record(tx, operator.actor, now, CancellationProposed.of(proposal))
    return proposal


async def confirm(trading: Trading, operator: Caller, auction_id: AuctionId, ground: Ground, once: Once) -> AnyAuction:
    """The second yes, which calls it off. Every deposit is free in the same commit."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, ANY):
            return earlier
        rules.require_independent(operator.participant_id)
        auction = await auction_store.auction_for_update(tx, auction_id)
        now = await trading.database.now(tx)
        proposal = await store.proposal(tx, auction_id)
        rules.require_confirmable(auction, proposal, operator.subject, ground, now)
        auction = auction_rules.forbid(auction, ground, now)
        await auction_store.save_auction(tx, auction)
        freed = await free_deposits(tx, auction, now, but=None)
        await once.remember(tx, auction)
        await trading.outbox.record(tx, operator.actor, now, AuctionCancelled.of(auction), *freed)
    return auction
