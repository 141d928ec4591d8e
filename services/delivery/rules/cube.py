"""A cube: what a provider declares that may be computed from a version, and what the platform makes of it once.

Owns: the declaration with its review, the lifecycle, and the release: the numbers of the groups that the plan releases.
Promises: nobody is named by a dimension; contributors are counted by a column that is no finer than any identifier of
persons beside it; from G4 on a person of the platform approves before anything is answered; a declaration never
changes, and gives way to another only as long as nothing was answered from it, for two would tell of their difference.
Does not: offer minima or maxima, which are values of single contributors; a quantile is told by counts (`quantile`).
Sources: GB/T 35273-2020 annex A (identifiers); reliability 9.5 (declared cubes, k of 10 and 20).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.delivery.rules.inspection import InspectedField, Inspection
from shared import canonical
from shared.errors import Conflict, Malformed, NotFound
from shared.grades import G4, Grade
from shared.ids import AssetId, CubeId, ParticipantId, VersionId
from shared.kinds import Kind
from shared.lifecycle import Lifecycle

CUBE_POLICY = "2026-11"
CELLS_MAX = 4_096
APPROVED_WITHIN = timedelta(days=5)


class State(StrEnum):
    AWAITING_APPROVAL = "awaiting_approval"
    IN_FORCE = "in_force"
    REFUSED = "refused"
    LAPSED = "lapsed"
    REPLACED = "replaced"


AWAITING_APPROVAL, IN_FORCE, REFUSED, LAPSED, REPLACED = State
CUBE = Lifecycle(start=AWAITING_APPROVAL, moves={
    AWAITING_APPROVAL: {IN_FORCE, REFUSED, LAPSED, REPLACED},
    IN_FORCE:          {REPLACED},
    REFUSED:           set(),
    LAPSED:            set(),
    REPLACED:          set(),
})  # fmt: skip
STANDING = (AWAITING_APPROVAL, IN_FORCE)


class Reason(StrEnum):
    """Why a cube is where it is. The first two wait or stand; the others are over."""

    APPROVAL_DUE = "approval_due"
    REVIEWED = "reviewed"  # by rule, below G4
    APPROVED = "approved"
    REFUSED = "refused"
    NOT_APPROVED_IN_TIME = "not_approved_in_time"
    DECLARED_ANEW = "declared_anew"


class Level(StrEnum):
    """How the answers of a cube are protected, by the version's grade."""

    GROUPED = "grouped"  # k of 10, rounded
    NOISY = "noisy"  # from G4: k of 20, noise within a budget, rounded


CONTRIBUTORS_MIN: Mapping[Level, int] = {Level.GROUPED: 10, Level.NOISY: 20}


class Generalisation(StrEnum):
    NONE = "none"
    BANDS = "bands"  # of a number, by the values at which the next band begins
    YEAR = "year"
    MONTH = "month"
    PREFIX = "prefix"  # the first characters: of a region's code, or an address


@dataclass(frozen=True, slots=True)
class Dimension:
    """`starts` belong to bands, `length` to a prefix."""

    column: str
    generalisation: Generalisation = Generalisation.NONE
    starts: tuple[int, ...] = ()
    length: int = 0

    @property
    def bands(self) -> tuple[str, ...]:
        """What its bands are called, in order. Requires that it has any."""
        between = (f"{start} to <{end}" for start, end in zip(self.starts, self.starts[1:], strict=False))
        return (f"<{self.starts[0]}", *between, f">={self.starts[-1]}")


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of numbers, counted in units of 10^-decimals; what lies outside of the bounds counts as the bound."""

    column: str
    low: int
    high: int
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Declaration:
    """`groupings` name columns of dimensions, the most wanted first: where not all can be told, the earlier is.

    Of a contributor, at most so many rows count, the first in the file.
    """

    contributor: str
    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...]
    groupings: tuple[tuple[str, ...], ...]
    rows_per_contributor_max: int
    epsilon_micro: int

    @property
    def columns(self) -> tuple[str, ...]:
        names = [self.contributor, *(one.column for one in self.dimensions), *(one.column for one in self.measures)]
        return tuple(dict.fromkeys(names))

    def positions(self, grouping: Sequence[str]) -> tuple[int, ...]:
        """Where the grouping's dimensions stand among all of them, in their order."""
        return tuple(number for number, one in enumerate(self.dimensions) if one.column in grouping)

    @property
    def planned(self) -> tuple[tuple[int, ...], ...]:
        """The groupings as positions: that of everything first, then each once."""
        return tuple(dict.fromkeys([(), *map(self.positions, self.groupings)]))


