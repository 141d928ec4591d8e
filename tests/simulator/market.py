"""The whole market in one process and one thread: six services, each with its file and its neighbours.

Promises: the code is that of production, from the door to the SQL, but for what it is given: the clock, the network,
the connection to its file. Jobs do not run by themselves: whoever drives the market says which runs, and when.
"""

import asyncio
import base64
import random
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from services import custodian_sandbox
from services.audit import jobs as audit_jobs
from services.catalog import jobs as catalog_jobs
from services.custodian_sandbox import Custodian
from services.identity import app as identity
from services.identity import jobs as identity_jobs
from services.market import BUILD
from services.pricing import jobs as pricing_jobs
from services.trading import jobs as trading_jobs
from shared.core import Core, core_of
from shared.heartbeats import Pulse
from shared.settings import SERVICES, Settings
from shared.signing import SigningKey, new_token_key
from tests.simulator.loop import SimulatedClock
from tests.simulator.network import Network
from tests.simulator.process import Life, Process, begin
from tests.simulator.storage import Disk, PlacedDatabase
from tests.support.whole import CHEAP

CUSTODIAN, OUTSIDE = "custodian", "outside"
Job = Callable[[], Awaitable[object]]


@cache
def _settings(folder: Path) -> Settings:
    """The same in every run, but for the token key, which no fact tells of."""
    plain = {name: SecretStr(f"{name}-of-the-simulated-market-{'x' * 24}") for name in (
        "identity_key", "disclosure_key", "pseudonym_key",
    )}  # fmt: skip
    pems = {name: SecretStr(SigningKey.from_seed(bytes([number]) * 32).pem()) for number, name in enumerate((
        "log_key", "certificate_key", "custodian_signing_key",
    ), 1)}  # fmt: skip
    secrets = {name: SecretStr(f"secret-of-{name}-{'y' * 24}") for name in SERVICES}
    custodian_key = base64.b64encode(_custodian_key().public).decode()
    own = {
        "token_key": SecretStr(new_token_key()), "service_secrets": secrets, "custodian_public_key": custodian_key,
    }  # fmt: skip
    return Settings(var=folder).model_copy(update=own | plain | pems)


@cache
def _custodian_key() -> SigningKey:
    return SigningKey.from_seed(bytes([9]) * 32)


@cache
def _database(folder: Path, service: str) -> PlacedDatabase:
    """Kept for all runs of this process: SQLAlchemy learns each statement once."""
    clock = SimulatedClock(asyncio.get_running_loop())
    return PlacedDatabase(folder / f"{service}.db", service, clock, Disk(random.Random(0)))


@dataclass
class SimulatedMarket:
    """`custodian` stands outside: it never dies, and what it holds is its own."""

    folder: Path
    chance: random.Random
    network: Network
    clocks: Mapping[str, SimulatedClock]
    processes: dict[str, Process]
    custodian: Custodian
    _custodian_app: FastAPI
    _custodian_life: Life

    @classmethod
    def of(cls, folder: Path, files: Mapping[str, Path], chance: random.Random) -> "SimulatedMarket":
        """On copies of these files, one for each service. Nothing runs yet."""
        loop = asyncio.get_running_loop()
        clocks = {name: SimulatedClock(loop) for name in (*SERVICES, CUSTODIAN, OUTSIDE)}
        network = Network(chance, lambda name: market.placed(name))
        processes = dict[str, Process]()
        for name in SERVICES:
            database = _database(folder, name)
            database.disk.cut()
            database.disk.chance = chance
            for old in folder.glob(f"{name}.db*"):
                old.unlink()
            shutil.copyfile(files[name], folder / f"{name}.db")
            processes[name] = Process(name, database, partial(_make, folder, network, clocks[name]))
        key = SigningKey.from_pem(_secret(_settings(folder).custodian_signing_key))
        app = custodian_sandbox.build(
            network.directory(CUSTODIAN), clocks[CUSTODIAN], key.public, _custodian_key(),
        )  # fmt: skip
        market = cls(
            folder, chance, network, clocks, processes, app.state.custodian, app, Life(CUSTODIAN)
        )  # fmt: skip
        return market

    async def open(self) -> None:
        for process in self.processes.values():
            await process.start()
        for name in SERVICES:
            await begin(self.processes[name].life, self.processes[name].core.standing.tick())

    def placed(self, name: str) -> tuple[FastAPI, Life] | None:
        if name == CUSTODIAN:
            return self._custodian_app, self._custodian_life
        process = self.processes[name]
        return (process.app, process.life) if process.lives else None

    def service(self, name: str) -> Any:
        return self.processes[name].app.state.service

    def jobs(self, name: str) -> dict[str, Job]:
        """What a service does unasked. Requires that it lives."""
        core, service = self.processes[name].core, self.service(name)
        pulse = Pulse(core.outbox, core.database, core.clock)
        every: dict[str, Job] = {
            "relay": core.relay.tick, "standing": core.standing.tick, "beat": pulse.beat, "lease": core.outbox.lease,
        }  # fmt: skip
        return every | _own_jobs(name, service)

    async def tell(self) -> None:
        """Let what happened be known everywhere, as it is while nothing goes wrong. Requires that all live."""
        for name, process in self.processes.items():
            jobs = self.jobs(name)
            for job in [
                each for each in ("standing", "follow catalog", "follow trading", "watch", "relay") if each in jobs
            ]:
                await begin(process.life, _awaited(jobs[job]))

    def begin(self, process: Process, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Something that a process does by itself."""
        return begin(process.life, work)

    async def advance(self, **time: float) -> None:
        await asyncio.sleep(timedelta(**time).total_seconds())

    async def close(self) -> None:
        for process in self.processes.values():
            await process.die()
        for task in list(self._custodian_life.tasks):
            task.cancel()
        await asyncio.gather(*self._custodian_life.tasks, return_exceptions=True)


def _make(folder: Path, network: Network, clock: SimulatedClock, process: Process) -> tuple[Core, FastAPI]:
    process.database.renew(clock)
    core = core_of(process.name, _settings(folder), clock, process.database, network.directory(process.name))
    app = identity.build(core, hasher=CHEAP) if process.name == "identity" else BUILD[process.name](core)
    return core, app


def _own_jobs(name: str, service: Any) -> dict[str, Job]:
    match name:
        case "identity":
            return {"deadlines": partial(identity_jobs.tick, service)}
        case "catalog":
            return {
                "deadlines": partial(catalog_jobs.JOBS[0], service),
                "follow trading": partial(catalog_jobs.follow_trading, service),
                "follow pricing": partial(catalog_jobs.follow_pricing, service),
            }  # fmt: skip
        case "pricing":
            return {"follow trading": partial(pricing_jobs.tick, service)}
        case "trading":
            every = (*trading_jobs.JOBS, trading_jobs.follow_catalog)
            return {job.__name__.replace("_", " "): partial(job, service) for job in every}
        case "delivery":
            return {"watch": service.watch.tick}
        case _:
            return {"sign": partial(audit_jobs.tick, service)}


async def _awaited(job: Job) -> object:
    return await job()


def _secret(told: SecretStr | None) -> str:
    assert told is not None
    return told.get_secret_value()
