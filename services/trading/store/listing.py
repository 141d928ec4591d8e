"""How listings are kept, the newest grade known of each version that was ever listed or told of, and the same of
whether its asset was withdrawn.

Promises: who lists a version sees every grade of it, and every withdrawal, that was committed before, and none that is
being made at the same time can be missed.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, bindparam, insert, select, update

from services.trading.rules.acceptance_terms import AcceptanceTerms
from services.trading.rules.auction import AUCTION
from services.trading.rules.co_owner import Ownership
from services.trading.rules.listing import (
    LISTING,
    Listing,
    NoSuchListing,
    State,
    Version,
)
from services.trading.rules.mechanism import Mechanism, Pricing
from services.trading.rules.right import Right, RightKind
from services.trading.rules.sight import Sight
from services.trading.store import rows
from services.trading.store.sight import seen
from services.trading.tables.deals import assets, auctions, listings, version_grades
from shared.database import Transaction, for_update, insert_into
from shared.grades import Condition, Flag, Grade, Mode
from shared.ids import AssetId, ListingId, ParticipantId, VersionId
from shared.web import Page

DUE_MAX = 100
_acceptance = TypeAdapter(AcceptanceTerms)
_ownership = TypeAdapter(Ownership)
_listings_of = select(*listings.c).where(listings.c.id.in_(bindparam("ids", expanding=True)))


async def lock_version(tx: Transaction, version: Version) -> Version:
    """The version with the newest grade known here, and registered only if its asset is not known to be withdrawn.
    Both are locked against others who would list, re-grade or withdraw them."""
    assert version.grade is not None
    version = replace(version, registered=version.registered and not await lock_asset(tx, version.asset_id))
    told = _grade_row(version.grade, version.flags, version.grade_revision, version.on_record)
    known = insert_into(tx, version_grades).values(version_id=version.id, **told)
    await tx.execute(known.on_conflict_do_nothing())
    here = version_grades.c.version_id == version.id
    columns = (version_grades.c.grade, version_grades.c.flags, version_grades.c.grade_revision)
    query = select(*columns, version_grades.c.on_record).where(here)
    row = (await tx.execute(for_update(query, tx))).one()
    if row.grade_revision < version.grade_revision:
        await tx.execute(update(version_grades).where(here).values(told))
        return version
    flags, on_record = frozenset(map(Flag, row.flags)), frozenset(map(Condition, row.on_record))
    known_here = {"grade": Grade(row.grade), "flags": flags, "on_record": on_record}
    return replace(version, grade_revision=row.grade_revision, **known_here)


async def keep_version_grade(
    tx: Transaction, version_id: VersionId, grade: Grade, flags: frozenset[Flag], grade_revision: int,
    on_record: frozenset[Condition],
) -> None:  # fmt: skip
    """Keep the news of a version's grade, and the version locked: a first listing that is being made is waited for."""
    told = _grade_row(grade, flags, grade_revision, on_record)
    known = insert_into(tx, version_grades).values(version_id=version_id, **told)
    older = version_grades.c.grade_revision < grade_revision
    await tx.execute(known.on_conflict_do_update(index_elements=["version_id"], set_=told, where=older))


async def as_graded_now(tx: Transaction, listing: Listing) -> Listing:
    """The listing under the newest grade known here of its version: one that is sold does not follow the news."""
    here = (version_grades.c.version_id == listing.version_id, version_grades.c.grade_revision > listing.grade_revision)
    columns = (version_grades.c.grade, version_grades.c.flags, version_grades.c.grade_revision)
    row = (await tx.execute(select(*columns, version_grades.c.on_record).where(*here))).one_or_none()
    if row is None:
        return listing
    return replace(
        listing, grade=Grade(row.grade), flags=frozenset(map(Flag, row.flags)), grade_revision=row.grade_revision,
        on_record=frozenset(map(Condition, row.on_record)),
    )  # fmt: skip


async def grade_of(
    tx: Transaction, version_id: VersionId
) -> tuple[Grade, frozenset[Flag], int, frozenset[Condition]] | None:
    """The newest grade known here of a version, with its flags, its revision and what is on record; None of one that
    nobody has listed or told of."""
    columns = (version_grades.c.grade, version_grades.c.flags, version_grades.c.grade_revision)
    query = select(*columns, version_grades.c.on_record).where(version_grades.c.version_id == version_id)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    flags, on_record = frozenset(map(Flag, row.flags)), frozenset(map(Condition, row.on_record))
    return Grade(row.grade), flags, row.grade_revision, on_record


async def withdraw_asset(tx: Transaction, asset_id: AssetId) -> None:
    """Keep the news that an asset was withdrawn, and the asset locked: a first listing that is being made is waited
    for."""
    known = insert_into(tx, assets).values(asset_id=asset_id, withdrawn=True)
    await tx.execute(known.on_conflict_do_update(index_elements=["asset_id"], set_={"withdrawn": True}))


async def add_listing(tx: Transaction, listing: Listing) -> None:
    acceptance = listing.acceptance and rows.told(listing.acceptance)
    await tx.execute(insert(listings).values(_row(listing) | {"acceptance": acceptance}))


async def save_listing(tx: Transaction, listing: Listing) -> None:
    await rows.save(tx, listings, listing, _row(listing))


