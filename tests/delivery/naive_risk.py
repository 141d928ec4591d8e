"""The measures of risk by their definitions, over rows in memory: slow, plain, and for small tables only.

Sources: Sweeney 2002 (k-anonymity), Machanavajjhala et al. 2007 (distinct l-diversity), Li et al. 2007 (t-closeness,
with equal distances between values, where it is the total variation distance).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

from services.delivery.rules.effect import Groups

Row = Mapping[str, str | None]


def groups(rows: Sequence[Row], quasi: Sequence[str], sensitive: Sequence[str]) -> Groups:
    members: dict[tuple[str | None, ...], list[Row]] = {}
    for row in rows:
        members.setdefault(tuple(row[name] for name in quasi), []).append(row)
    sizes = [len(group) for group in members.values()]
    diversity = [len({row[name] for row in group}) for group in members.values() for name in sensitive]
    distances = [_distance(group, rows, name) for group in members.values() for name in sensitive]
    return Groups(
        len(rows), len(sizes), min(sizes), sizes.count(1), min(diversity, default=None),
        math.ceil(max(distances) * 10_000) if distances else None,
    )  # fmt: skip


def _distance(group: Sequence[Row], rows: Sequence[Row], name: str) -> Fraction:
    here, everywhere = Counter(row[name] for row in group), Counter(row[name] for row in rows)
    gaps = (abs(Fraction(here[value], len(group)) - Fraction(count, len(rows))) for value, count in everywhere.items())
    return sum(gaps, Fraction(0)) / 2
