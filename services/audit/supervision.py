"""How what supervisors have under way is kept, and the labels by which they are shown entries.

Promises: a matter read for update is this transaction's alone until it ends; what changed since it was read is not
saved; labels and the size up to which they were given commit together, and can be given again from the log's entries.
It stands apart from the store of the log, of which it changes nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import func, insert, or_, select, update

from services.audit.rules.case import Case, NoSuchCase
from services.audit.rules.incident import Incident, NoSuchIncident
from services.audit.rules.redaction import NoSuchRedaction, Redaction
from services.audit.rules.sampling import NoSuchSampling, Sampling
from services.audit.rules.vulnerability import NoSuchVulnerability, Vulnerability
from services.audit.tables import labelled, labels, matter_readers, matters
from shared.database import Transaction, for_update, insert_into
from shared.errors import Conflict
from shared.grades import Grade
from shared.ids import Id

NAMES_PER_QUERY = 5_000  # both databases take about 32 000 parameters
Matter = Case | Sampling | Redaction | Incident | Vulnerability
AnyMatter = TypeVar("AnyMatter", bound=Matter)
MISSING = {
    Case: NoSuchCase, Sampling: NoSuchSampling, Redaction: NoSuchRedaction, Incident: NoSuchIncident,
    Vulnerability: NoSuchVulnerability,
}  # fmt: skip
FORMS: dict[type, TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in MISSING}


class ChangedMeanwhile(Conflict):
    """Someone else acted on this at the same time; look again."""


async def add_matter(tx: Transaction, matter: Matter, readers: Iterable[str] = ()) -> None:
    await tx.execute(insert(matters), [{"id": matter.id, "kind": type(matter).__name__, **_told(matter)}])
    await add_readers(tx, matter, readers)


async def matter(tx: Transaction, kind: type[AnyMatter], matter_id: Id) -> AnyMatter:
    return _matter(kind, await tx.scalar(select(matters.c.told).where(matters.c.id == matter_id)))


async def matter_for_update(tx: Transaction, kind: type[AnyMatter], matter_id: Id) -> AnyMatter:
    return _matter(kind, await tx.scalar(for_update(select(matters.c.told).where(matters.c.id == matter_id), tx)))


async def save_matter(tx: Transaction, before: Matter, after: Matter) -> None:
    """Requires that it is still as it was read."""
    as_read = (matters.c.id == before.id, matters.c.revision == before.revision)
    if (await tx.execute(update(matters).where(*as_read).values(_told(after)))).rowcount != 1:
        raise ChangedMeanwhile()


async def matters_of(
    tx: Transaction, kind: type[AnyMatter], after: Id | None, limit: int,
    reader: str | None = None, or_state: str | None = None,
) -> list[AnyMatter]:  # fmt: skip
    """In order of age: all, or those that a reader has, and those in a state."""
    query = select(matters.c.told).where(matters.c.kind == kind.__name__, matters.c.id > (after or ""))
    if reader is not None:
        theirs = select(matter_readers.c.matter_id).where(matter_readers.c.subject == reader)
        query = query.where(or_(matters.c.id.in_(theirs), matters.c.state == or_state))
    return [_matter(kind, told) for told in await tx.scalars(query.order_by(matters.c.id).limit(limit))]


async def matters_under_way(
    tx: Transaction, kind: type[AnyMatter], until: datetime | None, limit: int
) -> list[AnyMatter]:
    """Those that still have a deadline, or whose deadline is not after a moment."""
    where = [matters.c.kind == kind.__name__, matters.c.deadline.is_not(None)]
    query = select(matters.c.told).where(*where, *([matters.c.deadline <= until] if until else []))
    return [_matter(kind, told) for told in await tx.scalars(query.order_by(matters.c.id).limit(limit))]


async def matters_counted(tx: Transaction, kind: type[AnyMatter], state: str) -> dict[str, int]:
    """For each reader, how many they have that are in the state."""
    both = matters.c.id == matter_readers.c.matter_id
    query = select(matter_readers.c.subject, func.count()).where(both, matters.c.kind == kind.__name__)
    rows = await tx.execute(query.where(matters.c.state == state).group_by(matter_readers.c.subject))
    return {row[0]: row[1] for row in rows}


async def add_readers(tx: Transaction, matter: Matter, readers: Iterable[str]) -> None:
    rows = [{"subject": subject, "matter_id": matter.id} for subject in sorted(set(readers))]
    if rows:
        await tx.execute(insert_into(tx, matter_readers).on_conflict_do_nothing(), rows)


async def labelled_size(tx: Transaction) -> int:
    """How much of the log has given its labels."""
    return await tx.scalar(select(labelled.c.size).where(labelled.c.number == 1)) or 0


async def labelled_size_for_update(tx: Transaction) -> int:
    await tx.execute(insert_into(tx, labelled).on_conflict_do_nothing(), [{"number": 1, "size": 0}])
    return await tx.scalar(for_update(select(labelled.c.size).where(labelled.c.number == 1), tx)) or 0


async def labels_of(tx: Transaction, names: Iterable[str]) -> dict[str, Grade]:
    some, found = sorted(names), dict[str, Grade]()
    for start in range(0, len(some), NAMES_PER_QUERY):
        query = select(labels.c.name, labels.c.grade).where(labels.c.name.in_(some[start : start + NAMES_PER_QUERY]))
        found |= {row.name: Grade(row.grade) for row in await tx.execute(query)}
    return found


async def raise_labels(tx: Transaction, raised: Mapping[str, Grade], size: int) -> None:
    if raised:
        add = insert_into(tx, labels)
        higher = add.on_conflict_do_update(index_elements=["name"], set_={"grade": add.excluded.grade})
        await tx.execute(higher, [{"name": name, "grade": grade} for name, grade in sorted(raised.items())])
    await tx.execute(update(labelled).where(labelled.c.number == 1).values(size=size))


async def has_label_from(tx: Transaction, grade: Grade) -> bool:
    return await tx.scalar(select(labels.c.name).where(labels.c.grade >= grade).limit(1)) is not None


def _matter(kind: type[AnyMatter], told: str | None) -> AnyMatter:
    if told is None:
        raise MISSING[kind]()
    return FORMS[kind].validate_json(told)


def _told(matter: Matter) -> dict[str, object]:
    told = FORMS[type(matter)].dump_json(matter).decode()
    return {"state": matter.state, "deadline": matter.deadline, "revision": matter.revision, "told": told}
