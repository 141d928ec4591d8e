"""What crosses the wire about call auctions. A limit shows to its owner alone until the close."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field as Limits

from services.trading.rules.call_auction import Direction
from services.trading.rules.call_session import LISTINGS_MAX, UNITS_MAX, CallAuction, Ordered, Placed, State
from services.trading.schemas.listings import RightView
from services.trading.schemas.money import Amount, Reason
from shared.grades import Mode
from shared.ids import CallAuctionId, ListingId, UnitOrderId
from shared.money import Money
from shared.web import Moment, Request, View

CallState = State
Units = Annotated[int, Limits(ge=1, le=UNITS_MAX)]


class NewCallAuction(Request):
    """Listings that all grant the same. Of prices that do as well, the nearest to `reference` is taken."""

    listing_ids: Annotated[list[ListingId], Limits(min_length=1, max_length=LISTINGS_MAX)]
    reference: Amount
    closes_at: Moment


class NewUnitBid(Request):
    """The most you pay for a unit, and how many you take. They may be of any listing that the call names."""

    limit: Amount
    quantity: Units

    def ordered(self) -> Ordered:
        return Ordered(Direction.BUY, self.limit.money(), self.quantity)


class NewUnitAsk(Request):
    """The least you take for a unit of a listing of yours, and how many you give."""

    listing_id: ListingId
    limit: Amount
    quantity: Units

    def ordered(self) -> Ordered:
        return Ordered(Direction.SELL, self.limit.money(), self.quantity, self.listing_id)


class CallCancellation(Request):
    reason: Reason


class UnitView(View):
    mode: Mode
    right: RightView
    purposes: list[str]
    quota_uses: int


class CallAuctionView(View):
    """`price` is everyone's, `volume` in units; both stand once it is cleared."""

    id: CallAuctionId
    unit: UnitView
    listing_ids: list[ListingId]
    reference: Money
    state: State
    opened_at: datetime
    closes_at: datetime
    price: Money | None
    volume: int
    next_actor: str | None
    deadline: datetime | None
    reason_code: str | None
    reason: str | None

    @classmethod
    def of(cls, call: CallAuction) -> Self:
        return cls.model_validate(call)


class UnitOrderView(View):
    """`units`: how many traded; `left_out`: why the order was in no book, if so. Both are null until the close."""

    id: UnitOrderId
    call_auction_id: CallAuctionId
    sequence: int
    direction: Direction
    listing_id: ListingId | None
    limit: Money
    quantity: int
    placed_at: datetime
    units: int | None
    left_out: str | None

    @classmethod
    def of(cls, placed: Placed, units: int | None, left_out: str | None) -> Self:
        order = placed.order
        return cls(
            id=placed.id, call_auction_id=placed.call_auction_id, sequence=order.sequence, direction=order.direction,
            listing_id=placed.listing_id, limit=Money(order.limit_minor), quantity=order.quantity,
            placed_at=placed.placed_at, units=units, left_out=left_out,
        )  # fmt: skip
