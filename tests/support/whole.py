"""All six services in one process under a told clock, as one market that people of the demo's kind can act in."""

import asyncio
import importlib
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from httpx2 import ASGITransport, AsyncClient
from pwdlib.hashers.argon2 import Argon2Hasher
from rich.console import Console

from migrations import newest, schema
from migrations.roles import login_of
from services import staff
from services.demo import market as stage
from services.market import Market, build_market
from shared.database import Database
from shared.settings import SERVICES, Settings, with_development_secrets
from shared.traces import Traces
from tests.support.clock import ToldClock
from tests.support.migrated import as_log_in

ROUNDS = 6
CHEAP = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)


class WholeMarket(stage.Market):
    """The demo's market, with its clock and its inside at hand."""

    clock: ToldClock
    inside: Market

    async def settle(self) -> None:
        """Let everything that waits happen: facts relayed, feeds followed, jobs run, calls back answered."""
        for _ in range(ROUNDS):
            for name in SERVICES:
                core, app = self.inside.cores[name], self.inside.apps[name]
                await core.standing.tick()
                if name == "delivery":
                    await app.state.service.watch.tick()
                if jobs := _jobs(name):
                    await jobs.tick(app.state.service)
                await core.relay.tick()
            await asyncio.sleep(0)

    async def wait(self) -> None:
        await self.settle()

    async def advance(self, **time: float) -> None:
        """Let time pass, and everything that it brings."""
        self.clock.advance(**time)
        await self.settle()


@asynccontextmanager
async def whole_market(
    folder: Path, clock: ToldClock, dsn: str | None = None, market_rules: str = "standard",
    traces: Traces | None = None, *, by_log_ins: bool = False,
) -> AsyncGenerator[WholeMarket]:  # fmt: skip
    """Requires an empty folder; with a DSN, an empty PostgreSQL database, or a migrated one that has the services'
    log-ins."""
    settings = with_development_secrets(Settings(var=folder / "market", market_rules=market_rules))  # pyright: ignore[reportArgumentType]

    def make_database(service: str) -> Database:
        url = dsn or f"sqlite+aiosqlite:///{folder / 'market' / service}.db"
        url = as_log_in(url, login_of(service)) if by_log_ins else url
        return Database(url, schema=service, clock=clock, told_time=True)

    log_ins = staff.development_log_ins(settings)
    inside = build_market(settings, clock, make_database, staff=log_ins, hasher=CHEAP, traces=traces)
    front = inside.front
    async with AsyncExitStack() as stack:
        with pytest.MonkeyPatch.context() as start:
            if by_log_ins:  # none of which may make tables: they are there already
                start.setattr(schema, "upgrade", newest.require)
            await stack.enter_async_context(front.router.lifespan_context(front))
        transport = ASGITransport(inside.door, raise_app_exceptions=False)  # pyright: ignore[reportArgumentType]
        async with AsyncClient(transport=transport, base_url="http://in-process") as client:
            market = WholeMarket(client, folder, Console(quiet=True))
            market.clock, market.inside = clock, inside
            yield market


def _jobs(service: str):  # noqa: ANN202
    try:
        return importlib.import_module(f"services.{service}.jobs")
    except ModuleNotFoundError:
        return None
