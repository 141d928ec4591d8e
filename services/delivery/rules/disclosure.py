"""Which groups of a cube may be told, so that no combination of them tells of a few contributors.

Owns: when a set of cells is safe to tell of, and the plan: the groups that are released, once and for every buyer.
A cell is a combination of values of all dimensions; a group is a set of cells; whatever a buyer is told is a sum over a
released group, or computed from such sums. So what all buyers together can ever subtract, add and solve are the linear
combinations of the released groups, and the plan is a set of groups of which none tells of an unsafe set of cells:
pairwise differences, trackers, complements of a margin and colluding accounts are all such combinations.
Promises: exact over the rationals, never by rounding or chance; a group is withheld rather than released in doubt; the
plan rests on counts of contributors and on dominance, and is the same however often it is made.
Does not: hide that a group is withheld, or bound what someone learns who knows the values of contributors beforehand.
Sources: the rules on few contributors, (1,k) dominance and p% are those of official statistics (Hundepool et al.,
Statistical Disclosure Control, 2012, ch. 4), with complementary suppression by the span instead of by intervals.
"""

import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from shared.errors import Malformed

NOTED = 20  # contributors that are noted for a cell: as many as the largest k, so that k is told from fewer exactly
DOMINANCE_BASIS_POINTS_MAX = 7_000  # of a total that the largest contributor may make
OTHERS_PERCENT_MIN = 10  # of the largest, that must remain beside the two largest (the p% rule)
CIRCUITS_MAX = 2_000  # looked at for one group; what is more entangled is withheld
STEPS_MAX = 15_000_000  # entries of rows written for one plan

Row = dict[int, int]
Settled = Callable[[frozenset[int]], bool]  # whether nothing that holds these columns needs a look


class Fault(StrEnum):
    """Why a set of cells may not be told of."""

    TOO_FEW = "too_few_contributors"
    DOMINATED = "dominated"
    EXTREME = "extreme"  # every row at a bound of the measure: then the sum tells each of them


class CubeTooEntangled(Malformed):
    """What these groupings tell together cannot be decided in time: declare fewer of them, or fewer values."""


