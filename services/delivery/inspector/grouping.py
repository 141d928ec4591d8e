"""Rows that too few others resemble: found by their quasi-identifiers, shown coarser, or without them.

Promises: of a table with at least `k` rows, every row shares what it shows of its quasi-identifiers with at least
`k - 1` others; a row that has that company by its masks alone is not touched; rows keep their number and order.
Three steps: a group below k goes one step coarser; what is still below k hides. Where too few rows would hide, to be a
group of their own, the next smallest groups hide with them: somebody must keep them company.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.delivery.inspector.messages import Care
from services.delivery.inspector.reading import Table
from services.delivery.rules.effect import Cut
from services.delivery.rules.masking import HIDDEN, Mask, literal, masked, quoted
from services.delivery.rules.strictness import COARSER

SMALL, SMALLER = "small_groups", "smaller_groups"


@dataclass(frozen=True, slots=True)
class Grouping:
    """The SQL for a relation named `source` of the table's columns: what to join to it, and how a column is shown."""

    joins: str
    shown: Mapping[str, str]
    cut: Cut


NO_GROUPING = Grouping("", {}, Cut(0, 0))


def grouped(table: Table, masks: Mapping[str, Mask], care: Care) -> Grouping:
    """Finds the small groups of all the table's rows and keeps them beside it."""
    names, k = care.quasi_identifiers, care.smallest_group
    if k <= 1 or not names:
        return NO_GROUPING
    fine = [value_of(name, masks.get(name, Mask.KEEP)) for name in names]
    steps = [COARSER.get(masks.get(name, Mask.KEEP), masks.get(name, Mask.KEEP)) for name in names]
    coarse = [value_of(name, step) for name, step in zip(names, steps, strict=True)]
    generalised = _keep_small(table, SMALL, fine, "source", k)
    to_coarse = f"source JOIN {SMALL} ON {_same(SMALL, fine)}"
    suppressed = _keep_small(table, SMALLER, coarse, to_coarse, k)
    joins = "".join(
        f" LEFT JOIN {small} ON {_same(small, values)}" for small, values in ((SMALL, fine), (SMALLER, coarse))
    )
    hidden = [literal(HIDDEN) if masks.get(name, Mask.KEEP) is not Mask.KEEP else "NULL" for name in names]
    shown = {
        name: f"CASE WHEN NOT coalesce({SMALL}.hit, false) THEN {one} WHEN {SMALLER}.hit THEN {none} ELSE {other} END"
        for name, one, other, none in zip(names, fine, coarse, hidden, strict=True)
    }
    return Grouping(joins, shown, Cut(generalised - suppressed, suppressed))


def value_of(name: str, mask: Mask) -> str:
    """The SQL of a column of `source` under its mask; with its own type where it is kept."""
    column = f"source.{quoted(name)}"
    return column if mask is Mask.KEEP else masked(f"CAST({column} AS VARCHAR)", mask)


def _keep_small(table: Table, into: str, values: Sequence[str], relation: str, k: int) -> int:
    """Keep the groups that cannot stand, and those that must go with them; how many rows they have."""
    named = ", ".join(f"{value} AS c{index}" for index, value in enumerate(values))
    columns = ", ".join(f"c{index}" for index in range(len(values)))
    groups = f"SELECT {named}, count(*) AS n FROM {relation} GROUP BY {', '.join(values)}"
    before = f"sum(n) OVER (ORDER BY n, {columns} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    ordered = f"SELECT *, coalesce({before}, 0) AS before, min(n) OVER () AS least FROM ({groups})"
    falls = f"least < {k} AND (n < {k} OR before < {k})"
    table.database.execute(
        f"CREATE TEMP TABLE {into} AS SELECT {columns}, n, true AS hit FROM ({ordered}) WHERE {falls}"
    )
    [(rows,)] = table.database.execute(f"SELECT coalesce(sum(n), 0)::BIGINT FROM {into}").fetchall()
    return rows


def _same(small: str, values: Sequence[str]) -> str:
    return " AND ".join(f"{small}.c{index} IS NOT DISTINCT FROM {value}" for index, value in enumerate(values))
