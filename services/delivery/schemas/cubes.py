"""What crosses the wire about cubes: declarations, questions, and answers with their certificates."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from services.delivery.rules.cube import (
    Cube,
    Declaration,
    Dimension,
    Generalisation,
    Level,
    Measure,
    Reason,
    State,
)
from services.delivery.rules.cube_query import Answered, Asked, Certificate, Filter, Function
from shared import web
from shared.grades import Grade
from shared.ids import CubeId, EntitlementId, ParticipantId, UseId, VersionId

AMOUNT_MAX = 10**12
Column = Annotated[str, Field(min_length=1, max_length=1_000)]
Amount = Annotated[int, Field(ge=-AMOUNT_MAX, le=AMOUNT_MAX)]
ChosenGeneralisation = Annotated[Generalisation, Field(strict=False)]
ChosenFunction = Annotated[Function, Field(strict=False)]
Sentence = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


class NewDimension(web.Request):
    """`starts` with bands: the numbers at which the next band begins. `length` with a prefix: so many characters."""

    column: Column
    generalisation: ChosenGeneralisation = Generalisation.NONE
    starts: Annotated[list[Amount], Field(max_length=100)] = []
    length: Annotated[int, Field(ge=0, le=100)] = 0

    def dimension(self) -> Dimension:
        return Dimension(self.column, self.generalisation, tuple(self.starts), self.length)


class NewMeasure(web.Request):
    """`low` and `high` in units of 10^-decimals: values beyond them count as the bound."""

    column: Column
    low: Amount
    high: Amount
    decimals: Annotated[int, Field(ge=0, le=6)] = 0

    def measure(self) -> Measure:
        return Measure(self.column, self.low, self.high, self.decimals)


class NewCube(web.Request):
    """What may be computed from a version. `contributor` is the column that tells persons or companies apart.

    `groupings` name dimensions, the most wanted first; that of everything comes before them. `epsilon_micro`, in
    millionths, is what a draw of noise spends of the privacy budgets from G4 on.
    """

    contributor: Column
    dimensions: Annotated[list[NewDimension], Field(min_length=1, max_length=6)]
    measures: Annotated[list[NewMeasure], Field(max_length=4)] = []
    groupings: Annotated[list[Annotated[list[Column], Field(min_length=1, max_length=6)]], Field(max_length=20)]
    rows_per_contributor_max: Annotated[int, Field(ge=1, le=1_000)] = 1
    epsilon_micro: Annotated[int, Field(ge=50_000, le=1_000_000)] = 500_000

    def declaration(self) -> Declaration:
        return Declaration(
            self.contributor, tuple(one.dimension() for one in self.dimensions),
            tuple(one.measure() for one in self.measures), tuple(map(tuple, self.groupings)),
            self.rows_per_contributor_max, self.epsilon_micro,
        )  # fmt: skip


class CubeDecision(web.Request):
    reason: Sentence


class DimensionView(web.View):
    column: str
    generalisation: Generalisation
    starts: tuple[int, ...]
    length: int


class MeasureView(web.View):
    column: str
    low: int
    high: int
    decimals: int


class CubeView(web.View):
    """`rows_left_out`: rows without a value in a column of the cube, or beyond the most of one contributor.

    Only the provider is told of these and of the `cells`, combinations of values that there are: null for others.
    """

    id: CubeId
    version_id: VersionId
    provider_id: ParticipantId
    content_hash: str
    declaration_digest: str
    grade_declared: Grade
    contributor: str
    dimensions: list[DimensionView]
    measures: list[MeasureView]
    groupings: list[tuple[str, ...]]
    rows_per_contributor_max: int
    epsilon_micro: int
    cells: int | None
    rows_left_out: int | None
    state: State
    reason_code: Reason
    declared_at: datetime
    approved_at: datetime | None
    deadline: datetime | None
    next_actor: str | None

    @classmethod
    def of(cls, cube: Cube, shown_to: ParticipantId | None) -> Self:
        declared, is_own = cube.declaration, cube.provider_id == shown_to
        return cls(
            id=cube.id, version_id=cube.version_id, provider_id=cube.provider_id, content_hash=cube.content_hash,
            declaration_digest=cube.declaration_digest, grade_declared=cube.grade_declared,
            contributor=declared.contributor,
            dimensions=[DimensionView.model_validate(one) for one in declared.dimensions],
            measures=[MeasureView.model_validate(one) for one in declared.measures],
            groupings=list(declared.groupings), rows_per_contributor_max=declared.rows_per_contributor_max,
            epsilon_micro=declared.epsilon_micro, cells=cube.cells if is_own else None,
            rows_left_out=cube.rows_left_out if is_own else None, state=cube.state, reason_code=cube.reason_code,
            declared_at=cube.declared_at, approved_at=cube.approved_at, deadline=cube.deadline,
            next_actor=cube.next_actor,
        )  # fmt: skip


class NewAsked(web.Request):
    """A count has no column; the others have that of a measure. A quantile says which: `percent` 50 is the median. It
    is told where the measure's column has bands too, and a declared grouping has them beside those you group by."""

    function: ChosenFunction
    column: Column | None = None
    percent: Annotated[int, Field(ge=1, le=99)] | None = None


