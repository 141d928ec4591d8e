"""How evidence is kept: what was found in a version's fields, each grading with its grounds, and the certificates.

Promises: all of it is only added to; the present grade's reasons are those of its last grading.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Row, insert, select

from services.catalog.rules.evidence import Field
from services.catalog.rules.grading import Grading, Grounds
from services.catalog.rules.registration import Certificate, NoSuchCertificate
from services.catalog.rules.version import Version
from services.catalog.store.lineage import graded_parents_of
from services.catalog.tables.evidence import certificates, gradings, version_fields
from shared.database import Transaction
from shared.grades import Grade
from shared.ids import CertificateId, VersionId

FIELDS = TypeAdapter(tuple[Field, ...])
GROUNDS = TypeAdapter(Grounds)
GRADING = TypeAdapter(Grading)


async def add_fields(
    tx: Transaction, version_id: VersionId, fields: tuple[Field, ...], duplicate_rows: int | None = None
) -> None:
    row: dict[str, object] = {"version_id": version_id, "fields": FIELDS.dump_python(fields, mode="json")}
    await tx.execute(insert(version_fields).values(row | {"duplicate_rows": duplicate_rows}))


async def duplicate_rows_of(tx: Transaction, version_id: VersionId) -> int | None:
    """How many rows of the content repeat another; None if that was not counted."""
    return await tx.scalar(select(version_fields.c.duplicate_rows).where(version_fields.c.version_id == version_id))


async def fields_of(tx: Transaction, version_ids: Iterable[VersionId]) -> Mapping[VersionId, tuple[Field, ...]]:
    """By version; one without inspected content is left out."""
    query = select(version_fields.c.version_id, version_fields.c.fields)
    rows = await tx.execute(query.where(version_fields.c.version_id.in_(list(version_ids))))
    return {row.version_id: FIELDS.validate_python(row.fields) for row in rows}


async def add_grading(
    tx: Transaction, version: Version, grounds: Grounds, grading: Grading, given_by: str, now: datetime
) -> None:
    """Requires the version as this grading left it."""
    assert version.graded
    row = {
        "version_id": version.id, "grade_revision": version.graded.revision,
        "grounds": GROUNDS.dump_python(grounds, mode="json"), "grading": GRADING.dump_python(grading, mode="json"),
        "given_by": given_by, "given_at": now,
    }  # fmt: skip
    await tx.execute(insert(gradings).values(row))


async def last_grading(tx: Transaction, version_id: VersionId) -> tuple[Grounds, Grading] | None:
    query = (
        select(gradings.c.grounds, gradings.c.grading)
        .where(gradings.c.version_id == version_id)
        .order_by(gradings.c.grade_revision.desc())
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    return row and (GROUNDS.validate_python(row.grounds), GRADING.validate_python(row.grading))


async def grounds_of(tx: Transaction, version_id: VersionId) -> tuple[Grounds, tuple[Field, ...]]:
    """What the version's grade rests on: what people said of it, its parents as they are graded now, and what was found
    in its fields."""
    last = await last_grading(tx, version_id)
    fields = await fields_of(tx, [version_id])
    parents = await graded_parents_of(tx, version_id)
    return replace(last[0] if last else Grounds(), derived=parents), fields.get(version_id, ())


async def add_certificate(tx: Transaction, certificate: Certificate) -> None:
    row = {
        "id": certificate.id, "query_code": certificate.query_code, "asset_id": certificate.asset_id,
        "version_id": certificate.version_id, "rights_holder_id": certificate.rights_holder_id,
        "title": certificate.title, "content_hash": certificate.content_hash, "grade": certificate.grade,
        "registered_at": certificate.registered_at, "operators": list(certificate.operators),
    }  # fmt: skip
    await tx.execute(insert(certificates).values(row))


async def certificate(tx: Transaction, certificate_id: CertificateId) -> Certificate:
    return await _certificate(tx, certificates.c.id == certificate_id)


async def certificate_by_code(tx: Transaction, query_code: str) -> Certificate:
    return await _certificate(tx, certificates.c.query_code == query_code)


async def _certificate(tx: Transaction, which: ColumnElement[bool]) -> Certificate:
    row: Row[Any] | None = (await tx.execute(select(*certificates.c).where(which))).one_or_none()
    if row is None:
        raise NoSuchCertificate()
    return Certificate(
        row.id, row.query_code, row.asset_id, row.version_id, row.rights_holder_id, row.title, row.content_hash,
        Grade(row.grade), row.registered_at, tuple(row.operators),
    )  # fmt: skip
