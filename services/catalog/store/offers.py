"""How offers are kept: each listing as trading told of it last, whatever order its facts came in, and its price."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, update

from services.catalog.rules.offer import Asked, Offer, price_now
from services.catalog.tables.search import offers, prices
from shared.database import Transaction, insert_into
from shared.grades import Mode
from shared.ids import ListingId, PlanId, VersionId
from shared.money import Money

ON_OFFER = "listed"


async def put(tx: Transaction, offer: Offer, state: str, revision: int) -> None:
    """What the first fact tells: what is offered, which never changes; and the state, unless a later one is known."""
    terms = {"mode": offer.mode, "pricing": offer.pricing, "plan_id": offer.plan_id}
    row = {"listing_id": offer.listing_id, "version_id": offer.version_id, "state": state, "revision": revision}
    added = insert_into(tx, offers).values(row | terms)
    await tx.execute(added.on_conflict_do_update(index_elements=["listing_id"], set_=terms))


async def put_state(
    tx: Transaction, listing_id: ListingId, version_id: VersionId, state: str, revision: int
) -> None:  # fmt: skip
    """What a later fact tells; one that is older than what is known changes nothing."""
    told = {"state": state, "revision": revision}
    added = insert_into(tx, offers).values(listing_id=listing_id, version_id=version_id, **told)
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
        offer = Offer(row.listing_id, row.version_id, Mode(row.mode), row.pricing, row.plan_id, price)
        found.setdefault(row.version_id, []).append(offer)
    return found


async def add_price(tx: Transaction, asked: Asked) -> None:
    """A revision, which never changes."""
    row = {
        "plan_id": asked.plan_id, "revision": asked.revision, "version_id": asked.version_id, "mode": asked.mode,
        "price_minor": asked.price.minor, "currency": asked.price.currency, "valid_from": asked.valid_from,
        "valid_until": asked.valid_until,
    }  # fmt: skip
    await tx.execute(insert_into(tx, prices).values(row).on_conflict_do_nothing())


async def price(tx: Transaction, plan_id: PlanId, now: datetime) -> None:
    """Let the offers by this plan cost what it asks now: those of its version in its mode, as no others can be ordered
    by it."""
    revisions = [
        Asked(
            row.plan_id, row.revision, row.version_id, Mode(row.mode), Money(row.price_minor, row.currency),
            row.valid_from, row.valid_until,
        )
        for row in await tx.execute(select(*prices.c).where(prices.c.plan_id == plan_id))
    ]  # fmt: skip
    if not revisions:
        return
    plan = revisions[0]
    of_plan = (offers.c.plan_id == plan_id, offers.c.version_id == plan.version_id, offers.c.mode == plan.mode)
    asked, changes_at = price_now(revisions, now)
    told = {
        "price_minor": asked and asked.minor, "currency": asked and asked.currency, "price_changes_at": changes_at,
    }  # fmt: skip
    await tx.execute(update(offers).where(*of_plan).values(told))


async def price_changes(tx: Transaction, now: datetime) -> Sequence[tuple[VersionId, PlanId]]:
    """Whose prices are no longer what is kept of them."""
    query = select(offers.c.version_id, offers.c.plan_id).where(offers.c.price_changes_at <= now)
    return [(row.version_id, row.plan_id) for row in await tx.execute(query.distinct())]