class NewFilter(web.Request):
    """Only groups with one of these values. The column is one of the grouping's."""

    column: Column
    values: Annotated[list[Annotated[str, Field(min_length=1, max_length=1_000)]], Field(min_length=1, max_length=100)]


class NewCubeQuery(web.Request):
    """A question to the cube of your entitlement's version. Without a grouping, of everything together.
    `purpose` is one of the contract's; it may be left out where there is only one."""

    grouping: Annotated[list[Column], Field(max_length=6)] = []
    measures: Annotated[list[NewAsked], Field(min_length=1, max_length=9)]
    filters: Annotated[list[NewFilter], Field(max_length=6)] = []
    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] | None = None

    def asked(self) -> list[Asked]:
        return [Asked(one.function, one.column, one.percent) for one in self.measures]

    def filter_list(self) -> list[Filter]:
        return [Filter(one.column, tuple(one.values)) for one in self.filters]


class CubeColumnView(web.View):
    """Numbers are in units of 10^-decimals, and multiples of `rounded_to`."""

    function: Function
    column: str | None
    percent: int | None = None  # what was answered before there were quantiles has none
    decimals: int
    rounded_to: int


class CubeGroupView(web.View):
    """Values of the grouping's dimensions, and a number for each column; null where noise left none, and for a quantile
    where it may lie in a band that is not told."""

    key: list[str]
    numbers: list[int | None]


class CertificateView(web.View):
    """By what the answer can be judged, as the log has it. `epsilon_micro` is 0, and no scale told, without noise."""

    question_digest: str
    declaration_digest: str
    content_hash: str
    answer_digest: str
    contributors_min: int
    dominance_basis_points_max: int
    others_percent_min: int
    epsilon_micro: int
    noise_scales: list[int]
    policy_version: str


class CubeAnswerView(web.View):
    """`withheld`: whether the grouping has groups that are not told, whatever was filtered."""

    cube_id: CubeId
    version_id: VersionId
    entitlement_id: EntitlementId
    use_id: UseId
    level: Level
    grouping: list[str]
    columns: list[CubeColumnView]
    groups: list[CubeGroupView]
    withheld: bool
    epsilon_micro_charged: int
    certificate: CertificateView

    @classmethod
    def of(
        cls, cube: Cube, entitlement_id: EntitlementId, use_id: UseId, level: Level, grouping: tuple[str, ...],
        asked: tuple[Asked, ...], answered: Answered, certificate: Certificate, epsilon_micro_charged: int,
    ) -> Self:  # fmt: skip
        decimals = {one.column: one.decimals for one in cube.declaration.measures}
        columns = [
            CubeColumnView(
                function=one.function, column=one.column, percent=one.percent, rounded_to=base,
                decimals=decimals.get(one.column or "", 0) + (2 if one.function is Function.AVERAGE else 0),
            )
            for one, base in zip(asked, answered.bases, strict=True)
        ]  # fmt: skip
        groups = zip(answered.keys, answered.numbers, strict=True)
        return cls(
            cube_id=cube.id, version_id=cube.version_id, entitlement_id=entitlement_id, use_id=use_id, level=level,
            grouping=list(grouping), columns=columns,
            groups=[CubeGroupView(key=list(key), numbers=list(numbers)) for key, numbers in groups],
            withheld=answered.withheld, epsilon_micro_charged=epsilon_micro_charged,
            certificate=CertificateView.model_validate(certificate),
        )  # fmt: skip
