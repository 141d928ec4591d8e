"""A trade: an order of trading, as its facts tell it here.

Owns: which trades count as bought. Does not: decide anything about an order; trading does.
Promises: whatever order the facts come in, the trade ends as the latest of them says.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.grades import Mode
from shared.ids import AssetId, ListingId, OrderId, ParticipantId, QuoteId, VersionId
from shared.money import Money

PLACED, SETTLED = "awaiting_signatures", "settled"  # states of an order, as trading tells them
FAILED = frozenset({"lapsed", "defaulted", "refunded"})


@dataclass(frozen=True, slots=True)
class Trade:
    """`paid_at` is when the right was granted, also where there was nothing to pay. `asset_id` and `right_kind` are
    None until the listing is known here."""

    order_id: OrderId
    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    exclusive: bool
    buyer_id: ParticipantId
    provider_id: ParticipantId
    quote_id: QuoteId | None
    price: Money
    placed_at: datetime
    state: str = PLACED
    paid_at: datetime | None = None
    settled_at: datetime | None = None
    asset_id: AssetId | None = None
    right_kind: str | None = None

    @property
    def is_bought(self) -> bool:
        """Paid, and not given back since."""
        return self.paid_at is not None and self.state not in FAILED
