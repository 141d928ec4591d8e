"""What crosses the wire about the terms of acceptance."""

from typing import Annotated

from pydantic import Field as Limits
from pydantic import StringConstraints

from services.trading.rules.acceptance_terms import (
    ACCEPTING_USE_MIN,
    ANSWER_DAYS_MAX,
    CLAUSES_MAX,
    CURES_MAX,
    INSPECTION_DAYS_MAX,
    AcceptanceTerms,
    Clause,
    Measure,
)
from services.trading.rules.market_rules import DAY
from services.trading.rules.service_level import (
    BANDS_MAX,
    PERIOD_DAYS_MAX,
    RESPONSE_MILLISECONDS_MAX,
    WHOLE,
    Band,
    ServiceLevel,
)
from services.trading.schemas.words import Word
from shared.web import Request, View

BasisPoints = Annotated[int, Limits(ge=1, le=WHOLE)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
BOUND_MAX = 10**12


class NewClause(Request):
    """`measure`: a dimension or an indicator of the quality report (GB/T 36344), in basis points, at least; `rows`, at
    least; `age_days`, at most; `schema` or `text`, by the SHA-256 of what both sides have."""

    id: Word
    measure: Annotated[Measure, Limits(strict=False)]
    bound: Annotated[int | None, Limits(ge=0, le=BOUND_MAX)] = None
    digest: Digest | None = None


class NewBand(Request):
    below_basis_points: BasisPoints
    credit_basis_points: BasisPoints


class NewServiceLevel(Request):
    """The highest band first. What is available for less than a band's share gives back what that band says."""

    period_days: Annotated[int, Limits(ge=1, le=PERIOD_DAYS_MAX)]
    availability_basis_points: BasisPoints
    bands: Annotated[list[NewBand], Limits(min_length=1, max_length=BANDS_MAX)]
    cap_basis_points: BasisPoints
    response_milliseconds: Annotated[int | None, Limits(ge=1, le=RESPONSE_MILLISECONDS_MAX)] = None
    slow_credit_basis_points: Annotated[int, Limits(ge=0, le=WHOLE)] = 0

    def level(self) -> ServiceLevel:
        bands = tuple(Band(band.below_basis_points, band.credit_basis_points) for band in self.bands)
        return ServiceLevel(
            self.period_days, self.availability_basis_points, bands, self.cap_basis_points, self.response_milliseconds,
            self.slow_credit_basis_points,
        )  # fmt: skip


class NewAcceptanceTerms(Request):
    """`answer_days`: for either side to answer the other, once there is an objection. `accepting_use`: the use that
    accepts, counted from the one that delivers, which is the first; without it, use never accepts."""

    inspection_days: Annotated[int, Limits(ge=1, le=INSPECTION_DAYS_MAX)]
    answer_days: Annotated[int, Limits(ge=1, le=ANSWER_DAYS_MAX)]
    accepting_use: Annotated[int | None, Limits(ge=ACCEPTING_USE_MIN, le=1_000_000)] = None
    cures_max: Annotated[int, Limits(ge=0, le=CURES_MAX)] = 1
    clauses: Annotated[list[NewClause], Limits(max_length=CLAUSES_MAX)] = []
    service_level: NewServiceLevel | None = None

    def terms(self) -> AcceptanceTerms:
        clauses = tuple(Clause(each.id, each.measure, each.bound, each.digest) for each in self.clauses)
        return AcceptanceTerms(
            self.inspection_days * DAY, self.answer_days * DAY, self.accepting_use, self.cures_max, clauses,
            self.service_level and self.service_level.level(),
        )  # fmt: skip


class ClauseView(View):
    id: str
    measure: Measure
    bound: int | None
    digest: str | None


class BandView(View):
    below_basis_points: int
    credit_basis_points: int


class ServiceLevelView(View):
    period_days: int
    availability_basis_points: int
    bands: list[BandView]
    cap_basis_points: int
    response_milliseconds: int | None
    slow_credit_basis_points: int


class AcceptanceView(View):
    """As in the contract, in its member `acceptance`."""

    inspection_seconds: int
    answer_seconds: int
    accepting_use: int | None
    cures_max: int
    clauses: list[ClauseView]
    service_level: ServiceLevelView | None
