"""A market at work for a long time, under kills at first: `python -m tests.crash.soak --minutes 60 --on postgresql`.

Prints what each half minute brought, and says at the end whether memory and handles stayed flat over the second half,
whether the last third of the work went as well as the first, and whether every 5xx was one that says when to come back.
"""

import argparse
import asyncio
import contextlib
import os
import random
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.table import Table

from tests.crash import markets, stage
from tests.crash.kills import Killer
from tests.crash.servers import Servers
from tests.crash.verdict import everything_holds
from tests.crash.workload import Workload
from tests.support.postgres import NO_POSTGRES, postgres_server

SAMPLE_SECONDS = 5
KILLING_PART = 0.25  # of the time; afterwards the same processes live on to the end
RSS_GROWTH_MAX = 0.10  # of what it was in the middle, over the second half
HANDLES_GROWTH_MAX = 16
GOODPUT_MIN = 0.7  # of the middle third's, in the last
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
out = Console(width=120)


@dataclass(frozen=True)
class Sample:
    """All servers together, and how many writes had been acknowledged by then."""

    at: float
    rss_bytes: int
    handles: int
    acknowledged: int
    kills: int


@asynccontextmanager
async def market_on(kind: str, folder: Path) -> AsyncGenerator[Servers]:
    if kind == "sqlite":
        async with markets.on_sqlite(folder) as servers:
            yield servers
        return
    with postgres_server(durable=True) as dsn:
        if dsn is None:
            raise SystemExit(NO_POSTGRES)
        async with markets.on_postgresql(folder, dsn, replicas=("trading", "delivery")) as servers:
            yield servers


def sample(servers: Servers, killer: Killer, since: float) -> Sample:
    rss, handles = 0, 0
    for server in servers.servers.values():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if server.is_running and server.pid:
                rss += int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * PAGE_BYTES
                handles += len(os.listdir(f"/proc/{server.pid}/fd"))
    return Sample(monotonic() - since, rss, handles, killer.workload.counts["acknowledged"], killer.kills)


async def watch(servers: Servers, killer: Killer, seconds: float) -> list[Sample]:
    since, samples = monotonic(), list[Sample]()
    while monotonic() < since + seconds:
        await asyncio.sleep(SAMPLE_SECONDS)
        samples.append(sample(servers, killer, since))
        if len(samples) % 6 == 0:
            out.print(said(samples[-7:] if len(samples) > 6 else samples[-6:]), highlight=False)
    return samples


def said(samples: list[Sample]) -> str:
    first, last = samples[0], samples[-1]
    rate = (last.acknowledged - first.acknowledged) / max(last.at - first.at, 1e-9)
    return (
        f"{last.at:7.0f} s  {last.rss_bytes / 2**20:7.1f} MiB  {last.handles:5} handles  {rate:6.1f} writes/s"
        f"  {last.kills:4} kills"
    )


async def kill_now_and_then(killer: Killer, seconds: float) -> None:
    until = monotonic() + seconds
    while monotonic() < until:
        await asyncio.sleep(killer.chance.uniform(1, 8))
        await killer.at_random()


async def soak(kind: str, minutes: float, folder: Path) -> bool:
    chance, seconds = random.Random(7), minutes * 60
    async with market_on(kind, folder) as servers, servers.client() as client, servers.client(is_patient=True) as own:
        market = await stage.set_up(own, folder)
        killer = Killer(servers, Workload(market, client, chance), chance)
        working = asyncio.create_task(killer.workload.go_on())
        killing = asyncio.create_task(kill_now_and_then(killer, seconds * KILLING_PART))
        samples = await watch(servers, killer, seconds)
        await killing
        killer.workload.finish()
        await working
        seen = await everything_holds(servers, killer.workload)
        out.print(killer.report(), highlight=False)
        out.print(f"looked at: {dict(seen)}", highlight=False)
    return judged(samples, killer)


def slope(samples: list[Sample], of: str) -> float:
    """By how much it grew from the first sample to the last, by the line of least squares."""
    middle = sum(each.at for each in samples) / len(samples)
    mean = sum(getattr(each, of) for each in samples) / len(samples)
    above = sum((each.at - middle) * (getattr(each, of) - mean) for each in samples)
    below = sum((each.at - middle) ** 2 for each in samples)
    return above / below * (samples[-1].at - samples[0].at) if below else 0.0


def judged(samples: list[Sample], killer: Killer) -> bool:
    half, third = samples[len(samples) // 2 :], max(len(samples) // 3, 2)
    rates = [
        (part[-1].acknowledged - part[0].acknowledged) / (part[-1].at - part[0].at)
        for part in (samples[third : 2 * third], samples[-third:])
    ]
    memory, handles = slope(half, "rss_bytes") / half[0].rss_bytes, slope(half, "handles")
    goodput = rates[1] / rates[0] if rates[0] else 0.0
    verdicts = [
        ("memory over the second half", f"{memory:+.1%}", f"≤ {RSS_GROWTH_MAX:+.0%}", memory <= RSS_GROWTH_MAX),
        ("handles over the second half", f"{handles:+.1f}", f"≤ {HANDLES_GROWTH_MAX:+}", handles <= HANDLES_GROWTH_MAX),
        ("goodput, last third per middle", f"{goodput:.2f}", f"≥ {GOODPUT_MIN}", goodput >= GOODPUT_MIN),
        ("5xx that are not explained", str(len(killer.workload.unexplained)), "0", not killer.workload.unexplained),
    ]
    table = Table("", "measured", "goal", "")
    for name, measured, goal, holds in verdicts:
        table.add_row(name, measured, goal, "ok" if holds else "[red]missed[/red]")
    out.print(table)
    return all(holds for *_, holds in verdicts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--on", choices=["sqlite", "postgresql"], default="sqlite")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yaosu-soak-") as folder:
        sys.exit(0 if asyncio.run(soak(told.on, told.minutes, Path(folder))) else 1)


if __name__ == "__main__":
    main()
