"""What the acts of `trading` need, and what they ask of the neighbours."""

from dataclasses import dataclass, field

from services.catalog.client import CatalogClient, LicenceTermsView
from services.pricing.client import PricingClient
from services.trading.actions.bidding import Bidding
from services.trading.actions.evidence_log import NO_LOG, EvidenceLog
from services.trading.actions.treasury import Treasury
from services.trading.rules.award import FrozenFees
from services.trading.rules.listing import Licence, Version
from services.trading.rules.market_rules import MarketRules
from services.trading.rules.traits import Traits
from shared.access import Caller, Member, Role, ServiceCaller
from shared.changes import Source
from shared.clock import Clock
from shared.commits import Commits
from shared.database import Database
from shared.errors import Forbidden, NotFound
from shared.ids import ParticipantId, VersionId
from shared.outbox import Outbox
from shared.overload import Seats
from shared.standing import StandingMirror

SUPERVISORS = frozenset({Role.REGULATOR, Role.OPERATOR_AUDIT})


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
    bidding: Bidding
    commits: Commits
    log: EvidenceLog = NO_LOG
    listeners: Seats = field(default_factory=Seats)


class NothingOfYours(NotFound):
    """You have no such thing."""


class NotDelivery(Forbidden):
    """Only delivery charges uses, and only on behalf of whoever receives."""


async def version_of(trading: Trading, version_id: VersionId) -> Version:
    """What the catalogue says of a version now. Asked before any transaction. Raises NoSuchVersion, Unavailable."""
    found = await trading.catalog.version(version_id)
    return Version(
        id=found.id, asset_id=found.asset_id, provider_id=found.provider_id, title=found.title,
        registered=found.asset_state == "registered", grade=found.grade, flags=frozenset(found.flags),
        grade_revision=found.grade_revision, content_hash=found.content_hash,
        licence=found.licence and _licence(found.licence), quality_gates=tuple(found.quality_gates),
        on_record=frozenset(found.on_record),
        traits=Traits(found.theme, found.rows, found.update_cycle, tuple(field.name for field in found.fields)),
    )  # fmt: skip


def _licence(told: LicenceTermsView) -> Licence:
    limits = (None if words is None else frozenset(words) for words in (told.purposes, told.fields, told.territories))
    purposes, fields, territories = limits
    return Licence(purposes, fields, territories, told.period_days_max)


async def fees_of_today(trading: Trading) -> FrozenFees:
    """The fee schedule, to be frozen. Asked before any transaction."""
    schedule = await trading.pricing.fee_schedule()
    return FrozenFees(schedule.id, schedule.provider_fee_basis_points, schedule.tax_basis_points)


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
