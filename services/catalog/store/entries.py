"""How entries are kept: an asset with its versions, which change together.

Promises: an entry read for update is this transaction's alone until it ends; what changed since it was read is not
saved; a list takes two statements however long it is, and shows what `viewing.shown` would show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Column, ColumnElement, Row, Select, Table, and_, false, insert, or_, select, true, update

from services.catalog.rules import viewing
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
from services.catalog.rules.viewing import Viewer
from services.catalog.tables.entries import assets, versions
from services.catalog.tables.filings import filings, objections
from shared.database import Transaction, for_update
from shared.errors import Conflict
from shared.grades import Flag, Grade, Visibility
from shared.ids import AssetId, ParticipantId, VersionId

DUE_MAX = 100
SOURCE = TypeAdapter(SourceDeclaration | None)


class ChangedMeanwhile(Conflict):
    """Someone else changed this asset; look again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to. `text` is sought as it is written, `%` and `_` mean themselves."""

    text: str | None = None
    theme: str | None = None
    grade: Grade | None = None
    provider_id: ParticipantId | None = None


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


async def entries(
    tx: Transaction, viewer: Viewer, wanted: Wanted, limit: int, before: str | None
) -> list[Entry]:  # fmt: skip
    """What shows to the viewer, newest first, at most `limit`, with an id below `before`."""
    older = assets.c.id < before if before else true()
    query = select(*assets.c).where(older, _shown(viewer, wanted)).order_by(assets.c.id.desc()).limit(limit)
    return await _with_versions(tx, (await tx.execute(query)).all())


async def due(tx: Transaction, now: datetime) -> list[AssetId]:
    """The assets that time has moved, or a version of which, and nobody has yet noticed; at most a hundred."""
    late = select(assets.c.id).where(assets.c.deadline <= now)
    of_late_parts = [
        select(part.c.asset_id).where(part.c.deadline <= now) for part in (versions, filings, objections)
    ]  # fmt: skip
    ended = select(assets.c.id).where(assets.c.valid_until <= now, assets.c.state == REGISTERED)
    return list(await tx.scalars(late.union(*of_late_parts, ended).order_by("id").limit(DUE_MAX)))


async def add_entry(tx: Transaction, entry: Entry) -> None:
    await tx.execute(insert(assets).values(_asset_row(entry.asset)))
    for version in entry.versions:
        await tx.execute(insert(versions).values(_version_row(version)))


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


def _shown(viewer: Viewer, wanted: Wanted) -> ColumnElement[bool]:
    """`viewing.shown` as a condition; what shows by its title only is not found by anything else."""
    inside: ColumnElement[bool] = true() if viewer.is_staff else false()
    if viewer.participant_id is not None:
        inside = or_(inside, assets.c.provider_id == viewer.participant_id)
    registered = assets.c.state == REGISTERED
    in_full = and_(registered, assets.c.grade.in_(viewing.grades_shown(viewer, Visibility.FULL)))
    by_title = and_(registered, assets.c.grade.in_(viewing.grades_shown(viewer, Visibility.TITLE)))
    of_grade = assets.c.grade == wanted.grade if wanted.grade else true()
    found_by_anything = and_(or_(inside, in_full), of_grade, _narrowed(wanted, assets.c.text_folded))
    if wanted.grade:
        return found_by_anything
    return or_(found_by_anything, and_(by_title, _narrowed(wanted, assets.c.title_folded)))


def _narrowed(wanted: Wanted, text: Column[str]) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [true()]
    if wanted.text:
        conditions.append(text.contains(viewing.folded(wanted.text), autoescape=True))
    if wanted.theme:
        conditions.append(assets.c.theme == wanted.theme)
    if wanted.provider_id:
        conditions.append(assets.c.provider_id == wanted.provider_id)
    return and_(*conditions)


def _asset(row: Row[Any]) -> Asset:
    about = Description(
        row.title, row.description, row.theme, UpdateCycle(row.update_cycle), tuple(row.keywords), row.title_english,
        row.region,
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
    titles = [about.title, about.title_english or ""]
    text = [*titles, about.description, *about.keywords, about.region or ""]
    return {
        "id": asset.id, "provider_id": asset.provider_id, "title": about.title, "title_english": about.title_english,
        "description": about.description, "theme": about.theme, "keywords": list(about.keywords),
        "region": about.region, "update_cycle": about.update_cycle, "title_folded": viewing.folded("\n".join(titles)),
        "text_folded": viewing.folded("\n".join(text)), "state": asset.state, "next_actor": asset.next_actor,
        "deadline": asset.deadline, "reason_code": asset.reason_code,
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
