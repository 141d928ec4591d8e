"""How cubes are kept: one that stands for each version, its release at each level, and what was answered from it.

Promises: a second cube cannot stand beside the first; releases, answers, draws and charges are added once and never
changed; more than the budget of a cube cannot be spent, however many ask at once.
"""

from collections.abc import Sequence, Set
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy import ColumnElement, Row, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.delivery.rules.cube import (
    CUBE,
    STANDING,
    Cube,
    CubeChangedMeanwhile,
    Declaration,
    Level,
    NoSuchCube,
    Reason,
    Release,
    State,
)
from services.delivery.rules.cube_query import CUBE_EPSILON_MICRO_MAX, Answered, Certificate, Draw, Family
from services.delivery.tables.cubes import cube_answers, cube_charges, cube_draws, cube_releases, cubes
from shared.database import Transaction, for_update, insert_into
from shared.grades import Grade
from shared.ids import CubeId, ParticipantId, VersionId

Kept = TypeVar("Kept")
DECLARATION: TypeAdapter[Declaration] = TypeAdapter(Declaration)
RELEASE: TypeAdapter[Release] = TypeAdapter(Release)
ANSWERED: TypeAdapter[Answered] = TypeAdapter(Answered)
CERTIFICATE: TypeAdapter[Certificate] = TypeAdapter(Certificate)
DRAW: TypeAdapter[Draw] = TypeAdapter(Draw)


async def cube(tx: Transaction, cube_id: CubeId) -> Cube:
    return _found((await tx.execute(select(*cubes.c).where(cubes.c.id == cube_id))).one_or_none())


async def cube_for_update(tx: Transaction, cube_id: CubeId) -> Cube:
    query = select(*cubes.c).where(cubes.c.id == cube_id)
    return _found((await tx.execute(for_update(query, tx))).one_or_none())


async def standing_cube(tx: Transaction, version_id: VersionId) -> Cube | None:
    """The version's cube that waits or is in force."""
    row = (await tx.execute(select(*cubes.c).where(*_standing(version_id)))).one_or_none()
    return None if row is None else _cube(row)


async def standing_cube_for_update(tx: Transaction, version_id: VersionId) -> Cube | None:
    row = (await tx.execute(for_update(select(*cubes.c).where(*_standing(version_id)), tx))).one_or_none()
    return None if row is None else _cube(row)


async def standing_cubes_of(tx: Transaction, provider_id: ParticipantId) -> list[Cube]:
    """All that wait or are in force, of all versions of a provider's."""
    where = (cubes.c.provider_id == provider_id, cubes.c.state.in_(STANDING))
    return [_cube(row) for row in await tx.execute(select(*cubes.c).where(*where).order_by(cubes.c.id))]


async def lock_cubes(tx: Transaction, cube_ids: Set[CubeId]) -> None:
    query = select(cubes.c.id).where(cubes.c.id.in_(sorted(cube_ids))).order_by(cubes.c.id)
    await tx.execute(for_update(query, tx))


async def listed_cubes(tx: Transaction, version_id: VersionId, after: CubeId | None, limit: int) -> list[Cube]:
    """In order of age."""
    where: list[ColumnElement[bool]] = [cubes.c.version_id == version_id]
    if after is not None:
        where.append(cubes.c.id > after)
    query = select(*cubes.c).where(*where).order_by(cubes.c.id).limit(limit)
    return [_cube(row) for row in await tx.execute(query)]


async def cubes_past_deadline(tx: Transaction, now: datetime) -> list[Cube]:
    """Those that nobody has approved in time, at most a hundred."""
    late = (cubes.c.state.in_(CUBE.open_states()), cubes.c.deadline <= now)
    query = select(*cubes.c).where(*late).order_by(cubes.c.id).limit(100)
    return [_cube(row) for row in await tx.execute(for_update(query, tx, skip_locked=True))]


async def add_cube(tx: Transaction, cube: Cube, releases: dict[Level, Release]) -> None:
    try:
        await tx.execute(insert(cubes).values(_row(cube)))
    except IntegrityError as error:
        raise CubeChangedMeanwhile() from error
    kept = [
        {"cube_id": cube.id, "level": level.value, "release": _text(release)} for level, release in releases.items()
    ]
    await tx.execute(insert(cube_releases), kept)


async def save_cube(tx: Transaction, cube: Cube) -> None:
    """Its state; what was spent is `spend`'s alone."""
    values = {name: value for name, value in _row(cube).items() if name != "spent_micro"}
    as_read = (cubes.c.id == cube.id, cubes.c.revision == cube.revision - 1)
    if (await tx.execute(update(cubes).where(*as_read).values(values))).rowcount != 1:
        raise CubeChangedMeanwhile()


async def release(tx: Transaction, cube_id: CubeId, level: Level) -> Release:
    query = select(cube_releases.c.release).where(cube_releases.c.cube_id == cube_id, cube_releases.c.level == level)
    return RELEASE.validate_json((await tx.execute(query)).scalar_one())


async def is_answered(tx: Transaction, cube_id: CubeId) -> bool:
    return bool(await tx.scalar(select(exists().where(cube_answers.c.cube_id == cube_id))))


