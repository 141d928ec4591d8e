"""The figures as one picture: how far each is from its goal, missed or held, by the least and the most of its rounds.

The goal is the line in the middle. A bar to the right of it holds, one to the left misses; each line of the grid is
another factor of two. Deterministic, and readable on light ground and on dark.
"""

import math
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path

from bench.results import Results, Told

PICTURE = Path(__file__).parents[1] / "docs/benchmarks.svg"
DOUBLINGS = 3  # to either side of the goal; what is further is drawn to the edge, with an arrow
WIDTH, LEFT, RIGHT = 980, 330, 190
ROW, BAR, HEAD, GAP = 24, 12, 64, 14
MIDDLE = LEFT + (WIDTH - LEFT - RIGHT) / 2
DOUBLING = (WIDTH - LEFT - RIGHT) / 2 / DOUBLINGS
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 } .part { font-weight: 600 } .quiet { fill: #59636e; font-size: 12px }
.grid { stroke: #d1d9e0; stroke-width: 1 } .goal { stroke: #1f2328; stroke-width: 1.5 }
.holds { fill: #1a7f37 } .missed { fill: #cf222e } .spread { stroke: #1f2328; stroke-width: 1 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #3d444d } .goal, .spread { stroke: #e6edf3 }
  .holds { fill: #3fb950 } .missed { fill: #f85149 }
}
"""


def drawn(results: Results) -> str:
    """The picture, as SVG. Requires that each ratio has its `behind`."""
    names = sorted(results.ratios, key=lambda name: (results.behind[name]["part"], name))
    groups = [(part, list(some)) for part, some in groupby(names, key=lambda name: results.behind[name]["part"])]
    rows = sum(len(some) + 1 for _, some in groups)
    height = HEAD + rows * ROW + len(groups) * GAP + ROW
    missed = sum(not each["holds"] for each in results.ratios.values())
    head = f"{len(names)} figures beside their goals, {missed} missed"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{head}">',
        f"<title>{head}</title><style>{STYLE}</style>",
        f'<text class="title" x="12" y="26">{head}</text>',
        *_grid(height),
    ]
    top = HEAD
    for part, some in groups:
        parts.append(f'<text class="part" x="12" y="{top + 16}">{escape(part)}</text>')
        top += ROW
        for name in some:
            parts += _row(name, results.ratios[name], results.behind[name], top)
            top += ROW
        top += GAP
    return "\n".join([*parts, "</svg>\n"])


def closeness(value: float, goal: float, better: str) -> float:
    """How many times as good as its goal a value is: one where it just holds, less where it misses."""
    if value <= 0 or goal <= 0:
        return math.inf if (value <= goal) == (better == "at_most") else 0.0
    return value / goal if better == "at_least" else goal / value


def _grid(height: int) -> Iterator[str]:
    for step in range(-DOUBLINGS, DOUBLINGS + 1):
        x = MIDDLE + step * DOUBLING
        kind = "grid" if step else "goal"
        word = "goal" if step == 0 else f"{2**step}×" if step > 0 else f"1/{2**-step}"
        yield f'<line class="{kind}" x1="{x:.1f}" y1="{HEAD - 6}" x2="{x:.1f}" y2="{height - ROW}"/>'
        yield f'<text class="quiet" x="{x:.1f}" y="{HEAD - 12}" text-anchor="middle">{word}</text>'


def _row(name: str, ratio: Told, behind: Told, top: int) -> Iterator[str]:
    better, goal = behind["better"], ratio["goal"]
    end, (low, high) = _x(closeness(ratio["value"], goal, better)), sorted(
        _x(closeness(each, goal, better)) for each in (behind["spread"][0], behind["spread"][-1])
    )  # fmt: skip
    middle = top + ROW / 2
    kind = "holds" if ratio["holds"] else "missed"
    start, width = min(end, MIDDLE), max(abs(end - MIDDLE), 2)
    yield f'<text x="{LEFT - 12}" y="{middle + 4}" text-anchor="end">{escape(label_of(name))}</text>'
    yield f'<rect class="{kind}" x="{start:.1f}" y="{middle - BAR / 2}" width="{width:.1f}" height="{BAR}" rx="2"/>'
    if high - low > 1:
        yield f'<line class="spread" x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}"/>'
    sign = "≤" if better == "at_most" else "≥"
    word = "" if ratio["holds"] else " missed"
    told = f"{ratio['value']:.3g} {sign} {goal:g}{word}"
    yield f'<text x="{WIDTH - RIGHT + 12}" y="{middle + 4}">{escape(told)}</text>'


def _x(close: float) -> float:
    """Where a closeness is drawn, no further than the edges."""
    doublings = math.log2(close) if close > 0 else -math.inf
    return MIDDLE + DOUBLING * min(max(doublings, -DOUBLINGS), DOUBLINGS)


def label_of(name: str) -> str:
    """As it is read: the two sides of a ratio with a colon between."""
    return name.replace("_per_", " : ").replace("_", " ")
