"""How uploads are kept, with what was found in each.

Promises: a second content for a version cannot be added; an upload that changed since it was read cannot be saved; an
upload that one inspector has taken is not given to another until its time is over.
"""

from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Column, Row, Select, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from services.delivery.rules.inspection import Inspection, NotTaken, Outcome
from services.delivery.rules.upload import (
    HOLDS_VERSION,
    INSPECTED,
    RECEIVED,
    UPLOAD,
    MediaType,
    NoSuchUpload,
    Phase,
    Progress,
    Reason,
    State,
    Upload,
    VersionHasContent,
)
from services.delivery.tables.uploads import uploads
from shared.database import Transaction, for_update
from shared.errors import Conflict
from shared.ids import ParticipantId, UploadId, VersionId

OUTCOMES: TypeAdapter[Outcome | Reason] = TypeAdapter(Outcome | Reason)
OF_THE_INSPECTION = ("outcome", "claimed_until", "phase", "percent")  # written beside the upload, not with it
COLUMNS = [column for column in uploads.c if column.name not in OF_THE_INSPECTION]


class UploadChangedMeanwhile(Conflict):
    """This upload was changed by another request; look again."""


async def own_upload(tx: Transaction, upload_id: UploadId, provider_id: ParticipantId) -> Upload:
    """The provider's own upload: another's is not there."""
    row = (await tx.execute(_own(upload_id, provider_id))).one_or_none()
    return _found(row)


async def progress_of(tx: Transaction, upload_id: UploadId) -> Progress | None:
    """How far the inspection of an upload is, if that was ever told."""
    row = (await tx.execute(select(uploads.c.phase, uploads.c.percent).where(uploads.c.id == upload_id))).one()
    return None if row.phase is None else Progress(Phase(row.phase), row.percent)


async def own_upload_for_update(tx: Transaction, upload_id: UploadId, provider_id: ParticipantId) -> Upload:
    row = (await tx.execute(for_update(_own(upload_id, provider_id), tx))).one_or_none()
    return _found(row)


async def upload_for_update(tx: Transaction, upload_id: UploadId) -> Upload:
    query = select(*COLUMNS).where(uploads.c.id == upload_id)
    return _found((await tx.execute(for_update(query, tx))).one_or_none())


async def add_upload(tx: Transaction, upload: Upload) -> None:
    try:
        await tx.execute(insert(uploads).values(_row(upload)))
    except IntegrityError as error:
        raise VersionHasContent() from error


async def save_upload(tx: Transaction, upload: Upload) -> None:
    as_read = (uploads.c.id == upload.id, uploads.c.revision == upload.revision - 1)
    saved = await tx.execute(update(uploads).where(*as_read).values(_row(upload)))
    if saved.rowcount != 1:
        raise UploadChangedMeanwhile()


async def bytes_kept(tx: Transaction, provider_id: ParticipantId) -> int:
    """What the provider's declared and kept files weigh together."""
    kept = (uploads.c.provider_id == provider_id, uploads.c.state.in_(HOLDS_VERSION))
    return int(await tx.scalar(select(func.coalesce(func.sum(uploads.c.bytes), 0)).where(*kept)) or 0)


async def claim_received(tx: Transaction, now: datetime, lease: timedelta) -> tuple[Upload, Outcome | None] | None:
    """The oldest upload that waits and is in nobody's hands, with what was found in it; it is now in the caller's."""
    free = uploads.c.claimed_until.is_(None) | (uploads.c.claimed_until <= now)
    due = or_(uploads.c.deadline > now, uploads.c.outcome.is_not(None))
    query = select(*COLUMNS, uploads.c.outcome).where(uploads.c.state == RECEIVED, due, free)
    row = (await tx.execute(for_update(query.order_by(uploads.c.id).limit(1), tx, skip_locked=True))).one_or_none()
    if row is None:
        return None
    await keep_claim(tx, row.id, now + lease)
    return _upload(row), None if row.outcome is None else _outcome(row.outcome)


async def keep_claim(
    tx: Transaction, upload_id: UploadId, until: datetime, progress: Progress | None = None
) -> None:  # fmt: skip
    told = {} if progress is None else {"phase": progress.phase, "percent": progress.percent}
    await tx.execute(update(uploads).where(uploads.c.id == upload_id).values(claimed_until=until, **told))


async def uploads_past_deadline(tx: Transaction, now: datetime) -> list[Upload]:
    """The uploads that time has moved and nobody has yet noticed, at most a hundred.

    Not those in which something was found: the catalogue may have heard of it already.
    """
    late = (uploads.c.state.in_(UPLOAD.open_states()), uploads.c.deadline <= now, uploads.c.outcome.is_(None))
    query = select(*COLUMNS).where(*late).order_by(uploads.c.id).limit(100)
    return [_upload(row) for row in await tx.execute(for_update(query, tx, skip_locked=True))]


async def save_outcome(tx: Transaction, upload_id: UploadId, outcome: Outcome) -> Outcome | None:
    """The outcome that stands: the first that was found. None if the upload ended before there was one."""
    first = (uploads.c.id == upload_id, uploads.c.state == RECEIVED, uploads.c.outcome.is_(None))
    kept = {"outcome": OUTCOMES.dump_json(outcome).decode(), "phase": Phase.REPORTING, "percent": 0}
    await tx.execute(update(uploads).where(*first).values(kept))
    stands = await tx.scalar(select(uploads.c.outcome).where(uploads.c.id == upload_id))
    return None if stands is None else _outcome(stands)


async def content_of(tx: Transaction, version_id: VersionId) -> tuple[Upload, Inspection] | None:
    """The inspected content of a version, and what was found in it."""
    row = (await tx.execute(_inspected(version_id, *COLUMNS, uploads.c.outcome))).one_or_none()
    if row is None:
        return None
    found = _outcome(row.outcome)
    assert isinstance(found, Inspection)
    return _upload(row), found


async def inspected_upload(tx: Transaction, version_id: VersionId) -> Upload | None:
    """The inspected content of a version alone."""
    row = (await tx.execute(_inspected(version_id, *COLUMNS))).one_or_none()
    return None if row is None else _upload(row)


def _inspected(version_id: VersionId, *columns: Column[Any]) -> Select[Any]:
    return select(*columns).where(uploads.c.version_id == version_id, uploads.c.state == INSPECTED)


def _outcome(kept: str) -> Outcome:
    found = OUTCOMES.validate_json(kept)
    return NotTaken(found) if isinstance(found, Reason) else found  # as it was kept before lines were told


def _own(upload_id: UploadId, provider_id: ParticipantId) -> Select[Any]:
    return select(*COLUMNS).where(uploads.c.id == upload_id, uploads.c.provider_id == provider_id)


def _found(row: Row[Any] | None) -> Upload:
    if row is None:
        raise NoSuchUpload()
    return _upload(row)


def _upload(row: Row[Any]) -> Upload:
    reason = None if row.reason_code is None else Reason(row.reason_code)
    return Upload(
        row.id, row.version_id, row.provider_id, MediaType(row.media_type), row.bytes, row.content_hash, row.file_name,
        State(row.state), row.declared_at, row.deadline, reason, row.content_id, row.revision,
        row.reason_line,
    )  # fmt: skip


def _row(upload: Upload) -> dict[str, object]:
    return {column.name: getattr(upload, column.name) for column in COLUMNS}
