"""A content made into the cells of a cube: the one SELECT that does it, and what its rows say.

Promises: the SELECT is of our own making, with the provider's names quoted; contributors leave the child as numbers
that stand for nobody; a row without a value in a column of the cube is left out of all of it, so that every sum has the
same rows; of a contributor only so many rows count as declared, the first in the file.
"""

from collections.abc import Sequence

from services.delivery.rules.cube import (
    CELLS_MAX,
    CONTRIBUTORS_MIN,
    CubeTooFine,
    CubeTooSmall,
    Declaration,
    Dimension,
    Generalisation,
    Level,
    Measure,
    Release,
    Told,
)
from services.delivery.rules.disclosure import NOTED, Bounds, Cell, Part, Plan, plan
from services.delivery.rules.masking import literal, quoted
from shared import canonical

SEPARATOR = " "
Value = bool | int | float | str | None


def row_number(declaration: Declaration) -> str:
    """A name that no column of the cube has."""
    return "row" + "_" * max(len(column) for column in declaration.columns)


def sql(declaration: Declaration) -> str:
    """For each cell, ordered by key: its key, its rows, its contributors, and for each part what it comes to.

    Requires the table `data` with the declaration's columns, and each row's number under the name of `row_number`.
    """
    keys = [f"k{number}" for number in range(len(declaration.dimensions))]
    values = [f"v{number}" for number in range(len(declaration.measures))]
    shown = [f"{_dimension(one)} AS {key}" for one, key in zip(declaration.dimensions, keys, strict=True)]
    shown += [f"{_measure(one)} AS {value}" for one, value in zip(declaration.measures, values, strict=True)]
    by, brought = ", ".join(keys), ["amount", *values]
    present = " AND ".join(f"{name} IS NOT NULL" for name in ("contributor", *keys, *values))
    sums = "".join(f", sum({value}) AS {value}" for value in values)
    ranks = ", ".join(
        f"row_number() OVER (PARTITION BY {by} ORDER BY abs({name}) DESC, number) AS {name}_rank" for name in brought
    )
    parts = ", ".join(_part(name) for name in brought)
    return f"""
        WITH told AS (
            SELECT nullif(CAST({quoted(declaration.contributor)} AS VARCHAR), '') AS contributor,
                   {", ".join(shown)}, {quoted(row_number(declaration))} AS place FROM data
        ), in_turn AS (
            SELECT *, row_number() OVER (PARTITION BY contributor ORDER BY place) AS turn FROM told WHERE {present}
        ), counted AS (
            SELECT *, dense_rank() OVER (ORDER BY contributor) AS number FROM in_turn
            WHERE turn <= {declaration.rows_per_contributor_max}
        ), brought AS (
            SELECT {by}, number, count(*) AS amount{sums} FROM counted GROUP BY {by}, number
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY {by} ORDER BY number) AS number_rank, {ranks} FROM brought
        )
        SELECT {by}, sum(amount), {_first("number", "number_rank")}, {parts}
        FROM ranked GROUP BY {by} ORDER BY {by} LIMIT {CELLS_MAX + 1}
    """


def cells_of(declaration: Declaration, rows: Sequence[Sequence[Value]]) -> tuple[Cell, ...]:
    """The cells that the SELECT found. Raises CubeTooFine or CubeTooSmall where there are too many or none."""
    if len(rows) > CELLS_MAX:
        raise CubeTooFine(cells_max=CELLS_MAX)
    if not rows:
        raise CubeTooSmall(reason_code="no_whole_rows")
    return tuple(_cell(len(declaration.dimensions), row) for row in rows)


