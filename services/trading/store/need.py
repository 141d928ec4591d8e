"""How needs are kept, and what is known of the versions that may meet them.

Promises: a need becomes one inquiry at most; a need that changed since it was read is not saved; the traits of a
version are those of its first listing, for a version never changes.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, case, select

from services.trading.rules.listing import LISTED, Listing
from services.trading.rules.need import NEED, OPEN, Need, NoSuchNeed, State, Wanted
from services.trading.rules.traits import FIELDS_KEPT_MAX, Traits
from services.trading.store import listing as listing_store
from services.trading.store import rows
from services.trading.tables.deals import listings
from services.trading.tables.needs import needs, version_traits
from shared.database import Transaction, for_update, insert_into
from shared.grades import Grade
from shared.ids import NeedId, ParticipantId, VersionId
from shared.web import Page

DUE_MAX = 100
MATCHED_MAX = 500
_wanted = TypeAdapter(Wanted)


async def add_need(tx: Transaction, need: Need, budget_salt: str | None) -> None:
    row = {
        "id": need.id, "buyer_id": need.buyer_id, "wanted": rows.told(need.wanted),
        "grade_ceiling": need.wanted.grade_ceiling, "budget_salt": budget_salt, "published_at": need.published_at,
        **_row(need),
    }  # fmt: skip
    await rows.add(tx, needs, row)


async def save_need(tx: Transaction, need: Need) -> None:
    await rows.save(tx, needs, need, _row(need))


async def need(tx: Transaction, need_id: NeedId, *, lock: bool = False) -> Need:
    """Raises NoSuchNeed. `lock` keeps it from changing until the transaction ends."""
    query = select(*needs.c).where(needs.c.id == need_id)
    row = (await tx.execute(for_update(query, tx) if lock else query)).one_or_none()
    if row is None:
        raise NoSuchNeed()
    return _need(row)


async def needs_due(tx: Transaction, now: datetime) -> list[NeedId]:
    """Those whose time is up, at most a hundred, the longest overdue first."""
    where = (needs.c.state.in_(NEED.open_states()), needs.c.deadline <= now)
    return list(await tx.scalars(select(needs.c.id).where(*where).order_by(needs.c.deadline).limit(DUE_MAX)))


async def page_of_own_needs(tx: Transaction, page: Page, buyer_id: ParticipantId | None) -> list[Need]:
    """A buyer's own, open or not. For None, everyone's."""
    query = select(*needs.c)
    if buyer_id is not None:
        query = query.where(needs.c.buyer_id == buyer_id)
    return [_need(row) for row in await tx.execute(rows.newest_first(query, needs.c.id, NeedId, page))]


async def page_of_open_needs(tx: Transaction, page: Page, grades: Iterable[Grade], now: datetime) -> list[Need]:
    """Open ones that go up to one of these grades."""
    where = (needs.c.state == OPEN, needs.c.deadline > now, needs.c.grade_ceiling.in_(sorted(grades)))
    query = select(*needs.c).where(*where)
    return [_need(row) for row in await tx.execute(rows.newest_first(query, needs.c.id, NeedId, page))]


async def themes_of(tx: Transaction, version_ids: Iterable[VersionId]) -> dict[VersionId, str]:
    """What these versions are about, as far as it is kept."""
    kept = version_traits.c.theme.is_not(None)
    query = select(version_traits.c.version_id, version_traits.c.theme)
    found = await tx.execute(query.where(version_traits.c.version_id.in_(list(version_ids)), kept))
    return {row.version_id: row.theme for row in found}


async def keep_traits(tx: Transaction, version_id: VersionId, traits: Traits) -> None:
    """What the catalogue says of a version, if nothing is kept of it yet."""
    row = {
        "version_id": version_id, "theme": traits.theme, "rows": traits.rows, "update_cycle": traits.update_cycle,
        "fields": list(traits.fields[:FIELDS_KEPT_MAX]),
    }  # fmt: skip
    await tx.execute(insert_into(tx, version_traits).values(row).on_conflict_do_nothing())


async def listings_to_match(
    tx: Transaction, wanted: Wanted, grades: Iterable[Grade], buyer_id: ParticipantId, now: datetime
) -> list[tuple[Listing, Traits]]:
    """Others' open listings in the mode and of these grades, at most 500: those of a wanted theme first, then the
    newest."""
    up_to = sorted(grade for grade in grades if grade <= wanted.grade_ceiling)
    where = (
        listings.c.state == LISTED, listings.c.deadline > now, listings.c.mode == wanted.mode,
        listings.c.grade.in_(up_to), listings.c.provider_id != buyer_id,
    )  # fmt: skip
    beside = version_traits.c.version_id == listings.c.version_id
    of_theme = case((version_traits.c.theme.in_(wanted.themes), 0), else_=1)
    kept = (
        version_traits.c.theme, version_traits.c.rows.label("trait_rows"), version_traits.c.update_cycle,
        version_traits.c.fields,
    )  # fmt: skip
    query = select(*listings.c, *kept).join(version_traits, beside, isouter=True).where(*where)
    found = await tx.execute(query.order_by(of_theme, listings.c.id.desc()).limit(MATCHED_MAX))
    return [
        (
            listing_store.listing_of(row),
            Traits(row.theme, row.trait_rows, row.update_cycle, tuple(row.fields or ())),
        )
        for row in found
    ]


def _need(row: Row[Any]) -> Need:
    return Need(
        id=row.id, buyer_id=row.buyer_id, wanted=_wanted.validate_python(row.wanted), state=State(row.state),
        published_at=row.published_at, deadline=row.deadline, inquiry_id=row.inquiry_id, reason_code=row.reason_code,
        revision=row.revision,
    )  # fmt: skip


def _row(need: Need) -> dict[str, object]:
    """What may change: what is wanted is written once."""
    return {
        "state": need.state, "deadline": need.deadline, "inquiry_id": need.inquiry_id,
        "reason_code": need.reason_code, "revision": need.revision,
    }  # fmt: skip
