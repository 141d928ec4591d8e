"""The part of trading's news that pricing reads: what was agreed, and what became of it."""

from datetime import datetime

from pydantic import BaseModel

from services.pricing.rules.trade import Trade
from shared.grades import Mode
from shared.ids import AssetId, ListingId, OrderId, ParticipantId, QuoteId, VersionId
from shared.money import Money


class OfferedRight(BaseModel):
    kind: str


class OpenedListing(BaseModel):
    """What we need of the fact that a version was put on offer."""

    listing_id: ListingId
    asset_id: AssetId
    right: OfferedRight


class PlacedOrder(BaseModel):
    """What we need of the fact that an order was placed. `quote_id` where a posted price was taken, `bundle_quote_id`
    where it was that of a bundle, of which this is a part."""

    order_id: OrderId
    listing_id: ListingId
    version_id: VersionId
    mode: Mode
    exclusive: bool
    buyer_id: ParticipantId
    provider_id: ParticipantId
    amount: Money
    quote_id: QuoteId | None = None
    bundle_quote_id: QuoteId | None = None

    def trade(self, placed_at: datetime) -> Trade:
        return Trade(
            self.order_id, self.listing_id, self.version_id, self.mode, self.exclusive, self.buyer_id,
            self.provider_id, self.quote_id or self.bundle_quote_id, self.amount, placed_at,
        )  # fmt: skip


class ChangedOrder(BaseModel):
    """What we need of any later fact of an order that tells its state."""

    order_id: OrderId
    state: str
    revision: int


class SettledOrder(BaseModel):
    """What we need of the fact that the price was shared out, which of measured use is known late. `refund` is what of
    it went back to the buyer."""

    order_id: OrderId
    revision: int
    amount: Money
    refund: Money


class GrantedRight(BaseModel):
    """What we need of the fact that an order gave its buyer the right to receive."""

    order_id: OrderId