def released(declaration: Declaration, cells: Sequence[Cell]) -> dict[Level, Release]:
    """What may be told at each level, the stricter within the other. Takes seconds for a fine cube.

    Raises CubeTooSmall where not even the whole may be told of, CubeTooEntangled, and CubeTooFine where sums are too
    large to be told exactly.
    """
    bounds = [None, *(Bounds(one.low, one.high) for one in declaration.measures)]
    if any(
        sum(cell.parts[number].magnitude for cell in cells) > canonical.INTEGER_MAX for number in range(len(bounds))
    ):
        raise CubeTooFine(reason_code="sums_too_large")
    grouped = plan(cells, bounds, declaration.planned, CONTRIBUTORS_MIN[Level.GROUPED])
    if not grouped.released[0]:
        raise CubeTooSmall(reason_code="nothing_can_be_told")
    noisy = plan(cells, bounds, declaration.planned, CONTRIBUTORS_MIN[Level.NOISY], grouped)
    return {Level.GROUPED: _release(cells, grouped), Level.NOISY: _release(cells, noisy)}


def _release(cells: Sequence[Cell], made: Plan) -> Release:
    numbers = range(len(cells[0].parts))
    groups = tuple(
        tuple(
            Told(group.key, tuple(sum(cells[one].parts[number].total for one in group.cells) for number in numbers))
            for group in released
        )
        for released in made.released
    )
    return Release(groups, made.withheld)


def _dimension(dimension: Dimension) -> str:
    column = quoted(dimension.column)
    text = f"CAST({column} AS VARCHAR)"
    match dimension.generalisation:
        case Generalisation.NONE:
            return f"nullif({text}, '')"
        case Generalisation.PREFIX:
            return f"nullif(left({text}, {dimension.length}), '')"
        case Generalisation.YEAR:
            return f"left({text}, 4)"
        case Generalisation.MONTH:
            return f"left({text}, 7)"
        case Generalisation.BANDS:
            return _band(column, dimension)


def _band(column: str, dimension: Dimension) -> str:
    names, number = dimension.bands, f"TRY_CAST({column} AS DECIMAL(38, 6))"
    whens = " ".join(
        f"WHEN {number} < {start} THEN {literal(name)}" for start, name in zip(dimension.starts, names, strict=False)
    )
    return f"CASE WHEN {number} IS NULL THEN NULL {whens} ELSE {literal(names[-1])} END"


def _measure(measure: Measure) -> str:
    number = f"round(TRY_CAST({quoted(measure.column)} AS DECIMAL(30, 9)) * {10**measure.decimals})"
    # Not by least and greatest alone: they pass over a null, and the bound would stand for it.
    clipped = f"CAST(greatest({measure.low}, least({measure.high}, {number})) AS BIGINT)"
    return f"CASE WHEN {number} IS NOT NULL THEN {clipped} END"


def _part(name: str) -> str:
    """Total, magnitude, who brings the most with how much, and how many bring something."""
    rank = f"{name}_rank"
    return f"sum({name}), sum(abs({name})), {_first('number', rank)}, {_first(f'abs({name})', rank)}, count(*)"


def _first(value: str, rank: str) -> str:
    """The values of the first NOTED in a rank, as one text: by plain functions, for a child refuses any others."""
    each = (f"max(CASE WHEN {rank} = {place} THEN {value} END)" for place in range(1, NOTED + 1))
    return " || ".join(f"coalesce({literal(SEPARATOR)} || CAST({one} AS VARCHAR), '')" for one in each)


def _cell(dimensions: int, row: Sequence[Value]) -> Cell:
    key, (rows, contributors, *rest) = tuple(map(str, row[:dimensions])), row[dimensions:]
    parts = tuple(_told_part(rest[start : start + 5]) for start in range(0, len(rest), 5))
    return Cell(key, int(str(rows)), frozenset(_numbers(contributors)), parts)


def _told_part(told: Sequence[Value]) -> Part:
    total, magnitude, who, amounts, count = told
    largest = dict(zip(_numbers(who), _numbers(amounts), strict=True))
    return Part(int(str(total)), int(str(magnitude)), largest, min(largest.values()) if int(str(count)) > NOTED else 0)


def _numbers(told: Value) -> list[int]:
    return [int(one) for one in str(told).split()]
