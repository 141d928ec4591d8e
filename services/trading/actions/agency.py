"""What is asked of an agent before it bids for its principal."""

from services.trading.actions.trading import Trading
from services.trading.rules import agency as rules
from services.trading.store import auction as store
from shared.delegation import Act, Delegation
from shared.ids import AuctionId


async def require_single_interest(trading: Trading, delegation: Delegation, auction_id: AuctionId) -> None:
    """Raises AgentOfRival if the agent, or another whom it may bid for, is a bidder in this auction too.

    Registrations are never taken back, so what is refused here stays refused; one that comes later is a bidder whose
    agent is bound from its next bid on.
    """
    principals = trading.standing.principals_of(delegation.agent_id, Act.PLACE_BIDS)
    rivals = rules.rivals_of(delegation.principal_id, delegation.agent_id, principals)
    async with trading.database.read() as tx:
        rules.require_single_interest(await store.registered_among(tx, auction_id, rivals), rivals)
