"""What the acts of `trading` need, and the one question that they all ask: may this member have it, now?"""

from dataclasses import dataclass

from services.catalog.client import CatalogClient, LicenceTermsView
from services.pricing.client import PricingClient
from services.trading.actions.treasury import Treasury
from services.trading.rules.auction import require_unrelated
from services.trading.rules.award import FrozenFees
from services.trading.rules.listing import Licence, Listing, ListingNotOpen, Version
from services.trading.rules.market_rules import MarketRules
from shared.access import Caller, Member, Role, ServiceCaller
from shared.changes import Source
from shared.clock import Clock
from shared.commits import Commits
from shared.database import Database
from shared.errors import Forbidden, NotFound
from shared.grades import Decision, Grade, Visibility, decide, visibility
from shared.ids import ParticipantId, VersionId
from shared.outbox import Outbox
from shared.permission import OPERATORS
from shared.standing import Standing, StandingMirror

SUPERVISORS = frozenset({Role.REGULATOR, Role.OPERATOR_AUDIT})
STAFF = OPERATORS | {Role.REGULATOR}


@dataclass(frozen=True, slots=True)
class Trading:
    database: Database
    outbox: Outbox
    clock: Clock
    standing: StandingMirror
    rules: MarketRules
    catalog: CatalogClient
    pricing: PricingClient
    catalog_feed: Source
    treasury: Treasury
    commits: Commits


class NothingOfYours(NotFound):
    """You have no such thing."""


class NotDelivery(Forbidden):
    """Only delivery charges uses, and only on behalf of whoever receives."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose offers someone may see: those of these grades, and their own of any grade."""

    grades: tuple[Grade, ...]
    own: ParticipantId | None

    def includes(self, grade: Grade, provider_id: ParticipantId) -> bool:
        return grade in self.grades or (self.own is not None and self.own == provider_id)


async def version_of(trading: Trading, version_id: VersionId) -> Version:
    """What the catalogue says of a version now. Asked before any transaction. Raises NoSuchVersion, Unavailable."""
    found = await trading.catalog.version(version_id)
    return Version(
        id=found.id, asset_id=found.asset_id, provider_id=found.provider_id, title=found.title,
        registered=found.asset_state == "registered", grade=found.grade, flags=frozenset(found.flags),
        grade_revision=found.grade_revision, content_hash=found.content_hash,
        licence=found.licence and _licence(found.licence), quality_gates=tuple(found.quality_gates),
        on_record=frozenset(found.on_record),
    )  # fmt: skip


def _licence(told: LicenceTermsView) -> Licence:
    limits = (None if words is None else frozenset(words) for words in (told.purposes, told.fields, told.territories))
    purposes, fields, territories = limits
    return Licence(purposes, fields, territories, told.period_days_max)


async def fees_of_today(trading: Trading) -> FrozenFees:
    """The fee schedule, to be frozen. Asked before any transaction."""
    schedule = await trading.pricing.fee_schedule()
    return FrozenFees(schedule.id, schedule.provider_fee_basis_points, schedule.tax_basis_points)


def decide_for(trading: Trading, standing: Standing, listing: Listing) -> Decision:
    """That this member may have what is listed, of a provider who may sell it.

    Raises RelatedParty, ListingNotOpen, NotPermitted, or StandingUnknown from G3 on.
    """
    trading.standing.require_fresh(listing.grade)
    require_unrelated(standing.is_related_to(listing.provider_id))
    if not trading.standing.of(listing.provider_id).is_admitted:
        raise ListingNotOpen(state=listing.state, reason_code="provider_not_admitted")
    decision = decide(listing.grade, listing.mode, standing.clearance, listing.flags, listing.conditions)
    decision.require()
    return decision


def sight_of(trading: Trading, caller: Caller | None) -> Sight:
    if caller and STAFF & caller.roles:
        return Sight(tuple(Grade), None)
    own = caller.participant_id if caller else None
    clearance = trading.standing.clearance_of(own)
    return Sight(tuple(grade for grade in Grade if visibility(grade, clearance) is not Visibility.NONE), own)


def party_of(caller: Caller) -> ParticipantId | None:
    """Whose deals someone may see: their organisation's, or, for supervisors (None), everyone's."""
    if SUPERVISORS & caller.roles:
        return None
    if caller.participant_id is None:
        raise NothingOfYours()
    return caller.participant_id


def receiver_of(caller: ServiceCaller) -> Member:
    """The member on whose behalf delivery charges a use."""
    if caller.name != "delivery" or caller.acting_for is None:
        raise NotDelivery()
    return caller.acting_for
