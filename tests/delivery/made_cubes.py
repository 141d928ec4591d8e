"""Cubes for the tests: rows as a child would read them, tabulated naively, and an attacker who solves what was told."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from services.delivery.rules.disclosure import NOTED, Cell, Part

Vector = Sequence[int]


@dataclass(frozen=True, slots=True)
class Record:
    """A row: who contributed it, its value in each dimension, and in each measure."""

    contributor: int
    key: tuple[str, ...]
    values: tuple[int, ...] = ()


def tabulated(records: Iterable[Record]) -> tuple[Cell, ...]:
    """The cells of these rows, by the definition."""
    members = defaultdict[tuple[str, ...], list[Record]](list)
    for record in records:
        members[record.key].append(record)
    return tuple(_cell(key, found) for key, found in sorted(members.items()))


def _cell(key: tuple[str, ...], records: Sequence[Record]) -> Cell:
    contributors = sorted({record.contributor for record in records})
    columns = [[1] * len(records), *zip(*(record.values for record in records), strict=True)]
    parts = tuple(_part([record.contributor for record in records], column) for column in columns)
    return Cell(key, len(records), frozenset(contributors[:NOTED]), parts)


def _part(contributors: Sequence[int], values: Sequence[int]) -> Part:
    totals = defaultdict[int, int](int)
    for contributor, value in zip(contributors, values, strict=True):
        totals[contributor] += value
    ranked = sorted(((abs(total), contributor) for contributor, total in totals.items()), reverse=True)
    largest = {contributor: amount for amount, contributor in ranked[:NOTED]}
    others_max = ranked[NOTED - 1][0] if len(ranked) > NOTED else 0
    return Part(sum(values), sum(amount for amount, _ in ranked), largest, others_max)


def rank(vectors: Iterable[Vector]) -> int:
    """Over the rationals, by elimination as in a textbook."""
    rows = [[Fraction(entry) for entry in vector] for vector in vectors]
    found = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in rows[found:] if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(found, pivot)
        for row in rows[found + 1 :]:
            factor = row[column] / pivot[column]
            row[:] = [entry - factor * base for entry, base in zip(row, pivot, strict=True)]
        found += 1
    return found


def indicator(cells: Iterable[int], count: int) -> Vector:
    present = set(cells)
    return [int(index in present) for index in range(count)]


def tells_within(vectors: Sequence[Vector], cells: Iterable[int], count: int) -> bool:
    """Whether some combination of what was told concerns these cells alone."""
    units = [indicator([cell], count) for cell in cells]
    return rank(vectors) + len(units) > rank([*vectors, *units])


def solved(equations: Sequence[tuple[Vector, int]], wanted: Vector) -> Fraction | None:
    """What the equations say of a sum of unknowns; None if they leave it open."""
    told = [vector for vector, _ in equations]
    if rank([*told, wanted]) > rank(told):
        return None
    # The combination of the equations that makes the wanted one, from the transposed system.
    count = len(told)
    system = [
        [*(Fraction(vector[column]) for vector in told), Fraction(wanted[column])] for column in range(len(wanted))
    ]
    factors = _any_solution(system, count)
    return sum((factor * value for factor, (_, value) in zip(factors, equations, strict=True)), Fraction(0))


def _any_solution(system: list[list[Fraction]], unknowns: int) -> list[Fraction]:
    pivots: list[int] = []
    for column in range(unknowns):
        top = len(pivots)
        row = next((row for row in system[top:] if row[column]), None)
        if row is None:
            continue
        system.remove(row)
        system.insert(top, [entry / row[column] for entry in row])
        for other in range(len(system)):
            if other != top and (factor := system[other][column]):
                system[other] = [entry - factor * base for entry, base in zip(system[other], system[top], strict=True)]
        pivots.append(column)
    found = [Fraction(0)] * unknowns
    for row, column in enumerate(pivots):
        found[column] = system[row][unknowns]
    return found


def contributors_of(cells: Sequence[Cell], indexes: Iterable[int]) -> int:
    return len(frozenset[int]().union(*(cells[index].contributors for index in indexes)))


def people(counts: Mapping[tuple[str, ...], int]) -> list[Record]:
    """So many contributors in each cell, each with one row, all of the same weight."""
    numbers = iter(range(sum(counts.values())))
    return [Record(next(numbers), key) for key, count in counts.items() for _ in range(count)]


PRIME = 2**61 - 1


def another_world(vectors: Iterable[Iterable[int]], count: int, chance: Random) -> list[int]:
    """What may be added to the cells, modulo a prime, so that all that was told stays true: drawn from all there are.

    Each vector is given by the cells that it sums. A sum of cells that this changes is told by nothing.
    """
    pivots = dict[int, dict[int, int]]()
    for cells in vectors:
        row = dict.fromkeys(cells, 1)
        while row and (column := min(row)) in pivots:
            factor, known = row[column], pivots[column]
            for name, entry in known.items():
                if left := (row.get(name, 0) - factor * entry) % PRIME:
                    row[name] = left
                else:
                    row.pop(name, None)
        if row:
            inverse = pow(row[min(row)], -1, PRIME)
            pivots[min(row)] = {name: entry * inverse % PRIME for name, entry in row.items()}
    world = [chance.randrange(PRIME) for _ in range(count)]
    for column in sorted(pivots, reverse=True):
        row = pivots[column]
        world[column] = -sum(entry * world[name] for name, entry in row.items() if name != column) % PRIME
    return world
