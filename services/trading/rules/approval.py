"""An approval of access to important data (G5), as far as it lets somebody see an offer and order by it.

Promises: it counts for its buyer, its version and its mode alone, until its end; it approves an order for a purpose
that the offer is made for, and for no other.
Does not: replace any other demand of the permission matrix, or open anything to whoever is not trusted with G5.
Source: reliability 5.2 (existence only to invited; C5 per order); docs/decisions/0061.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.trading.rules.listing import Listing
from shared.grades import C5, G5, Condition, Mode
from shared.ids import AccessRequestId, ParticipantId, VersionId

Opened = tuple[VersionId, Mode]
TRUSTED = C5
IMPORTANT = G5
RENEWED = "renewed"  # why an approval ended, as the catalogue tells it, that another goes on from


@dataclass(frozen=True, slots=True)
class Approval:
    """`ends_at`: None once it has ended."""

    id: AccessRequestId
    version_id: VersionId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    mode: Mode
    purpose: str
    ends_at: datetime | None
    revision: int

    def stands(self, now: datetime) -> bool:
        return self.ends_at is not None and now < self.ends_at


def opened(approvals: Iterable[Approval], now: datetime) -> frozenset[Opened]:
    """What these approvals, of one trusted buyer, let them see."""
    return frozenset((each.version_id, each.mode) for each in approvals if each.stands(now))


def opened_by(listing: Listing) -> Opened | None:
    """What must be open to whoever sees the listing by an approval; None where no approval opens it."""
    return (listing.version_id, listing.mode) if listing.grade is IMPORTANT else None


def approved(approvals: Iterable[Approval], mode: Mode, purposes: Iterable[str], now: datetime) -> frozenset[Condition]:
    """What these approvals, of one buyer and version of important data, put on record for an order in this mode."""
    wanted = frozenset(purposes)
    fits = any(each.stands(now) and each.mode is mode and each.purpose in wanted for each in approvals)
    return frozenset({Condition.ORDER_APPROVAL}) if fits else frozenset()
