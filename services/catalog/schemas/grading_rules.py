"""What crosses the wire about the rules of grading: every version that ever graded anything, in full."""

from typing import Self

from services.catalog.rules.rule_tables import CURRENT, TABLES, Degree, Object, RuleTable
from shared.grades import Flag, Grade
from shared.kinds import Kind
from shared.web import View


class ImpactRuleView(View):
    object: Object
    degree: Degree
    grade: Grade


class FloorView(View):
    flag: Flag
    grade: Grade


class MarkView(View):
    rule: str
    flag: Flag
    kinds: list[Kind]


class PairView(View):
    rule: str
    of: list[Kind]
    beside: list[Kind]
    grade: Grade


class ScaleView(View):
    rule: str
    flag: Flag
    rows_from: int
    grade: Grade


class PrecisionView(View):
    rule: str
    decimals_from: int
    grade: Grade


class GradingRulesView(View):
    """One version of the rules. A grade names the version that it was given by; new ones are given by the current."""

    rule_version: str
    is_current: bool
    impacts: list[ImpactRuleView]
    floors: list[FloorView]
    marks: list[MarkView]
    pairs: list[PairView]
    scales: list[ScaleView]
    precisions: list[PrecisionView]

    @classmethod
    def of(cls, rules: RuleTable) -> Self:
        return cls(
            rule_version=rules.version, is_current=rules.version == CURRENT,
            impacts=[
                ImpactRuleView(object=thing, degree=degree, grade=grade)
                for thing, degrees in rules.impacts.items() for degree, grade in degrees.items()
            ],
            floors=[FloorView(flag=flag, grade=grade) for flag, grade in rules.floors.items()],
            marks=[MarkView(rule=mark.rule, flag=mark.flag, kinds=sorted(mark.kinds)) for mark in rules.marks],
            pairs=[
                PairView(rule=pair.rule, of=sorted(pair.of), beside=sorted(pair.beside), grade=pair.grade)
                for pair in rules.pairs
            ],
            scales=[ScaleView.model_validate(scale) for scale in rules.scales],
            precisions=[PrecisionView.model_validate(precision) for precision in rules.precisions],
        )  # fmt: skip

    @classmethod
    def all(cls) -> list[Self]:
        """The oldest first."""
        return [cls.of(rules) for rules in TABLES.values()]
