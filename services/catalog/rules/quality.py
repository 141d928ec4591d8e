"""The quality of a version's content, in the six dimensions of GB/T 36344-2018, with what could not be assessed said.

Owns: the indicators that an inspection and a provider's declaration allow, their weights as versioned data, the gates
that come before the mean, and the price coefficient.
Promises: an indicator with nothing to count is not assessed, never 0 or 1; what is not assessed drops out of the mean,
and the share of weight that was assessed is told; a fatal dimension is a gate, which no mean hides; the score rises
with every indicator, and neither the order nor the number of fields changes what they say together.
Does not: look at data, or rate the provider (GB/T 36073 rates organisations).
Source: GB/T 36344-2018, chapter 5 (indicators 0101–0602). The weights, gates and decay are ours.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from fractions import Fraction

from services.catalog.rules.asset import Description, UpdateCycle
from services.catalog.rules.evidence import Field
from shared.errors import Conflict, NotFound
from shared.grades import G3, Grade, Visibility

RULE_VERSION = "GB/T 36344-2018 2026-11"
WHOLE = 10_000  # basis points
EXPIRES_AFTER = timedelta(days=180)
SHOWN_TO_ALL_UP_TO = G3


class Dimension(StrEnum):
    NORMATIVITY = "normativity"  # 规范性 01
    COMPLETENESS = "completeness"  # 完整性 02
    ACCURACY = "accuracy"  # 准确性 03
    CONSISTENCY = "consistency"  # 一致性 04
    TIMELINESS = "timeliness"  # 时效性 05
    ACCESSIBILITY = "accessibility"  # 可访问性 06


class Code(StrEnum):
    METADATA = "0103"
    ELEMENTS_COMPLETE = "0201"
    RECORDS_COMPLETE = "0202"
    CONTENT_CORRECT = "0301"
    FORMAT_COMPLIANT = "0302"
    NOT_DUPLICATED = "0303"
    UNIQUE = "0304"
    TIMELY = "0502"


class Gate(StrEnum):
    """What no other quality makes up for."""

    REQUIRED_FIELDS_EMPTY = "required_fields_empty"
    KEYS_NOT_UNIQUE = "keys_not_unique"
    MOSTLY_DUPLICATES = "mostly_duplicates"


@dataclass(frozen=True, slots=True)
class Rule:
    """An indicator's place: its dimension, its weight there, the gate below its least value, and how X is counted."""

    dimension: Dimension
    weight: int
    method: str
    minimum: int = 0
    gate: Gate | None = None


# fmt: off
DIMENSIONS: Mapping[Dimension, int] = {  # in basis points of the whole
    Dimension.NORMATIVITY:   1_000,
    Dimension.COMPLETENESS:  2_500,
    Dimension.ACCURACY:      2_500,
    Dimension.CONSISTENCY:   1_500,
    Dimension.TIMELINESS:    1_500,
    Dimension.ACCESSIBILITY: 1_000,
}
INDICATORS: Mapping[Code, Rule] = {  # in basis points of the dimension
    Code.METADATA:          Rule(Dimension.NORMATIVITY, WHOLE, "described elements of the entry / its elements"),
    Code.ELEMENTS_COMPLETE: Rule(Dimension.COMPLETENESS, 6_000, "values present in required fields / rows of them",
                                 6_000, Gate.REQUIRED_FIELDS_EMPTY),
    Code.RECORDS_COMPLETE:  Rule(Dimension.COMPLETENESS, 4_000, "rows / rows expected, at most 1"),
    Code.CONTENT_CORRECT:   Rule(Dimension.ACCURACY, 3_000, "values whose check proves true / values checked"),
    Code.FORMAT_COMPLIANT:  Rule(Dimension.ACCURACY, 3_000, "values of their field's prevailing type / values"),
    Code.NOT_DUPLICATED:    Rule(Dimension.ACCURACY, 2_000, "1 - rows that repeat another / rows",
                                 5_000, Gate.MOSTLY_DUPLICATES),
    Code.UNIQUE:            Rule(Dimension.ACCURACY, 2_000, "distinct values of key fields / rows",
                                 9_900, Gate.KEYS_NOT_UNIQUE),
    Code.TIMELY:            Rule(Dimension.TIMELINESS, WHOLE, "2^(-age / update cycle)"),
}
HALF_LIFE_DAYS: Mapping[UpdateCycle, int | None] = {  # None: age says nothing of it
    UpdateCycle.REAL_TIME: 1, UpdateCycle.DAILY: 1, UpdateCycle.WEEKLY: 7, UpdateCycle.MONTHLY: 30,
    UpdateCycle.QUARTERLY: 91, UpdateCycle.YEARLY: 365, UpdateCycle.IRREGULAR: None, UpdateCycle.NEVER: None,
}
# fmt: on
ELEMENTS_DESCRIBED = 7
COEFFICIENT_MIN, COEFFICIENT_MAX = 8_000, 12_000
EXACT = Context(prec=40)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What only the provider can say: which fields must be filled, which single field is a key, how many rows there
    should be, and the moment up to which the data tell."""

    required_fields: tuple[str, ...] = ()
    key_fields: tuple[str, ...] = ()
    rows_expected: int | None = None
    data_as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What the inspector counted: over all rows, except for checks, which it took on a sample."""

    rows: int
    duplicate_rows: int | None
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Indicator:
    """X in basis points; None: there was nothing to count."""

    code: Code
    dimension: Dimension
    method: str
    basis_points: int | None


