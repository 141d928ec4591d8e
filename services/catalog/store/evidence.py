"""How evidence is kept: what was found in a version's fields and rows, each grading with its grounds, certificates.

Promises: all of it is only added to; the present grade's reasons are those of its last grading; what others have
registered of the same content is found in three statements, however much is registered.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Row, func, insert, select

from services.catalog.rules.asset import REGISTERED
from services.catalog.rules.certificate import Certificate, NoSuchCertificate, Signed
from services.catalog.rules.evidence import Field
from services.catalog.rules.filing import Licence, Type
from services.catalog.rules.fingerprint import SHARED_MIN, Sketch
from services.catalog.rules.grading import Grading, Grounds
from services.catalog.rules.rights import Right
from services.catalog.rules.version import Version
from services.catalog.store.lineage import graded_parents_of
from services.catalog.tables.entries import assets, versions
from services.catalog.tables.evidence import certificates, fingerprint_members, gradings, version_fields
from shared.database import Transaction
from shared.grades import Grade
from shared.ids import CertificateId, ParticipantId, VersionId

FIELDS = TypeAdapter(tuple[Field, ...])
GROUNDS = TypeAdapter(Grounds)
GRADING = TypeAdapter(Grading)
RIGHTS = TypeAdapter(tuple[Right, ...])
LICENCES = TypeAdapter(tuple[Licence, ...])
CANDIDATES_MAX = 20
SIGN = 2**63  # what has it is kept as a negative number: the databases count 64 bits with their sign


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


async def reviewers_of(tx: Transaction, version_id: VersionId) -> list[str]:
    """Whoever graded a version or had a part in registering it, in the order of their ids."""
    graded = await tx.scalars(select(gradings.c.given_by).where(gradings.c.version_id == version_id))
    registered = await tx.scalars(select(certificates.c.operators).where(certificates.c.version_id == version_id))
    return sorted({*graded, *(operator for operators in registered for operator in operators)})


async def grounds_of(tx: Transaction, version_id: VersionId) -> tuple[Grounds, tuple[Field, ...]]:
    """What the version's grade rests on: what people said of it, its parents as they are graded now, and what was found
    in its fields."""
    last = await last_grading(tx, version_id)
    fields = await fields_of(tx, [version_id])
    parents = await graded_parents_of(tx, version_id)
    return replace(last[0] if last else Grounds(), derived=parents), fields.get(version_id, ())


async def add_sketch(tx: Transaction, version_id: VersionId, sketch: Sketch) -> None:
    if sketch:
        members = [{"version_id": version_id, "member": _signed_64(member)} for member in sketch]
        await tx.execute(insert(fingerprint_members), members)


async def sketch_of(tx: Transaction, version_id: VersionId) -> Sketch:
    return (await _sketches(tx, [version_id])).get(version_id, ())


async def is_registered_by_another(tx: Transaction, content_hash: str, provider_id: ParticipantId) -> bool:
    """Whether another provider has this very content on the register."""
    query = _of_others(provider_id).where(versions.c.content_hash == content_hash).limit(1)
    return await tx.scalar(query) is not None


async def alike(tx: Transaction, sketch: Sketch, provider_id: ParticipantId) -> list[Sketch]:
    """The sketches of others' registered versions that share members with this one, those that share most first."""
    shared = func.count(fingerprint_members.c.member)
    query = (
        _of_others(provider_id)
        .join(fingerprint_members, fingerprint_members.c.version_id == versions.c.id)
        .where(fingerprint_members.c.member.in_([_signed_64(member) for member in sketch]))
        .group_by(versions.c.id)
        .having(shared >= SHARED_MIN)
        .order_by(shared.desc(), versions.c.id)
        .limit(CANDIDATES_MAX)
    )
    found = list(await tx.scalars(query)) if sketch else []
    return list((await _sketches(tx, found)).values()) if found else []


async def add_certificate(tx: Transaction, signed: Signed) -> None:
    certificate = signed.certificate
    row = {
        "id": certificate.id, "query_code": certificate.query_code, "asset_id": certificate.asset_id,
        "version_id": certificate.version_id, "rights_holder_id": certificate.rights_holder_id,
        "title": certificate.title, "content_hash": certificate.content_hash, "grade": certificate.grade,
        "registered_at": certificate.registered_at, "operators": list(certificate.operators),
        "filing_id": certificate.filing_id, "type": certificate.type,
        "rights": RIGHTS.dump_python(certificate.rights, mode="json"),
        "licences": LICENCES.dump_python(certificate.licences, mode="json"), "valid_until": certificate.valid_until,
        "supersedes": certificate.supersedes, "document": signed.document, "key_id": signed.key_id,
        "signature": signed.signature,
    }  # fmt: skip
    await tx.execute(insert(certificates).values(row))


async def certificate(tx: Transaction, certificate_id: CertificateId) -> Signed:
    return await _certificate(tx, certificates.c.id == certificate_id)


async def certificate_by_code(tx: Transaction, query_code: str) -> Signed:
    return await _certificate(tx, certificates.c.query_code == query_code)


async def present_certificates(tx: Transaction, ids: Iterable[CertificateId]) -> Mapping[VersionId, Certificate]:
    """By version. Requires the ids that the versions have at present."""
    rows = await tx.execute(select(*certificates.c).where(certificates.c.id.in_(list(ids))))
    return {row.version_id: _certificate_of(row) for row in rows}


async def _certificate(tx: Transaction, which: ColumnElement[bool]) -> Signed:
    row: Row[Any] | None = (await tx.execute(select(*certificates.c).where(which))).one_or_none()
    if row is None:
        raise NoSuchCertificate()
    # One of before certificates were signed has no document.
    return Signed(_certificate_of(row), row.document or "", row.key_id or "", row.signature or "")


def _certificate_of(row: Row[Any]) -> Certificate:
    return Certificate(
        row.id, row.query_code, row.asset_id, row.version_id, row.rights_holder_id, row.title, row.content_hash,
        Grade(row.grade), row.registered_at, tuple(row.operators), row.filing_id, Type(row.type),
        RIGHTS.validate_python(row.rights), LICENCES.validate_python(row.licences), row.valid_until, row.supersedes,
    )  # fmt: skip


def _of_others(provider_id: ParticipantId) -> Any:
    """Registered versions of other providers. It is about the data, so that a re-sold copy is one too."""
    return (
        select(versions.c.id)
        .join(assets, assets.c.id == versions.c.asset_id)
        .where(
            assets.c.state == REGISTERED, assets.c.provider_id != provider_id, versions.c.certificate_id.is_not(None)
        )
    )


async def _sketches(tx: Transaction, version_ids: Iterable[VersionId]) -> Mapping[VersionId, Sketch]:
    query = select(fingerprint_members.c.version_id, fingerprint_members.c.member)
    found = defaultdict[VersionId, list[int]](list)
    for row in await tx.execute(query.where(fingerprint_members.c.version_id.in_(list(version_ids)))):
        found[row.version_id].append(row.member % (2 * SIGN))
    return {version_id: tuple(sorted(members)) for version_id, members in found.items()}


def _signed_64(member: int) -> int:
    return member - 2 * SIGN if member >= SIGN else member
