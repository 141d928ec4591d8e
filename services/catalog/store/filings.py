"""How filings and objections are kept. Whoever changes one holds its asset's lock, and so is alone with all of them.

Promises: what changed since it was read is not saved; a second open filing of an asset, or open objection of one
objector to it, cannot be added; a list takes one statement however long it is.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Row, Table, and_, insert, or_, select, true, update
from sqlalchemy.exc import IntegrityError

from services.catalog.rules import viewing
from services.catalog.rules.asset import NextActor
from services.catalog.rules.filing import Filing, FilingOpen, FilingState, NoSuchFiling, Particulars, Type
from services.catalog.rules.objection import (
    OPEN,
    AlreadyObjected,
    Ground,
    NoSuchObjection,
    Objection,
    ObjectionState,
)
from services.catalog.rules.viewing import Viewer
from services.catalog.store import sight
from services.catalog.store.entries import ChangedMeanwhile
from services.catalog.tables.entries import assets, versions
from services.catalog.tables.filings import filings, is_noticed, is_open, objections
from shared.database import Transaction
from shared.grades import Visibility
from shared.ids import AssetId, FilingId, ObjectionId, ParticipantId

PARTICULARS = TypeAdapter(Particulars)


@dataclass(frozen=True, slots=True)
class WantedFilings:
    """What a list of filings is narrowed to."""

    asset_id: AssetId | None = None
    state: FilingState | None = None


@dataclass(frozen=True, slots=True)
class Noticed:
    """A filing under public notice, and what everyone is told of its asset; the content of a first registration."""

    filing: Filing
    title: str
    theme: str
    content_hash: str | None


async def filing(tx: Transaction, filing_id: FilingId) -> Filing:
    row = (await tx.execute(select(*filings.c).where(filings.c.id == filing_id))).one_or_none()
    if row is None:
        raise NoSuchFiling()
    return _filing(row)


async def open_filing(tx: Transaction, asset_id: AssetId) -> Filing | None:
    row = (await tx.execute(select(*filings.c).where(filings.c.asset_id == asset_id, is_open))).one_or_none()
    return None if row is None else _filing(row)


async def filings_of(
    tx: Transaction, viewer: Viewer, wanted: WantedFilings, limit: int, before: str | None
) -> list[Filing]:  # fmt: skip
    """What shows to the viewer as a party or by their office, newest first, at most `limit`."""
    conditions: list[ColumnElement[bool]] = [filings.c.id < before if before else true()]
    theirs = [sight.readable(filings.c.asset_id, filings.c.provider_id, viewer)]
    if viewer.participant_id is not None:
        theirs += [party == viewer.participant_id for party in (filings.c.applicant_id, filings.c.counterparty_id)]
    conditions.append(or_(*theirs))
    if wanted.asset_id:
        conditions.append(filings.c.asset_id == wanted.asset_id)
    if wanted.state:
        conditions.append(filings.c.state == wanted.state)
    query = select(*filings.c).where(*conditions).order_by(filings.c.id.desc()).limit(limit)
    return [_filing(row) for row in await tx.execute(query)]


async def under_notice(tx: Transaction, viewer: Viewer, limit: int, before: str | None) -> list[Noticed]:
    """What is under public notice, as far as its grades show to the viewer, newest first, at most `limit`."""
    shown = [viewing.grades_shown(viewer, visibility) for visibility in (Visibility.FULL, Visibility.TITLE)]
    grades, of = {grade for some in shown for grade in some}, (assets.c.id, assets.c.provider_id, viewer.oversight)
    seen = [or_(part.c.grade.is_(None), sight.of_grades(grades, part.c.grade, *of)) for part in (assets, versions)]
    conditions = (is_noticed, *seen, filings.c.id < before if before else true())
    query = (
        select(*filings.c, assets.c.title, assets.c.theme, versions.c.content_hash)
        .join(assets, assets.c.id == filings.c.asset_id)
        .outerjoin(versions, versions.c.id == filings.c.version_id)
        .where(*conditions)
        .order_by(filings.c.id.desc())
        .limit(limit)
    )
    return [Noticed(_filing(row), row.title, row.theme, row.content_hash) for row in await tx.execute(query)]


async def add_filing(tx: Transaction, new: Filing) -> None:
    """Requires that the caller holds the asset's lock and saw no open filing."""
    try:
        await tx.execute(insert(filings).values(_filing_row(new)))
    except IntegrityError as error:
        raise FilingOpen() from error


