"""A content made into the cells of a cube: the one SELECT that does it, and what its rows say.

Promises: the SELECT is of our own making, with the provider's names quoted; contributors leave the child as numbers
that stand for nobody; a row without a value in a column of the cube is left out of all of it, so that every sum has the
same rows; of a contributor only so many rows count as declared, the first in the file. Where contents are compared, a
row that several have, with the same contributor and the same values, is one row; the key of a cell then begins with
the contents that have its rows, a digit for each.
"""

from collections.abc import Iterator, Mapping, Sequence

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
from services.delivery.rules.disclosure import NOTED, Bounds, Cell, Part, Plan, groups_of, plan
from services.delivery.rules.masking import literal, quoted
from shared import canonical

SEPARATOR = " "
HAS, LACKS = "1", "0"
Value = bool | int | float | str | None


def row_number(declaration: Declaration) -> str:
    """A name that no column of the cube has."""
    return "row" + "_" * max(len(column) for column in declaration.columns)


def source_number(declaration: Declaration) -> str:
    """Another such name, for the number of the content that a row is from."""
    return "source" + "_" * max(len(column) for column in declaration.columns)


def sql(declaration: Declaration, contents: int = 1) -> str:
    """For each cell, ordered by key: its key, its rows, its contributors, and for each part what it comes to.

    Requires the table `data` with the declaration's columns, and each row's number under the name of `row_number`; of
    several contents also theirs, from 0 on, under that of `source_number`.
    """
    keys = [f"k{number}" for number in range(len(declaration.dimensions))]
    values = [f"v{number}" for number in range(len(declaration.measures))]
    shown = [f"{_dimension(one)} AS {key}" for one, key in zip(declaration.dimensions, keys, strict=True)]
    shown += [f"{_measure(one)} AS {value}" for one, value in zip(declaration.measures, values, strict=True)]
    own, source = ("", "0") if contents == 1 else ("held, ", quoted(source_number(declaration)))
    by, brought = own + ", ".join(keys), ["amount", *values]
    present = " AND ".join(f"{name} IS NOT NULL" for name in ("contributor", *keys, *values))
    sums = "".join(f", sum({value}) AS {value}" for value in values)
    ranks = ", ".join(
        f"row_number() OVER (PARTITION BY {by} ORDER BY abs({name}) DESC, number) AS {name}_rank" for name in brought
    )
    parts = ", ".join(_part(name) for name in brought)
    return f"""
        WITH told AS (
            SELECT nullif(CAST({quoted(declaration.contributor)} AS VARCHAR), '') AS contributor,
                   {", ".join(shown)}, {quoted(row_number(declaration))} AS place, {source} AS source FROM data
        ), in_turn AS (
            SELECT *, row_number() OVER (PARTITION BY source, contributor ORDER BY place) AS turn FROM told
            WHERE {present}
        ), counting AS (
            SELECT * FROM in_turn WHERE turn <= {declaration.rows_per_contributor_max}
        ), distinguished AS (
            {_distinguished(contents, ", ".join(["contributor", *keys, *values]))}
        ), counted AS (
            SELECT *, dense_rank() OVER (ORDER BY contributor) AS number FROM distinguished
        ), brought AS (
            SELECT {by}, number, count(*) AS amount{sums} FROM counted GROUP BY {by}, number
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY {by} ORDER BY number) AS number_rank, {ranks} FROM brought
        )
        SELECT {by}, sum(amount), {_first("number", "number_rank")}, {parts}
        FROM ranked GROUP BY {by} ORDER BY {by} LIMIT {CELLS_MAX + 1}
    """


def _distinguished(contents: int, alike: str) -> str:
    """Each row with the contents that hold it: the first of its like in one is the first of its like in another."""
    if contents == 1:
        return "SELECT * FROM counting"
    held = " || ".join(
        f"CASE WHEN max(CASE WHEN source = {number} THEN 1 ELSE 0 END) = 1 THEN '{HAS}' ELSE '{LACKS}' END"
        for number in range(contents)
    )
    nth = f"row_number() OVER (PARTITION BY source, {alike} ORDER BY place) AS nth"
    return f"SELECT {alike}, {held} AS held FROM (SELECT *, {nth} FROM counting) GROUP BY {alike}, nth"


def cells_of(declaration: Declaration, rows: Sequence[Sequence[Value]], contents: int = 1) -> tuple[Cell, ...]:
    """The cells that the SELECT found. Raises CubeTooFine or CubeTooSmall where there are too many or none."""
    if len(rows) > CELLS_MAX:
        raise CubeTooFine(cells_max=CELLS_MAX)
    if not rows:
        raise CubeTooSmall(reason_code="no_whole_rows")
    return tuple(_cell(len(declaration.dimensions) + (contents > 1), row) for row in rows)


def held_by(cells: Sequence[Cell], content: int) -> frozenset[int]:
    """The cells whose rows a content has. Requires the cells of several contents."""
    return frozenset(index for index, cell in enumerate(cells) if cell.key[0][content] == HAS)


def cells_in(cells: Sequence[Cell], *, others: int) -> int:
    """How many there are, however many contents they were compared with."""
    return len({cell.key[1:] for cell in cells}) if others else len(cells)


def released(
    declaration: Declaration, cells: Sequence[Cell], told: Sequence[Mapping[Level, Release]] = ()
) -> dict[Level, Release]:
    """What may be told at each level, the stricter within the other. Takes seconds for a fine cube.

    `told` are the releases of kindred cubes, each of the content that has its number among the cells'; number 0 is that
    of this one. Raises CubeTooSmall where not even the whole may be told of, CubeTooEntangled, and CubeTooFine where
    sums are too large to be told exactly.
    """
    bounds = [None, *(Bounds(one.low, one.high) for one in declaration.measures)]
    if any(
        sum(cell.parts[number].magnitude for cell in cells) > canonical.INTEGER_MAX for number in range(len(bounds))
    ):
        raise CubeTooFine(reason_code="sums_too_large")
    planned, among = declaration.planned, None
    if told:
        # Behind the digits that say which contents have a cell's rows.
        planned = tuple(tuple(position + 1 for position in positions) for positions in planned)
        among = held_by(cells, 0)

    def planned_at(level: Level, within: Plan | None) -> Plan:
        known = [group for content, one in enumerate(told, 1) for group in _known(cells, planned, content, one[level])]
        return plan(cells, bounds, planned, CONTRIBUTORS_MIN[level], within, among, known)

    grouped = planned_at(Level.GROUPED, None)
    if not grouped.released[0]:
        raise CubeTooSmall(reason_code="too_like_another_version" if told else "nothing_can_be_told")
    noisy = planned_at(Level.NOISY, grouped)
    return {Level.GROUPED: _release(cells, grouped), Level.NOISY: _release(cells, noisy)}


def _known(
    cells: Sequence[Cell], planned: Sequence[tuple[int, ...]], content: int, release: Release
) -> Iterator[frozenset[int]]:  # fmt: skip
    """The cells of each group that a release tells of a content."""
    held = held_by(cells, content)
    for positions, groups in zip(planned, release.groups, strict=True):
        keys = {group.key for group in groups}
        yield from (group.cells for group in groups_of(cells, positions, held) if group.key in keys)


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
