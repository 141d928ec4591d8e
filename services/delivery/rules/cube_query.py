"""A question to a cube, and its answer: always out of the release, so that nothing is told that was not planned.

Owns: the one form of a question, the gate that every answer passes, the rounding, and the ledger of privacy.
Promises: questions that mean the same are one, with one answer for ever; an answer is made of released groups alone; a
group that is withheld and one that is not there look the same; every reason of privacy looks the same to who asks.
Of noise: from G4 on each family of numbers (the counts or the sums of one grouping) is drawn once, kept and never drawn
again, whoever asks, so that it cannot be averaged away. For a family, one contributor changes the numbers by at most
rows_per_contributor_max times the larger bound, all groups together; with epsilon of its draw this is pure differential
privacy of contributors, and draws add up. The ledger bounds the sum for each group of affiliated organisations, and for
all of them together, should they all collude. Outside of that bound lies which groups are released at all: that
follows from true counts and tells that k contribute, or that something was in the way.
Sources: Dwork and Roth, Algorithmic Foundations of Differential Privacy, 2014, 3.3 and 3.5; reliability 9.5, I-60.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from services.delivery.rules.cube import (
    CELLS_MAX,
    CONTRIBUTORS_MIN,
    CUBE_POLICY,
    Cube,
    Declaration,
    Level,
    Measure,
    Release,
    spelled,
)
from services.delivery.rules.disclosure import DOMINANCE_BASIS_POINTS_MAX, OTHERS_PERCENT_MIN
from services.delivery.rules.quantile import Banded, banded, quantile
from services.delivery.rules.query import QueryRejected
from shared import canonical
from shared.errors import Forbidden, Unavailable

COUNT_BASE = 5  # counts are told in multiples of it
SUM_SHARE = 10  # a sum is told in steps of about so small a part of what one row can bring
GROUP_EPSILON_MICRO_MAX = 4_000_000
CUBE_EPSILON_MICRO_MAX = 8_000_000


class Function(StrEnum):
    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    QUANTILE = "quantile"


class Rule(StrEnum):
    """What stood against an answer. The log is told; who asks is not."""

    NOTHING_RELEASED = "nothing_released"
    GROUP_BUDGET = "group_budget_spent"
    CUBE_BUDGET = "cube_budget_spent"


class Privacy(Forbidden):
    """This answer would tell too much of too few; ask for larger groups, or do with the answers that you have."""

    def __init__(self, rule: Rule = Rule.NOTHING_RELEASED) -> None:
        super().__init__()  # no facts: whichever rule it was, it looks the same
        self.rule = rule


class NoiseUnavailable(Unavailable):
    """Answers about data of this grade need noise, which this platform cannot make: its operator must install it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One number for each group. `column` is that of a measure; none for the count. `percent` is a quantile's."""

    function: Function
    column: str | None = None
    percent: int | None = None

    @property
    def spelled(self) -> list[str | int]:
        return [self.function.value, spelled(self.column or ""), *([] if self.percent is None else [self.percent])]


@dataclass(frozen=True, slots=True)
class Filter:
    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """In its one form: dimensions and measures in the order of the declaration, values in order, nothing twice."""

    grouping: tuple[str, ...]
    asked: tuple[Asked, ...]
    filters: tuple[Filter, ...]

    @property
    def digest(self) -> str:
        return canonical.digest({
            "grouping": list(map(spelled, self.grouping)),
            "asked": [one.spelled for one in self.asked],
            "filters": [list(map(spelled, (one.column, *one.values))) for one in self.filters],
        })  # fmt: skip


@dataclass(frozen=True, slots=True)
class Family:
    """The numbers of one part in all released groups of one grouping: what is drawn together, and paid for once.

    Part 0 is the count, part n the sum of the n-th measure.
    """

    grouping: int
    part: int

    @property
    def name(self) -> str:
        return f"{self.grouping}.{self.part}"