async def answered(
    tx: Transaction, cube_id: CubeId, level: Level, question_digest: str
) -> tuple[Answered, Certificate] | None:
    this = (
        cube_answers.c.cube_id == cube_id, cube_answers.c.level == level.value,
        cube_answers.c.question_digest == question_digest,
    )  # fmt: skip
    row = (await tx.execute(select(cube_answers.c.answer, cube_answers.c.certificate).where(*this))).one_or_none()
    return row and (ANSWERED.validate_json(row.answer), CERTIFICATE.validate_json(row.certificate))


async def add_answer(
    tx: Transaction, cube_id: CubeId, level: Level, answer: Answered, certificate: Certificate, now: datetime
) -> None:
    """Requires the cube locked, or an answer that is the same whoever makes it."""
    values = {
        "cube_id": cube_id, "level": level.value, "question_digest": certificate.question_digest,
        "answer": _text(answer), "certificate": _text(certificate), "answered_at": now,
    }  # fmt: skip
    await tx.execute(insert_into(tx, cube_answers).values(values).on_conflict_do_nothing())


async def draws(tx: Transaction, cube_id: CubeId, families: Sequence[Family]) -> dict[Family, Draw]:
    """Those of the families that were drawn."""
    names = [family.name for family in families]
    query = select(cube_draws.c.draw).where(cube_draws.c.cube_id == cube_id, cube_draws.c.family.in_(names))
    found = [DRAW.validate_json(text) for text in await tx.scalars(query)]
    return {draw.family: draw for draw in found}


async def add_draws(tx: Transaction, cube_id: CubeId, drawn: Sequence[Draw], now: datetime) -> None:
    """Requires the cube locked."""
    for draw in drawn:
        values = {"cube_id": cube_id, "family": draw.family.name, "draw": _text(draw), "drawn_at": now}
        await tx.execute(insert(cube_draws).values(values))


async def spent_by(tx: Transaction, cube_ids: Set[CubeId]) -> int:
    """What these cubes have spent together."""
    query = select(func.coalesce(func.sum(cubes.c.spent_micro), 0)).where(cubes.c.id.in_(sorted(cube_ids)))
    return int(await tx.scalar(query) or 0)


async def spend(tx: Transaction, cube_id: CubeId, epsilon_micro: int, elsewhere_micro: int = 0) -> bool:
    """Of the budget of the cube and its kindred, of which so much is spent elsewhere. False if it is not enough.

    Requires its kindred locked.
    """
    enough = cubes.c.spent_micro + epsilon_micro <= CUBE_EPSILON_MICRO_MAX - elsewhere_micro
    spent = update(cubes).where(cubes.c.id == cube_id, enough).values(spent_micro=cubes.c.spent_micro + epsilon_micro)
    return (await tx.execute(spent)).rowcount == 1


async def charged(tx: Transaction, cube_id: CubeId, members: Set[ParticipantId]) -> frozenset[str]:
    """The names of the families that any of these organisations has paid for."""
    query = select(cube_charges.c.family).where(
        cube_charges.c.cube_id == cube_id, cube_charges.c.participant_id.in_(sorted(members))
    )
    return frozenset(await tx.scalars(query))


async def charged_by(tx: Transaction, cube_ids: Set[CubeId], members: Set[ParticipantId]) -> int:
    """What any of these organisations has paid for draws of these cubes."""
    query = select(func.coalesce(func.sum(cube_charges.c.epsilon_micro), 0)).where(
        cube_charges.c.cube_id.in_(sorted(cube_ids)), cube_charges.c.participant_id.in_(sorted(members))
    )
    return int(await tx.scalar(query) or 0)


async def add_charges(
    tx: Transaction, cube_id: CubeId, participant_id: ParticipantId, families: Sequence[Family], epsilon_micro: int,
    now: datetime,
) -> None:  # fmt: skip
    for family in families:
        values = {
            "cube_id": cube_id, "participant_id": participant_id, "family": family.name,
            "epsilon_micro": epsilon_micro, "charged_at": now,
        }  # fmt: skip
        await tx.execute(insert(cube_charges).values(values))


def _standing(version_id: VersionId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return cubes.c.version_id == version_id, cubes.c.state.in_(STANDING)


def _text(value: object) -> str:
    return to_json(value).decode()


def _found(row: Row[Any] | None) -> Cube:
    if row is None:
        raise NoSuchCube()
    return _cube(row)


def _cube(row: Row[Any]) -> Cube:
    return Cube(
        row.id, row.version_id, row.provider_id, row.content_hash, DECLARATION.validate_json(row.declaration),
        row.declaration_digest, Grade(row.grade_declared), row.cells, row.rows_left_out, State(row.state),
        Reason(row.reason_code), row.declared_at, row.deadline, row.approved_at, row.spent_micro, row.revision,
        row.asset_id,
    )  # fmt: skip


def _row(cube: Cube) -> dict[str, object]:
    told: dict[str, object] = {column.name: getattr(cube, column.name) for column in cubes.c}
    return told | {"declaration": _text(cube.declaration)}
