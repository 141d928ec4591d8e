"""The catalogue of important data as it stood on a day (重要数据目录), and what changed since another.

Owns: which status a version has in it, what differs between two catalogues, and the figures that a yearly report gives.
Promises: the same rows have one digest in whatever order; what differs from one to another is exactly what leads from
the one to the other; a version that nobody has filed is suspected, never left out.
Sources: Data Security Law art. 21; Network Data Security Regulation arts 29 (identify, declare), 33 (a yearly report of
the assessment); GB/T 43697-2024 (catalogues of departments and regions).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from services.catalog.rules.important_data import Basis
from shared import canonical
from shared.errors import NotFound
from shared.facts import plain
from shared.grades import Grade
from shared.ids import AssetId, CatalogueSnapshotId, ParticipantId, VersionId


class Status(StrEnum):
    SUSPECTED = "suspected"  # 疑似: graded so, and filed nowhere
    DECLARED = "declared"  # 申报
    NOTIFIED = "notified"  # 告知
    PUBLISHED = "published"  # 公开发布


class Kind(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Row:
    """A version of important or core data, as it stood."""

    version_id: VersionId
    asset_id: AssetId
    provider_id: ParticipantId
    title: str
    theme: str
    grade: Grade
    status: Status
    authority: str | None
    number: str | None
    is_registered: bool
    content_rows: int
    assessed_until: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    id: CatalogueSnapshotId
    taken_at: datetime
    taken_by: str
    digest: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """`fields`: what differs in a row that both catalogues have."""

    kind: Kind
    version_id: VersionId
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """What a yearly report says of a catalogue. `assessed`: whose risk assessment holds on that day."""

    versions: int
    providers: int
    content_rows: int
    by_grade: Mapping[Grade, int]
    by_status: Mapping[Status, int]
    assessed: int


class NoSuchSnapshot(NotFound):
    """There is no such catalogue, or none before it."""


def status_of(basis: Basis | None) -> Status:
    return Status.SUSPECTED if basis is None else Status(basis.value)


def take(snapshot_id: CatalogueSnapshotId, rows: Iterable[Row], by: str, now: datetime) -> Snapshot:
    kept = tuple(sorted(rows, key=lambda row: row.version_id))
    return Snapshot(snapshot_id, now, by, digest(kept), kept)


def digest(rows: Iterable[Row]) -> str:
    """SHA-256 in hex of the rows in the order of their versions."""
    told = [plain(row) for row in sorted(rows, key=lambda row: row.version_id)]
    return hashlib.sha256(canonical.encode(told)).hexdigest()


def changes(before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    """What leads from the one to the other, in the order of the versions."""
    was, will_be = ({row.version_id: row for row in rows} for rows in (before, after))
    found = [Change(Kind.ADDED, one) for one in will_be.keys() - was.keys()]
    found += [Change(Kind.REMOVED, one) for one in was.keys() - will_be.keys()]
    for one in was.keys() & will_be.keys():
        if was[one] != will_be[one]:
            found.append(Change(Kind.CHANGED, one, _differing(was[one], will_be[one])))
    return sorted(found, key=lambda change: change.version_id)


def figures(snapshot: Snapshot) -> Figures:
    rows = snapshot.rows
    return Figures(
        len(rows), len({row.provider_id for row in rows}), sum(row.content_rows for row in rows),
        Counter(row.grade for row in rows), Counter(row.status for row in rows),
        sum(row.assessed_until is not None and snapshot.taken_at < row.assessed_until for row in rows),
    )  # fmt: skip


def _differing(one: Row, other: Row) -> tuple[str, ...]:
    return tuple(field.name for field in fields(Row) if getattr(one, field.name) != getattr(other, field.name))
