"""The award (成交确认): the one outcome that every trading mode produces. It becomes an order.

Promises: however the price was found, what follows from it is the same; a quote is taken only as it was given.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.trading.rules.listing import Listing
from services.trading.rules.scope import Scope, bought_of
from services.trading.rules.settlement import FeeSchedule
from shared.errors import Conflict
from shared.grades import Mode
from shared.ids import (
    AuctionId,
    BlockDealId,
    CallAuctionId,
    ContractId,
    DoubleAuctionId,
    InquiryId,
    ListingId,
    NegotiationId,
    OrderId,
    ParticipantId,
    PlanId,
    QuoteId,
    VersionId,
)
from shared.metering import Meter
from shared.money import Money

QUESTIONS = frozenset({Mode.API, Mode.COMPUTE})  # modes in which each use says what it reads


@dataclass(frozen=True, slots=True)
class FrozenFees:
    """The fee schedule that the parties were shown: later ones change nothing here. `id` is pricing's name for it."""

    id: str
    provider_fee_basis_points: int
    tax_basis_points: int

    @property
    def schedule(self) -> FeeSchedule:
        return FeeSchedule(self.provider_fee_basis_points, self.tax_basis_points)


@dataclass(frozen=True, slots=True)
class FromQuote:
    """A posted price that the buyer took, naming the quote, its version and its total."""

    quote_id: QuoteId
    quote_version: int


@dataclass(frozen=True, slots=True)
class FromAuction:
    """The highest bid, with the deposit that is held for it until it is paid."""

    auction_id: AuctionId
    deposit: Money


@dataclass(frozen=True, slots=True)
class FromInquiry:
    """The best offer of an inquiry, by its published score."""

    inquiry_id: InquiryId


@dataclass(frozen=True, slots=True)
class FromNegotiation:
    """The offer that the other side took."""

    negotiation_id: NegotiationId


@dataclass(frozen=True, slots=True)
class FromCallAuction:
    """Units that were matched at the one price of a call auction."""

    call_auction_id: CallAuctionId


@dataclass(frozen=True, slots=True)
class FromDoubleAuction:
    """The price between the two that a double auction opened."""

    double_auction_id: DoubleAuctionId


@dataclass(frozen=True, slots=True)
class FromBlockDeal:
    """One part of a block deal, at its own price."""

    block_deal_id: BlockDealId


@dataclass(frozen=True, slots=True)
class FromBundle:
    """One part of a bundle, at its share of the price of the whole; the quote is that of the whole."""

    quote_id: QuoteId
    quote_version: int


@dataclass(frozen=True, slots=True)
class SaleTax:
    """The tax in a quoted price, and the rate in pricing's table that it is at."""

    rate_id: str
    basis_points: int
    amount: Money


