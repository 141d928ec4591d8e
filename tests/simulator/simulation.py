"""One seed: a market in which much goes wrong, looked at after each step, and at rest once nothing goes wrong any more.

Promises: the same seed takes the same steps, to the byte of every fact. What a step is (somebody acts, a job runs, time
passes, something breaks) is drawn; steps overlap, since nobody waits for what they began.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from httpx2 import HTTPError, Request

from shared.errors import Failure
from shared.settings import SERVICES
from tests.simulator.actors import Actor
from tests.simulator.acts import Stage, an_act
from tests.simulator.eyes import Eyes
from tests.simulator.furnishing import BUYERS, Furnished
from tests.simulator.invariants.whole import broken
from tests.simulator.loop import VirtualLoop
from tests.simulator.market import CUSTODIAN, OUTSIDE, Job, SimulatedMarket
from tests.simulator.network import MISHAPS, Network
from tests.simulator.process import Life, Process, Unexpected, begin, remember_tasks
from tests.simulator.randomness import drawn_from
from tests.simulator.rest import come_to_rest, waiting
from tests.simulator.sometimes import happened
from tests.simulator.watching import followers_watched

STEPS_MIN, STEPS_MAX = 30, 60
TAIL = 25
FORESEEN = (Failure, HTTPError, TimeoutError, asyncio.CancelledError)  # what does not pass by itself shows at rest
NEWS = ("relay", "standing", "follow catalog", "follow trading")
Move = Callable[["Simulation"], Coroutine[Any, Any, str]]


@dataclass(frozen=True)
class Outcome:
    """`trace` is the hash of all that happened; `wrong` what did not hold, the first of it first."""

    seed: int
    steps: int
    trace: str
    seen: Counter[str]
    wrong: tuple[str, ...]
    tail: tuple[str, ...]

    def told(self) -> str:
        lines = [f"seed {self.seed} broke after {self.steps} steps:", *(f"  {each}" for each in self.wrong[:5])]
        again = f"make simulate FIRST={self.seed} SEEDS=1"
        return "\n".join([*lines, "the last steps:", *(f"  {each}" for each in self.tail), f"again: {again}"])


def simulate(seed: int, furnished: Furnished, folder: Path) -> Outcome:
    """Requires that nothing else in this process draws lots meanwhile."""
    loop = VirtualLoop(furnished.seconds)
    try:
        return loop.run_until_complete(_simulated(seed, furnished, folder))
    finally:
        loop.close()


async def _simulated(seed: int, furnished: Furnished, folder: Path) -> Outcome:
    loop = asyncio.get_running_loop()
    remember_tasks(loop)
    chance, drawn = random.Random(f"steps of {seed}"), random.Random(f"draws of {seed}")
    market = SimulatedMarket.of(folder, furnished.files, random.Random(f"network of {seed}"))
    market.custodian.orders.update(furnished.custodian)
    market.custodian.book.update(furnished.book)
    heard = Unexpected(FORESEEN)
    logger = logging.getLogger()
    with drawn_from(drawn, market.clocks[OUTSIDE].now):
        logger.addHandler(heard)
        try:
            await market.open()
            simulation = Simulation.of(seed, market, furnished, chance, heard)
            try:
                with followers_watched(simulation.stage.eyes, simulation.wrong):
                    return await simulation.run()
            finally:
                simulation.stage.eyes.close()
                await simulation.end()
        finally:
            logger.removeHandler(heard)


@dataclass
class Simulation:
    seed: int
    market: SimulatedMarket
    stage: Stage
    chance: random.Random
    heard: Unexpected
    outside: Life = field(default_factory=lambda: Life(OUTSIDE))
    above: Life = field(default_factory=lambda: Life("supervisor"))
    seen: Counter[str] = field(default_factory=Counter[str])
    trace: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    cursed: str | None = None  # whose money the custodian does not move while anything goes wrong

    @classmethod
    def of(
        cls, seed: int, market: SimulatedMarket, furnished: Furnished, chance: random.Random, heard: Unexpected
    ) -> "Simulation":  # fmt: skip
        eyes, seen, client = Eyes.on(market.folder), market.network.seen, market.network.door(OUTSIDE)
        actors = {
            name: Actor(member, client, eyes, chance, seen, market.clocks[OUTSIDE].now)
            for name, member in furnished.members.items()
        }  # fmt: skip
        stage = Stage(market, eyes, actors, furnished.versions, chance, seen)
        eyes.look()
        return cls(seed, market, stage, chance, heard, seen=seen)

    @property
    def network(self) -> Network:
        return self.market.network

    async def run(self) -> Outcome:
        self._choose_what_goes_wrong()
        weights = [weight for weight, _ in MOVES]
        for number in range(self.chance.randint(STEPS_MIN, STEPS_MAX)):
            [(_, move)] = self.chance.choices(MOVES, weights)
            await self.note(number, await move(self))
            if self.wrong:
                break
        else:
            await come_to_rest(self)
        self.seen.update(happened(self.stage.eyes))
        heads = [self.stage.eyes.facts[name][-1].hash.hex() for name in SERVICES if self.stage.eyes.facts[name]]
        trace = sha256("\n".join([*self.trace, *heads]).encode()).hexdigest()
        return Outcome(
            self.seed, len(self.trace), trace, self.seen, tuple(self.wrong), tuple(self.trace[-TAIL:])
        )  # fmt: skip

    async def note(self, number: int | str, what: str) -> None:
        """A step is done: whether all still holds."""
        self.wrong += broken(self.stage.eyes)
        for others in (self.network.wrong, self.heard.heard, *(actor.wrong for actor in self.stage.actors.values())):
            self.wrong += others
            others.clear()
        facts = " ".join(f"{name[0]}{len(self.stage.eyes.facts[name])}" for name in SERVICES)
        self.trace.append(f"{number} {self.market.clocks[OUTSIDE].now():%d %H:%M:%S.%f} {what} [{facts}]")

    def job_begins(self, process: Process, name: str, job: Job) -> asyncio.Task[None]:
        return begin(process.life, self._run_job(f"{process.name}: {name}", job))

    async def _run_job(self, name: str, job: Job) -> None:
        try:
            await job()
        except Failure as failure:
            self.seen[f"a job waits: {failure.code()}"] += 1
        except Exception:
            logging.getLogger(name).exception("%s failed", name)

    async def end(self) -> None:
        for life in (self.above, self.outside):
            while life.tasks:
                for task in list(life.tasks):
                    task.cancel()
                await asyncio.gather(*life.tasks, return_exceptions=True)
        await self.market.close()

    def _choose_what_goes_wrong(self) -> None:
        """Some kinds of mishap in each seed, so that each kind is sometimes alone."""
        chosen = self.chance.sample(MISHAPS, self.chance.randint(0, len(MISHAPS)))
        self.network.mishaps = {fate: self.chance.choice((0.01, 0.05, 0.15)) for fate in chosen}
        if self.chance.random() < 0.4:
            self.cursed = self.stage.actors[self.chance.choice(BUYERS)].id
            self.network.away = partial(_concerns, self.cursed.encode())


def _concerns(who: bytes, callee: str, request: Request) -> bool:
    return callee == CUSTODIAN and request.method == "POST" and who in request.content


# --- what a step may be


async def somebody_acts(simulation: Simulation) -> str:
    act = an_act(simulation.stage)
    begin(simulation.outside, act(simulation.stage))
    await asyncio.sleep(simulation.chance.choice((0.0, 0.003, 0.02, 0.2, 1.0)))
    return act.__name__.replace("_", " ")


async def a_job_runs(simulation: Simulation) -> str:
    process = simulation.market.processes[simulation.chance.choice((*SERVICES, "trading", "trading", "audit"))]
    if not process.lives:
        return f"{process.name} would have a job to do"
    jobs = simulation.market.jobs(process.name)
    name = simulation.chance.choice(list(jobs))
    for _ in range(simulation.chance.choice((1, 1, 1, 2))):  # a timer may fire twice
        simulation.job_begins(process, name, jobs[name])
    await asyncio.sleep(simulation.chance.choice((0.0, 0.01, 0.1)))
    return f"{process.name}: {name}"


async def news_spreads(simulation: Simulation) -> str:
    names = simulation.chance.sample(SERVICES, 2)
    for process in [simulation.market.processes[name] for name in ("trading", *names)]:
        if process.lives:
            jobs = simulation.market.jobs(process.name)
            for job in [each for each in NEWS if each in jobs]:
                for _ in range(simulation.chance.choice((1, 2))):  # who follows in two places follows twice
                    simulation.job_begins(process, job, jobs[job])
    await asyncio.sleep(0.3)
    return f"news spreads to {' and '.join(names)}"


async def trading_works(simulation: Simulation) -> str:
    process = simulation.market.processes["trading"]
    if process.lives:
        jobs = simulation.market.jobs("trading")
        for name in ("close auctions", "pass deadlines", "instruct custodian", "notice settlements"):
            simulation.job_begins(process, name, jobs[name])
        await asyncio.sleep(0.2)
    return "trading works"


async def time_passes(simulation: Simulation) -> str:
    seconds = simulation.chance.choice((0.5, 3.0, 70.0, 1_000.0, 20_000.0))
    await asyncio.sleep(seconds)
    return f"{seconds} s pass"


async def a_deadline_comes(simulation: Simulation) -> str:
    """To shortly before, or after, the moment by which somebody must have acted."""
    now = simulation.market.clocks[OUTSIDE].now()
    coming = sorted({each.until for each in waiting(simulation.stage.eyes) if each.until > now})[:3]
    if not coming:
        return "no deadline comes"
    beside = simulation.chance.choice((-100.0, -1.0, -0.01, 0.0, 0.01, 1.0, 100.0))
    until = simulation.chance.choice(coming) + timedelta(seconds=beside)
    await asyncio.sleep(max(0.0, (until - now).total_seconds()))
    return f"to {beside} s after a deadline"


async def a_process_dies(simulation: Simulation) -> str:
    """At once, or after so many statements more: between any two, or between a commit and its answer."""
    process = simulation.market.processes[simulation.chance.choice((*SERVICES, "trading", "trading"))]
    if not process.lives:
        return f"{process.name} is dead"
    if simulation.chance.random() < 0.3:
        process.fall()
        begin(simulation.above, _come_back(simulation, process))
        return f"{process.name} dies"
    process.database.disk.statements_left = left = simulation.chance.randint(1, 25)
    process.database.disk.kill = partial(_die_and_come_back, simulation, process)
    return f"{process.name} dies after {left} statements"


def _die_and_come_back(simulation: Simulation, process: Process) -> None:
    simulation.seen[f"died after a {process.database.disk.killed_after}"] += 1
    process.fall()
    begin(simulation.above, _come_back(simulation, process))


async def _come_back(simulation: Simulation, process: Process) -> None:
    await process.die()
    await asyncio.sleep(simulation.chance.choice((0.01, 0.5, 5.0, 100.0)))
    await process.start()
    simulation.seen["came back"] += 1
    simulation.job_begins(process, "standing", process.core.standing.tick)


async def a_way_is_cut(simulation: Simulation) -> str:
    if simulation.network.cut and simulation.chance.random() < 0.7:
        simulation.network.cut.clear()
        return "all ways are open"
    pair = simulation.chance.sample((*SERVICES, OUTSIDE, CUSTODIAN), 2)
    simulation.network.cut.add(frozenset(pair))
    return f"{pair[0]} and {pair[1]} do not reach each other"


async def the_custodian_errs(simulation: Simulation) -> str:
    kind = simulation.chance.choice(("pay_in", "payout", "split", "refund"))
    fault = simulation.chance.choice(("refused", "late", "lost", "duplicate", "wrong_amount", "out_of_order"))
    simulation.market.custodian.faults.append((kind, fault))
    return f"the custodian's next {kind} goes {fault}"


async def a_clock_goes_wrong(simulation: Simulation) -> str:
    name = simulation.chance.choice(SERVICES)
    milliseconds = simulation.chance.randint(-500, 500)
    simulation.market.clocks[name].skew = timedelta(milliseconds=milliseconds)
    return f"{name}'s clock is {milliseconds} ms off"


MOVES: Sequence[tuple[int, Move]] = (
    (50, somebody_acts), (12, a_job_runs), (5, news_spreads), (6, trading_works), (3, time_passes),
    (6, a_deadline_comes), (3, a_process_dies), (2, a_way_is_cut), (2, the_custodian_errs), (1, a_clock_goes_wrong),
)  # fmt: skip