@dataclass(frozen=True, slots=True)
class Told:
    """A released group: its rows and the sum of each measure, before noise and rounding."""

    key: tuple[str, ...]
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """For each planned grouping, the groups that are released, and whether any is withheld."""

    groups: tuple[tuple[Told, ...], ...]
    withheld: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Cube:
    """`rows_left_out` had no value in a column of the cube, or were beyond the most that count of one contributor."""

    id: CubeId
    version_id: VersionId
    provider_id: ParticipantId
    content_hash: str
    declaration: Declaration
    declaration_digest: str
    grade_declared: Grade
    cells: int
    rows_left_out: int
    state: State
    reason_code: Reason
    declared_at: datetime
    deadline: datetime | None
    approved_at: datetime | None = None
    spent_micro: int = 0
    revision: int = 1
    asset_id: AssetId | None = None  # None of those that were declared before it was kept

    @property
    def next_actor(self) -> str | None:
        return "operator" if self.state is AWAITING_APPROVAL else None


class NoSuchCube(NotFound):
    """There is no such cube, or you may not see it."""


class CubeRejected(Malformed):
    """This cube cannot be declared over this version; `fault` and `column` say why."""


class CubeTooFine(Malformed):
    """The dimensions make more combinations than can be watched over: declare fewer, or coarser ones."""


class CubeTooSmall(Malformed):
    """Too few contribute to this content, or one outweighs the others: nothing of it can be told."""


class CubeHasAnswers(Conflict):
    """Buyers have answers from this version's cube, so it stands: another one belongs to another version."""


class CubeNotApproved(Conflict):
    """An operator has not approved this cube yet; from G4 on nothing is answered before."""


class CubeChangedMeanwhile(Conflict):
    """This cube was changed by another request; look again."""


# fmt: off
NAMES_SOMEBODY = frozenset({
    Kind.RESIDENT_ID, Kind.USCC, Kind.PHONE, Kind.BANK_CARD, Kind.PASSPORT, Kind.PLATE, Kind.EMAIL, Kind.IP_ADDRESS,
    Kind.NAME, Kind.BIOMETRIC,
})
# What points at few people unless it is made coarser, and by what.
COARSENED: Mapping[Kind, frozenset[Generalisation]] = {
    Kind.ADDRESS:     frozenset({Generalisation.PREFIX}),
    Kind.BIRTH_DATE:  frozenset({Generalisation.YEAR, Generalisation.BANDS}),
    Kind.COORDINATES: frozenset({Generalisation.BANDS}),
}
# Whoever has one of these has few others of its kind: a contributor's column must not tell more of them than it does.
TELLS_CONTRIBUTORS = frozenset({Kind.RESIDENT_ID, Kind.PASSPORT, Kind.PHONE, Kind.EMAIL, Kind.BANK_CARD})
NUMBERS = frozenset({"integer", "decimal"})
FITS: Mapping[Generalisation, frozenset[str]] = {
    Generalisation.BANDS: NUMBERS,
    Generalisation.YEAR:  frozenset({"date", "timestamp"}),
    Generalisation.MONTH: frozenset({"date", "timestamp"}),
}
# fmt: on


def level_of(grade: Grade) -> Level:
    return Level.NOISY if grade >= G4 else Level.GROUPED


def review(declaration: Declaration, found: Inspection) -> None:
    """Raises CubeRejected unless the declaration fits the content and names nobody."""
    fields = {field.name: field for field in found.fields}
    dimensions = [one.column for one in declaration.dimensions]
    measures = [one.column for one in declaration.measures]
    for column in declaration.columns:
        if column not in fields:
            raise CubeRejected(fault="no_such_column", column=column)
    for column in {*dimensions, *measures} & {declaration.contributor}:
        raise CubeRejected(fault="contributors_are_not_told_of", column=column)
    for columns in (dimensions, measures):
        for column in columns:
            if columns.count(column) > 1:
                raise CubeRejected(fault="declared_twice", column=column)
    for dimension in declaration.dimensions:
        _check_dimension(dimension, fields[dimension.column])
    for measure in declaration.measures:
        _check_measure(measure, fields[measure.column])
    for grouping in declaration.groupings:
        for column in grouping:
            if column not in dimensions:
                raise CubeRejected(fault="not_a_dimension", column=column)
    _check_contributor(declaration, fields)


def _check_dimension(dimension: Dimension, field: InspectedField) -> None:
    kinds, made = {detection.kind for detection in field.detections}, dimension.generalisation
    if kinds & NAMES_SOMEBODY:
        raise CubeRejected(fault="names_somebody", column=field.name)
    for kind in sorted(kinds & COARSENED.keys()):
        if made not in COARSENED[kind]:
            raise CubeRejected(fault="too_precise", column=field.name, generalisations=sorted(COARSENED[kind]))
    if field.type not in FITS.get(made, {field.type}):
        raise CubeRejected(fault="wrong_type", column=field.name, type=field.type)
    if made is Generalisation.BANDS and (
        not dimension.starts or any(a >= b for a, b in zip(dimension.starts, dimension.starts[1:], strict=False))
    ):
        raise CubeRejected(fault="bands_do_not_ascend", column=field.name)
    if made is Generalisation.PREFIX and dimension.length < 1:
        raise CubeRejected(fault="no_length", column=field.name)


