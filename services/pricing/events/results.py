"""The facts of what was computed once for someone. A document that is larger than a fact has room for is told by its
hash, and stands beside the log."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from services.pricing.rules.approach import Approach
from services.pricing.rules.cost_sheet import CostSheet, Holding
from services.pricing.rules.document import in_fact
from services.pricing.rules.shares import Fee, Method, RevenueShares, Share
from services.pricing.rules.valuation import Status, Valuation
from shared.facts import Category, Fact
from shared.ids import CostSheetId, ParticipantId, RevenueShareId, ValuationId, VersionId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class RevenueShared(Fact):
    """What each provider of a combined product gets of its price; `amount` is the price."""

    category: ClassVar[Category] = Category.PRICE
    revenue_share_id: RevenueShareId
    asked_by: ParticipantId
    method: Method
    method_version: str
    amount: Money
    fees: tuple[Fee, ...]
    fee_schedule: str | None
    shares: tuple[Share, ...]
    document: str | None
    document_hash: str
    computed_at: datetime

    @classmethod
    def of(cls, found: RevenueShares) -> Self:
        return cls(
            found.id, found.asked_by, found.method, found.method_version, found.price, found.fees,
            found.fee_schedule_id, found.shares, in_fact(found.document), found.document_hash, found.computed_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class VersionValued(Fact):
    """A platform's reference of what a version is worth, never a statutory appraisal. Without figures it is
    insufficient, and `reason_code` says why."""

    category: ClassVar[Category] = Category.PRICE
    valuation_id: ValuationId
    provider_id: ParticipantId
    version_id: VersionId
    approach: Approach
    status: Status
    low: Money | None
    mid: Money | None
    high: Money | None
    reason_code: str | None
    document: str | None
    document_hash: str
    valued_at: datetime

    @classmethod
    def of(cls, valuation: Valuation) -> Self:
        figures, question = valuation.figures, valuation.question
        return cls(
            valuation.id, question.provider_id, question.version_id, question.method.approach, valuation.status,
            figures and figures.low, figures and figures.mid, figures and figures.high, valuation.reason_code,
            in_fact(valuation.document), valuation.document_hash, valuation.valued_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CostSheetDrawn(Fact):
    """What of the costs of data its owner capitalises and what it expenses, by the accounting rule."""

    category: ClassVar[Category] = Category.PRICE
    cost_sheet_id: CostSheetId
    provider_id: ParticipantId
    version_id: VersionId
    holding: Holding
    capitalised: Money
    expensed: Money
    document: str | None
    document_hash: str
    drawn_at: datetime

    @classmethod
    def of(cls, sheet: CostSheet) -> Self:
        return cls(
            sheet.id, sheet.provider_id, sheet.statement.version_id, sheet.statement.holding, sheet.capitalised,
            sheet.expensed, in_fact(sheet.document), sheet.document_hash, sheet.drawn_at,
        )  # fmt: skip
