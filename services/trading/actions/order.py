"""What happens to an order: placed at a quote, paid, accepted, and moved on by its deadlines.

Promises: one commit for the order, its contract, its right and its money; nobody is asked while a row is locked; what
follows from a new state is the same whoever brought it about (`_follow_up`).
"""

from dataclasses import dataclass, replace
from datetime import datetime

from services.pricing.client import NoSuchQuote
from services.trading.actions import award_queue, credit_record, money
from services.trading.actions.award import place_order
from services.trading.actions.entitlement import grant
from services.trading.actions.negotiation import follow_failure
from services.trading.actions.permission import decide_for, fulfilled_for, sight_in
from services.trading.actions.price_cap import price_cap_of
from services.trading.actions.restraint import require_may_deal, require_wallet_free
from services.trading.actions.settlement import settle
from services.trading.actions.trading import Trading, fees_of_today
from services.trading.events.deals import (
    ContractEnded,
    EntitlementEnded,
    OrderEnded,
    OrderPaid,
    SettlementOverdue,
)
from services.trading.events.objection import ObjectionEnded
from services.trading.events.settlement import OrderSettled
from services.trading.rules import bundle as bundle_rules
from services.trading.rules import contract as contract_rules
from services.trading.rules import entitlement as entitlement_rules
from services.trading.rules import objection as objection_rules
from services.trading.rules import order as rules
from services.trading.rules.award import (
    Acceptance,
    Quoted,
    QuotedPart,
    SaleTax,
    StillOrdering,
    accept_quote,
    require_apart,
)
from services.trading.rules.bundle import UNPAID
from services.trading.rules.instruction import InstructionState
from services.trading.rules.listing import NoSuchListing, require_open
from services.trading.rules.order import (
    FAILED,
    REFUNDED,
    SETTLED,
    SETTLING,
    UNDER_OBJECTION,
    NoSuchOrder,
    Order,
    QuoteTaken,
    owners_of,
)
from services.trading.rules.price_cap import require_total_within
from services.trading.rules.settlement import forfeiture
from services.trading.store import auction as auction_store
from services.trading.store import contract as contract_store
from services.trading.store import entitlement as entitlement_store
from services.trading.store import listing as listing_store
from services.trading.store import objection as objection_store
from services.trading.store import order as store
from shared.access import Member
from shared.database import Transaction
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import ContractId, ListingId, OrderId, ParticipantId, QuoteId
from shared.money import Money
from shared.web import Page

NO_COSTS = Money(0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a buyer orders, and at which quote."""

    listing_id: ListingId
    acceptance: Acceptance
    renews: ContractId | None = None


async def place(trading: Trading, caller: Member, wanted: Wanted, once: Once) -> Order:
    """Order at a posted price. Requires a quote of one's own that still stands, and clearance for the grade."""
    quote = await quote_of(trading, caller, wanted.acceptance.quote_id)
    overlapping = await trading.pricing.overlapping(quote.id) if quote.is_by_coverage else []
    fees, cap = await fees_of_today(trading), await _price_cap(trading, wanted.listing_id)
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Order):
            return earlier
        listing = await listing_store.listing(tx, wanted.listing_id, lock=True)
        now = await trading.database.now(tx)
        fulfilled = await fulfilled_for(tx, listing, caller.participant_id, now)
        if not (await sight_in(trading, tx, caller.caller, now)).shows(listing):
            raise NoSuchListing()
        if wanted.renews is not None:
            before = await contract_store.contract(tx, wanted.renews, caller.participant_id)
            contract_rules.require_renewable(before)
        decision = decide_for(trading, caller.standing, listing, fulfilled)
        if await store.is_quote_taken(tx, quote.id):
            raise QuoteTaken(quote_id=quote.id)
        require_open(listing, now)
        await require_may_deal(tx, caller.participant_id, now)
        require_total_within(listing.flags, cap, quote.total, quote.units)
        award = replace(accept_quote(quote, wanted.acceptance, listing, fees, now), renews=wanted.renews)
        if quote.is_by_coverage:
            await _require_apart(trading, tx, quote, overlapping)
        grounds = (caller.standing.clearance, decision)
        order, facts = await place_order(tx, trading.standing, award, listing, *grounds, trading.rules.windows)
        await once.remember(tx, order)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return order


