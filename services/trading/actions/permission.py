"""The questions that every act of `trading` asks: who sees what is listed, and may this member have it, now?"""

from functools import cache
from typing import Protocol

from services.trading.rules.auction import require_unrelated
from services.trading.rules.co_owner import owners_of
from services.trading.rules.listing import Listing, ListingNotOpen
from services.trading.rules.sight import Sight
from shared.access import Caller, Role
from shared.grades import Clearance, Decision, Grade, Visibility, decide, visibility
from shared.oversight import oversight
from shared.permission import OPERATORS
from shared.standing import Standing, StandingMirror

STAFF = OPERATORS | {Role.REGULATOR}


class Knows(Protocol):
    """Whatever knows of everyone's standing."""

    @property
    def standing(self) -> StandingMirror: ...


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
        overseen = oversight(caller.roles, knows.standing.charges_of(caller.subject))
        return Sight(tuple(grade for grade in Grade if grade in overseen.by_office), None, overseen)
    own = caller.participant_id if caller else None
    return Sight(_shown_to(knows.standing.clearance_of(own)), own)


@cache
def _shown_to(clearance: Clearance | None) -> tuple[Grade, ...]:
    return tuple(grade for grade in Grade if visibility(grade, clearance) is not Visibility.NONE)
