"""How the documents of an admission are kept.

Promises: of one kind an organisation has at most one that waits and one in force; what another organisation filed is
not there; a document that changed since it was read cannot be saved.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from services.identity.rules.document import (
    DOCUMENT,
    VERIFIED,
    Check,
    Document,
    Kind,
    Method,
    NoSuchDocument,
    Proofs,
    State,
    proofs_of,
)
from services.identity.tables import documents
from shared.database import Transaction, for_update
from shared.errors import Conflict
from shared.ids import DocumentId, ParticipantId

DUE_MAX = 100


class DocumentChanged(Conflict):
    """Someone else changed this document, or filed another of its kind; look again."""


async def document_for_update(tx: Transaction, participant_id: ParticipantId, document_id: DocumentId) -> Document:
    """Requires that the participant is locked."""
    own = (documents.c.id == document_id, documents.c.participant_id == participant_id)
    found = await _found(tx, for_update(_query(*own), tx))
    if not found:
        raise NoSuchDocument()
    return found[0]


async def in_state(tx: Transaction, participant_id: ParticipantId, kind: Kind, state: State) -> Document | None:
    """The one document of that kind in that state. Requires that the participant is locked."""
    own = (documents.c.participant_id == participant_id, documents.c.kind == kind, documents.c.state == state)
    return next(iter(await _found(tx, _query(*own))), None)


async def documents_of(
    tx: Transaction, participant_id: ParticipantId, after: str | None, limit: int
) -> list[Document]:  # fmt: skip
    conditions: list[ColumnElement[bool]] = [documents.c.participant_id == participant_id]
    if after is not None:
        conditions.append(documents.c.id > after)
    return await _found(tx, _query(*conditions).order_by(documents.c.id).limit(limit))


async def proofs(tx: Transaction, participant_id: ParticipantId, now: datetime) -> Proofs:
    """What is proven of an organisation. Requires that it is locked, if anything is decided on that."""
    verified = _query(documents.c.participant_id == participant_id, documents.c.state == VERIFIED)
    return proofs_of(await _found(tx, verified), now)


async def documents_due(tx: Transaction, now: datetime) -> list[Document]:
    due = _query(documents.c.state.in_(DOCUMENT.open_states()), documents.c.deadline <= now)
    return await _found(tx, for_update(due.order_by(documents.c.id).limit(DUE_MAX), tx, skip_locked=True))


async def add_documents(tx: Transaction, added: Sequence[Document]) -> None:
    if not added:
        return
    try:
        await tx.execute(insert(documents), [_row(each) for each in added])
    except IntegrityError as error:
        raise DocumentChanged() from error


async def save_document(tx: Transaction, document: Document) -> None:
    as_read = (documents.c.id == document.id, documents.c.revision == document.revision - 1)
    if (await tx.execute(update(documents).where(*as_read).values(_row(document)))).rowcount != 1:
        raise DocumentChanged()


def _query(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(*documents.c).where(*conditions)


async def _found(tx: Transaction, query: Select[Any]) -> list[Document]:
    return [_document(row) for row in await tx.execute(query)]


def _document(row: Row[Any]) -> Document:
    check = None
    if row.checked_at is not None:
        check = Check(Method(row.method), row.passed, row.reference, row.checked_by, row.checked_at)
    return Document(
        row.id, row.participant_id, Kind(row.kind), row.content_hash, row.issued_at, row.valid_until, row.filed_at,
        State(row.state), row.deadline, check, row.reason_code, row.revision,
    )  # fmt: skip


def _row(document: Document) -> dict[str, object]:
    check = document.check
    return {
        "id": document.id,
        "participant_id": document.participant_id,
        "kind": document.kind,
        "content_hash": document.content_hash,
        "issued_at": document.issued_at,
        "valid_until": document.valid_until,
        "filed_at": document.filed_at,
        "state": document.state,
        "deadline": document.deadline,
        "method": check and check.method,
        "passed": check and check.passed,
        "reference": check and check.reference,
        "checked_by": check and check.checked_by,
        "checked_at": check and check.checked_at,
        "reason_code": document.reason_code,
        "revision": document.revision,
    }
