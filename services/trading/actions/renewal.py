"""What happens when a buyer renews a contract (续期): another order of the same listing, at a quote of today.

Promises: nothing of the old contract is changed, nor prolonged in silence; what the listing no longer offers, or no
longer offers to this buyer, is not renewed.
"""

from services.trading.actions import order as order_actions
from services.trading.actions.order import Wanted
from services.trading.actions.trading import Trading
from services.trading.rules.award import Acceptance
from services.trading.rules.contract import NoSuchContract
from services.trading.rules.order import Order
from services.trading.store import contract as contract_store
from services.trading.store import order as order_store
from shared.access import Member
from shared.idempotency import Once
from shared.ids import ContractId


async def renew(
    trading: Trading, caller: Member, contract_id: ContractId, acceptance: Acceptance, once: Once
) -> Order:  # fmt: skip
    """Order anew what a contract of one's own granted. Requires a quote of one's own that still stands."""
    async with trading.database.read() as tx:
        contract = await contract_store.contract(tx, contract_id, caller.participant_id)
        if contract.buyer_id != caller.participant_id:
            raise NoSuchContract()
        order = await order_store.order(tx, contract.order_id, caller.participant_id)
    return await order_actions.place(trading, caller, Wanted(order.listing_id, acceptance, contract.id), once)
