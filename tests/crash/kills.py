"""Who is killed, where and when; and what came of it."""

import ast
import asyncio
import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from shared.settings import SERVICES
from tests.crash.servers import Servers
from tests.crash.workload import Workload

ROOT = Path(__file__).parents[2]
ONLY_AT_A_START = "migration.step"
STRIKE_SECONDS_MAX = 10
PASSES_MAX = 6  # a point is struck at one of its first passes
HAPPENS_IN = {  # which service passes a point; every one of them passes the others
    "bids": ("trading",), "custodian": ("trading",), "log": ("audit",), "checkpoint": ("audit",),
    "upload": ("delivery",), "key": ("trading", "trading", "pricing", "catalog"),
    "outbox": ("trading", "trading", "pricing", "delivery"), "relay": ("trading", "pricing", "delivery"),
    "answer": ("trading", "trading", "pricing", "audit"), "database": ("trading", "trading", "pricing", "audit"),
}  # fmt: skip


def points() -> list[str]:
    """Every named point that stands in the product's code."""
    return sorted(set(_named_in(ROOT / folder for folder in ("shared", "services", "migrations"))))


def _named_in(folders: Iterator[Path]) -> Iterator[str]:
    for folder in folders:
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(func=ast.Name(id="faultpoint"), args=[ast.Constant(value=str(name))]):
                        yield name
                    case _:
                        pass


@dataclass
class Killer:
    servers: Servers
    workload: Workload
    chance: random.Random
    hit: Counter[str] = field(default_factory=Counter[str])
    missed: Counter[str] = field(default_factory=Counter[str])
    kinds: Counter[str] = field(default_factory=Counter[str])
    restart_seconds: list[float] = field(default_factory=list[float])
    seconds: float = 0

    @property
    def kills(self) -> int:
        return sum(self.kinds.values())

    async def at_point(self, point: str) -> bool:
        """Whether someone died there. Whatever came, everyone runs again afterwards."""
        since = monotonic()
        name = self._who(HAPPENS_IN[point.partition(".")[0]])
        is_upload = point.startswith("upload.")
        self.workload.disturbed_at = math.inf  # until everyone is ready again
        if is_upload:
            self.workload.uploads_wanted.set()
        self.servers.strike(name, point, self.chance.randint(1, 2 if is_upload else PASSES_MAX))
        died = await self.servers.ended(name, STRIKE_SECONDS_MAX) or not self.servers.call_off(name)
        self.workload.uploads_wanted.clear()
        if died:
            await self.servers.ended(name)
            self.hit[point] += 1
            self.kinds["at a point"] += 1
            await self._start(name)
        else:
            self.missed[point] += 1
            self.workload.disturbed_at = monotonic()
        self.seconds += monotonic() - since
        return died

    async def at_random(self) -> None:
        """At any moment; now and then two at once, or again while it starts."""
        since = monotonic()
        await asyncio.sleep(self.chance.uniform(0.02, 0.5))
        names = {self._who(SERVICES)}
        if self.chance.randrange(6) == 0:
            names.add(self._who(SERVICES))
        await self._kill(names, "at random" if len(names) == 1 else "two at once")
        if self.chance.randrange(6) == 0:
            for name in names:
                await self.servers.begin(name)
            await asyncio.sleep(self.chance.uniform(0.0, 1.0))
            await self._kill(names, "while it starts")
        await self._start(*names)
        self.seconds += monotonic() - since

    async def in_a_row(self, times: int) -> None:
        """One and the same again and again, as soon as it is ready."""
        since, name = monotonic(), self._who(("trading",))
        for _ in range(times):
            await self._kill({name}, "in a row")
            await self._start(name)
        self.seconds += monotonic() - since

    async def _start(self, *names: str) -> None:
        since = monotonic()
        await self.servers.start(*names)
        self.workload.disturbed_at = monotonic()
        self.restart_seconds.append(self.workload.disturbed_at - since)

    async def _kill(self, names: set[str], kind: str) -> None:
        self.workload.disturbed_at = math.inf
        for name in names:
            self.servers.kill(name)
        for name in names:
            await self.servers.ended(name)
        self.kinds[kind] += len(names)

    def _who(self, services: tuple[str, ...]) -> str:
        return "market" if "market" in self.servers.servers else self.chance.choice(services)

    def report(self) -> str:
        starts = sorted(self.restart_seconds) or [0]
        rate = self.kills / self.seconds if self.seconds else 0
        lines = [f"{self.kills} kills, {rate:.2f} a second: {dict(self.kinds)}"]
        lines += [f"ready again after {starts[len(starts) // 2]:.2f} s (median), {starts[-1]:.2f} s (longest)"]
        lines += [f"in vain: {dict(self.missed)}"] if self.missed else []
        lines += [f"points: { {name: self.hit[name] for name in points()} }"]
        lines += [f"workload: {dict(sorted(self.workload.counts.items()))}"]
        return "\n".join(lines)
