"""How petitions are kept. Promises: a version has one petition of a kind under review, whoever races."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, insert, select
from sqlalchemy.exc import IntegrityError

from services.catalog.rules.lowering import Strike
from services.catalog.rules.petition import (
    GRANTED,
    Agreed,
    Kind,
    NoSuchPetition,
    Petition,
    PetitionPending,
    RiskAssessment,
    State,
)
from services.catalog.rules.viewing import Viewer
from services.catalog.store import rows, sight
from services.catalog.tables.files import petitions
from shared.database import Transaction
from shared.ids import AssetId, PetitionId, VersionId

STRIKE, ASSESSMENT = TypeAdapter(Strike), TypeAdapter(RiskAssessment)


async def add_petition(tx: Transaction, petition: Petition) -> None:
    """Raises PetitionPending if one of this kind is under review for the version."""
    try:
        await tx.execute(insert(petitions).values(_row(petition)))
    except IntegrityError as error:
        raise PetitionPending(kind=petition.kind) from error


async def save_petition(tx: Transaction, petition: Petition) -> None:
    await rows.save(tx, petitions, petition, _row(petition))


async def petition(tx: Transaction, petition_id: PetitionId, viewer: Viewer) -> Petition:
    """Raises NoSuchPetition, also for what is not the viewer's to see."""
    seen = sight.readable(petitions.c.asset_id, petitions.c.provider_id, viewer)
    row = (await tx.execute(select(*petitions.c).where(petitions.c.id == petition_id, seen))).one_or_none()
    if row is None:
        raise NoSuchPetition()
    return _petition(row)


async def granted_of(tx: Transaction, asset_id: AssetId) -> list[Petition]:
    """What was granted for an asset's versions and has not ended, oldest first."""
    here = (petitions.c.asset_id == asset_id, petitions.c.state == GRANTED)
    return [_petition(row) for row in await tx.execute(select(*petitions.c).where(*here).order_by(petitions.c.id))]


async def page_of_petitions(
    tx: Transaction, viewer: Viewer, version_id: VersionId | None, state: State | None, before: str | None, limit: int
) -> list[Petition]:
    """Newest first."""
    query = select(*petitions.c).where(sight.readable(petitions.c.asset_id, petitions.c.provider_id, viewer))
    if version_id is not None:
        query = query.where(petitions.c.version_id == version_id)
    if state is not None:
        query = query.where(petitions.c.state == state)
    return [_petition(row) for row in await tx.execute(rows.newest_first(query, petitions.c.id, before, limit))]


async def due_petitions(tx: Transaction, now: datetime) -> list[PetitionId]:
    query = select(petitions.c.id).where(petitions.c.deadline <= now).order_by(petitions.c.deadline)
    return list(await tx.scalars(query.limit(rows.DUE_MAX)))


def _petition(row: Row[Any]) -> Petition:
    asked = (STRIKE if row.kind == Kind.LOWERING else ASSESSMENT).validate_python(row.asked)
    first = Agreed(row.first_operator, row.first_at_grade_revision) if row.first_operator else None
    return Petition(
        row.id, row.asset_id, row.version_id, row.provider_id, asked, row.rationale, row.evidence_hash,
        State(row.state), row.submitted_at, row.deadline, first, tuple(row.operators), row.reason_code, row.revision,
    )  # fmt: skip


def _row(petition: Petition) -> dict[str, object]:
    asked, first = petition.asked, petition.first
    told = STRIKE.dump_python(asked, mode="json") if isinstance(asked, Strike) else ASSESSMENT.dump_python(asked)
    return {
        "id": petition.id, "asset_id": petition.asset_id, "version_id": petition.version_id,
        "provider_id": petition.provider_id, "kind": petition.kind, "asked": told, "rationale": petition.rationale,
        "evidence_hash": petition.evidence_hash, "state": petition.state, "submitted_at": petition.submitted_at,
        "deadline": petition.deadline, "first_operator": first and first.operator,
        "first_at_grade_revision": first and first.grade_revision, "operators": list(petition.operators),
        "reason_code": petition.reason_code, "revision": petition.revision,
    }  # fmt: skip
