"""The terms of acceptance (验收条款): how long a buyer may inspect, by which clauses, and whether use accepts.

Promises: terms that cannot be kept cannot be made; a clause about what can be measured is judged by its number alone,
alike by both sides and by whoever decides between them; where no terms are named, the market's windows are the terms.
Sources: 数据提供合同 (model text of 2025) § 7 (inspection period, objection; what cannot be judged without use is not
accepted by use); 民法典 art. 620, 621 (the buyer inspects in the agreed time and tells what does not conform; silence
is conformity); GB/T 36344-2018 (dimensions and indicators, in basis points as the quality report has them).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.trading.rules.market_rules import DAY, Windows
from services.trading.rules.service_level import ServiceLevel
from shared.errors import Malformed

INSPECTION_DAYS_MAX, ANSWER_DAYS_MAX = 30, 15
ACCEPTING_USE_MIN = 2  # the first is the one that is inspected
CURES_MAX, CLAUSES_MAX = 3, 20


class Measure(StrEnum):
    """A dimension or an indicator of the quality report, or what the content itself shows."""

    NORMATIVITY = "normativity"
    COMPLETENESS = "completeness"
    ACCURACY = "accuracy"
    CONSISTENCY = "consistency"
    TIMELINESS = "timeliness"
    ACCESSIBILITY = "accessibility"
    ELEMENTS_COMPLETE = "elements_complete"  # 0201
    RECORDS_COMPLETE = "records_complete"  # 0202
    CONTENT_CORRECT = "content_correct"  # 0301
    FORMAT_COMPLIANT = "format_compliant"  # 0302
    NOT_DUPLICATED = "not_duplicated"  # 0303
    UNIQUE = "unique"  # 0304
    TIMELY = "timely"  # 0502
    ROWS = "rows"
    AGE_DAYS = "age_days"
    SCHEMA = "schema"
    TEXT = "text"


class Comparison(StrEnum):
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    SAME = "same"
    BY_PEOPLE = "by_people"


@dataclass(frozen=True, slots=True)
class Kind:
    """How a measure is compared, and between which bounds a number of it lies."""

    comparison: Comparison
    bound_min: int = 0
    bound_max: int = 0

    @property
    def is_number(self) -> bool:
        return self.comparison in {Comparison.AT_LEAST, Comparison.AT_MOST}


_share = Kind(Comparison.AT_LEAST, 1, 10_000)
KINDS: Mapping[Measure, Kind] = dict.fromkeys(Measure, _share) | {
    Measure.ROWS: Kind(Comparison.AT_LEAST, 1, 10**12),
    Measure.AGE_DAYS: Kind(Comparison.AT_MOST, 0, 36_500),
    Measure.SCHEMA: Kind(Comparison.SAME),
    Measure.TEXT: Kind(Comparison.BY_PEOPLE),
}


class ClauseImpossible(Malformed):
    """A clause about a number has its bound, between `bound_min` and `bound_max`; any other has a digest."""


class ClauseNamedTwice(Malformed):
    """Each clause has a name of its own."""


class AcceptanceImpossible(Malformed):
    """These times or numbers lie outside what may be agreed on acceptance; `term` says which."""


class ObservationDoesNotFit(Malformed):
    """A clause about a number is answered with a number, one about a schema with a digest, one in words with none."""


@dataclass(frozen=True, slots=True)
class Clause:
    """Raises ClauseImpossible. `digest` is SHA-256 of the schema, or of a text that both sides have."""

    id: str
    measure: Measure
    bound: int | None = None
    digest: str | None = None

    def __post_init__(self) -> None:
        kind = KINDS[self.measure]
        fits = self.bound is not None and kind.bound_min <= self.bound <= kind.bound_max and self.digest is None
        if not (fits if kind.is_number else self.bound is None and self.digest is not None):
            raise ClauseImpossible(clause_id=self.id, bound_min=kind.bound_min, bound_max=kind.bound_max)

    def is_broken_by(self, observed: int | str | None) -> bool:
        """Whether what was observed is less than was agreed; words are broken where the buyer says so.

        Raises ObservationDoesNotFit.
        """
        match KINDS[self.measure].comparison, self.bound, observed:
            case Comparison.AT_LEAST, int(bound), int(number):
                return number < bound
            case Comparison.AT_MOST, int(bound), int(number):
                return number > bound
            case Comparison.SAME, _, str(digest):
                return digest != self.digest
            case Comparison.BY_PEOPLE, _, None:
                return True
            case _:
                raise ObservationDoesNotFit(clause_id=self.id, measure=self.measure)


@dataclass(frozen=True, slots=True)
class AcceptanceTerms:
    """Raises AcceptanceImpossible, ClauseNamedTwice.

    `answer_seconds`: how long either side has to answer the other once there is an objection. `accepting_use`: the use
    that accepts, counted from the one that delivers, which is the first; None: use never accepts. `cures_max`: how
    often the provider may deliver anew.
    """

    inspection_seconds: int = 7 * DAY
    answer_seconds: int = 7 * DAY
    accepting_use: int | None = None
    cures_max: int = 1
    clauses: tuple[Clause, ...] = ()
    service_level: ServiceLevel | None = None

    def __post_init__(self) -> None:
        possible = {
            "inspection_seconds": 0 < self.inspection_seconds <= INSPECTION_DAYS_MAX * DAY,
            "answer_seconds": 0 < self.answer_seconds <= ANSWER_DAYS_MAX * DAY,
            "accepting_use": self.accepting_use is None or self.accepting_use >= ACCEPTING_USE_MIN,
            "cures_max": 0 <= self.cures_max <= CURES_MAX,
            "clauses": len(self.clauses) <= CLAUSES_MAX,
        }
        for term, fits in possible.items():
            if not fits:
                raise AcceptanceImpossible(term=term)
        if len({clause.id for clause in self.clauses}) < len(self.clauses):
            raise ClauseNamedTwice()

    def clause(self, clause_id: str) -> Clause | None:
        return next((clause for clause in self.clauses if clause.id == clause_id), None)


def standard_terms(windows: Windows) -> AcceptanceTerms:
    """What holds where a listing names none: the market's window, to inspect and to answer."""
    return AcceptanceTerms(windows.acceptance_seconds, windows.acceptance_seconds)