async def save_filing(tx: Transaction, before: Filing, after: Filing) -> None:
    if after != before:
        await _save(tx, filings, before.id, before.revision, _filing_row(after))


async def objection(tx: Transaction, objection_id: ObjectionId) -> Objection:
    row = (await tx.execute(select(*objections.c).where(objections.c.id == objection_id))).one_or_none()
    if row is None:
        raise NoSuchObjection()
    return _objection(row)


async def open_objections(tx: Transaction, asset_id: AssetId) -> list[Objection]:
    """Oldest first."""
    these = (objections.c.asset_id == asset_id, objections.c.state == OPEN)
    rows = await tx.execute(select(*objections.c).where(*these).order_by(objections.c.id))
    return [_objection(row) for row in rows]


async def objections_to(
    tx: Transaction, asset_id: AssetId, objector_id: ParticipantId | None, limit: int, before: str | None
) -> list[Objection]:
    """Newest first, at most `limit`; of one objector only, if one is named."""
    older = objections.c.id < before if before else true()
    theirs = objections.c.objector_id == objector_id if objector_id else true()
    query = select(*objections.c).where(objections.c.asset_id == asset_id, older, theirs)
    rows = await tx.execute(query.order_by(objections.c.id.desc()).limit(limit))
    return [_objection(row) for row in rows]


async def add_objection(tx: Transaction, new: Objection) -> None:
    theirs = and_(
        objections.c.asset_id == new.asset_id, objections.c.objector_id == new.objector_id, objections.c.state == OPEN
    )
    if await tx.scalar(select(objections.c.id).where(theirs)):
        raise AlreadyObjected()
    await tx.execute(insert(objections).values(_objection_row(new)))


async def save_objection(tx: Transaction, before: Objection, after: Objection) -> None:
    await _save(tx, objections, before.id, before.revision, _objection_row(after))


async def _save(tx: Transaction, table: Table, key: str, revision: int, row: dict[str, object]) -> None:
    as_read = (table.c.id == key, table.c.revision == revision)
    if (await tx.execute(update(table).where(*as_read).values(row))).rowcount != 1:
        raise ChangedMeanwhile()


def _filing(row: Row[Any]) -> Filing:
    return Filing(
        row.id, Type(row.type), row.asset_id, row.provider_id, row.applicant_id, row.filed_at, FilingState(row.state),
        row.next_actor and NextActor(row.next_actor), row.deadline, row.version_id,
        PARTICULARS.validate_python(row.particulars), tuple(row.operators), row.notice_ends_at, row.reason_code,
        row.revision,
    )  # fmt: skip


def _filing_row(filing: Filing) -> dict[str, object]:
    return {
        "id": filing.id, "type": filing.type, "asset_id": filing.asset_id, "provider_id": filing.provider_id,
        "applicant_id": filing.applicant_id, "counterparty_id": filing.counterparty_id, "filed_at": filing.filed_at,
        "state": filing.state, "next_actor": filing.next_actor, "deadline": filing.deadline,
        "version_id": filing.version_id, "particulars": PARTICULARS.dump_python(filing.particulars, mode="json"),
        "operators": list(filing.operators), "notice_ends_at": filing.notice_ends_at,
        "reason_code": filing.reason_code, "revision": filing.revision,
    }  # fmt: skip


def _objection(row: Row[Any]) -> Objection:
    return Objection(
        row.id, row.asset_id, row.filing_id, row.objector_id, Ground(row.ground), row.statement, row.evidence_hash,
        row.raised_at, ObjectionState(row.state), row.next_actor and NextActor(row.next_actor), row.deadline,
        row.reason_code, row.reason, row.revision,
    )  # fmt: skip


def _objection_row(objection: Objection) -> dict[str, object]:
    return {
        "id": objection.id, "asset_id": objection.asset_id, "filing_id": objection.filing_id,
        "objector_id": objection.objector_id, "ground": objection.ground, "statement": objection.statement,
        "evidence_hash": objection.evidence_hash, "raised_at": objection.raised_at, "state": objection.state,
        "next_actor": objection.next_actor, "deadline": objection.deadline, "reason_code": objection.reason_code,
        "reason": objection.reason, "revision": objection.revision,
    }  # fmt: skip