@dataclass(frozen=True, slots=True)
class Draw:
    """The noisy numbers of a family, in the order of its groups."""

    family: Family
    numbers: tuple[int, ...]
    scale: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What leaves: keys and numbers, each a multiple of its column's base. Averages have two decimals more than sums.

    A number is null where noise has left nothing to divide by, or too much is not told for a quantile.
    """

    keys: tuple[tuple[str, ...], ...]
    numbers: tuple[tuple[int | None, ...], ...]
    bases: tuple[int, ...]
    withheld: bool

    @property
    def digest(self) -> str:
        # Canonical JSON has no null: what cannot be told stands as an empty text.
        rows = [["" if one is None else one for one in row] for row in self.numbers]
        return canonical.digest({
            "keys": [list(map(spelled, key)) for key in self.keys], "numbers": rows, "bases": list(self.bases),
            "withheld": self.withheld,
        })  # fmt: skip


@dataclass(frozen=True, slots=True)
class Certificate:
    """By what an answer can be judged afterwards, and made again from the release: no number of it."""

    question_digest: str
    declaration_digest: str
    content_hash: str
    answer_digest: str
    contributors_min: int
    dominance_basis_points_max: int
    others_percent_min: int
    epsilon_micro: int  # of the draws that the answer is made of; 0 without noise
    noise_scales: tuple[int, ...]
    policy_version: str = CUBE_POLICY


def canonical_question(
    declaration: Declaration, grouping: Sequence[str], asked: Sequence[Asked], filters: Sequence[Filter]
) -> Question:
    """Raises QueryRejected for what is no part of the declaration, or is said twice."""
    columns = [one.column for one in declaration.dimensions]
    for column in grouping:
        if column not in columns or list(grouping).count(column) > 1:
            raise QueryRejected(hint="group by dimensions of the cube, each once", column=column)
    ordered = tuple(column for column in columns if column in grouping)
    if declaration.positions(ordered) not in declaration.planned:
        raise QueryRejected(hint="group as one of the declared groupings does", grouping=list(ordered))
    for one in filters:
        if one.column not in ordered or [other.column for other in filters].count(one.column) > 1:
            raise QueryRejected(hint="filter by dimensions of your grouping, each once", column=one.column)
    if not asked:
        raise QueryRejected(hint="ask for a count, a sum, an average or a quantile")
    measures = [one.column for one in declaration.measures]
    for one in asked:
        if (one.column is None) != (one.function is Function.COUNT) or one.column not in (None, *measures):
            raise QueryRejected(hint="count rows, or sum and average measures of the cube", column=one.column)
        if (one.percent is None) != (one.function is not Function.QUANTILE):
            raise QueryRejected(hint="say which percent, of a quantile and of nothing else", column=one.column)
        if one.percent and not banded(declaration, ordered, one.column):
            raise QueryRejected(
                hint="a quantile takes bands of its measure, and a declared grouping of yours with them",
                column=one.column,
            )
    wanted = [Asked(Function.COUNT), *(Asked(function, column) for column in measures for function in Function)]
    by_percent = sorted({one for one in asked if one.percent}, key=lambda one: one.percent or 0)
    quantiles = [one for column in measures for one in by_percent if one.column == column]
    named = {one.column: tuple(sorted(set(one.values))) for one in filters}
    return Question(
        ordered,
        (*(one for one in wanted if one in asked), *quantiles),
        tuple(Filter(one, named[one]) for one in columns if one in named),
    )


def families_of(declaration: Declaration, question: Question) -> tuple[Family, ...]:
    """What the answer is made of: an average is a sum over a count, so it tells no more than both, and a quantile is
    where it is by the counts of bands."""
    grouping, found = declaration.planned.index(declaration.positions(question.grouping)), set[Family]()
    for one in question.asked:
        if one.function is not Function.SUM:
            found.add(Family(grouping, 0))
        if one.percent and (bands := banded(declaration, question.grouping, one.column)):
            found.add(Family(bands.grouping, 0))
        elif one.column is not None:
            found.add(Family(grouping, _part(declaration, one.column)))
    return tuple(sorted(found, key=lambda one: (one.grouping, one.part)))


def truth(release: Release, family: Family) -> tuple[int, ...]:
    return tuple(group.numbers[family.part] for group in release.groups[family.grouping])


def sensitivity(declaration: Declaration, family: Family) -> int:
    """The most that one contributor can change the family's numbers, all of them together."""
    if family.part == 0:
        return declaration.rows_per_contributor_max
    measure = declaration.measures[family.part - 1]
    return declaration.rows_per_contributor_max * max(abs(measure.low), abs(measure.high))


