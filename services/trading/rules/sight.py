"""Whose offers somebody sees: those of the grades that show to them, their own of any grade, by name what they were
charged with, and of important data what a standing approval opens to them."""

from dataclasses import dataclass

from services.trading.rules.approval import Opened, opened_by
from services.trading.rules.listing import Listing
from shared.grades import Grade
from shared.ids import AssetId, ParticipantId
from shared.oversight import Oversight

NOBODYS = Oversight()


@dataclass(frozen=True, slots=True)
class Sight:
    grades: tuple[Grade, ...]
    own: ParticipantId | None
    oversight: Oversight = NOBODYS
    opened: frozenset[Opened] = frozenset()

    def shows(self, listing: Listing) -> bool:
        """What is offered for an order of one's own, or for a negotiation."""
        if opened_by(listing) in self.opened:
            return True
        return self.includes(listing.grade, listing.provider_id, listing.asset_id)

    def includes(self, grade: Grade, provider_id: ParticipantId, asset_id: AssetId) -> bool:
        if grade in self.grades or (self.own is not None and self.own == provider_id):
            return True
        return self.oversight.reaches(grade, asset_id, provider_id)
