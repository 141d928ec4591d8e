"""A document as an organisation sends it, with its application or later."""

from dataclasses import dataclass
from datetime import datetime

from services.identity.rules import document as rules
from services.identity.rules.document import Document, Kind
from shared.ids import DocumentId, ParticipantId


@dataclass(frozen=True, slots=True)
class Filed:
    """A document as it was sent."""

    kind: Kind
    content_hash: str
    issued_at: datetime
    valid_until: datetime | None

    def document(self, participant_id: ParticipantId, now: datetime) -> Document:
        return rules.file(
            DocumentId.new(), participant_id, self.kind, self.content_hash, self.issued_at, self.valid_until, now
        )
