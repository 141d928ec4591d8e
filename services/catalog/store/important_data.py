"""How filings are kept, and the catalogue of important data that they make: filings are only added to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select

from services.catalog.rules.important_data import Basis, Declaration, Filing
from services.catalog.rules.petition import GRANTED, Kind
from services.catalog.rules.version import LAPSED, GradeState
from services.catalog.rules.viewing import Viewer
from services.catalog.store import rows, sight
from services.catalog.tables.entries import assets, versions
from services.catalog.tables.files import authority_filings, petitions
from shared.database import Transaction
from shared.grades import G5, G6, Grade
from shared.ids import AssetId, ParticipantId, VersionId


@dataclass(frozen=True, slots=True)
class Important:
    """A version in the catalogue of important data. `assessed_until`: how long an accepted risk assessment holds."""

    version_id: VersionId
    asset_id: AssetId
    provider_id: ParticipantId
    title: str
    theme: str
    grade: Grade
    grade_state: GradeState
    is_registered: bool
    content_rows: int
    filing: Filing | None
    assessed_until: datetime | None


async def add_filing(tx: Transaction, filing: Filing) -> None:
    row = {
        "id": filing.id, "asset_id": filing.asset_id, "version_id": filing.version_id,
        "provider_id": filing.provider_id, "basis": filing.declared.basis, "authority": filing.declared.authority,
        "number": filing.declared.number, "filed_at": filing.declared.filed_at, "recorded_at": filing.recorded_at,
    }  # fmt: skip
    await tx.execute(insert(authority_filings).values(row))


async def is_filed(tx: Transaction, version_id: VersionId) -> bool:
    return bool(
        await tx.scalar(select(authority_filings.c.id).where(authority_filings.c.version_id == version_id).limit(1))
    )


async def catalogue(
    tx: Transaction, viewer: Viewer, filed: bool | None, before: str | None, limit: int
) -> list[Important]:
    """The versions of G5 and G6 that have not lapsed and show to the viewer, newest first, in three statements however
    many they are."""
    last = (
        select(func.max(authority_filings.c.id))
        .where(authority_filings.c.version_id == versions.c.id)
        .scalar_subquery()
    )
    columns = (
        versions.c.id, versions.c.asset_id, versions.c.grade, versions.c.grade_state, versions.c.certificate_id,
        versions.c.rows, assets.c.provider_id, assets.c.title, assets.c.theme, last.label("authority_filing_id"),
    )  # fmt: skip
    query = select(*columns).join(assets, assets.c.id == versions.c.asset_id)
    shows = sight.of_grades((), versions.c.grade, assets.c.id, assets.c.provider_id, viewer.oversight)
    query = query.where(versions.c.grade.in_([G5, G6]), versions.c.state != LAPSED, shows)
    if filed is not None:
        query = query.where(last.is_not(None) if filed else last.is_(None))
    found = (await tx.execute(rows.newest_first(query, versions.c.id, before, limit))).all()
    filed_as = await _filings(tx, [row.authority_filing_id for row in found if row.authority_filing_id])
    assessed = await _assessed_until(tx, [row.id for row in found])
    return [
        Important(
            row.id, row.asset_id, row.provider_id, row.title, row.theme, Grade(row.grade), GradeState(row.grade_state),
            row.certificate_id is not None, row.rows or 0, filed_as.get(row.id), assessed.get(row.id),
        )
        for row in found
    ]  # fmt: skip


async def _filings(tx: Transaction, authority_filing_ids: Iterable[str]) -> dict[VersionId, Filing]:
    found = await tx.execute(select(*authority_filings.c).where(authority_filings.c.id.in_(list(authority_filing_ids))))
    return {row.version_id: _filing(row) for row in found}


async def _assessed_until(tx: Transaction, version_ids: Iterable[VersionId]) -> dict[VersionId, datetime]:
    accepted = (petitions.c.kind == Kind.RISK_ASSESSMENT, petitions.c.state == GRANTED)
    query = select(petitions.c.version_id, petitions.c.deadline)
    found = await tx.execute(
        query.where(petitions.c.version_id.in_(list(version_ids)), *accepted).order_by(petitions.c.deadline)
    )
    return {row.version_id: row.deadline for row in found}


def _filing(row: Row[Any]) -> Filing:
    declared = Declaration(Basis(row.basis), row.authority, row.number, row.filed_at)
    return Filing(row.id, row.asset_id, row.version_id, row.provider_id, declared, row.recorded_at)
