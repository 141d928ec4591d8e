"""What crosses the wire about accounts that nobody uses."""

from datetime import datetime
from typing import Self

from services.identity.rules import dormancy as rules
from services.identity.rules.dormancy import Limits, Use
from shared.ids import ParticipantId
from shared.web import View


class DormantView(View):
    """`subject`: a user or a client, as in their lists. `shut_at`: when it is disabled, unless it is used before; an
    organisation's last administrator is not."""

    subject: str
    participant_id: ParticipantId | None
    used_at: datetime
    shut_at: datetime | None

    @classmethod
    def of(cls, use: Use, limits: Limits) -> Self:
        return cls(
            subject=str(use.subject), participant_id=use.participant_id, used_at=use.used_at,
            shut_at=rules.shut_at(use, limits),
        )  # fmt: skip