@dataclass(frozen=True, slots=True)
class Score:
    """The weighted mean of a dimension or of all, None where nothing of it was assessed."""

    dimension: Dimension
    basis_points: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """What was assessed, how, by which rules, and for how long it counts. `sample_size`: of the checks of 0301."""

    score_basis_points: int | None
    evidence_coverage_basis_points: int
    dimensions: tuple[Score, ...]
    indicators: tuple[Indicator, ...]
    gates: tuple[Gate, ...]
    coefficient_basis_points: int | None
    rows: int
    sample_size: int
    declaration: Declaration
    rule_version: str
    made_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Overall:
    score: Fraction | None
    means: Mapping[Dimension, Fraction | None]
    coverage_basis_points: int
    gates: tuple[Gate, ...]


class FieldNotThere(Conflict):
    """The version has no field of this name."""


class NothingMeasured(Conflict):
    """The version's content has not been inspected yet."""


class NoQualityReport(NotFound):
    """There is no quality report of this version, or you may not see it."""


def report(about: Description, measured: Measured, declared: Declaration, now: datetime) -> Report:
    """Raises FieldNotThere for a declared field that the version has not."""
    known = {field.name: field for field in measured.fields}
    for name in (*declared.required_fields, *declared.key_fields):
        if name not in known:
            raise FieldNotThere(field=name)
    values = dict(_values(about, measured, declared, known, now))
    whole = overall(values)
    return Report(
        score_basis_points=_basis_points(whole.score), evidence_coverage_basis_points=whole.coverage_basis_points,
        dimensions=tuple(Score(dimension, _basis_points(mean)) for dimension, mean in whole.means.items()),
        indicators=tuple(
            Indicator(code, rule.dimension, rule.method, _basis_points(values.get(code)))
            for code, rule in INDICATORS.items()
        ),
        gates=whole.gates,
        coefficient_basis_points=None if whole.score is None else coefficient(whole.score),
        rows=measured.rows, sample_size=_sample_size(measured.fields), declaration=declared,
        rule_version=RULE_VERSION, made_at=now, expires_at=now + EXPIRES_AFTER,
    )  # fmt: skip


def overall(values: Mapping[Code, Fraction | None]) -> Overall:
    """What the indicators come to together. Requires 0 <= X <= 1 where there is one."""
    means = {dimension: _mean(dimension, values) for dimension in DIMENSIONS}
    score = _weighted([(DIMENSIONS[dimension], mean) for dimension, mean in means.items()])
    return Overall(score, means, _coverage(values), _gates(values))


def coefficient(score: Fraction) -> int:
    """What quality does to a price, in basis points: from 0.8 at nothing to 1.2 at all, in between straight."""
    told = COEFFICIENT_MIN + (COEFFICIENT_MAX - COEFFICIENT_MIN) * score
    return _half_up(min(max(told, Fraction(COEFFICIENT_MIN)), Fraction(COEFFICIENT_MAX)))


