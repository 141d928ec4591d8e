"""What happens here on the news of trading: the index learns what is on offer of an entry, and what no longer is."""

from functools import partial

from services.catalog.actions.catalog import Catalog
from services.catalog.rules.offer import Offer
from services.catalog.rules.version import NoSuchVersion
from services.catalog.schemas.followed import ChangedListing, OpenedListing
from services.catalog.store import entries as store
from services.catalog.store import offers, search
from shared.changes import Change, Follower
from shared.database import Transaction

LISTED = "listed"


def follower_of_trading(catalog: Catalog) -> Follower:
    """Takes in what trading announces, each fact once."""
    return Follower(catalog.database, catalog.clock, "trading", catalog.trading_feed, partial(take_in, catalog))


async def take_in(_: Catalog, tx: Transaction, change: Change) -> None:
    """Take in one fact of trading, in the transaction that marks it as seen."""
    match change.act:
        case "trading.listing_opened":
            await _note(tx, OpenedListing.model_validate(change.data))
        case "trading.listing_suspended" | "trading.listing_resumed" | "trading.listing_regraded":
            await _note(tx, ChangedListing.model_validate(change.data))
        case "trading.listing_closed":
            await _note(tx, ChangedListing.model_validate(change.data))
        case _:
            pass


async def _note(tx: Transaction, told: OpenedListing | ChangedListing) -> None:
    """Under the entry's lock, so that whoever saves it at the same time indexes this offer, or is indexed with it."""
    try:
        entry = await store.entry_of_version_for_update(tx, told.version_id)
    except NoSuchVersion:
        return  # of a catalogue that this one was not: nothing here to find it by
    if isinstance(told, OpenedListing):
        offer = Offer(told.listing_id, told.version_id, told.mode, told.pricing, told.price)
        await offers.put(tx, offer, LISTED, told.revision)
    else:
        await offers.put_state(tx, told.listing_id, told.version_id, told.state, told.revision)
    await search.put(tx, [entry])
