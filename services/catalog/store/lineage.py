"""How lineage is kept: the edges between versions, and the licence terms of each.

Promises: what a version is made from is replaced as a whole; one step of the graph is one statement, however wide.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, delete, insert, select, update

from services.catalog.rules.lineage import KEEPS_GRADE, Edge, LicenceTerms, Parent, Processing
from services.catalog.tables.entries import assets, versions
from services.catalog.tables.lineage import licences, lineage_edges
from shared.database import Transaction
from shared.grades import Flag, Grade
from shared.ids import VersionId

LAGGING_MAX = 100
TERMS = TypeAdapter(LicenceTerms)


async def replace_parents(tx: Transaction, version_id: VersionId, edges: Collection[Edge], now: datetime) -> None:
    await tx.execute(delete(lineage_edges).where(lineage_edges.c.version_id == version_id))
    for edge in edges:
        row = {"version_id": version_id, "parent_id": edge.parent_id, "processing": edge.processing}
        await tx.execute(insert(lineage_edges).values(row | {"declared_at": now}))


async def parents_of(tx: Transaction, version_ids: Collection[VersionId]) -> list[Edge]:
    return await _edges(tx, lineage_edges.c.version_id.in_(list(version_ids)))


async def children_of(tx: Transaction, version_ids: Collection[VersionId]) -> list[Edge]:
    return await _edges(tx, lineage_edges.c.parent_id.in_(list(version_ids)))


async def graded_parents_of(tx: Transaction, version_id: VersionId) -> tuple[Parent, ...]:
    """What the version is made from, as it is graded now."""
    columns = (versions.c.id, assets.c.provider_id, lineage_edges.c.processing, versions.c.grade, versions.c.flags)
    query = (
        select(*columns)
        .join(versions, versions.c.id == lineage_edges.c.parent_id)
        .join(assets, assets.c.id == versions.c.asset_id)
        .where(lineage_edges.c.version_id == version_id)
        .order_by(versions.c.id)
    )
    return tuple(
        Parent(row.id, row.provider_id, Processing(row.processing), Grade(row.grade), frozenset(map(Flag, row.flags)))
        for row in await tx.execute(query)
    )


async def lagging(tx: Transaction) -> list[VersionId]:
    """Graded versions below a parent whose grade they have to keep; at most a hundred."""
    parent = versions.alias("parent")
    query = (
        select(versions.c.id)
        .join(lineage_edges, lineage_edges.c.version_id == versions.c.id)
        .join(parent, parent.c.id == lineage_edges.c.parent_id)
        .where(lineage_edges.c.processing.in_(KEEPS_GRADE), versions.c.grade < parent.c.grade)
        .distinct()
        .order_by(versions.c.id)
        .limit(LAGGING_MAX)
    )
    return list(await tx.scalars(query))


async def save_terms(
    tx: Transaction, version_id: VersionId, declared: LicenceTerms, in_force: LicenceTerms, now: datetime
) -> None:
    """Requires that the version's entry is locked by this transaction."""
    row: dict[str, object] = {
        "declared": TERMS.dump_python(declared, mode="json"), "in_force": TERMS.dump_python(in_force, mode="json"),
        "declared_at": now,
    }  # fmt: skip
    known = update(licences).where(licences.c.version_id == version_id).values(row)
    if (await tx.execute(known)).rowcount == 0:
        await tx.execute(insert(licences).values({"version_id": version_id} | row))


async def terms_of(
    tx: Transaction, version_ids: Collection[VersionId]
) -> Mapping[VersionId, tuple[LicenceTerms, LicenceTerms]]:
    """By version: what its provider declared, and what is in force; one that says nothing is left out."""
    query = select(licences.c.version_id, licences.c.declared, licences.c.in_force)
    rows = await tx.execute(query.where(licences.c.version_id.in_(list(version_ids))))
    return {row.version_id: (TERMS.validate_python(row.declared), TERMS.validate_python(row.in_force)) for row in rows}


async def _edges(tx: Transaction, where: ColumnElement[bool]) -> list[Edge]:
    columns = (lineage_edges.c.version_id, lineage_edges.c.parent_id, lineage_edges.c.processing)
    query = select(*columns).where(where).order_by(lineage_edges.c.version_id, lineage_edges.c.parent_id)
    return [Edge(row.version_id, row.parent_id, Processing(row.processing)) for row in await tx.execute(query)]