def is_shown(grade: Grade | None, shown: Visibility) -> bool:
    """Whether a report shows to someone with a token: above G3 to whoever sees the version in full, up to it also to
    whoever sees that there is one."""
    if shown is Visibility.FULL:
        return True
    return shown is Visibility.TITLE and grade is not None and grade <= SHOWN_TO_ALL_UP_TO


def _values(
    about: Description, measured: Measured, declared: Declaration, known: Mapping[str, Field], now: datetime
) -> Iterable[tuple[Code, Fraction | None]]:
    """X of each indicator; None where there was nothing to count."""
    rows = measured.rows
    yield Code.METADATA, Fraction(_described(about), ELEMENTS_DESCRIBED)
    required = [known[name].null_basis_points for name in declared.required_fields]
    yield Code.ELEMENTS_COMPLETE, _share(sum(WHOLE - nulls for nulls in required), WHOLE * len(required))
    expected = declared.rows_expected
    yield Code.RECORDS_COMPLETE, None if expected is None else min(_share(rows, expected) or Fraction(1), Fraction(1))
    checks = [
        (detection.sample_size * detection.hit_basis_points, detection.checksum_basis_points)
        for field in measured.fields
        for detection in field.detections
        if detection.checksum_basis_points is not None
    ]
    proven = sum(weight * checksum for weight, checksum in checks)
    yield Code.CONTENT_CORRECT, _share(proven, WHOLE * sum(weight for weight, _ in checks))
    typed = [field for field in measured.fields if field.fit_basis_points is not None]
    present = [WHOLE - field.null_basis_points for field in typed]
    fitting = sum(there * (field.fit_basis_points or 0) for there, field in zip(present, typed, strict=True))
    yield Code.FORMAT_COMPLIANT, _share(fitting, WHOLE * sum(present))
    repeated = measured.duplicate_rows
    yield Code.NOT_DUPLICATED, None if repeated is None else _share(rows - repeated, rows)
    keys = [min(known[name].distinct, rows) for name in declared.key_fields]
    yield Code.UNIQUE, _share(sum(keys), rows * len(keys))
    yield Code.TIMELY, _timeliness(about.update_cycle, declared.data_as_of, now)


def _described(about: Description) -> int:
    told = (
        about.title, about.title_english, about.description, about.theme, about.keywords, about.region,
        about.update_cycle,
    )  # fmt: skip
    return sum(bool(element) for element in told)


def _timeliness(cycle: UpdateCycle, as_of: datetime | None, now: datetime) -> Fraction | None:
    half_life_days = HALF_LIFE_DAYS[cycle]
    if as_of is None or half_life_days is None:
        return None
    age_days = max((now - as_of).days, 0)
    decayed = EXACT.power(Decimal(2), EXACT.divide(Decimal(-age_days), Decimal(half_life_days)))
    return Fraction(decayed.quantize(Decimal("1e-9"), ROUND_HALF_UP))


def _mean(dimension: Dimension, values: Mapping[Code, Fraction | None]) -> Fraction | None:
    return _weighted(
        [(rule.weight, values.get(code)) for code, rule in INDICATORS.items() if rule.dimension is dimension]
    )


def _weighted(parts: Sequence[tuple[int, Fraction | None]]) -> Fraction | None:
    """The mean of what was assessed, under the weights that are left."""
    assessed = [(weight, value) for weight, value in parts if value is not None]
    total = sum(weight for weight, _ in assessed)
    return sum((weight * value for weight, value in assessed), Fraction(0)) / total if total else None


def _coverage(values: Mapping[Code, Fraction | None]) -> int:
    """The share of all weight that was assessed."""
    return sum(
        DIMENSIONS[rule.dimension] * rule.weight
        for code, rule in INDICATORS.items()
        if values.get(code) is not None
    ) // WHOLE  # fmt: skip


def _gates(values: Mapping[Code, Fraction | None]) -> tuple[Gate, ...]:
    below = (
        rule.gate
        for code, rule in INDICATORS.items()
        if (value := values.get(code)) is not None and value * WHOLE < rule.minimum
    )
    return tuple(gate for gate in below if gate)


def _sample_size(fields: Iterable[Field]) -> int:
    return max((detection.sample_size for field in fields for detection in field.detections), default=0)


def _share(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def _basis_points(value: Fraction | None) -> int | None:
    return None if value is None else _half_up(value * WHOLE)


def _half_up(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
