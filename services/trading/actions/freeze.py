"""What happens when two persons of the regulator freeze something, and when that ends.

Promises, all in the one commit of the second yes: offers come off the market and their open auctions are called off,
with every deposit free, for nobody's money waits for somebody else's freeze; orders stand still, with their deadlines
moved by the whole time; what the custodian was not yet asked waits; rights rest, which delivery follows within
seconds. When it ends, early or by itself, all of it goes on, unless another order holds it. Whatever committed before
counts: a payment that was made stays in escrow, an instruction that the custodian has is carried out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.trading.actions.auction import free_deposits
from services.trading.actions.restraint import name_of, name_of_wallet
from services.trading.actions.trading import Trading
from services.trading.events.auction import AuctionCancelled
from services.trading.events.deals import EntitlementResumed, EntitlementSuspended, ListingResumed, ListingSuspended
from services.trading.events.freeze import (
    FreezeConfirmed,
    FreezeExpired,
    FreezeLapsed,
    FreezeLifted,
    FreezeProposed,
    LiftingProposed,
    OrderClockMoved,
)
from services.trading.rules import auction as auction_rules
from services.trading.rules import entitlement as entitlement_rules
from services.trading.rules import freeze as rules
from services.trading.rules import listing as listing_rules
from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.entitlement import Entitlement
from services.trading.rules.freeze import LAPSED, Basis, Freeze, Held, LiftGround, Official, Scope
from services.trading.rules.listing import Listing
from services.trading.rules.order import Order
from services.trading.rules.supervision import SUPERVISION
from services.trading.store import auction as auction_store
from services.trading.store import entitlement as entitlement_store
from services.trading.store import freeze as store
from services.trading.store import listing as listing_store
from services.trading.store import order as order_store
from shared.access import Caller, Role
from shared.database import Transaction, wait_for_name
from shared.errors import Unavailable
from shared.facts import Fact
from shared.idempotency import Once
from shared.ids import AssetId, FreezeId, ListingId, OrderId, ParticipantId
from shared.web import Page

ONE_AT_A_TIME = "freezes begin and end one after the other"
TRIES_MAX = 5


class MarketTooBusy(Unavailable):
    """More came under this freeze while it was being confirmed; nothing has changed, try again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an official would have held, on which basis, and until when."""

    scope: Scope
    subject_id: str
    basis: Basis
    expires_at: datetime


@dataclass(slots=True)
class Found:
    """All that an order holds, locked."""

    auctions: list[AnyAuction]
    listings: list[Listing]
    orders: list[tuple[Order, AssetId]]
    entitlements: list[tuple[Entitlement, AssetId]]

    @property
    def ids(self) -> set[str]:
        held = [*self.listings, *(order for order, _ in self.orders), *(right for right, _ in self.entitlements)]
        return {str(each.id) for each in (*self.auctions, *held)}


class _MoreAppeared(Exception):
    """Something came under the order between the locks and the name."""


async def propose(trading: Trading, caller: Caller, wanted: Wanted, once: Once) -> Freeze:
    """The first yes, which holds nothing. Requires that there is such a thing."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Freeze):
            return earlier
        rules.require_independent(caller.participant_id)
        now = await trading.database.now(tx)
        held = await _held(trading, tx, wanted)
        made = (FreezeId.new(), held, wanted.basis, _official(caller), wanted.expires_at)
        freeze = rules.propose(*made, SUPERVISION, now)
        await store.add_freeze(tx, freeze)
        await once.remember(tx, freeze)
        await trading.outbox.record(tx, caller.actor, now, FreezeProposed.of(freeze))
    return freeze


async def confirm(trading: Trading, caller: Caller, freeze_id: FreezeId, once: Once) -> Freeze:
    """The second yes: everything is held in this commit."""
    for _ in range(TRIES_MAX):
        try:
            return await _confirm(trading, caller, freeze_id, once)
        except _MoreAppeared:
            continue
    raise MarketTooBusy()


async def propose_lifting(
    trading: Trading, caller: Caller, freeze_id: FreezeId, ground: LiftGround, once: Once
) -> Freeze:  # fmt: skip
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Freeze):
            return earlier
        rules.require_independent(caller.participant_id)
        freeze = await store.freeze_for_update(tx, freeze_id)
        now = await trading.database.now(tx)
        freeze = rules.propose_lifting(freeze, _official(caller), ground, SUPERVISION, now)
        await store.save_freeze(tx, freeze)
        await once.remember(tx, freeze)
        await trading.outbox.record(tx, caller.actor, now, LiftingProposed.of(freeze))
    return freeze


