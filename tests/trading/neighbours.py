"""What trading asks its neighbours, answered by a test: versions by the catalogue, quotes and fees by pricing."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse

from services.catalog.client import AssessmentView, NoQualityReport, NoSuchVersion, VersionState, VersionView
from services.pricing.client import (
    FeeScheduleView,
    NoSuchPriceCap,
    NoSuchRevenueShares,
    PriceCapView,
    QuoteView,
    ReferencePriceView,
    RevenueSharesView,
    TaxRateView,
)
from shared import problems
from shared.changes import Change, parse_positions
from shared.errors import Unavailable
from shared.facts import Category, Fact
from shared.grades import Condition, Flag, Grade, Mode
from shared.ids import AssetId, ParticipantId, PlanId, PriceCapId, QuoteId, RevenueShareId, VersionId
from shared.money import Money
from shared.web import Listing
from tests.support.bench import WrittenFeed
from tests.support.clock import ToldClock


@dataclass(frozen=True, slots=True)
class GradeRaised(Fact):
    """As the catalogue tells it."""

    category: ClassVar[Category] = Category.GRADE
    asset_id: AssetId
    version_id: VersionId
    grade: Grade
    flags: frozenset[Flag]
    grade_revision: int


@dataclass(frozen=True, slots=True)
class GradeLowered(GradeRaised):
    """As the catalogue tells it."""


@dataclass(frozen=True, slots=True)
class ConditionsChanged(GradeRaised):
    """As the catalogue tells it."""

    on_record: frozenset[Condition] = frozenset()


@dataclass(frozen=True, slots=True)
class AssetWithdrawn(Fact):
    """As the catalogue tells it."""

    category: ClassVar[Category] = Category.ASSET
    asset_id: AssetId
    provider_id: ParticipantId
    revision: int
    reason_code: str


@dataclass
class Neighbours:
    """Their answers, and the catalogue's news."""

    clock: ToldClock
    versions: dict[str, VersionView] = field(default_factory=dict[str, VersionView])
    quotes: dict[str, QuoteView] = field(default_factory=dict[str, QuoteView])
    price_caps: dict[str, Money] = field(default_factory=dict[str, Money])
    overlapping: dict[str, list[QuoteId]] = field(default_factory=dict[str, list[QuoteId]])
    revenue_shares: dict[str, RevenueSharesView] = field(default_factory=dict[str, RevenueSharesView])
    tax_rates: list[TaxRateView] = field(default_factory=list[TaxRateView])
    reference_prices: list[ReferencePriceView] = field(default_factory=list[ReferencePriceView])  # newest first
    reviewers: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    assessments: dict[str, AssessmentView | None] = field(default_factory=dict[str, AssessmentView | None])
    feed: WrittenFeed = field(default_factory=lambda: WrittenFeed("catalog"))

    def version(self, provider_id: ParticipantId, grade: Grade = Grade.G2, **changes: Any) -> VersionId:
        """A registered version of the provider's."""
        told: dict[str, Any] = {
            "id": VersionId.new(), "asset_id": AssetId.new(), "provider_id": provider_id, "title": "机场",
            "theme": "transport", "asset_state": "registered", "state": VersionState.GRADED, "grade": grade,
            "flags": [], "grade_revision": 1, "content_hash": "ab" * 32, "bytes": 3, "rows": 1,
            "media_type": "text/csv", "fields": [], "certificate_id": None,
        }  # fmt: skip
        version = VersionView.model_validate(told | changes)
        self.versions[version.id] = version
        return version.id

    def raise_grade(self, version_id: VersionId, grade: Grade, *, tell: bool = True) -> None:
        """The catalogue knows at once; the news is on its way."""
        known = self.versions[version_id]
        revision = known.grade_revision + 1
        self.versions[version_id] = known.model_copy(update={"grade": grade, "grade_revision": revision})
        if tell:
            raised = GradeRaised(known.asset_id, version_id, grade, frozenset(known.flags), revision)
            self.feed.announce(self.clock, raised)

    def lower_grade(self, version_id: VersionId, grade: Grade) -> None:
        known = self._graded_anew(version_id, grade=grade)
        self.feed.announce(self.clock, GradeLowered(known.asset_id, version_id, *_told(known)))

    def flag(self, version_id: VersionId, *flags: Flag) -> None:
        """The version is of these kinds from now on."""
        known = self._graded_anew(version_id, flags=sorted(flags))
        self.feed.announce(self.clock, GradeRaised(known.asset_id, version_id, *_told(known)))

    def record(self, version_id: VersionId, *on_record: Condition) -> None:
        """What is on record for the version is this from now on."""
        known = self._graded_anew(version_id, on_record=sorted(on_record))
        told = (known.asset_id, version_id, *_told(known), frozenset(on_record))
        self.feed.announce(self.clock, ConditionsChanged(*told))

    def _graded_anew(self, version_id: VersionId, **changes: object) -> VersionView:
        known = self.versions[version_id]
        update = {"grade_revision": known.grade_revision + 1, **changes}
        self.versions[version_id] = known.model_copy(update=update)
        return self.versions[version_id]

    def withdraw_asset(self, version_id: VersionId) -> None:
        """The asset of this version: the catalogue knows at once; the news is on its way."""
        known = self.versions[version_id]
        for each in [each for each in self.versions.values() if each.asset_id == known.asset_id]:
            told = each.model_dump() | {"asset_state": "withdrawn"}
            self.versions[each.id] = VersionView.model_validate(told)
        withdrawn = AssetWithdrawn(known.asset_id, known.provider_id, 7, "withdrawn_by_provider")
        self.feed.announce(self.clock, withdrawn)

    def quote(
        self, buyer_id: ParticipantId, version_id: VersionId, plan_id: PlanId, minor: int, **changes: Any
    ) -> QuoteView:
        """A quote for a version, in raw form unless told, for a day."""
        known, now = self.versions[version_id], self.clock.now()
        told: dict[str, Any] = {"mode": Mode.RAW} | changes
        quote = QuoteView(
            id=QuoteId.new(), plan_id=plan_id, plan_revision=1, version=1, buyer_id=buyer_id,
            provider_id=known.provider_id, version_id=version_id, lines=[], total=Money(minor),
            given_at=now, expires_at=now + timedelta(days=1), **told,
        )  # fmt: skip
        self.quotes[quote.id] = quote
        return quote

    def publish(self, month: str, minor: int | None, mode: Mode = Mode.RAW, theme: str = "transport") -> None:
        """A reference price; None: there were not enough trades to tell of one."""
        median = None if minor is None else Money(minor)
        told = ReferencePriceView(
            theme=theme, mode=mode, month=month, since=month, lower=median, median=median, upper=median, trades=5,
            reason_code=None if median else "not_enough_trades", inputs_hash=None, method_version="1",
            as_of=self.clock.now(),
        )  # fmt: skip
        self.reference_prices.insert(0, told)

    def shared(self, values: dict[ParticipantId, str]) -> RevenueSharesView:
        """A revenue share that pricing computed, of which these are the exact values."""
        shares = [
            {"participant_id": party, "value": value, "clamped": value.startswith("-"), "amount": Money(0)}
            for party, value in values.items()
        ]
        told: dict[str, Any] = {
            "id": RevenueShareId.new(), "method": "shapley", "method_version": "shares_2026_11",
            "asked_by": next(iter(values)), "price": Money(0), "fees": [], "fee_schedule_id": None, "shares": shares,
            "document": "{}", "document_hash": "cd" * 32, "computed_at": self.clock.now(),
        }  # fmt: skip
        view = RevenueSharesView.model_validate(told)
        self.revenue_shares[view.id] = view
        return view

    def _published(self, theme: str) -> Listing[ReferencePriceView]:
        of_theme = [each for each in self.reference_prices if each.theme == theme]
        return Listing[ReferencePriceView](items=of_theme, next_cursor=None)

    def app(self) -> FastAPI:
        app = FastAPI()
        self._answer_as_catalog(app)
        self._answer_as_pricing(app)
        return app

    def _answer_as_catalog(self, app: FastAPI) -> None:
        @app.get("/catalog/v1/versions/{version_id}")
        async def version(version_id: str) -> Any:
            if version_id not in self.versions:
                return JSONResponse(problems.document(NoSuchVersion()), 404, media_type=problems.MEDIA_TYPE)
            return self.versions[version_id]

        @app.get("/catalog/v1/versions/{version_id}/reviewers")
        async def reviewers(version_id: str) -> list[str]:
            return self.reviewers.get(version_id, [])

        @app.get("/catalog/v1/versions/{version_id}/assessment")
        async def assessment(version_id: str) -> Any:
            if version_id not in self.assessments:
                return JSONResponse(problems.document(NoQualityReport()), 404, media_type=problems.MEDIA_TYPE)
            if (assessed := self.assessments[version_id]) is None:
                return JSONResponse(problems.document(Unavailable(service="catalog")), 503)
            return assessed

        @app.get("/catalog/v1/changes")
        async def changes(after: Annotated[str, Query()] = "", wait: float = 0) -> list[Change]:
            return await self.feed.after(parse_positions(after), wait)

        assert version and reviewers and assessment and changes

    def _answer_as_pricing(self, app: FastAPI) -> None:
        @app.get("/pricing/v1/quotes/{quote_id}")
        async def quote(quote_id: str) -> QuoteView:
            return self.quotes[quote_id]

        @app.get("/pricing/v1/quotes/{quote_id}/overlapping")
        async def overlapping(quote_id: str) -> list[QuoteId]:
            return self.overlapping.get(quote_id, [])

        @app.get("/pricing/v1/versions/{version_id}/price-cap")
        async def price_cap(version_id: str) -> Any:
            if version_id not in self.price_caps:
                return JSONResponse(problems.document(NoSuchPriceCap()), 404, media_type=problems.MEDIA_TYPE)
            known, now = self.versions[version_id], self.clock.now()
            return PriceCapView(
                id=PriceCapId.new(), version_id=known.id, provider_id=known.provider_id,
                cap=self.price_caps[version_id], reference="备案", authority="发改委", valid_from=now, valid_until=None,
                filed_at=now,
            )  # fmt: skip

        @app.get("/pricing/v1/revenue-shares/{share_id}")
        async def shares(share_id: str) -> Any:
            if share_id not in self.revenue_shares:
                return JSONResponse(problems.document(NoSuchRevenueShares()), 404, media_type=problems.MEDIA_TYPE)
            return self.revenue_shares[share_id]

        @app.get("/pricing/v1/reference-prices")
        async def reference_prices(theme: str) -> Listing[ReferencePriceView]:
            return self._published(theme)

        @app.get("/pricing/v1/fee-schedules/current")
        async def fees() -> FeeScheduleView:
            effective_from = datetime.fromisoformat("2026-01-01T00:00:00Z")
            return FeeScheduleView(
                id="fees_2026_01", provider_fee_basis_points=250, tax_basis_points=600, effective_from=effective_from
            )

        @app.get("/pricing/v1/tax-rates")
        async def tax_rates() -> list[TaxRateView]:
            return self.tax_rates

        assert quote and overlapping and price_cap and shares and reference_prices and fees and tax_rates


def _told(version: VersionView) -> tuple[Grade, frozenset[Flag], int]:
    assert version.grade
    return version.grade, frozenset(version.flags), version.grade_revision
