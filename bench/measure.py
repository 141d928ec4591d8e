"""Measuring two sides fairly: in turns, in one run, and told as a ratio.

Owns: what a figure is, the rounds, and the probe that says what the disk was like meanwhile.
Promises: the sides take turns, each round in another order, so that what else the machine does falls on all of them; a
figure carries every sample that it rests on. A goal is for a quiet machine: a figure that misses it is still written.
"""

import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Literal

SHORT = bool(os.environ.get("BENCH_SHORT"))  # to see that a part runs; what it measures is not kept
ROUNDS = 2 if SHORT else 5
PROBE_WRITES = 50


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its goal. `sides` are the samples behind it, by what was measured, in `unit`; `rounds` says how
    many rounds they come from, where the sides are not as long as each other."""

    name: str
    value: float
    goal: float
    better: Literal["at_most", "at_least"]
    sides: Mapping[str, Sequence[float]]
    unit: str = "seconds"
    note: str = ""
    rounds: int = 1

    @property
    def holds(self) -> bool:
        return self.value <= self.goal if self.better == "at_most" else self.value >= self.goal

    @property
    def by_round(self) -> list[float]:
        """What each round alone would have given: the ratio of the two sides whose medians give the value. Where there
        are no two such sides, the value is all there is."""
        for side, other in permutations(self.sides.values(), 2):
            if len(side) == len(other) and math.isclose(statistics.median(side), self.value * statistics.median(other)):
                return [one / another for one, another in zip(side, other, strict=True)]
        return [self.value]


@dataclass(slots=True)
class Turns:
    """Seconds that each side took, round by round."""

    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def median(self, side: str) -> float:
        return statistics.median(self.seconds[side])

    def ratio(self, side: str, other: str) -> float:
        """How many times as long the one took as the other, by their medians."""
        return self.median(side) / self.median(other)


def in_turns(sides: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> Turns:
    """Time each side once a round. Each is run once before, untimed, so that nobody pays for what is cold."""
    turns = Turns({name: [] for name in sides})
    for work in sides.values():
        work()
    for number in range(rounds):
        names = list(sides) if number % 2 == 0 else list(sides)[::-1]
        for name in names:
            turns.seconds[name].append(seconds_of(sides[name]))
    return turns


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least this share of all do not exceed. Requires 0 < share <= 1."""
    ordered = sorted(samples)
    return ordered[max(-(-int(share * 1_000_000) * len(ordered) // 1_000_000) - 1, 0)]


def fsync_microseconds(folder: Path) -> float:
    """What a durable write of 8 KiB takes here, at the median: to be read beside every figure of writes."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return 1_000_000 * statistics.median(seconds_of(lambda: _write(file.fileno())) for _ in range(PROBE_WRITES))


def _write(descriptor: int) -> None:
    os.write(descriptor, bytes(8_192))
    os.fsync(descriptor)