async def lift(trading: Trading, caller: Caller, freeze_id: FreezeId, once: Once) -> Freeze:
    """The second yes to an early end: everything goes on in this commit."""
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Freeze):
            return earlier
        rules.require_independent(caller.participant_id)
        await wait_for_name(tx, ONE_AT_A_TIME)
        freeze = await store.freeze_for_update(tx, freeze_id)
        found = await _lock(tx, freeze.held)
        now = await trading.database.now(tx)
        freeze = rules.lift(freeze, _official(caller), SUPERVISION, now)
        await store.save_freeze(tx, freeze)
        facts = await _thaw(tx, freeze, found, now)
        await once.remember(tx, freeze)
        await trading.outbox.record(tx, caller.actor, now, FreezeLifted.of(freeze), *facts)
    return freeze


async def pass_deadline(trading: Trading, freeze_id: FreezeId) -> None:
    """End an order whose time is up, if nobody has yet. Deals go on from that moment by themselves; this wakes offers
    and rights."""
    async with trading.database.transaction() as tx:
        await wait_for_name(tx, ONE_AT_A_TIME)
        freeze = await store.freeze_for_update(tx, freeze_id)
        found = await _lock(tx, freeze.held)
        now = await trading.database.now(tx)
        if not rules.is_due(freeze, now):
            return
        freeze = rules.pass_deadline(freeze)
        await store.save_freeze(tx, freeze)
        facts: list[Fact] = [FreezeLapsed.of(freeze)]
        if freeze.state is not LAPSED:
            facts = [FreezeExpired.of(freeze), *await _thaw(tx, freeze, found, now)]
        await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def freeze(trading: Trading, party_id: ParticipantId | None, freeze_id: FreezeId) -> Freeze:
    async with trading.database.read() as tx:
        return await store.freeze(tx, freeze_id, party_id)


async def freezes(trading: Trading, party_id: ParticipantId | None, page: Page) -> list[Freeze]:
    async with trading.database.read() as tx:
        return await store.page_of_freezes(tx, page, party_id)


async def _confirm(trading: Trading, caller: Caller, freeze_id: FreezeId, once: Once) -> Freeze:
    async with trading.database.transaction() as tx:
        if earlier := await once.recall(tx, Freeze):
            return earlier
        rules.require_independent(caller.participant_id)
        await wait_for_name(tx, ONE_AT_A_TIME)
        freeze = await store.freeze_for_update(tx, freeze_id)
        found = await _lock(tx, freeze.held)
        for name in _names(freeze.held):
            await wait_for_name(tx, name)
        if not await store.held_ids(tx, freeze.held) <= found.ids:
            raise _MoreAppeared()
        now = await trading.database.now(tx)
        freeze = rules.confirm(freeze, _official(caller), now)
        await store.save_freeze(tx, freeze)
        facts = await _hold(tx, freeze, found, now)
        await once.remember(tx, freeze)
        await trading.outbox.record(tx, caller.actor, now, FreezeConfirmed.of(freeze), *facts)
    return freeze


async def _hold(tx: Transaction, freeze: Freeze, found: Found, now: datetime) -> list[Fact]:
    """Everything that follows from a freeze that has begun. Requires all of it locked, and money moved last."""
    facts = await _move_listings(tx, [(each, listing_rules.freeze(each)) for each in found.listings])
    facts += await _move_clocks(tx, found.orders, now)
    facts += await _move_rights(tx, [(each, entitlement_rules.freeze(each)) for each, _ in found.entitlements])
    await _move_payouts(tx, freeze.held, now)
    held = {each.id for each in found.listings}
    for auction in found.auctions:
        if auction.listing_id in held and auction.state is auction_rules.OPEN:
            cancelled = auction_rules.forbid(auction, listing_rules.Reason.FROZEN, now)
            await auction_store.save_auction(tx, cancelled)
            facts += [AuctionCancelled.of(cancelled), *await free_deposits(tx, cancelled, now, but=None)]
    return facts


async def _thaw(tx: Transaction, freeze: Freeze, found: Found, now: datetime) -> list[Fact]:
    """Everything that goes on once a freeze has ended. Requires that its end is saved."""
    listings = [each for each in found.listings if not await _holds(tx, _over_listing(each), now)]
    facts = await _move_listings(tx, [(each, listing_rules.thaw(each)) for each in listings])
    facts += await _move_clocks(tx, found.orders, now)
    rights = [each for each, asset_id in found.entitlements if not await _holds(tx, _over_right(each, asset_id), now)]
    facts += await _move_rights(tx, [(each, entitlement_rules.thaw(each)) for each in rights])
    await _move_payouts(tx, freeze.held, now)
    return facts


