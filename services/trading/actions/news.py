"""What happens here on the news of the catalogue: whatever it no longer allows stops, in one commit.

Promises, of a new grade: offers nobody may take any more are suspended and their auctions called off, with every
deposit free; unpaid orders that their buyer may no longer have end at nobody's cost; paid ones keep their money, their
right is suspended. What a lower grade allows again is free again: rights at once, offers as soon as their provider
resumes them. What is on record for a version counts as its grade does. Of a withdrawn asset: its offers are taken off,
and auctions without a bid called off, with every deposit free; deals that were made stand, and an auction with bids
runs on to its end: no provider ends that alone. Of an approval of access to important data: its end is to its buyer's
orders and rights of that version what a higher grade is to everyone's, and its beginning what a lower one is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.trading.actions.auction import free_deposits
from services.trading.actions.order import follow_up
from services.trading.actions.trading import Trading
from services.trading.events.auction import AuctionCancelled
from services.trading.events.deals import (
    EntitlementRegraded,
    EntitlementResumed,
    EntitlementSuspended,
    ListingClosed,
    ListingRegraded,
    ListingSuspended,
)
from services.trading.rules import auction as auction_rules
from services.trading.rules import entitlement as entitlement_rules
from services.trading.rules import listing as listing_rules
from services.trading.rules import order as order_rules
from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.approval import IMPORTANT, RENEWED, Approval, approved
from services.trading.rules.entitlement import Entitlement
from services.trading.rules.listing import Listing, Reason
from services.trading.rules.order import Order
from services.trading.rules.scope import narrowed
from services.trading.schemas.followed import NewGrade, ToldApproval, WithdrawnAsset
from services.trading.store import approval as approval_store
from services.trading.store import auction as auction_store
from services.trading.store import entitlement as entitlement_store
from services.trading.store import listing as listing_store
from services.trading.store import order as order_store
from shared.changes import Change
from shared.database import Transaction
from shared.facts import Fact
from shared.grades import KEPT_TO, Decision, Flag, decide, possible
from shared.ids import AssetId, VersionId


async def take_in(trading: Trading, tx: Transaction, change: Change) -> None:
    """Take in one fact of the catalogue, in the transaction that marks it as seen."""
    match change.act:
        case "catalog.grade_raised" | "catalog.grade_lowered" | "catalog.conditions_changed":
            await _regrade(trading, tx, NewGrade.model_validate(change.data))
        case "catalog.access_approved" | "catalog.access_ended":
            await _follow_approval(trading, tx, ToldApproval.model_validate(change.data))
        case "catalog.asset_withdrawn":
            await _take_off(trading, tx, WithdrawnAsset.model_validate(change.data))
        case _:
            pass


async def _regrade(trading: Trading, tx: Transaction, graded: NewGrade) -> None:
    trading.standing.require_fresh()  # without knowing who is cleared, everyone's right would be suspended
    known = (graded.grade, graded.flags, graded.grade_revision, graded.on_record)
    await listing_store.keep_version_grade(tx, graded.version_id, *known)
    # Everything is locked before any money moves: aggregates first, accounts after them, as everywhere.
    listings, auctions = await _lock_offers(tx, graded.version_id)
    await auction_store.lock_awarded(tx, graded.version_id)
    unpaid = await order_store.unpaid_orders(tx, graded.version_id)
    in_force = await entitlement_store.entitlements_in_force(tx, graded.version_id)
    now = await trading.database.now(tx)
    approvals = await _approvals_over(tx, graded, now)
    facts = await _regrade_listings(tx, graded, listings)
    facts += await _regrade_entitlements(trading, tx, graded, in_force, approvals, now)
    denied = {listing.id: _why_called_off(listing, graded) for listing in listings}
    facts += await _call_off(tx, {auction: denied[auction.listing_id] for auction in auctions}, now)
    facts += await _end_unpaid(trading, tx, graded, unpaid, approvals, now)
    await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def _follow_approval(trading: Trading, tx: Transaction, told: ToldApproval) -> None:
    """The approval is locked before what rests on it, as whoever orders by it locks it before there is an order."""
    if told.grade is not IMPORTANT or told.mode is None or told.purpose is None:
        return
    trading.standing.require_fresh()
    await approval_store.keep(tx, Approval(
        told.access_request_id, told.version_id, told.provider_id, told.buyer_id, told.mode, told.purpose,
        told.deadline, told.revision,
    ))  # fmt: skip
    known = await listing_store.grade_of(tx, told.version_id)
    if told.reason_code == RENEWED or known is None:  # what renews it comes next
        return
    grade, flags, revision, on_record = known
    graded = NewGrade(
        version_id=told.version_id, grade=grade, flags=flags, grade_revision=revision, on_record=on_record
    )
    unpaid = [each for each in await order_store.unpaid_orders(tx, told.version_id) if each.buyer_id == told.buyer_id]
    in_force = await entitlement_store.entitlements_in_force(tx, told.version_id)
    now = await trading.database.now(tx)
    approvals, facts = await _approvals_over(tx, graded, now), list[Fact]()
    for entitlement in in_force:
        if entitlement.buyer_id == told.buyer_id:
            decision = _decided(trading, entitlement, entitlement.purposes, graded, approvals, now)
            after = entitlement_rules.reconsider(entitlement, decision)
            if after is not entitlement:
                await entitlement_store.save_entitlement(tx, after)
                facts.append(_told_of_entitlement(entitlement, after))
    facts += await _end_unpaid(trading, tx, graded, unpaid, approvals, now)
    await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def _take_off(trading: Trading, tx: Transaction, withdrawn: WithdrawnAsset) -> None:
    await listing_store.withdraw_asset(tx, withdrawn.asset_id)
    listings, auctions = await _lock_offers(tx, withdrawn.asset_id)
    now = await trading.database.now(tx)
    facts: list[Fact] = []
    for listing in listings:
        delisted = listing_rules.delist(listing, Reason.ASSET_WITHDRAWN)
        await listing_store.save_listing(tx, delisted)
        facts.append(ListingClosed.of(delisted))
    without_bids = [auction for auction in auctions if not auction.bid_count]
    facts += await _call_off(tx, dict.fromkeys(without_bids, Reason.ASSET_WITHDRAWN), now)
    await trading.outbox.record(tx, trading.outbox.itself, now, *facts)


async def _lock_offers(tx: Transaction, of: VersionId | AssetId) -> tuple[list[Listing], list[AnyAuction]]:
    """What is on offer, and its open auctions. Requires the locked version or asset: no more of it can be listed."""
    seen = await listing_store.listings_on_offer(tx, of)
    await auction_store.open_auctions(tx, [listing.id for listing in seen])  # before the listings, as at their close
    listings = await listing_store.listings_on_offer(tx, of, lock=True)
    # Whoever was opening an auction held its listing until now, and nobody can open one after this.
    return listings, await auction_store.open_auctions(tx, [listing.id for listing in listings])


async def _regrade_listings(tx: Transaction, graded: NewGrade, listings: list[Listing]) -> list[Fact]:
    facts: list[Fact] = []
    for listing in listings:
        regraded = listing_rules.regrade(listing, graded.grade, graded.flags, graded.grade_revision, graded.on_record)
        if regraded is not listing:
            await listing_store.save_listing(tx, regraded)
            facts.append(_told_of_listing(listing, regraded))
    return facts


async def _regrade_entitlements(
    trading: Trading, tx: Transaction, graded: NewGrade, in_force: list[Entitlement], approvals: Sequence[Approval],
    now: datetime,
) -> list[Fact]:  # fmt: skip
    facts: list[Fact] = []
    for entitlement in in_force:
        decision = _decided(trading, entitlement, entitlement.purposes, graded, approvals, now)
        regraded = entitlement_rules.regrade(entitlement, decision, graded.grade_revision)
        if regraded is not entitlement:
            await entitlement_store.save_entitlement(tx, regraded)
            facts.append(_told_of_entitlement(entitlement, regraded))
    return facts


async def _call_off(tx: Transaction, auctions: Mapping[AnyAuction, str | None], now: datetime) -> list[Fact]:
    """Those for which there is a reason. One whose time is up is no longer open, whoever has noticed: its close asks
    the new grade."""
    facts: list[Fact] = []
    for auction, reason_code in auctions.items():
        if reason_code is not None and not auction_rules.is_over(auction, now):
            cancelled = auction_rules.forbid(auction, reason_code, now)
            await auction_store.save_auction(tx, cancelled)
            facts += [AuctionCancelled.of(cancelled), *await free_deposits(tx, cancelled, now, but=None)]
    return facts


def _why_called_off(listing: Listing, graded: NewGrade) -> str | None:
    """Also an auction that could keep a price cap has none, if what it sells was no public data when it opened."""
    denied = possible(graded.grade, listing.mode, graded.flags).reason_code
    became_public = Flag.PUBLIC_DATA in graded.flags - listing.flags
    return denied or (listing_rules.PublicDataUncapped.code() if became_public else None)


async def _end_unpaid(
    trading: Trading, tx: Transaction, graded: NewGrade, unpaid: list[Order], approvals: Sequence[Approval],
    now: datetime,
) -> list[Fact]:  # fmt: skip
    """An order whose deadline has passed ends by that, whoever has noticed."""
    facts: list[Fact] = []
    listings = await listing_store.listings_of(tx, {order.listing_id for order in unpaid})
    for seen in unpaid:
        order = await order_store.order_for_update(tx, seen.id) if seen.bundle_quote_id else seen
        if order.state in order_rules.FAILED:  # with another part of its bundle
            continue
        purposes = narrowed(listings[order.listing_id], order.scope).purposes
        decision = _decided(trading, order, purposes, graded, approvals, now)
        if not decision.allowed and not order_rules.deadline_has_passed(order, now):
            ended = order_rules.forbid(order, str(decision.reason_code), now)
            await order_store.save_order(tx, ended)
            facts += await follow_up(tx, order, ended, now)
    return facts


async def _approvals_over(tx: Transaction, graded: NewGrade, now: datetime) -> list[Approval]:
    if graded.grade is not IMPORTANT:
        return []
    return await approval_store.standing_over(tx, graded.version_id, now)


def _decided(
    trading: Trading, deal: Order | Entitlement, purposes: Sequence[str], graded: NewGrade,
    approvals: Sequence[Approval], now: datetime,
) -> Decision:  # fmt: skip
    """Whether its buyer may have it now. `approvals`: those of important data that stand, whosever they are."""
    own = [each for each in approvals if each.buyer_id == deal.buyer_id]
    on_record = graded.on_record | KEPT_TO[deal.mode] | approved(own, deal.mode, purposes, now)
    return decide(graded.grade, deal.mode, trading.standing.clearance_of(deal.buyer_id), graded.flags, on_record)


def _told_of_listing(before: Listing, after: Listing) -> Fact:
    return ListingRegraded.of(after) if before.state is after.state else ListingSuspended.of(after)


def _told_of_entitlement(before: Entitlement, after: Entitlement) -> Fact:
    if before.state is after.state:
        return EntitlementRegraded.of(after)
    resumed = after.state is entitlement_rules.ACTIVE
    return EntitlementResumed.of(after) if resumed else EntitlementSuspended.of(after)