@dataclass(frozen=True, slots=True)
class Part:
    """What the contributors of a cell bring to one measure.

    `magnitude` is the sum of the contributors' totals without their signs. `largest` are the largest of these, at most
    NOTED; where there are more contributors, none of the others exceeds `others_max`.
    """

    total: int
    magnitude: int
    largest: Mapping[int, int]
    others_max: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """Rows with the same value in every dimension. `contributors` are numbers of ours, at most NOTED of them.

    The first part is that of the rows themselves, counted; then one for each measure.
    """

    key: tuple[str, ...]
    rows: int
    contributors: frozenset[int]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which the values of a measure lie."""

    low: int
    high: int

    def is_reached(self, total: int, rows: int) -> bool:
        """Whether every row must lie at the same bound, given what they come to."""
        return total in (self.low * rows, self.high * rows)


@dataclass(frozen=True, slots=True)
class Group:
    """Cells that share their values in the dimensions of a grouping."""

    key: tuple[str, ...]
    cells: frozenset[int]


@dataclass(frozen=True, slots=True)
class Plan:
    """For each grouping, the groups that are released, in the order of their keys; and whether any is withheld."""

    released: tuple[tuple[Group, ...], ...]
    withheld: tuple[bool, ...]


def plan(
    cells: Sequence[Cell],
    bounds: Sequence[Bounds | None],
    groupings: Sequence[tuple[int, ...]],
    contributors_min: int,
    earlier: Plan | None = None,
    among: frozenset[int] | None = None,
    told: Iterable[frozenset[int]] = (),
) -> Plan:
    """The groups to release. Requires `contributors_min` <= NOTED, the first grouping to be that of everything, and
    bounds for each part of a cell, None for the count. Raises CubeTooEntangled.

    A grouping before another has the first say; within one, the groups with the most rows have. Of an `earlier` plan,
    only what it released is released again, so that both together tell no more than the earlier one. Where everything
    together may not be told of, nothing is: how many rows there are is known from the catalogue. The groups are made
    of the cells `among`, if it is given; what is `told` already, of whatever cells, stands beside them.
    """
    judge = _Judge(cells, bounds, contributors_min)
    span, released, withheld = _Span.of(len(cells), judge), list[tuple[Group, ...]](), list[bool]()
    steps = Steps()
    for group in told:
        if (grown := span.with_group(group, judge, steps)) is None:
            raise CubeTooEntangled()
        span = grown
    for number, dimensions in enumerate(groupings):
        groups = groups_of(cells, dimensions, among)
        allowed = groups if earlier is None else earlier.released[number]
        taken = list[Group]()
        if number and not released[0]:
            allowed = ()
        for group in sorted(allowed, key=lambda one: (-sum(cells[index].rows for index in one.cells), one.key)):
            if judge.fault(group.cells) is None and (grown := span.with_group(group.cells, judge, steps)):
                span = grown
                taken.append(group)
        released.append(tuple(sorted(taken, key=lambda one: one.key)))
        withheld.append(len(taken) < len(groups))
    return Plan(tuple(released), tuple(withheld))


def groups_of(
    cells: Sequence[Cell], dimensions: tuple[int, ...], among: frozenset[int] | None = None
) -> tuple[Group, ...]:  # fmt: skip
    """The groups of a grouping, in the order of their keys. `among`: of which cells, if not of all."""
    members = dict[tuple[str, ...], set[int]]()
    for index, cell in enumerate(cells):
        if among is not None and index not in among:
            continue
        members.setdefault(tuple(cell.key[number] for number in dimensions), set()).add(index)
    return tuple(Group(key, frozenset(found)) for key, found in sorted(members.items()))


def fault(cells: Iterable[Cell], bounds: Sequence[Bounds | None], contributors_min: int) -> Fault | None:
    """Why these cells together may not be told of; None if they may."""
    cells = tuple(cells)
    seen = set[int]()
    for cell in cells:
        seen |= cell.contributors
        if len(seen) >= contributors_min:
            break
    if len(seen) < contributors_min:
        return Fault.TOO_FEW
    for number, bound in enumerate(bounds):
        if bound is not None and all(bound.is_reached(cell.parts[number].total, cell.rows) for cell in cells):
            return Fault.EXTREME
        if _dominated([cell.parts[number] for cell in cells]):
            return Fault.DOMINATED
    return None


def _dominated(parts: Sequence[Part]) -> bool:
    whole, (first, second) = _whole(parts), _two_largest(parts)
    return _is_dominated(whole, first, second)


def _is_dominated(whole: int, first: int, second: int) -> bool:
    if first * 10_000 > whole * DOMINANCE_BASIS_POINTS_MAX:
        return True
    return (whole - first - second) * 100 < first * OTHERS_PERCENT_MIN


def _whole(parts: Iterable[Part]) -> int:
    return sum(part.magnitude for part in parts)


def _two_largest(parts: Sequence[Part]) -> tuple[int, int]:
    """The most that the two largest can bring: who is not noted in a cell brings at most its `others_max`."""
    floor = sum(part.others_max for part in parts)
    brought = dict[int, int]()
    for part in parts:
        for contributor, amount in part.largest.items():
            brought[contributor] = brought.get(contributor, floor) + amount - part.others_max
    first, second = heapq.nlargest(2, [*brought.values(), floor, floor])
    return first, second


class _Judge:
    """Remembers what it found, because the same sets come up again with every group."""

    def __init__(self, cells: Sequence[Cell], bounds: Sequence[Bounds | None], contributors_min: int) -> None:
        self._cells, self._bounds, self._contributors_min = cells, bounds, contributors_min
        self._known = dict[frozenset[int], Fault | None]()

    def fault(self, indexes: frozenset[int]) -> Fault | None:
        if indexes not in self._known:
            self._known[indexes] = fault(self._of(indexes), self._bounds, self._contributors_min)
        return self._known[indexes]

    def settled_within(self, whole: frozenset[int]) -> Settled:
        """Tells of sets within `whole` whether every larger one within it is safe: nobody brings more to a part than
        to the whole, and a set weighs at least as much as what it holds."""
        cells, numbers = self._of(whole), range(len(self._bounds))
        largest = [_two_largest([cell.parts[number] for cell in cells]) for number in numbers]

        def settled(indexes: frozenset[int]) -> bool:
            if self.fault(indexes) is not None:
                return False
            held = self._of(indexes)
            weights = [_whole(cell.parts[number] for cell in held) for number in numbers]
            return not any(_is_dominated(weight, *two) for weight, two in zip(weights, largest, strict=True))

        return settled

    def _of(self, indexes: frozenset[int]) -> list[Cell]:
        return [self._cells[index] for index in sorted(indexes)]


class Steps:
    """What the making of one plan may still take. Raises CubeTooEntangled beyond it."""

    def __init__(self) -> None:
        self._left = STEPS_MAX

    def take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise CubeTooEntangled()


@dataclass(frozen=True, slots=True)
class _Span:
    """What the released groups tell together: all rational combinations of their rows.

    A column is a class of cells that no released group tells apart, so a row has one entry for all of them. The rows
    are reduced: each has a pivot column in which every other row is zero. Rows are never changed, only replaced.
    """

    classes: Mapping[int, frozenset[int]]
    unsafe: frozenset[int]  # those of the classes
    class_of: tuple[int, ...]  # of each cell
    rows: Mapping[int, Row]  # by pivot

    @classmethod
    def of(cls, count: int, judge: _Judge) -> "_Span":
        """Nothing told yet."""
        every = frozenset(range(count))
        return cls({0: every}, frozenset({0} if judge.fault(every) else ()), (0,) * count, {})

    def with_group(self, group: frozenset[int], judge: _Judge, steps: "Steps") -> "_Span | None":
        """The span with one more group; None if it would tell of an unsafe set of cells, or if that is in doubt."""
        split, row = self._split(group, judge, steps)
        rows, unsafe = dict(split.rows), split.unsafe
        for pivot in [column for column in row if column in rows]:
            row = _without(row, rows[pivot], pivot, steps)
        if not row:
            return self  # it told nothing new, and so split nothing
        _enter(rows, row, _best_pivot(row, unsafe), steps)
        # A pivot at an unsafe column moves to a safe one if its row has any: the rows whose pivots are still unsafe
        # are then all that the span tells of unsafe columns alone.
        for pivot in sorted(unsafe & rows.keys()):
            if (better := _best_pivot(rows[pivot], unsafe)) not in unsafe:
                _enter(rows, rows.pop(pivot), better, steps)
        alone = [(rows[pivot], self.rows.get(pivot)) for pivot in sorted(unsafe & rows.keys())]
        fresh = {id(now) for now, before in alone if now is not before}
        # What has not changed was found safe with an earlier group.
        parts = (part for part in _connected([now for now, _ in alone]) if not fresh.isdisjoint(map(id, part)))
        return replace(split, rows=rows) if all(split._is_safe(part, judge, steps) for part in parts) else None

    def _is_safe(self, rows: list[Row], judge: _Judge, steps: "Steps") -> bool:
        """Whether no combination of these rows tells of an unsafe set of cells."""
        settled = judge.settled_within(self._cells_of(column for row in rows for column in row))
        supports = circuits(rows, lambda columns: settled(self._cells_of(columns)), steps)
        return all(support is not None and judge.fault(self._cells_of(support)) is None for support in supports)

    def _cells_of(self, columns: Iterable[int]) -> frozenset[int]:
        return frozenset[int]().union(*(self.classes[column] for column in columns))

    def _split(self, group: frozenset[int], judge: _Judge, steps: "Steps") -> tuple["_Span", Row]:
        """Tell the group's cells apart from others of their classes; and the group's own row."""
        classes, class_of, rows = dict(self.classes), list(self.class_of), dict(self.rows)
        unsafe, own = set(self.unsafe), Row()
        for column in sorted({self.class_of[index] for index in group}):
            inside = classes[column] & group
            if len(inside) == len(classes[column]):
                own[column] = 1
                continue
            fresh = len(classes)
            classes[column], classes[fresh] = classes[column] - group, inside
            own[fresh] = 1
            unsafe |= {one for one in (column, fresh) if judge.fault(classes[one])}
            for index in inside:
                class_of[index] = fresh
            for pivot, row in rows.items():
                if column in row:
                    steps.take(len(row))
                    rows[pivot] = row | {fresh: row[column]}
        return _Span(classes, frozenset(unsafe), tuple(class_of), rows), own


def circuits(rows: list[Row], settled: Settled, steps: "Steps") -> Iterator[frozenset[int] | None]:
    """The smallest supports of combinations of these rows, but for those that hold a settled set; None where the search
    for them is given up. Requires linearly independent rows."""
    looked_at = itertools.count(1)

    def search(rows: list[Row], kept: frozenset[int]) -> Iterator[frozenset[int] | None]:
        # A column is zero in a circuit, or it is kept: both are tried.
        steps.take(len(rows))
        if next(looked_at) > CIRCUITS_MAX:
            yield None
            return
        if kept and settled(kept):
            return
        if len(rows) == 1:
            if kept <= rows[0].keys():
                yield frozenset(rows[0])
            return
        choice = next((column for row in rows for column in row if column not in kept), None)
        if choice is None:
            return
        pivot = next(row for row in rows if choice in row)
        zeroed = [_without(row, pivot, choice, steps) if choice in row else row for row in rows if row is not pivot]
        if all(any(column in row for row in zeroed) for column in kept):
            yield from search(zeroed, kept)
        yield from search(rows, kept | {choice})

    yield from search(rows, frozenset())


def _connected(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows in parts that share no column."""
    parts = list[tuple[set[int], list[Row]]]()
    for row in rows:
        columns, members = set(row), [row]
        for part in [part for part in parts if not part[0].isdisjoint(row)]:
            parts.remove(part)
            columns |= part[0]
            members += part[1]
        parts.append((columns, members))
    return [members for _, members in parts]


def _best_pivot(row: Row, unsafe: frozenset[int]) -> int:
    return next((column for column in row if column not in unsafe), min(row))


def _enter(rows: dict[int, Row], row: Row, pivot: int, steps: Steps) -> None:
    """Add a row under this pivot, and make every other row zero there."""
    for other, present in rows.items():
        if pivot in present:
            rows[other] = _without(present, row, pivot, steps)
    rows[pivot] = row


def _without(row: Row, other: Row, column: int, steps: Steps) -> Row:
    """The combination of both that is zero in the column, in the smallest whole numbers."""
    steps.take(len(row) + len(other))
    here, there = row[column], other[column]
    found = {name: value * there for name, value in row.items()}
    for name, value in other.items():
        if entry := found.get(name, 0) - value * here:
            found[name] = entry
        else:
            found.pop(name, None)
    divisor = math.gcd(*found.values())
    return {name: value // divisor for name, value in found.items()} if divisor > 1 else found
