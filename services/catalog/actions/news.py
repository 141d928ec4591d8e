"""What happens here on the news of trading and pricing: the index learns what is on offer of an entry, and for what."""

import logging
from functools import partial

from services.catalog.actions.catalog import Catalog
from services.catalog.rules.offer import Offer
from services.catalog.rules.version import NoSuchVersion
from services.catalog.schemas.followed import ChangedListing, OpenedListing, RevisedPlan
from services.catalog.store import entries as store
from services.catalog.store import offers, search
from shared.changes import Change, Follower
from shared.database import Transaction
from shared.ids import PlanId, VersionId

log = logging.getLogger(__name__)


def follower_of_trading(catalog: Catalog) -> Follower:
    """Takes in what trading announces, each fact once."""
    return Follower(catalog.database, catalog.clock, "trading", catalog.trading_feed, partial(take_in, catalog))


def follower_of_pricing(catalog: Catalog) -> Follower:
    """Takes in what pricing announces, each fact once."""
    return Follower(catalog.database, catalog.clock, "pricing", catalog.pricing_feed, partial(take_in, catalog))


async def take_in(catalog: Catalog, tx: Transaction, change: Change) -> None:
    """Take in one fact, in the transaction that marks it as seen."""
    match change.act:
        case "trading.listing_opened":
            await _note(catalog, tx, OpenedListing.model_validate(change.data))
        case (
            "trading.listing_suspended"
            | "trading.listing_resumed"
            | "trading.listing_regraded"
            | "trading.listing_closed"
        ):
            await _note(catalog, tx, ChangedListing.model_validate(change.data))
        case "pricing.plan_published" | "pricing.plan_revised":
            await _note(catalog, tx, RevisedPlan.model_validate(change.data))
        case _:
            pass


async def pass_price_changes(catalog: Catalog) -> None:
    """Let what is on offer cost what its plan asks since a moment that was known beforehand."""
    async with catalog.database.read() as tx:
        due = await offers.price_changes(tx, await catalog.database.now(tx))
    for version_id, plan_id in due:
        try:
            await _reprice(catalog, version_id, plan_id)
        except Exception:
            log.exception("%s could not be priced anew; it is tried again", version_id)


async def _reprice(catalog: Catalog, version_id: VersionId, plan_id: PlanId) -> None:
    async with catalog.database.transaction() as tx:
        entry = await store.entry_of_version_for_update(tx, version_id)
        await offers.price(tx, plan_id, await catalog.database.now(tx))
        await search.put(tx, [entry])


async def _note(catalog: Catalog, tx: Transaction, told: OpenedListing | ChangedListing | RevisedPlan) -> None:
    """Under the entry's lock, so that whoever saves it at the same time indexes this offer, or is indexed with it."""
    try:
        entry = await store.entry_of_version_for_update(tx, told.version_id)
    except NoSuchVersion:
        return  # of a catalogue that this one was not: nothing here to find it by
    match told:
        case OpenedListing():
            offer = Offer(told.listing_id, told.version_id, told.mode, told.pricing, told.plan_id)
            await offers.put(tx, offer, offers.ON_OFFER, told.revision)
        case ChangedListing():
            await offers.put_state(tx, told.listing_id, told.version_id, told.state, told.revision)
        case RevisedPlan():
            await offers.add_price(tx, told.asked())
    if not isinstance(told, ChangedListing) and told.plan_id:
        await offers.price(tx, told.plan_id, await catalog.database.now(tx))
    await search.put(tx, [entry])
