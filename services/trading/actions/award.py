"""What every award becomes, in the commit that makes it: an order, a contract to sign, and the listing sold out."""

from services.trading.actions.restraint import require_may_buy
from services.trading.events.deals import ContractDrafted, ListingClosed, OrderPlaced
from services.trading.rules import contract as contract_rules
from services.trading.rules import listing as listing_rules
from services.trading.rules import order as order_rules
from services.trading.rules.award import Award, FromBundle, FromQuote
from services.trading.rules.contract_terms import Grounds, Identity
from services.trading.rules.listing import Listing
from services.trading.rules.market_rules import Windows
from services.trading.rules.order import Order
from services.trading.rules.scope import narrowed
from services.trading.store import contract as contract_store
from services.trading.store import listing as listing_store
from services.trading.store import order as order_store
from shared.database import Transaction
from shared.facts import Fact
from shared.grades import Clearance, Decision
from shared.ids import ContractId, OrderId, ParticipantId
from shared.standing import StandingMirror


async def place_order(
    tx: Transaction, standing: StandingMirror, award: Award, listing: Listing, clearance: Clearance | None,
    decision: Decision, windows: Windows,
) -> tuple[Order, list[Fact]]:  # fmt: skip
    """Requires the locked listing. The facts are for the caller to record, last. Raises Frozen if a freeze order holds
    what is sold or whom it is sold to."""
    await require_may_buy(tx, listing, award.buyer_id, award.awarded_at)
    taken = 0 if listing.right.copies is None else await order_store.orders_standing(tx, listing.id)
    sold = listing_rules.sell(listing, taken)
    order = order_rules.place(OrderId.new(), ContractId.new(), award, listing, windows)
    quote_version = award.origin.quote_version if isinstance(award.origin, FromQuote | FromBundle) else None
    buyer, provider = identity_of(standing, award.buyer_id), identity_of(standing, award.provider_id)
    grounds = Grounds(clearance, decision, buyer, provider, quote_version)
    contract = contract_rules.draft(order, narrowed(listing, award.scope), grounds)
    if sold is not listing:
        await listing_store.save_listing(tx, sold)
    await order_store.add_order(tx, order)
    await contract_store.add_contract(tx, contract)
    closed = [ListingClosed.of(sold)] if sold is not listing else []
    return order, [OrderPlaced.of(order), ContractDrafted.of(contract), *closed]


def identity_of(standing: StandingMirror, participant_id: ParticipantId) -> Identity:
    """What the mirror knows of a party now, to be kept with what it agrees to."""
    known = standing.known(participant_id)
    if known is None:
        return Identity(participant_id)
    return Identity(participant_id, known.name, known.uscc, known.roles, known.clearance)