Origin = (
    FromQuote | FromAuction | FromInquiry | FromNegotiation | FromCallAuction | FromDoubleAuction | FromBlockDeal
    | FromBundle
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Award:
    """`scope` is what is granted where that is not just what the listing offers."""

    listing_id: ListingId
    provider_id: ParticipantId
    buyer_id: ParticipantId
    price: Money
    origin: Origin
    fees: FrozenFees
    awarded_at: datetime
    columns: tuple[str, ...] | None = None  # that may be asked about; None for all of them
    scope: Scope | None = None
    tax: SaleTax | None = None  # None where no quote told it
    renews: ContractId | None = None  # the buyer's earlier contract for the same
    meter: Meter | None = None  # the price is the most that it can become: `metered`


@dataclass(frozen=True, slots=True)
class QuotedPart:
    """What of the total of a bundle falls on one of its parts, and of the tax in it."""

    version_id: VersionId
    mode: Mode
    price: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote as pricing has it."""

    id: QuoteId
    version: int
    plan_id: PlanId
    version_id: VersionId
    mode: Mode
    buyer_id: ParticipantId
    total: Money
    expires_at: datetime
    quota_uses: int | None = None
    period_days: int | None = None
    is_bundle: bool = False
    columns: tuple[str, ...] | None = None
    tax: SaleTax | None = None
    meter: Meter | None = None
    parts: tuple[QuotedPart, ...] = ()  # of a bundle
    units: int = 1  # or periods, begun ones among them, that it buys

    @property
    def is_by_coverage(self) -> bool:
        return self.columns is not None

    @property
    def present(self) -> dict[str, object]:
        """What is to be named to accept it, and where it is given anew."""
        return {
            "quote_id": self.id, "quote_version": self.version, "total": self.total, "expires_at": self.expires_at,
            "renew_at": f"/pricing/v1/quotes/{self.id}/renew",
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What the buyer says yes to. Naming the total keeps a changed price from being paid unseen."""

    quote_id: QuoteId
    quote_version: int
    total: Money


class QuoteDiffers(Conflict):
    """The quote is not the one you accept, or not one for this listing; the facts say what it is."""


class QuoteExpired(Conflict):
    """This quote is no longer held; let it be given anew at `renew_at`, or ask for another one."""


class QuoteOverlaps(Conflict):
    """You have ordered some of this at another quote, and are not charged for it twice: once that order is paid, let
    this quote be given anew at `renew_at`; or let that order lapse."""


class StillOrdering(Conflict):
    """Another order of yours for queries of this version is being placed."""


class BeyondOffer(Conflict):
    """The quote buys more than one order of this offer may; the facts say how much that is."""


class CoverageNotDelivered(Conflict):
    """What is priced by coverage is delivered as answers about whole columns: ask for all rows of a column, in mode api
    or compute."""


class BundleNotOrdered(Conflict):
    """A bundle gives rights over several versions, and an order gives one: order it whole, at `order_at`."""


def accept_quote(quote: Quoted, said: Acceptance, listing: Listing, fees: FrozenFees, now: datetime) -> Award:
    """The award of a listing at a quote that still stands. Requires that the quote is the buyer's own."""
    require_stands(quote, said, now)
    if (quote.plan_id, quote.version_id, quote.mode) != (listing.plan_id, listing.version_id, listing.mode):
        raise QuoteDiffers(plan_id=quote.plan_id, version_id=quote.version_id, mode=quote.mode, **quote.present)
    if quote.is_bundle:
        raise BundleNotOrdered(order_at="/trading/v1/bundle-orders")
    if quote.is_by_coverage and (not quote.columns or listing.mode not in QUESTIONS):
        raise CoverageNotDelivered(mode=listing.mode, columns=quote.columns)
    if (quote.quota_uses or 0) > listing.quota_uses:
        raise BeyondOffer(quota_uses=quote.quota_uses, quota_uses_max=listing.quota_uses)
    if (quote.period_days or 0) > listing.right.period_days:
        raise BeyondOffer(period_days=quote.period_days, period_days_max=listing.right.period_days)
    origin = FromQuote(quote.id, quote.version)
    bought = quote.columns, bought_of(listing, quote.quota_uses, quote.period_days)
    return Award(
        listing.id, listing.provider_id, quote.buyer_id, quote.total, origin, fees, now, *bought, quote.tax,
        meter=quote.meter,
    )  # fmt: skip


def require_stands(quote: Quoted, said: Acceptance, now: datetime) -> None:
    """Raises QuoteExpired, or QuoteDiffers if it is not the one that is said yes to."""
    if now >= quote.expires_at:
        raise QuoteExpired(expired_at=quote.expires_at, **quote.present)
    if (said.quote_version, said.total) != (quote.version, quote.total):
        raise QuoteDiffers(**quote.present)


def require_apart(quote: Quoted, ordered: Sequence[OrderId]) -> None:
    """Raises QuoteOverlaps if there are orders, not failed, at quotes that charge for some of what this one does."""
    if ordered:
        raise QuoteOverlaps(order_ids=list(ordered), **quote.present)
