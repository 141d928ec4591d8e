"""The questions that every act of `trading` asks: who sees what is listed, and may this member have it, now?"""

from collections.abc import Set
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Protocol

from services.trading.rules.approval import IMPORTANT, TRUSTED, approved, opened
from services.trading.rules.auction import require_unrelated
from services.trading.rules.co_owner import owners_of
from services.trading.rules.listing import Listing, ListingNotOpen
from services.trading.rules.sight import Sight
from services.trading.store import approval as approval_store
from shared.access import Caller, Role
from shared.database import Transaction
from shared.grades import Clearance, Condition, Decision, Grade, Visibility, decide, visibility
from shared.ids import ParticipantId
from shared.oversight import oversight
from shared.permission import OPERATORS
from shared.standing import Standing, StandingMirror

STAFF = OPERATORS | {Role.REGULATOR}


class Knows(Protocol):
    """Whatever knows of everyone's standing."""

    @property
    def standing(self) -> StandingMirror: ...


def decide_for(
    knows: Knows, standing: Standing, listing: Listing, fulfilled: Set[Condition] = frozenset()
) -> Decision:  # fmt: skip
    """That this member may have what is listed, of a provider who may sell it. Co-owners count as the provider does.
    `fulfilled` are the conditions that are on record for this order alone (`fulfilled_for`).

    Raises RelatedParty, ListingNotOpen, NotPermitted, or StandingUnknown from G3 on.
    """
    knows.standing.require_fresh(listing.grade)
    sellers = owners_of(listing.provider_id, listing.ownership)
    require_unrelated(any(standing.is_related_to(seller) for seller in sellers))
    if not knows.standing.of(listing.provider_id).is_admitted:
        raise ListingNotOpen(state=listing.state, reason_code="provider_not_admitted")
    on_record = listing.conditions | fulfilled
    decision = decide(listing.grade, listing.mode, standing.clearance, listing.flags, on_record)
    decision.require()
    return decision


async def fulfilled_for(
    tx: Transaction, listing: Listing, buyer_id: ParticipantId, now: datetime
) -> frozenset[Condition]:  # fmt: skip
    """What is on record for an order of this buyer alone, held until the transaction ends. Requires that all is locked
    that comes before an order. Asked before `sight_in`, so that what ends meanwhile is not there."""
    if listing.grade is not IMPORTANT:
        return frozenset()
    standing = await approval_store.standing_for(tx, listing.version_id, buyer_id, now)
    return approved(standing, listing.mode, listing.purposes, now)


async def sight_in(knows: Knows, tx: Transaction, caller: Caller | None, now: datetime) -> Sight:
    """What somebody sees of what is ordered or negotiated, with what approvals open to them at this moment. What is
    sold to many at once, or by several together, is sight_of's: no approval is for that."""
    sight = sight_of(knows, caller)
    if sight.own is None or knows.standing.clearance_of(sight.own) is not TRUSTED:
        return sight
    return replace(sight, opened=opened(await approval_store.standing_of(tx, sight.own, now), now))


def sight_of(knows: Knows, caller: Caller | None) -> Sight:
    if caller and STAFF & caller.roles:
        overseen = oversight(caller.roles, knows.standing.charges_of(caller.subject))
        return Sight(tuple(grade for grade in Grade if grade in overseen.by_office), None, overseen)
    own = caller.participant_id if caller else None
    return Sight(_shown_to(knows.standing.clearance_of(own)), own)


@cache
def _shown_to(clearance: Clearance | None) -> tuple[Grade, ...]:
    return tuple(grade for grade in Grade if visibility(grade, clearance) is not Visibility.NONE)