async def quote_of(trading: Trading, caller: Member, quote_id: QuoteId) -> Quoted:
    """The buyer's own quote, as pricing has it. Asked before any transaction. Raises NoSuchQuote."""
    found = await trading.pricing.quote(quote_id, caller)
    if found.buyer_id != caller.participant_id:
        raise NoSuchQuote()
    return Quoted(
        found.id, found.version, found.plan_id, found.version_id, found.mode, found.buyer_id, found.total,
        found.expires_at, found.quota_uses, found.period_days, found.is_bundle,
        None if found.granted_columns is None else tuple(found.granted_columns),
        found.tax and SaleTax(found.tax.rate_id, found.tax.basis_points, found.tax.tax),
        found.meter and found.meter.meter(),
        tuple(QuotedPart(part.version_id, part.mode, part.share, part.tax) for part in found.parts),
        found.quantity or (found.periods or 0) + (1 if found.days else 0) or 1,
    )  # fmt: skip


async def pay(trading: Trading, caller: Member, order_id: OrderId, once: Once) -> Order:
    """Move the price into the order's escrow, the deposit first; the right to receive is granted in the same commit."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Order):
            return earlier
        order = await bought(tx, caller, order_id)
        bundle_rules.require_single(order)
        now = await trading.database.now(tx)
        order = rules.pay(order, now)
        await require_wallet_free(tx, order.buyer_id, now)
        order, granted = await grant(tx, order, now)
        await store.save_order(tx, order)
        hold = await money.hold_of(tx, order.auction_id, order.buyer_id) if order.auction_id else None
        paid = await money.pay_order(tx, order.id, order.buyer_id, order.price, hold, now)
        confirmed = await award_queue.follow_payment(tx, order, now)
        await once.remember(tx, order)
        await trading.outbox.record(tx, caller.actor, now, *paid, OrderPaid.of(order), granted, *confirmed)
    return order


async def accept(trading: Trading, caller: Member, order_id: OrderId, once: Once) -> Order:
    """The buyer's yes: the custodian is told to share the price out."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Order):
            return earlier
        before = await bought(tx, caller, order_id)
        now = await trading.database.now(tx)
        order, facts = rules.accept(before, now), list[Fact]()
        if order is not before:
            await store.save_order(tx, order)
            facts += await settle(tx, order, now)
        await once.remember(tx, order)
        await trading.outbox.record(tx, caller.actor, now, *facts)
    return order


async def order(trading: Trading, party_id: ParticipantId | None, order_id: OrderId) -> Order:
    async with trading.database.read() as tx:
        return await store.order(tx, order_id, party_id)


async def orders(trading: Trading, party_id: ParticipantId | None, page: Page) -> list[Order]:
    async with trading.database.read() as tx:
        return await store.page_of_orders(tx, page, party_id)


async def pass_deadline(trading: Trading, order_id: OrderId) -> None:
    """Move an order on whose deadline has passed, if nobody has yet. One that is measured waits for its meter."""
    async with trading.database.transaction() as tx:
        order = await locked(tx, order_id)
        contract = await contract_store.contract_for_update(tx, order.contract_id)
        now = await trading.database.now(tx)
        if not rules.deadline_has_passed(order, now) or order.runs_meter:
            return
        beside = await parts_beside(tx, order)
        before, order = order, bundle_rules.pass_deadline(order, beside, contract.signed, now)
        await store.save_order(tx, order)
        facts = await follow_up(tx, before, order, now)
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def notice_settlement(trading: Trading, order_id: OrderId) -> None:
    """Call an order settled whose shares the custodian has paid out, if nobody has yet."""
    async with trading.database.transaction() as tx:
        order = await store.order_for_update(tx, order_id)
        now = await trading.database.now(tx)
        if order.state is not SETTLING or await money.settlement_of(tx, order_id) is not InstructionState.CONFIRMED:
            return
        order = rules.confirm_settlement(order, now)
        await store.save_order(tx, order)
        await trading.outbox.record(tx, trading.outbox.itself, now, OrderSettled.of(order))


async def follow_up(tx: Transaction, before: Order, after: Order, now: datetime) -> list[Fact]:
    """What follows from the state that an order was moved to by time, by a grade, or by an answer to an objection.
    Requires that it is saved."""
    if before.state is SETTLING:
        return [SettlementOverdue.of(after)]
    facts = await end_objection(tx, after, now) if before.state in UNDER_OBJECTION else list[Fact]()
    failed = after.state in FAILED
    facts += [OrderEnded.of(after), *await _undo(tx, after, now)] if failed else await settle(tx, after, now)
    facts += await _break_up(tx, before, after, now)
    return [*facts, *await credit_record.follow_failure(tx, after, now)]


async def divide(tx: Transaction, before: Order, after: Order, now: datetime) -> list[Fact]:
    """What follows from the end of a dispute over an order: what is left of its price is shared out, or all of it goes
    back and the deal is undone. Requires that it is saved."""
    back = after.refund - before.refund
    if after.state is REFUNDED:
        return [OrderEnded.of(after), *await _undo(tx, after, now, back)]
    if after.state is SETTLED:
        return [OrderSettled.of(after)]
    left = after.price - after.refund - after.released
    due = (after.outstanding, back, now, owners_of(after, left))
    return list(await money.settle_order(tx, after.id, after.buyer_id, *due))


