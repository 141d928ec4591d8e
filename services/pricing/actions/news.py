"""What happens here on the news of trading: each trade is kept as it was agreed, with what became of it.

Quotes ask it what a buyer has bought already, and what is said of prices by comparison rests on it.
"""

from functools import partial

from services.pricing.actions.pricing import Pricing
from services.pricing.rules.trade import SETTLED
from services.pricing.schemas.followed import ChangedOrder, GrantedRight, OpenedListing, PlacedOrder, SettledOrder
from services.pricing.store import trade as store
from shared.changes import Change, Follower
from shared.database import Transaction


def follower_of_trading(pricing: Pricing) -> Follower:
    """Takes in what trading announces, each fact once."""
    apply = partial(take_in, pricing)
    return Follower(pricing.database, pricing.clock, "trading", pricing.trading_feed, apply)


async def take_in(_: Pricing, tx: Transaction, change: Change) -> None:
    """Take in one fact, in the transaction that marks it as seen."""
    match change.act:
        case "trading.listing_opened":
            listing = OpenedListing.model_validate(change.data)
            await store.put_listing(tx, listing.listing_id, listing.asset_id, listing.right.kind)
        case "trading.order_placed":
            await store.put_agreed(tx, PlacedOrder.model_validate(change.data).trade(change.at))
        case "trading.order_paid" | "trading.order_delivered" | "trading.order_accepted" | "trading.order_ended":
            order = ChangedOrder.model_validate(change.data)
            await store.put_state(tx, order.order_id, order.state, order.revision)
        case "trading.entitlement_granted":
            await store.put_paid(tx, GrantedRight.model_validate(change.data).order_id, change.at)
        case "trading.order_settled":
            settled = SettledOrder.model_validate(change.data)
            await store.put_state(tx, settled.order_id, SETTLED, settled.revision)
            if settled.refund.minor == 0:  # a price of which part went back is not what the thing was worth
                await store.put_settled(tx, settled.order_id, settled.amount, change.at)
        case _:
            pass
