"""What is due by now, each in a transaction of its own: one that fails is said, and keeps no other waiting."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TypeVar

from services.trading.actions import (
    amendment,
    block_deal,
    call_auction,
    closing,
    complaint,
    credit,
    credit_record,
    dispute,
    document,
    double_auction,
    entitlement,
    freeze,
    inquiry,
    listing,
    meter,
    need,
    negotiation,
    order,
    payout,
    sanction,
    second_award,
    termination,
)
from services.trading.actions.news import take_in
from services.trading.actions.trading import Trading
from services.trading.store import auction as auction_store
from services.trading.store import block_deal as block_store
from services.trading.store import call_auction as call_store
from services.trading.store import complaint as complaint_store
from services.trading.store import contract as contract_store
from services.trading.store import credit as credit_store
from services.trading.store import credit_record as record_store
from services.trading.store import dispute as dispute_store
from services.trading.store import double_auction as double_store
from services.trading.store import entitlement as entitlement_store
from services.trading.store import freeze as freeze_store
from services.trading.store import inquiry as inquiry_store
from services.trading.store import listing as listing_store
from services.trading.store import need as need_store
from services.trading.store import negotiation as negotiation_store
from services.trading.store import order as order_store
from services.trading.store import payout as payout_store
from services.trading.store import sanction as sanction_store
from services.trading.store import termination as termination_store
from shared import jobs
from shared.changes import Follower
from shared.database import Transaction
from shared.ids import AuctionId, Id

AnyId = TypeVar("AnyId", bound=Id)
Whose = TypeVar("Whose")
log = logging.getLogger(__name__)


async def close_auctions(trading: Trading) -> float | None:
    """Try each call and each auction whose time is up once. Returns the seconds until the next auction's is, of those
    that were not due at the last look; zero or less if it is by now, and None if there is none."""
    await _each(trading, call_auction.close, await _due(trading, call_store.calls_due))
    tried = set[AuctionId]()
    while True:
        async with trading.database.read() as tx:
            now = await trading.database.now(tx)
            due = await auction_store.auctions_due(tx, now, but=tried)
            if not tried:
                await jobs.tell_lateness(tx, auction_store.auctions_due, now, due)
            if not due:
                next_close = await auction_store.next_close(tx, now)
                return next_close and (next_close - await trading.database.now(tx)).total_seconds()
        await _each(trading, closing.close, due)
        tried.update(due)


async def close_inquiries(trading: Trading) -> None:
    """Those whose offers end, and those whose offers are judged; needs that nobody turned into one; and double
    auctions."""
    await _each(trading, inquiry.move_on, await _due(trading, inquiry_store.inquiries_due))
    await _each(trading, need.pass_deadline, await _due(trading, need_store.needs_due))
    await _each(trading, double_auction.decide, await _due(trading, double_store.double_auctions_due))


async def pass_deadlines(trading: Trading) -> None:
    """Of whatever waits for somebody until a moment, freeze orders first: they move the moments of others."""
    await _each(trading, freeze.pass_deadline, await _due(trading, freeze_store.freezes_due))
    await _each(trading, negotiation.pass_deadline, await _due(trading, negotiation_store.negotiations_due))
    await _each(trading, block_deal.pass_deadline, await _due(trading, block_store.block_deals_due))
    await _each(trading, dispute.pass_deadline, await _due(trading, dispute_store.disputes_due))
    await _each(trading, meter.pass_deadline, await _due(trading, order_store.meters_due))
    await _each(trading, order.pass_deadline, await _due(trading, order_store.orders_due))
    await _each(trading, second_award.pass_deadline, await _due(trading, auction_store.answers_due))
    await _each(trading, credit.pass_deadline, await _due(trading, credit_store.credits_due))
    await _each(trading, credit.pay, await _due(trading, credit_store.credits_owed))
    await _each(trading, amendment.pass_deadline, await _due(trading, contract_store.amendments_due))
    await _each(trading, termination.pass_deadline, await _due(trading, termination_store.terminations_due))
    await _each(trading, entitlement.pass_deadline, await _due(trading, entitlement_store.entitlements_due))
    await _each(trading, listing.pass_deadline, await _due(trading, listing_store.listings_due))
    await _each(trading.treasury, payout.pass_deadline, await _due(trading, payout_store.proposals_due))


async def prove_notices(trading: Trading) -> None:
    """Of disputes whose other side has not read of them: the log's word that it has the notice is proof too."""
    await _each(trading, dispute.prove_notice, await _due(trading, dispute_store.notices_unproven))


async def supervise(trading: Trading) -> None:
    """Complaints, appeals and sanctions whose time is up, what is kept of complaints for no longer, and inquiries of
    before they named whom they invited."""
    await _each(trading, complaint.pass_deadline, await _due(trading, complaint_store.complaints_due))
    await _each(trading, complaint.erase, await _due(trading, complaint_store.particulars_due))
    await _each(trading, credit_record.pass_deadline, await _due(trading, record_store.appeals_due))
    await _each(trading, sanction.pass_deadline, await _due(trading, sanction_store.sanctions_due))
    async with trading.database.transaction() as tx:
        await inquiry_store.name_invited(tx)


async def notice_settlements(trading: Trading) -> None:
    """Orders whose shares the custodian has paid out."""
    async with trading.database.read() as tx:
        paid_out = await order_store.orders_paid_out(tx)
    await _each(trading, order.notice_settlement, paid_out)


async def keep_documents(trading: Trading) -> None:
    """Of contracts that both have signed."""
    async with trading.database.read() as tx:
        without = await contract_store.contracts_without_document(tx)
    await _each(trading, document.keep, without)


def follower_of_catalog(trading: Trading) -> Follower:
    """Takes in what the catalogue announces, each fact once."""
    apply = partial(take_in, trading)
    return Follower(trading.database, trading.clock, "catalog", trading.catalog_feed, apply)


async def _due(
    trading: Trading, find: Callable[[Transaction, datetime], Awaitable[list[AnyId]]]
) -> list[AnyId]:  # fmt: skip
    return await jobs.due(trading.database, find)


async def _each(
    whose: Whose, act: Callable[[Whose, AnyId], Awaitable[None]], ids: Iterable[AnyId]
) -> None:  # fmt: skip
    for each in ids:
        try:
            await act(whose, each)
        except Exception:
            log.exception("%s could not be moved on; it is tried again", each)