async def end_objection(tx: Transaction, order: Order, now: datetime) -> list[Fact]:
    """End what is open of an objection to an order that has gone on. Requires the locked order."""
    objection = await objection_store.last_objection(tx, order.id)
    assert objection is not None
    ended = objection_rules.end(objection, order, now)
    await objection_store.save_objection(tx, ended)
    return [ObjectionEnded.of(order, ended)]


async def _price_cap(trading: Trading, listing_id: ListingId) -> Money | None:
    async with trading.database.read() as tx:
        listing = await listing_store.listing(tx, listing_id)
    return await price_cap_of(trading, listing)


async def _break_up(tx: Transaction, before: Order, after: Order, now: datetime) -> list[Fact]:
    """End the other parts of a bundle of which one ends before it is paid."""
    facts, beside = list[Fact](), await parts_beside(tx, after) if before.state in UNPAID else []
    for part in beside:
        contract = await contract_store.contract_for_update(tx, part.contract_id)
        ended = bundle_rules.follow(part, before, contract.signed, now)
        if ended is not part:
            await store.save_order(tx, ended)
            facts += [OrderEnded.of(ended), *await _undo(tx, ended, now)]
            facts += await credit_record.follow_failure(tx, ended, now)
    return facts


async def _undo(tx: Transaction, order: Order, now: datetime, back: Money | None = None) -> list[Fact]:
    """End the contract and the right of an order that failed, and give its money to whom it belongs: `back` of it,
    where the rest has gone back before."""
    facts: list[Fact] = []
    contract = await contract_store.contract_for_update(tx, order.contract_id)
    ended = contract_rules.end(contract, str(order.reason_code))
    if ended is not contract:
        await contract_store.save_contract(tx, ended)
        facts.append(ContractEnded.of(ended))
    if order.entitlement_id is not None:
        entitlement = await entitlement_store.entitlement_for_update(tx, order.entitlement_id)
        over = entitlement_rules.end(entitlement, entitlement_rules.Reason.ORDER_REFUNDED)
        if over is not entitlement:
            await entitlement_store.save_entitlement(tx, over)
            facts.append(EntitlementEnded.of(over))
    facts += await follow_failure(tx, order, now)
    return [*facts, *await _give_back(tx, order, now, back), *await award_queue.follow_failure(tx, order, now)]


async def _give_back(tx: Transaction, order: Order, now: datetime, back: Money | None = None) -> money.Facts:
    if order.state is REFUNDED:
        return await money.refund_order(tx, order.id, order.buyer_id, back or order.price, now)
    if order.auction_id is None:
        return ()
    hold = await money.hold_of(tx, order.auction_id, order.buyer_id)
    if order.forfeits_deposit:
        shares = forfeiture(hold.amount, NO_COSTS, loss=order.price)
        return await money.forfeit(tx, hold, order.provider_id, shares, now)
    return await money.void_holds(tx, [hold], now)


async def _require_apart(trading: Trading, tx: Transaction, quote: Quoted, overlapping: list[QuoteId]) -> None:
    """One after the other, so that of two orders for the same the second sees the first."""
    if not await trading.database.claim(tx, f"coverage {quote.buyer_id} {quote.version_id}"):
        raise StillOrdering(retry_after_seconds=1)
    require_apart(quote, await store.orders_at(tx, overlapping))


async def bought(tx: Transaction, caller: Member, order_id: OrderId) -> Order:
    """The buyer's own order, locked: another's is not there."""
    order = await locked(tx, order_id)
    if order.buyer_id != caller.participant_id:
        raise NoSuchOrder()
    return order


async def locked(tx: Transaction, order_id: OrderId) -> Order:
    """The order, and before it the auction that may change with it: in the order in which a close locks them. With it,
    in the order of their ids, the other parts of its bundle."""
    auction_id = await store.auction_of(tx, order_id)
    if auction_id is not None:
        await auction_store.auction_for_update(tx, auction_id)
    await store.lock_bundle(tx, order_id)
    return await store.order_for_update(tx, order_id)


async def parts_beside(tx: Transaction, order: Order) -> list[Order]:
    """The other parts of the bundle that an order is a part of. Requires that all are locked, as `locked` does."""
    if order.bundle_quote_id is None:
        return []
    return [part for part in await store.parts_of_bundle(tx, order.bundle_quote_id) if part.id != order.id]