async def listing(tx: Transaction, listing_id: ListingId, *, lock: bool = False) -> Listing:
    """Raises NoSuchListing. `lock` keeps it from changing until the transaction ends."""
    query = select(*listings.c).where(listings.c.id == listing_id)
    row = (await tx.execute(for_update(query, tx) if lock else query)).one_or_none()
    if row is None:
        raise NoSuchListing()
    return listing_of(row)


async def listings_of(tx: Transaction, listing_ids: Iterable[ListingId]) -> dict[ListingId, Listing]:
    return {row.id: listing_of(row) for row in await tx.execute(_listings_of, {"ids": sorted(listing_ids)})}


async def own_listing(tx: Transaction, listing_id: ListingId, provider_id: ParticipantId) -> Listing:
    """The provider's own listing, locked: another's is not there."""
    found = await listing(tx, listing_id, lock=True)
    if found.provider_id != provider_id:
        raise NoSuchListing()
    return found


async def listings_on_offer(tx: Transaction, of: VersionId | AssetId, *, lock: bool = False) -> list[Listing]:
    """The open ones, in the order of their ids."""
    whose = listings.c.asset_id == of if isinstance(of, AssetId) else listings.c.version_id == of
    query = select(*listings.c).where(whose, listings.c.state.in_(LISTING.open_states())).order_by(listings.c.id)
    return [listing_of(row) for row in await tx.execute(for_update(query, tx) if lock else query)]


async def listings_due(tx: Transaction, now: datetime) -> list[ListingId]:
    """Those whose deadline has passed, at most a hundred; one with an open auction waits for its close."""
    under_way = select(auctions.c.listing_id).where(auctions.c.state.in_(AUCTION.open_states()))
    where = (listings.c.state.in_(LISTING.open_states()), listings.c.deadline <= now)
    query = select(listings.c.id).where(*where, listings.c.id.not_in(under_way))
    return list(await tx.scalars(query.order_by(listings.c.deadline).limit(DUE_MAX)))


async def page_of_listings(tx: Transaction, page: Page, sight: Sight, version_id: VersionId | None) -> list[Listing]:
    """Listings in sight."""
    query = select(*listings.c).where(seen(sight))
    if version_id is not None:
        query = query.where(listings.c.version_id == version_id)
    found = await tx.execute(rows.newest_first(query, listings.c.id, ListingId, page))
    return [listing_of(row) for row in found]


async def lock_asset(tx: Transaction, asset_id: AssetId) -> bool:
    """Whether the asset, locked against whoever would list a version of it, was withdrawn."""
    known = insert_into(tx, assets).values(asset_id=asset_id, withdrawn=False)
    await tx.execute(known.on_conflict_do_nothing())
    query = select(assets.c.withdrawn).where(assets.c.asset_id == asset_id)
    return (await tx.execute(for_update(query, tx))).one().withdrawn


def _grade_row(
    grade: Grade | None, flags: frozenset[Flag], grade_revision: int, on_record: frozenset[Condition]
) -> dict[str, object]:
    told = {"flags": sorted(flags), "on_record": sorted(on_record)}
    return {"grade": grade, "grade_revision": grade_revision, **told}


def listing_of(row: Row[Any]) -> Listing:
    right = Right(
        RightKind(row.right_kind), row.right_field, row.right_territory, row.right_period_days, row.right_copies,
        row.right_starts_at,
    )  # fmt: skip
    return Listing(
        id=row.id, provider_id=row.provider_id, asset_id=AssetId(row.asset_id), version_id=row.version_id,
        title=row.title, grade=Grade(row.grade), flags=frozenset(Flag(flag) for flag in row.flags),
        grade_revision=row.grade_revision, content_hash=row.content_hash, mode=Mode(row.mode), right=right,
        purposes=tuple(row.purposes), quota_uses=row.quota_uses, pricing=Pricing(row.pricing), plan_id=row.plan_id,
        state=State(row.state), listed_at=row.listed_at, deadline=row.deadline, reason_code=row.reason_code,
        revision=row.revision, on_record=frozenset(map(Condition, row.on_record)),
        mechanism=row.mechanism and Mechanism(row.mechanism),
        acceptance=row.acceptance and _acceptance.validate_python(row.acceptance),
        ownership=row.ownership and _ownership.validate_python(row.ownership),
    )  # fmt: skip


def _row(listing: Listing) -> dict[str, object]:
    return {
        "id": listing.id, "provider_id": listing.provider_id, "asset_id": listing.asset_id,
        "version_id": listing.version_id, "title": listing.title, "grade": listing.grade,
        "flags": sorted(listing.flags), "grade_revision": listing.grade_revision, "content_hash": listing.content_hash,
        "mode": listing.mode, "right_kind": listing.right.kind, "right_field": listing.right.field,
        "right_territory": listing.right.territory, "right_period_days": listing.right.period_days,
        "purposes": list(listing.purposes), "quota_uses": listing.quota_uses, "pricing": listing.pricing,
        "right_copies": listing.right.copies, "right_starts_at": listing.right.starts_at,
        "mechanism": listing.mechanism, "plan_id": listing.plan_id, "state": listing.state,
        "listed_at": listing.listed_at, "deadline": listing.deadline, "reason_code": listing.reason_code,
        "revision": listing.revision,
        "on_record": sorted(listing.on_record), "ownership": listing.ownership and rows.told(listing.ownership),
    }  # fmt: skip
