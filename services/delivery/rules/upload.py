"""An upload: from the provider's declaration of a file to its inspection.

Promises: what is declared is what is kept (size and hash are compared before anything else looks at the bytes); a file
whose kind is not on the list is never opened; every end has a reason that the provider can act on.
Does not: read the file (the inspector's child does), or grade it (the catalogue does).
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shared.errors import Conflict, Malformed, NotFound, TooLarge, UnsupportedMedia
from shared.ids import ContentId, ParticipantId, UploadId, VersionId
from shared.lifecycle import Lifecycle


class State(StrEnum):
    DECLARED = "declared"
    RECEIVED = "received"
    INSPECTED = "inspected"
    REFUSED = "refused"
    EXPIRED = "expired"


DECLARED, RECEIVED, INSPECTED, REFUSED, EXPIRED = State

UPLOAD = Lifecycle(start=DECLARED, moves={
    DECLARED:  {RECEIVED, REFUSED, EXPIRED},
    RECEIVED:  {INSPECTED, REFUSED},
    INSPECTED: set(),
    REFUSED:   set(),
    EXPIRED:   set(),
})  # fmt: skip
NEXT_ACTOR = {DECLARED: "provider", RECEIVED: "platform"}
HOLDS_VERSION = (DECLARED, RECEIVED, INSPECTED)  # a version takes one content, so one upload at a time

RECEIVED_WITHIN = timedelta(hours=24)
INSPECTED_WITHIN = timedelta(hours=1)
SENT_AT_A_TIME = 2  # a connection that broke unnoticed, and the one that tries again


class MediaType(StrEnum):
    """What is taken. Everything else is refused unread: archives, spreadsheets, Arrow IPC, pickles, HDF5."""

    CSV = "text/csv"
    JSON_LINES = "application/x-ndjson"
    PARQUET = "application/vnd.apache.parquet"


class Phase(StrEnum):
    """What is being done with content that came, while its provider waits."""

    WAITING = "waiting"  # for its turn
    FETCHING = "fetching"  # out of the store
    READING = "reading"  # every byte of it, strictly
    PROFILING = "profiling"  # column by column
    REPORTING = "reporting"  # to the catalogue


SUFFIX = {MediaType.CSV: "csv", MediaType.JSON_LINES: "ndjson", MediaType.PARQUET: "parquet"}


class Reason(StrEnum):
    """Why content was not taken."""

    EMPTY = "empty"
    TRUNCATED = "truncated"  # fewer bytes than declared, or a file that ends too early
    LONGER_THAN_DECLARED = "longer_than_declared"
    HASH_MISMATCH = "hash_mismatch"
    NOT_RECEIVED = "not_received"  # by the deadline
    WRONG_MAGIC = "wrong_magic"  # another kind than declared
    UNSUPPORTED_FORMAT = "unsupported_format"
    UNSUPPORTED_COMPRESSION = "unsupported_compression"
    ENCRYPTED = "encrypted"
    ENCODING = "encoding"  # neither UTF-8 nor GB18030, or both, or with control characters
    MALFORMED = "malformed"
    RAGGED = "ragged"  # rows of different width
    UNCLOSED_QUOTE = "unclosed_quote"
    WRONG_DELIMITER = "wrong_delimiter"
    NO_ROWS = "no_rows"
    DUPLICATE_HEADER = "duplicate_header"
    # A name that is empty, too long, not in NFC or of control characters; or no name but somebody's data, as where a
    # file begins with its first row.
    BAD_HEADER = "bad_header"
    TOO_MANY_COLUMNS = "too_many_columns"
    CELL_TOO_LARGE = "cell_too_large"
    NESTED_COLUMN = "nested_column"  # what cannot be looked into column by column is not taken
    MIXED_TYPES = "mixed_types"
    FORGED_METADATA = "forged_metadata"  # the footer says another number of rows than there are
    BOMB = "bomb"
    VERSION_CLOSED = "version_closed"  # the catalogue takes no content for this version any more
    INSPECTION_LIMIT = "inspection_limit"  # took more time or memory than it may, or broke the inspector


@dataclass(frozen=True, slots=True)
class Upload:
    """`seed_source` of the sample is `id`, drawn after the content hash was declared: a provider chooses no rows."""

    id: UploadId
    version_id: VersionId
    provider_id: ParticipantId
    media_type: MediaType
    bytes: int
    content_hash: str  # SHA-256, 64 hex digits
    file_name: str | None
    state: State
    declared_at: datetime
    deadline: datetime | None
    reason_code: Reason | None = None
    content_id: ContentId | None = None  # where the bytes are, once they are
    revision: int = 1
    reason_line: int | None = None  # of the file, counted from 1, where the reason shows at a line

    @property
    def suffix(self) -> str:
        return SUFFIX[self.media_type]

    @property
    def next_actor(self) -> str | None:
        return NEXT_ACTOR.get(self.state)


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a phase is done, in whole percent."""

    phase: Phase
    percent: int


class NoSuchUpload(NotFound):
    """You have no such upload."""


class FormatNotTaken(UnsupportedMedia):
    """Files of this kind are not taken; the kinds that are stand in the facts."""


