"""The questions that every act of `trading` asks: who sees what is listed, and may this member have it, now?"""

from dataclasses import dataclass
from functools import cache
from typing import Protocol

from services.trading.rules.auction import require_unrelated
from services.trading.rules.co_owner import owners_of
from services.trading.rules.listing import Listing, ListingNotOpen
from shared.access import Caller, Role
from shared.grades import Clearance, Decision, Grade, Visibility, decide, overseen, visibility
from shared.ids import ParticipantId
from shared.permission import OPERATORS
from shared.standing import Standing, StandingMirror

STAFF = OPERATORS | {Role.REGULATOR}


class Knows(Protocol):
    """Whatever knows of everyone's standing."""

    @property
    def standing(self) -> StandingMirror: ...


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose offers someone may see: those of these grades, and their own of any grade."""

    grades: tuple[Grade, ...]
    own: ParticipantId | None

    def includes(self, grade: Grade, provider_id: ParticipantId) -> bool:
        return grade in self.grades or (self.own is not None and self.own == provider_id)


def decide_for(knows: Knows, standing: Standing, listing: Listing) -> Decision:
    """That this member may have what is listed, of a provider who may sell it. Co-owners count as the provider does.

    Raises RelatedParty, ListingNotOpen, NotPermitted, or StandingUnknown from G3 on.
    """
    knows.standing.require_fresh(listing.grade)
    sellers = owners_of(listing.provider_id, listing.ownership)
    require_unrelated(any(standing.is_related_to(seller) for seller in sellers))
    if not knows.standing.of(listing.provider_id).is_admitted:
        raise ListingNotOpen(state=listing.state, reason_code="provider_not_admitted")
    decision = decide(listing.grade, listing.mode, standing.clearance, listing.flags, listing.conditions)
    decision.require()
    return decision


def sight_of(knows: Knows, caller: Caller | None) -> Sight:
    if caller and STAFF & caller.roles:
        return Sight(tuple(grade for grade in Grade if grade in overseen(caller.roles)), None)
    own = caller.participant_id if caller else None
    return Sight(_shown_to(knows.standing.clearance_of(own)), own)


@cache
def _shown_to(clearance: Clearance | None) -> tuple[Grade, ...]:
    return tuple(grade for grade in Grade if visibility(grade, clearance) is not Visibility.NONE)