def _check_measure(measure: Measure, field: InspectedField) -> None:
    if {detection.kind for detection in field.detections} & NAMES_SOMEBODY:
        raise CubeRejected(fault="names_somebody", column=field.name)
    if field.type not in NUMBERS:
        raise CubeRejected(fault="wrong_type", column=field.name, type=field.type)
    if measure.low >= measure.high:
        raise CubeRejected(fault="bounds_do_not_ascend", column=field.name)


def _check_contributor(declaration: Declaration, fields: Mapping[str, InspectedField]) -> None:
    """A number of a row or of a purchase would count one person many times."""
    own = fields[declaration.contributor]
    for field in fields.values():
        kinds = {detection.kind for detection in field.detections}
        if kinds & TELLS_CONTRIBUTORS and field.distinct < own.distinct:
            raise CubeRejected(fault="finer_than_persons", column=own.name, coarser=field.name)


def declare(
    cube_id: CubeId, version_id: VersionId, provider_id: ParticipantId, *, content_hash: str, declaration: Declaration,
    grade: Grade, cells: int, rows_left_out: int, now: datetime, asset_id: AssetId | None = None,
) -> Cube:  # fmt: skip
    """Requires a declaration that passed its review. Below G4 it is in force at once."""
    parts = (content_hash, declaration, digest_of(declaration), grade, cells, rows_left_out)
    if grade >= G4:
        waits = (AWAITING_APPROVAL, Reason.APPROVAL_DUE, now, now + APPROVED_WITHIN)
        return Cube(cube_id, version_id, provider_id, *parts, *waits, asset_id=asset_id)
    state = CUBE.move(AWAITING_APPROVAL, IN_FORCE)
    return Cube(cube_id, version_id, provider_id, *parts, state, Reason.REVIEWED, now, None, asset_id=asset_id)


def approve(cube: Cube, now: datetime) -> Cube:
    """Also one that came into force below G4, whose version was then graded higher."""
    if cube.state is IN_FORCE and cube.approved_at is None:
        return _moved(cube, IN_FORCE, Reason.APPROVED, approved_at=now)
    _require_in_time(cube, now)
    return _moved(cube, CUBE.move(cube.state, IN_FORCE), Reason.APPROVED, approved_at=now)


def refuse(cube: Cube, now: datetime) -> Cube:
    _require_in_time(cube, now)
    return _moved(cube, CUBE.move(cube.state, REFUSED), Reason.REFUSED)


def replaced(cube: Cube, *, answered: bool) -> Cube:
    if answered:
        raise CubeHasAnswers(cube_id=cube.id)
    return _moved(cube, CUBE.move(cube.state, REPLACED), Reason.DECLARED_ANEW)


def lapse(cube: Cube) -> Cube:
    """Requires that its deadline has passed."""
    return _moved(cube, CUBE.move(cube.state, LAPSED), Reason.NOT_APPROVED_IN_TIME)


def require_usable(cube: Cube, grade: Grade) -> None:
    """Raises NoSuchCube or CubeNotApproved unless it may be asked at this grade."""
    if cube.state is not IN_FORCE and cube.state is not AWAITING_APPROVAL:
        raise NoSuchCube()
    if cube.state is AWAITING_APPROVAL or (grade >= G4 and cube.approved_at is None):
        raise CubeNotApproved(cube_id=cube.id)


def digest_of(declaration: Declaration) -> str:
    return canonical.digest({
        "policy": CUBE_POLICY, "contributor": spelled(declaration.contributor),
        "dimensions": [
            [spelled(one.column), one.generalisation.value, list(one.starts), one.length]
            for one in declaration.dimensions
        ],
        "measures": [[spelled(one.column), one.low, one.high, one.decimals] for one in declaration.measures],
        "groupings": [list(map(spelled, one)) for one in declaration.groupings],
        "rows_per_contributor_max": declaration.rows_per_contributor_max, "epsilon_micro": declaration.epsilon_micro,
    })  # fmt: skip


def spelled(text: str) -> str:
    """Text of a provider or of the data, in ASCII: what is hashed must be in one form of Unicode."""
    return text.encode("unicode_escape").decode("ascii")


def _require_in_time(cube: Cube, now: datetime) -> None:
    if cube.deadline is not None and now >= cube.deadline:
        raise CubeChangedMeanwhile(state=LAPSED, reason_code=Reason.NOT_APPROVED_IN_TIME)


def _moved(cube: Cube, state: State, reason: Reason, **more: Any) -> Cube:
    parts = {"state": state, "reason_code": reason, "deadline": None, "revision": cube.revision + 1}
    return replace(cube, **parts, **more)
