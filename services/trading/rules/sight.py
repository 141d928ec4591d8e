"""Whose offers somebody sees: those of the grades that show to them, their own of any grade, and by name what they
were charged with."""

from dataclasses import dataclass

from shared.grades import Grade
from shared.ids import AssetId, ParticipantId
from shared.oversight import Oversight

NOBODYS = Oversight()


@dataclass(frozen=True, slots=True)
class Sight:
    grades: tuple[Grade, ...]
    own: ParticipantId | None
    oversight: Oversight = NOBODYS

    def includes(self, grade: Grade, provider_id: ParticipantId, asset_id: AssetId) -> bool:
        if grade in self.grades or (self.own is not None and self.own == provider_id):
            return True
        return self.oversight.reaches(grade, asset_id, provider_id)
