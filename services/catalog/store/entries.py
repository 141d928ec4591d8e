"""How entries are kept: an asset with its versions, which change together.

Promises: an entry read for update is this transaction's alone until it ends; what changed since it was read is not
saved; what is saved is found by its new words from the same commit on; a list takes two statements however long it is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Row, Select, Table, func, insert, select, true, update

from services.catalog.rules.asset import (
    REGISTERED,
    Asset,
    Description,
    Entry,
    NextActor,
    NoSuchAsset,
    Review,
    SourceDeclaration,
    State,
    UpdateCycle,
)
from services.catalog.rules.version import Content, Graded, GradeState, NoSuchVersion, Version, VersionState
from services.catalog.rules.words import TOKENISER_VERSION
from services.catalog.store import search
from services.catalog.tables.entries import assets, versions
from services.catalog.tables.filings import filings, objections
from services.catalog.tables.search import search_index
from shared.database import Transaction, for_update
from shared.errors import Conflict
from shared.grades import Flag, Grade
from shared.ids import AssetId, ParticipantId, VersionId

DUE_MAX = 100
SOURCE = TypeAdapter(SourceDeclaration | None)


class ChangedMeanwhile(Conflict):
    """Someone else changed this asset; look again."""


async def entry(tx: Transaction, asset_id: AssetId) -> Entry:
    return await _entry(tx, select(*assets.c).where(assets.c.id == asset_id))


async def entry_for_update(tx: Transaction, asset_id: AssetId, provider_id: ParticipantId | None = None) -> Entry:
    """Locks it. With `provider_id`, their own: another's is not there."""
    query = select(*assets.c).where(assets.c.id == asset_id)
    return await _entry(tx, for_update(_own(query, provider_id), tx))


async def entry_of_version(tx: Transaction, version_id: VersionId) -> Entry:
    return await entry(tx, await _asset_of(tx, version_id))


async def entries_of_versions(tx: Transaction, version_ids: Sequence[VersionId]) -> list[Entry]:
    """The entries that these versions are in, each once; unknown ids are left out."""
    if not version_ids:
        return []
    theirs = select(versions.c.asset_id).where(versions.c.id.in_(version_ids))
    query = select(*assets.c).where(assets.c.id.in_(theirs)).order_by(assets.c.id)
    return await _with_versions(tx, (await tx.execute(query)).all())


async def entry_of_version_for_update(
    tx: Transaction, version_id: VersionId, provider_id: ParticipantId | None = None
) -> Entry:
    """Locks the whole entry, by its asset. Raises NoSuchVersion, also for another provider's."""
    try:
        return await entry_for_update(tx, await _asset_of(tx, version_id), provider_id)
    except NoSuchAsset as error:
        raise NoSuchVersion() from error


async def entries(tx: Transaction, asset_ids: Sequence[AssetId], *, lock: bool = False) -> list[Entry]:
    """Those that there are, in the order of the ids."""
    query = select(*assets.c).where(assets.c.id.in_(asset_ids)).order_by(assets.c.id)
    rows = (await tx.execute(for_update(query, tx) if lock else query)).all()
    found = {entry.asset.id: entry for entry in await _with_versions(tx, rows)}
    return [found[asset_id] for asset_id in asset_ids if asset_id in found]


async def to_index(tx: Transaction, after: AssetId | None, limit: int) -> list[AssetId]:
    """Assets after this one that the index lacks, or has as another tokeniser read them; oldest first."""
    later = assets.c.id > after if after else true()
    query = (
        select(assets.c.id)
        .outerjoin(search_index, search_index.c.asset_id == assets.c.id)
        .where(later, search_index.c.tokeniser_version.is_distinct_from(TOKENISER_VERSION))
        .order_by(assets.c.id)
        .limit(limit)
    )
    return list(await tx.scalars(query))


async def count_to_index(tx: Transaction) -> int:
    lacking = search_index.c.tokeniser_version.is_distinct_from(TOKENISER_VERSION)
    query = select(func.count()).select_from(assets)
    return await tx.scalar(query.outerjoin(search_index, search_index.c.asset_id == assets.c.id).where(lacking)) or 0


async def due(tx: Transaction, now: datetime) -> list[AssetId]:
    """The assets that time has moved, or a version of which, and nobody has yet noticed; at most a hundred."""
    late = select(assets.c.id).where(assets.c.deadline <= now)
    of_late_parts = [
        select(part.c.asset_id).where(part.c.deadline <= now) for part in (versions, filings, objections)
    ]  # fmt: skip
    ended = select(assets.c.id).where(assets.c.valid_until <= now, assets.c.state == REGISTERED)
    return list(await tx.scalars(late.union(*of_late_parts, ended).order_by("id").limit(DUE_MAX)))


async def add_entry(tx: Transaction, entry: Entry) -> None:
    await add_entries(tx, [entry])


