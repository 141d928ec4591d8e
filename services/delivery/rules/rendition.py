"""A rendition: a version's content as it may be shown at a grade, made once for each set of masks."""

from dataclasses import dataclass
from datetime import datetime

from shared.ids import ContentId, VersionId


@dataclass(frozen=True, slots=True)
class Rendition:
    version_id: VersionId
    policy_digest: str
    content_id: ContentId
    bytes: int
    content_hash: str
    made_at: datetime
