"""Quantiles of a cube: where one lies among bands that are released, as the counts of these say.

Promises: a quantile is computed from numbers that a question for counts would tell as they are, and from nothing else.
So it tells no more than they do: the value of no contributor enters it, whatever is subtracted from what; behind each
of the counts stand as many contributors as behind any that is told; and noise of counts is noise of it. Where rows of
bands that are not told could move it into another band, it is not told.
Does not: know how values lie within a band. They are taken to lie evenly, so the provider's bands bound the error.
Sources: the interpolation of quantiles in grouped frequencies, by which census offices tell medians of incomes from
bands instead of from somebody's income; Hundepool et al., Statistical Disclosure Control, 2012, ch. 4 and 5, whose
threshold of k then holds for each band; a dominance rule has no meaning for a rank, for nobody's amount moves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from services.delivery.rules.cube import Declaration, Dimension, Generalisation, Measure

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Banded:
    """A measure whose column has bands too, and a planned grouping that has them beside others, at this position."""

    grouping: int
    position: int
    dimension: Dimension
    measure: Measure

    @property
    def edges(self) -> tuple[int, ...]:
        """Where the bands begin and end, in the measure's units: its bounds close the outer two."""
        low, high, unit = self.measure.low, self.measure.high, 10**self.measure.decimals
        return (low, *(min(max(start * unit, low), high) for start in self.dimension.starts), high)

    def keys(self, key: Key) -> list[Key]:
        """Of the bands, in order, within a group without them."""
        before, after = key[: self.position], key[self.position :]
        return [(*before, band, *after) for band in self.dimension.bands]


def banded(declaration: Declaration, grouping: Sequence[str], column: str | None) -> Banded | None:
    """By what quantiles of this column are told for each group of the grouping; None if by nothing that is planned."""
    bands = [one for one in declaration.dimensions if one.generalisation is Generalisation.BANDS]
    dimension = next((one for one in bands if one.column == column), None)
    measure = next((one for one in declaration.measures if one.column == column), None)
    if dimension is None or measure is None or column in grouping:
        return None
    positions = declaration.positions((*grouping, dimension.column))
    if positions not in declaration.planned:
        return None
    place = positions.index(declaration.dimensions.index(dimension))
    return Banded(declaration.planned.index(positions), place, dimension, measure)


def quantile(percent: int, edges: Sequence[int], counts: Sequence[int | None], whole: int) -> int | None:
    """The value below which so many percent lie, to the nearest unit; None where that cannot be told.

    Requires the edges of the bands, their counts, None for each that is not told, and the count of all together.
    What the told counts leave of the whole lies in bands that are not told, in whichever.
    """
    told = [None if count is None else max(count, 0) for count in counts]
    untold = [band for band, count in enumerate(told) if count is None]
    left = max(whole - sum(filter(None, told)), 0)
    found = [_reached(percent, _with(told, left, band)) for band in [*untold[:1], *untold[-1:]] or [None]]
    places = [place for place in found if place is not None]
    bands = {band for band, _ in places}
    if len(bands) != 1 or not told[band := bands.pop()]:
        return None
    value = edges[band] + (edges[band + 1] - edges[band]) * sum((part for _, part in places), Fraction(0)) / len(places)
    return int((2 * value + 1) // 2)


def _with(told: Sequence[int | None], left: int, untold: int | None) -> list[int]:
    """The counts, if all that is left lay in this untold band."""
    return [left if band == untold else count or 0 for band, count in enumerate(told)]


def _reached(percent: int, counts: Sequence[int]) -> tuple[int, Fraction] | None:
    """In which band the rank lies, and how far into it; None if there is nobody."""
    rank, before = Fraction(percent * sum(counts), 100), 0
    for band, count in enumerate(counts):
        if count and before + count >= rank:
            return band, (rank - before) / count
        before += count
    return None
