"""How renditions are kept: one row for each version and digest of masks, added once and never changed."""

from sqlalchemy import select

from services.delivery.rules.rendition import Rendition
from services.delivery.tables.uploads import renditions
from shared.database import Transaction, insert_into
from shared.ids import VersionId


async def rendition(tx: Transaction, version_id: VersionId, policy_digest: str) -> Rendition | None:
    this = (renditions.c.version_id == version_id, renditions.c.policy_digest == policy_digest)
    row = (await tx.execute(select(*renditions.c).where(*this))).one_or_none()
    if row is None:
        return None
    return Rendition(row.version_id, row.policy_digest, row.content_id, row.bytes, row.content_hash, row.made_at)


async def add_rendition(tx: Transaction, made: Rendition) -> bool:
    """False if another process has made the same one meanwhile."""
    values = {
        "version_id": made.version_id, "policy_digest": made.policy_digest, "content_id": made.content_id,
        "bytes": made.bytes, "content_hash": made.content_hash, "made_at": made.made_at,
    }  # fmt: skip
    return (await tx.execute(insert_into(tx, renditions).values(values).on_conflict_do_nothing())).rowcount == 1
