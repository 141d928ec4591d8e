"""Prices of queries by weighted coverage: what is sold are atoms, each a block of rows by a group of columns.

Owns: the grid of atoms, which of them a query can reveal, and what those cost that its buyer has not bought.
Promises: monotone and subadditive, so that neither splitting nor joining queries pays (A1, A2); nothing is charged
twice (A3); all that one buyer ever pays for a grid is at most its full price (A4); what asks for the same costs the
same, however it is written (A5). Rows that are not known to be few are all.
Source: market-rules B4; Koutris, Upadhyaya, Balazinska, Howe and Suciu (PODS 2012), and QueryMarket (SIGMOD 2013) for
what was bought before.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property

from shared import canonical
from shared.errors import Malformed, NotFound

ATOMS_MAX = 1_000

Cell = tuple[str, str]  # a block of rows and a column: what a buyer knows, however columns are grouped later


@dataclass(frozen=True, slots=True)
class ColumnGroup:
    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Atom:
    """`weight_minor` is what it costs, in minor units."""

    row_block: str
    column_group: str
    weight_minor: int


@dataclass(frozen=True)
class Grid:
    """Requires one atom for each block and group, and groups that share no column: see `checked`."""

    groups: tuple[ColumnGroup, ...]
    atoms: tuple[Atom, ...]

    @cached_property
    def columns(self) -> Mapping[str, tuple[str, ...]]:
        """By the name of their group."""
        return {group.name: group.columns for group in self.groups}

    @cached_property
    def full_minor(self) -> int:
        """What everything costs."""
        return sum(atom.weight_minor for atom in self.atoms)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over its canonical form, in hex: what facts name it by."""
        groups = [[group.name, list(group.columns)] for group in self.groups]
        atoms = [[atom.row_block, atom.column_group, atom.weight_minor] for atom in self.atoms]
        return canonical.digest({"groups": groups, "atoms": atoms})

    def cells(self, atom: Atom) -> frozenset[Cell]:
        return frozenset((atom.row_block, column) for column in self.columns[atom.column_group])


class NoSuchGrid(NotFound):
    """This plan does not price by coverage."""


class GridIncomplete(Malformed):
    """Each block of rows has one atom with each group of columns; the facts name those that are missing or repeated."""


class ColumnsOverlap(Malformed):
    """A column stands in one group, once; the facts name those that do not."""


class TooManyAtoms(Malformed):
    """A grid has at most 1 000 atoms."""


class UnknownColumn(Malformed):
    """A column that was asked for is in no group; the facts name it, and those that there are."""


def checked(grid: Grid) -> Grid:
    """The grid, if it is one."""
    if len(grid.atoms) > ATOMS_MAX:
        raise TooManyAtoms(atoms=len(grid.atoms), atoms_max=ATOMS_MAX)
    columns = Counter(column for group in grid.groups for column in group.columns)
    if repeated := sorted(column for column, times in columns.items() if times > 1):
        raise ColumnsOverlap(columns=repeated)
    names = Counter(group.name for group in grid.groups)
    blocks = {atom.row_block for atom in grid.atoms}
    given = Counter((atom.row_block, atom.column_group) for atom in grid.atoms)
    due = {(block, name) for block in blocks for name in names}
    if grid.atoms == () or any(times > 1 for times in names.values()) or given != Counter(due):
        missing = sorted(due - set(given))
        repeated = sorted(pair for pair in given if given[pair] > 1 or pair not in due)
        raise GridIncomplete(missing=[list(pair) for pair in missing[:20]], repeated=[list(p) for p in repeated[:20]])
    return grid


def covered(grid: Grid, columns: Iterable[str], row_blocks: Iterable[str] | None) -> tuple[Atom, ...]:
    """The atoms that a query over these columns and rows can reveal, in the grid's order. A block that is not known
    stands for all of them. Raises UnknownColumn."""
    wanted = frozenset(columns)
    known = {column for group in grid.groups for column in group.columns}
    if unknown := sorted(wanted - known):
        raise UnknownColumn(columns=unknown, known=sorted(known))
    groups = {group.name for group in grid.groups if wanted & set(group.columns)}
    all_blocks = {atom.row_block for atom in grid.atoms}
    asked = all_blocks if row_blocks is None else frozenset(row_blocks)
    blocks = asked if asked <= all_blocks else all_blocks
    return tuple(atom for atom in grid.atoms if atom.row_block in blocks and atom.column_group in groups)


def not_bought(grid: Grid, atoms: Iterable[Atom], bought: Set[Cell]) -> tuple[Atom, ...]:
    """Those of the atoms of which the buyer lacks something."""
    return tuple(atom for atom in atoms if not grid.cells(atom) <= bought)


def cells_of(grid: Grid, atoms: Iterable[Atom]) -> frozenset[Cell]:
    return frozenset(cell for atom in atoms for cell in grid.cells(atom))


def whole_columns(grid: Grid, known: Set[Cell]) -> tuple[str, ...]:
    """The columns of which every block of rows is known, in the grid's order."""
    blocks = {atom.row_block for atom in grid.atoms}
    columns = [column for group in grid.groups for column in group.columns]
    return tuple(column for column in columns if {(block, column) for block in blocks} <= known)


def require_columns(grid: Grid, fields: Iterable[str]) -> None:
    """Raises UnknownColumn unless every column of the grid is a field of the content, whose fields these are."""
    known = frozenset(fields)
    if unknown := sorted({column for group in grid.groups for column in group.columns} - known):
        raise UnknownColumn(columns=unknown, known=sorted(known))


def price_minor(atoms: Iterable[Atom]) -> int:
    return sum(atom.weight_minor for atom in atoms)
