"""How other services reach `pricing`, and the errors they may meet there."""

from services.pricing.rules.cap import NoSuchPriceCap
from services.pricing.rules.quote import NoSuchQuote
from services.pricing.rules.shares import NoSuchRevenueShares
from services.pricing.schemas.caps import PriceCapView
from services.pricing.schemas.market import ReferencePriceView
from services.pricing.schemas.quotes import LineView, QuoteView
from services.pricing.schemas.schedules import FeeScheduleView, TaxRateView
from services.pricing.schemas.shares import RevenueSharesView
from shared.ids import QuoteId, RevenueShareId, VersionId
from shared.rest import OnBehalf, RestClient
from shared.web import Listing

__all__ = [
    "FeeScheduleView", "LineView", "NoSuchPriceCap", "NoSuchQuote", "NoSuchRevenueShares", "PriceCapView",
    "PricingClient", "QuoteView", "ReferencePriceView", "RevenueSharesView", "TaxRateView",
]  # fmt: skip


class PricingClient(RestClient):
    errors = (NoSuchQuote, NoSuchPriceCap, NoSuchRevenueShares)

    async def quote(self, quote_id: QuoteId, acting_for: OnBehalf | None = None) -> QuoteView:
        """Raises NoSuchQuote, also if whoever it acts for is no party to it."""
        return await self.get(f"/pricing/v1/quotes/{quote_id}", QuoteView, acting_for=acting_for)

    async def price_cap(self, version_id: VersionId) -> PriceCapView:
        """The one that holds now. Raises NoSuchPriceCap."""
        return await self.get(f"/pricing/v1/versions/{version_id}/price-cap", PriceCapView)

    async def overlapping(self, quote_id: QuoteId) -> list[QuoteId]:
        """The buyer's other quotes that charge for something that this one charges for. Raises NoSuchQuote."""
        return await self.get(f"/pricing/v1/quotes/{quote_id}/overlapping", list[QuoteId])

    async def revenue_shares(self, share_id: RevenueShareId, acting_for: OnBehalf | None = None) -> RevenueSharesView:
        """As they were computed, for ever. Raises NoSuchRevenueShares, also if whoever it acts for is no party."""
        return await self.get(f"/pricing/v1/revenue-shares/{share_id}", RevenueSharesView, acting_for=acting_for)

    async def reference_prices(self, theme: str) -> list[ReferencePriceView]:
        """The newest that were published of a theme, of every mode, newest first."""
        found = await self.get("/pricing/v1/reference-prices", Listing[ReferencePriceView], theme=theme, limit=100)
        return found.items

    async def fee_schedule(self) -> FeeScheduleView:
        """The one that holds now."""
        return await self.get("/pricing/v1/fee-schedules/current", FeeScheduleView)

    async def tax_rates(self) -> list[TaxRateView]:
        """All that there ever were, each with the day from which it holds."""
        return await self.get("/pricing/v1/tax-rates", list[TaxRateView])
