"""How offers are kept: each listing as trading told of it last, whatever order its facts came in."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from services.catalog.rules.offer import Offer
from services.catalog.tables.search import offers
from shared.database import Transaction
from shared.grades import Mode
from shared.ids import ListingId, VersionId
from shared.money import Money

ON_OFFER = "listed"


async def put(tx: Transaction, offer: Offer, state: str, revision: int) -> None:
    """What the first fact tells: what is offered, which never changes; and the state, unless a later one is known."""
    terms = {
        "mode": offer.mode, "pricing": offer.pricing, "price_minor": offer.price and offer.price.minor,
        "currency": offer.price and offer.price.currency,
    }  # fmt: skip
    row = {"listing_id": offer.listing_id, "version_id": offer.version_id, "state": state, "revision": revision}
    added = _insert(tx).values(row | terms)
    await tx.execute(added.on_conflict_do_update(index_elements=["listing_id"], set_=terms))


async def put_state(
    tx: Transaction, listing_id: ListingId, version_id: VersionId, state: str, revision: int
) -> None:  # fmt: skip
    """What a later fact tells; one that is older than what is known changes nothing."""
    told = {"state": state, "revision": revision}
    added = _insert(tx).values(listing_id=listing_id, version_id=version_id, **told)
    older = offers.c.revision < revision
    await tx.execute(added.on_conflict_do_update(index_elements=["listing_id"], set_=told, where=older))


async def of_versions(tx: Transaction, version_ids: Iterable[VersionId]) -> Mapping[VersionId, list[Offer]]:
    """What is on offer now, by version, in the order of the listings."""
    query = select(*offers.c).where(
        offers.c.version_id.in_(list(version_ids)), offers.c.state == ON_OFFER, offers.c.mode.is_not(None)
    )
    found: dict[VersionId, list[Offer]] = {}
    for row in await tx.execute(query.order_by(offers.c.listing_id)):
        price = None if row.price_minor is None else Money(row.price_minor, row.currency)
        offer = Offer(row.listing_id, row.version_id, Mode(row.mode), row.pricing, price)
        found.setdefault(row.version_id, []).append(offer)
    return found


def _insert(tx: Transaction) -> sqlite.Insert | postgresql.Insert:
    return (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(offers)
