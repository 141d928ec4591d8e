"""What was measured, as it is kept in bench/results.json, printed as a table, and drawn.

`ratios` has of each figure its value, its goal, the rounds that it rests on, and whether it holds; `behind` has all
that stands behind it: every sample, and the moment and the machine that it was measured on.
"""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measure import Figure

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
DIGITS = 6
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Results:
    """Of each figure by its name: `ratios` in four words, `behind` in full."""

    ratios: dict[str, Told]
    behind: dict[str, Told]

    def keep(self, figure: Figure, part: str, fsync_microseconds: float) -> None:
        """In the place of what was measured under that name before."""
        by_round = figure.by_round
        self.ratios[figure.name] = {
            "value": rounded(figure.value), "goal": figure.goal, "rounds": max(len(by_round), figure.rounds),
            "holds": figure.holds,
        }  # fmt: skip
        self.behind[figure.name] = {
            "part": part, "better": figure.better, "unit": figure.unit, "note": figure.note,
            "sides": {name: [rounded(each) for each in samples] for name, samples in figure.sides.items()},
            "spread": [rounded(each) for each in (min(*by_round, figure.value), max(*by_round, figure.value))],
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {"cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version(),
                        "load": round(os.getloadavg()[0], 1), "fsync_microseconds": round(fsync_microseconds)},
        }  # fmt: skip

    def write(self, path: Path = RESULTS) -> None:
        told = {"ratios": self.ratios, "behind": self.behind}
        path.write_text(json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def read(path: Path = RESULTS) -> Results:
    """What was kept; nothing, where nothing was."""
    told: Mapping[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return Results(dict(told.get("ratios", {})), dict(told.get("behind", {})))


def table(results: Results, names: Iterable[str]) -> str:
    """Of the figures with these names: the least of the rounds, the ratio of the medians, the most, and the goal."""
    rows = [("figure", "least – median – most", "goal", "")]
    for name in names:
        ratio, behind = results.ratios[name], results.behind[name]
        least, most = behind["spread"]
        spread = " – ".join(f"{each:.3g}" for each in (least, ratio["value"], most))
        sign = "≤" if behind["better"] == "at_most" else "≥"
        rows.append((name, spread, f"{sign} {ratio['goal']:g}", "holds" if ratio["holds"] else "MISSED"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