def noise_scale(declaration: Declaration, family: Family) -> int:
    """Of the discrete Laplace noise, rounded up: more noise than needed, never less."""
    return -(-sensitivity(declaration, family) * 1_000_000 // declaration.epsilon_micro)


def charge(
    spent: Set[str], wanted: Sequence[Family], epsilon_micro: int, elsewhere_micro: int = 0
) -> tuple[Family, ...]:  # fmt: skip
    """The families that a group of organisations pays for now: what any of them has, all of them have.

    Requires the names of the families it has, and what it spent on kindred cubes. Raises Privacy where they would be
    more than its budget.
    """
    fresh = tuple(family for family in wanted if family.name not in spent)
    if (len(spent) + len(fresh)) * epsilon_micro > GROUP_EPSILON_MICRO_MAX - elsewhere_micro:
        raise Privacy(Rule.GROUP_BUDGET)
    return fresh


def answer(
    declaration: Declaration, release: Release, question: Question, numbers: Mapping[Family, Sequence[int]]
) -> Answered:
    """The gate: the only way by which numbers of a cube leave. Requires the numbers of every family of the question.

    Raises Privacy where no released group matches.
    """
    grouping = declaration.planned.index(declaration.positions(question.grouping))
    wanted = {question.grouping.index(one.column): set(one.values) for one in question.filters}
    shown = [
        (place, group)
        for place, group in enumerate(release.groups[grouping])
        if all(group.key[position] in values for position, values in wanted.items())
    ]
    if not shown or len(shown) > CELLS_MAX:
        raise Privacy()
    columns = [
        _quantiles(release, bands, one.percent, numbers, grouping)
        if one.percent and (bands := banded(declaration, question.grouping, one.column))
        else _numbers(declaration, one, numbers, grouping)
        for one in question.asked
    ]
    return Answered(
        tuple(group.key for _, group in shown),
        tuple(tuple(column[place] for column in columns) for place, _ in shown),
        tuple(_base(declaration, one) for one in question.asked),
        # Of the whole grouping, not of what matched: else a filter would tell whether a value is there at all.
        release.withheld[grouping],
    )


def certificate(cube: Cube, level: Level, question: Question, answered: Answered, draws: Sequence[Draw]) -> Certificate:
    return Certificate(
        question.digest, cube.declaration_digest, cube.content_hash, answered.digest, CONTRIBUTORS_MIN[level],
        DOMINANCE_BASIS_POINTS_MAX, OTHERS_PERCENT_MIN, len(draws) * cube.declaration.epsilon_micro,
        tuple(draw.scale for draw in draws),
    )  # fmt: skip


def rounded(number: int, base: int) -> int:
    """To the nearest multiple; halves go up."""
    return (2 * number + base) // (2 * base) * base


def rounding_base(measure: Measure) -> int:
    """1, 2 or 5 times a power of ten, at most a tenth of the way between the bounds, and at least 1."""
    limit, base = max((measure.high - measure.low) // SUM_SHARE, 1), 1
    while base * 10 <= limit:
        base *= 10
    return max(step * base for step in (1, 2, 5) if step * base <= limit)


def _base(declaration: Declaration, asked: Asked) -> int:
    """An average has two decimals more, so that the same base is a hundredth of the sum's. A quantile is computed from
    numbers that are rounded."""
    if asked.column is None:
        return COUNT_BASE
    if asked.percent:
        return 1
    return rounding_base(declaration.measures[_part(declaration, asked.column) - 1])


def _numbers(
    declaration: Declaration, asked: Asked, numbers: Mapping[Family, Sequence[int]], grouping: int
) -> list[int | None]:
    """Of each released group."""
    part, base = 0 if asked.column is None else _part(declaration, asked.column), _base(declaration, asked)
    found = numbers[Family(grouping, part)]
    if asked.function is not Function.AVERAGE:
        return [rounded(number, base) for number in found]
    counts = numbers[Family(grouping, 0)]
    return [
        rounded(rounded(total * 100, count) // count, base) if count > 0 else None
        for total, count in zip(found, counts, strict=True)
    ]


def _quantiles(
    release: Release, bands: Banded, percent: int, numbers: Mapping[Family, Sequence[int]], grouping: int
) -> list[int | None]:
    """Of each released group, out of counts as a question for them is answered."""
    told, wholes = (
        {group.key: rounded(count, COUNT_BASE) for group, count in zip(release.groups[at], counts, strict=True)}
        for at, counts in ((at, numbers[Family(at, 0)]) for at in (bands.grouping, grouping))
    )
    return [
        quantile(percent, bands.edges, [told.get(one) for one in bands.keys(group.key)], wholes[group.key])
        for group in release.groups[grouping]
    ]


def _part(declaration: Declaration, column: str) -> int:
    return 1 + [one.column for one in declaration.measures].index(column)
