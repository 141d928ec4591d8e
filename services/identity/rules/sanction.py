"""A joint sanction (联合惩戒) as identity follows it: while one is in force, its subject is suspended in every service.

Promises: of each sanction what trading said last counts, told once or twice, late, or in another order; a sanction
suspends until its end by the clock, noticed or not; it binds the organisation, also one that has left and comes back;
and it neither begins nor ends a suspension that an operator decided: the two stand beside each other.
Does not: decide on any sanction. Trading does, after its subject was heard (authorisation rules, row 38).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.ids import ParticipantId, SanctionId


@dataclass(frozen=True, slots=True)
class Sanction:
    """What was said of it last. `until` is its end while it is in force, and none once it was revoked or is over."""

    id: SanctionId
    participant_id: ParticipantId
    revision: int
    until: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """The sanction that a participant is under."""

    sanction_id: SanctionId
    until: datetime
    reason: str

    def binds_at(self, moment: datetime) -> bool:
        return moment < self.until


def last_told(known: Sanction | None, told: Sanction) -> Sanction:
    return told if known is None or told.revision > known.revision else known


def binding(against: Iterable[Sanction]) -> Binding | None:
    """Of all that were imposed on an organisation the one in force that ends last."""
    in_force = [Binding(each.id, each.until, each.reason) for each in against if each.until is not None]
    return max(in_force, key=lambda each: (each.until, each.sanction_id), default=None)