async def _move_listings(tx: Transaction, moves: Sequence[tuple[Listing, Listing]]) -> list[Fact]:
    facts: list[Fact] = []
    for before, after in moves:
        if after is not before:
            await listing_store.save_listing(tx, after)
            resumed = after.state is listing_rules.LISTED
            facts.append(ListingResumed.of(after) if resumed else ListingSuspended.of(after))
    return facts


async def _move_rights(tx: Transaction, moves: Sequence[tuple[Entitlement, Entitlement]]) -> list[Fact]:
    facts: list[Fact] = []
    for before, after in moves:
        if after is not before:
            await entitlement_store.save_entitlement(tx, after)
            facts.append(EntitlementSuspended.of(after) if after.is_frozen else EntitlementResumed.of(after))
    return facts


async def _move_clocks(tx: Transaction, orders: Sequence[tuple[Order, AssetId]], now: datetime) -> list[Fact]:
    """Let every order wait for the last freeze that holds it now, whichever began or ended."""
    facts: list[Fact] = []
    for before, asset_id in orders:
        until = rules.holding_until(await store.freezes_over(tx, _over_order(before, asset_id), now), now)
        after = rules.with_clock(before, until, now)
        if after is not before:
            await order_store.save_order(tx, after)
            await store.move_signing(tx, after)
            await store.hold_back(tx, after.id, until or now)
            facts.append(OrderClockMoved.of(after))
    return facts


async def _move_payouts(tx: Transaction, held: Held, now: datetime) -> None:
    if held.scope in {Scope.PARTICIPANT, Scope.WALLET}:
        owner = held.owner_id
        over = {(Scope.PARTICIPANT, str(owner)), (Scope.WALLET, str(owner))}
        until = rules.holding_until(await store.freezes_over(tx, over, now), now)
        await store.hold_back_payouts(tx, owner, until or now)


async def _lock(tx: Transaction, held: Held) -> Found:
    """In the one order of locks: auctions, listings, orders, rights."""
    found = await auction_store.auctions_for_update(tx, await store.auctions_held(tx, held))
    return Found(
        list(found.values()), await store.listings_held(tx, held), await store.orders_held(tx, held),
        await store.entitlements_held(tx, held),
    )  # fmt: skip


async def _holds(tx: Transaction, subjects: set[tuple[Scope, str]], now: datetime) -> bool:
    return bool(await store.freezes_over(tx, subjects, now))


def _over_listing(listing: Listing) -> set[tuple[Scope, str]]:
    return {
        (Scope.LISTING, str(listing.id)), (Scope.ASSET, str(listing.asset_id)),
        (Scope.PARTICIPANT, str(listing.provider_id)),
    }  # fmt: skip


def _over_order(order: Order, asset_id: AssetId) -> set[tuple[Scope, str]]:
    parties = {(Scope.PARTICIPANT, str(order.buyer_id)), (Scope.PARTICIPANT, str(order.provider_id))}
    return {(Scope.ORDER, str(order.id)), (Scope.ASSET, str(asset_id)), *parties}


def _over_right(right: Entitlement, asset_id: AssetId) -> set[tuple[Scope, str]]:
    return {
        (Scope.ORDER, str(right.order_id)), (Scope.ASSET, str(asset_id)), (Scope.PARTICIPANT, str(right.buyer_id))
    }  # fmt: skip


def _names(held: Held) -> list[str]:
    names = [name_of(held.subject_id)] if held.scope in {Scope.PARTICIPANT, Scope.ASSET} else []
    if held.scope in {Scope.PARTICIPANT, Scope.WALLET}:
        names.append(name_of_wallet(held.owner_id))
    return sorted(names)


def _official(caller: Caller) -> Official:
    return Official(caller.subject, Role.REGULATOR in caller.roles)


async def _held(trading: Trading, tx: Transaction, wanted: Wanted) -> Held:
    """The thing, with whom it concerns. Raises the error of its kind if there is none."""
    match wanted.scope:
        case Scope.LISTING:
            listing = await listing_store.listing(tx, ListingId(wanted.subject_id))
            return Held(wanted.scope, listing.id, listing.provider_id)
        case Scope.ASSET:
            asset_id = AssetId(wanted.subject_id)
            return Held(wanted.scope, asset_id, await store.provider_of(tx, asset_id))
        case Scope.ORDER:
            order = await order_store.order(tx, OrderId(wanted.subject_id), None)
            return Held(wanted.scope, order.id, order.buyer_id, order.provider_id)
        case _:
            participant_id = ParticipantId(wanted.subject_id)
            if trading.standing.known(participant_id) is None:
                raise rules.NothingToFreeze()
            return Held(wanted.scope, participant_id, participant_id)