async def add_entries(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Requires at least one."""
    await tx.execute(insert(assets), [_asset_row(entry.asset) for entry in entries])
    await tx.execute(insert(versions), [_version_row(version) for entry in entries for version in entry.versions])
    await search.put(tx, entries)


async def save_entry(tx: Transaction, before: Entry, after: Entry) -> None:
    """Write what differs. Raises ChangedMeanwhile unless it is still stored as `before`."""
    if after.asset != before.asset:
        as_read = (assets.c.id == before.asset.id, assets.c.revision == before.asset.revision)
        await _save(tx, assets, as_read, _asset_row(after.asset))
    known = {version.id: version for version in before.versions}
    for version in after.versions:
        if version.id not in known:
            await tx.execute(insert(versions).values(_version_row(version)))
        elif version != known[version.id]:
            as_read = (versions.c.id == version.id, versions.c.revision == known[version.id].revision)
            await _save(tx, versions, as_read, _version_row(version))
    await search.put(tx, [after])


async def _save(
    tx: Transaction, table: Table, as_read: tuple[ColumnElement[bool], ...], row: dict[str, object]
) -> None:  # fmt: skip
    if (await tx.execute(update(table).where(*as_read).values(row))).rowcount != 1:
        raise ChangedMeanwhile()


def _own(query: Select[Any], provider_id: ParticipantId | None) -> Select[Any]:
    return query if provider_id is None else query.where(assets.c.provider_id == provider_id)


async def _asset_of(tx: Transaction, version_id: VersionId) -> AssetId:
    found = await tx.scalar(select(versions.c.asset_id).where(versions.c.id == version_id))
    if found is None:
        raise NoSuchVersion()
    return found


async def _entry(tx: Transaction, query: Select[Any]) -> Entry:
    found = await _with_versions(tx, (await tx.execute(query)).all())
    if not found:
        raise NoSuchAsset()
    return found[0]


async def _with_versions(tx: Transaction, rows: Sequence[Row[Any]]) -> list[Entry]:
    of_these = versions.c.asset_id.in_([row.id for row in rows])
    query = select(*versions.c).where(of_these).order_by(versions.c.asset_id, versions.c.number)
    found: dict[AssetId, list[Version]] = {row.id: [] for row in rows}
    for row in await tx.execute(query):
        found[row.asset_id].append(_version(row))
    return [Entry(_asset(row), tuple(found[row.id])) for row in rows]


def _asset(row: Row[Any]) -> Asset:
    about = Description(
        row.title, row.description, row.theme, UpdateCycle(row.update_cycle), tuple(row.keywords), row.title_english,
        row.region, row.category,
    )  # fmt: skip
    review = Review(
        row.review_version_id, row.review_first_operator, row.review_at_grade_revision, row.review_second_operator,
        row.review_notice_ends_at,
    )  # fmt: skip
    return Asset(
        row.id, row.provider_id, about, State(row.state), row.next_actor and NextActor(row.next_actor), row.deadline,
        row.reason_code, SOURCE.validate_python(row.source), review if row.review_version_id else None,
        row.grade and Grade(row.grade), row.holder_id, row.objected, row.valid_until, row.revision,
    )  # fmt: skip


def _asset_row(asset: Asset) -> dict[str, object]:
    about, review = asset.about, asset.review
    return {
        "id": asset.id, "provider_id": asset.provider_id, "title": about.title, "title_english": about.title_english,
        "description": about.description, "theme": about.theme, "keywords": list(about.keywords),
        "region": about.region, "category": about.category, "update_cycle": about.update_cycle, "state": asset.state,
        "next_actor": asset.next_actor, "deadline": asset.deadline, "reason_code": asset.reason_code,
        "source": SOURCE.dump_python(asset.source, mode="json"), "review_version_id": review and review.version_id,
        "review_first_operator": review and review.first_operator,
        "review_at_grade_revision": review and review.at_grade_revision, "grade": asset.grade,
        "review_second_operator": review and review.second_operator,
        "review_notice_ends_at": review and review.notice_ends_at, "holder_id": asset.holder_id,
        "objected": asset.objected, "valid_until": asset.valid_until, "revision": asset.revision,
    }  # fmt: skip


def _version(row: Row[Any]) -> Version:
    content = graded = None
    if row.upload_id is not None:
        parts = (row.content_hash, row.bytes, row.rows, row.media_type, row.inspector_version)
        content = Content(row.upload_id, *parts)
    if row.grade is not None:
        flags = frozenset(map(Flag, row.flags))
        state = GradeState(row.grade_state)
        graded = Graded(Grade(row.grade), flags, state, row.grade_revision, row.rule_version)
    return Version(
        row.id, row.asset_id, row.number, VersionState(row.state), row.deadline, row.reason_code, content, graded,
        row.certificate_id, row.revision, row.regrade_by, row.regrade_overdue,
    )  # fmt: skip


def _version_row(version: Version) -> dict[str, object]:
    content, graded = version.content, version.graded
    return {
        "id": version.id, "asset_id": version.asset_id, "number": version.number, "state": version.state,
        "deadline": version.deadline, "reason_code": version.reason_code, "upload_id": content and content.upload_id,
        "content_hash": content and content.content_hash, "bytes": content and content.bytes,
        "rows": content and content.rows, "media_type": content and content.media_type,
        "inspector_version": content and content.inspector_version, "grade": graded and graded.grade,
        "flags": sorted(graded.flags) if graded else None, "grade_state": graded and graded.state,
        "grade_revision": graded and graded.revision, "rule_version": graded and graded.rule_version,
        "certificate_id": version.certificate_id, "revision": version.revision, "regrade_by": version.regrade_by,
        "regrade_overdue": version.regrade_overdue,
    }  # fmt: skip