class UploadTooLarge(TooLarge):
    """The file is larger than is taken here."""


class QuotaExceeded(Conflict):
    """Your organisation's space is used up."""


class BadFileName(Malformed):
    """The file name holds a path, control characters or more than 200 characters."""


class BadContentHash(Malformed):
    """The content hash is the SHA-256 of the file, as 64 lowercase hex digits."""


class VersionHasContent(Conflict):
    """This version has, or is about to have, its content; another content is another version."""


class NothingToReceive(Conflict):
    """This upload has its content, or is over."""


class AlreadySending(Conflict):
    """This content is being sent already; wait for that to end."""


class UploadExpired(Conflict):
    """The time for sending the content is over; declare the upload again."""


class ContentDiffers(Malformed):
    """The content is not what was declared; the reason stands in the facts. Declare it again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file and one organisation may take. In bytes."""

    bytes_max: int = 256 * 2**20
    quota_bytes: int = 4 * 2**30


def declare(
    upload_id: UploadId,
    version_id: VersionId,
    provider_id: ParticipantId,
    *,
    media_type: str,
    bytes_declared: int,
    content_hash: str,
    file_name: str | None,
    bytes_kept: int,
    limits: Limits,
    now: datetime,
) -> Upload:
    """The announced file. Requires that the version is the provider's own; `bytes_kept` is what it already keeps."""
    if media_type not in list(MediaType):
        raise FormatNotTaken(taken=list(MediaType))
    if bytes_declared > limits.bytes_max:
        raise UploadTooLarge(bytes_max=limits.bytes_max)
    if bytes_kept + bytes_declared > limits.quota_bytes:
        raise QuotaExceeded(quota_bytes=limits.quota_bytes, bytes_kept=bytes_kept)
    if not re.fullmatch("[0-9a-f]{64}", content_hash):
        raise BadContentHash()
    _check_file_name(file_name)
    parts = (MediaType(media_type), bytes_declared, content_hash, file_name)
    return Upload(upload_id, version_id, provider_id, *parts, DECLARED, declared_at=now, deadline=now + RECEIVED_WITHIN)


def check_receivable(upload: Upload, now: datetime, sent_meanwhile: int = 0) -> None:
    """`sent_meanwhile`: how often its content is being sent just now, for all of that takes room."""
    if sent_meanwhile >= SENT_AT_A_TIME:
        raise AlreadySending(retry_after_seconds=5)
    if upload.state is not DECLARED:
        raise NothingToReceive(state=upload.state)
    if upload.deadline is None or now >= upload.deadline:
        raise UploadExpired(deadline=upload.deadline)


def check_length(upload: Upload, announced_bytes: int | None) -> None:
    """A length that cannot be right is refused before the first byte, and costs the provider nothing."""
    if announced_bytes is not None and announced_bytes != upload.bytes:
        reason = Reason.TRUNCATED if announced_bytes < upload.bytes else Reason.LONGER_THAN_DECLARED
        raise ContentDiffers(reason_code=reason, bytes_declared=upload.bytes)


def receive(upload: Upload, content_id: ContentId, *, bytes_received: int, content_hash: str, now: datetime) -> Upload:
    """The upload with its bytes in the store, or refused because they are not the declared ones."""
    check_receivable(upload, now)
    if reason := _difference(upload, bytes_received, content_hash):
        return refuse(upload, reason)
    return _move(upload, RECEIVED, deadline=now + INSPECTED_WITHIN, content_id=content_id)


def inspected(upload: Upload) -> Upload:
    return _move(upload, INSPECTED, deadline=None)


def refuse(upload: Upload, reason: Reason, line: int | None = None) -> Upload:
    return _move(upload, REFUSED, deadline=None, reason_code=reason, reason_line=line, content_id=None)


def progress(upload: Upload, told: Progress | None) -> Progress | None:
    """How far the inspection is, as last told; None where there is none to wait for."""
    if upload.state is not RECEIVED:
        return None
    return told or Progress(Phase.WAITING, 0)


def pass_deadline(upload: Upload) -> Upload:
    """Requires that the deadline has passed: nothing came, or nobody could inspect it."""
    if upload.state is DECLARED:
        return _move(upload, EXPIRED, deadline=None, reason_code=Reason.NOT_RECEIVED)
    return refuse(upload, Reason.INSPECTION_LIMIT)


def _difference(upload: Upload, bytes_received: int, content_hash: str) -> Reason | None:
    if bytes_received == 0:
        return Reason.EMPTY
    if bytes_received < upload.bytes:
        return Reason.TRUNCATED
    if bytes_received > upload.bytes:
        return Reason.LONGER_THAN_DECLARED
    return Reason.HASH_MISMATCH if content_hash != upload.content_hash else None


def _check_file_name(name: str | None) -> None:
    # Never used as a path (the store knows ids only), but shown to people and sent in a header.
    if name is None:
        return
    if not 0 < len(name) <= 200 or name in (".", "..") or not name.isprintable() or set(name) & set('/\\:*?"<>|'):
        raise BadFileName()


def _move(upload: Upload, to: State, **changes: Any) -> Upload:
    return replace(upload, state=UPLOAD.move(upload.state, to), revision=upload.revision + 1, **changes)
