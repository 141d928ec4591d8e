"""kill -9 at every named point and at any moment: whatever was acknowledged is there afterwards, once.

`make crash KILLS=…` kills so often on each kind of database; from a hundred on, at every point there is. The ordinary
run kills a few times on SQLite.
"""

import asyncio
import os
import random
import statistics
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.crash import markets, stage
from tests.crash.kills import ONLY_AT_A_START, Killer, points
from tests.crash.servers import Servers
from tests.crash.verdict import everything_holds
from tests.crash.workload import Workload

KILLS = int(os.environ.get("YAOSU_KILLS", "3"))
SEED = int(os.environ.get("YAOSU_CRASH_SEED", "20261124"))
IN_A_ROW_FROM = 100
EVERY_POINT_FROM = 200  # two in five strike at a point: of a hundred and twenty kills, two points were not met
ROUND = 25  # kills between two verdicts
RESTART_SECONDS_MAX = 10
SLOWER = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # than the machine would be if it did nothing else
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(600 + 60 * KILLS)]


@pytest.fixture(params=["sqlite", "postgresql"])
async def servers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Servers]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            opened = markets.on_sqlite(tmp_path / "crash")
        elif "YAOSU_KILLS" not in os.environ:
            pytest.skip("six services on PostgreSQL: `make crash` kills them")
        else:
            opened = markets.on_postgresql(tmp_path / "crash", request.getfixturevalue("postgres"))
        yield await stack.enter_async_context(opened)


async def test_kills_lose_nothing_that_was_acknowledged(servers: Servers, capsys: pytest.CaptureFixture[str]):
    chance = random.Random(SEED)
    async with servers.client() as client, servers.client(is_patient=True) as patient:
        market = await stage.set_up(patient, servers.folder)
        killer = Killer(servers, Workload(market, client, chance), chance)
        todo = points_to_strike(chance)
        try:
            while killer.kills < KILLS:
                await kill_for_a_while(killer, todo, min(killer.kills + ROUND, KILLS))
                seen = await everything_holds(servers, killer.workload)
                if KILLS > ROUND:
                    with capsys.disabled():
                        print(f"\n{killer.report()}\nlooked at: {dict(seen)}", flush=True)
        except BaseException:
            print(killer.report())
            raise
    assert statistics.median(killer.restart_seconds) <= RESTART_SECONDS_MAX * SLOWER
    if KILLS >= EVERY_POINT_FROM:
        assert set(points()) - {ONLY_AT_A_START} == set(killer.hit), "every point is died at"


def points_to_strike(chance: random.Random) -> list[str]:
    """Half of the kills: every point alike where they are enough for that, else some that chance picks."""
    struck = [point for point in points() if point != ONLY_AT_A_START]
    each, rest = divmod(KILLS // 2, len(struck))
    todo = struck * each + chance.sample(struck, rest)
    chance.shuffle(todo)
    return todo


async def kill_for_a_while(killer: Killer, todo: list[str], target: int) -> None:
    """So many kills in all, under load; and then until everything that was sent has its answer."""
    chance, working = killer.chance, asyncio.create_task(killer.workload.go_on())
    while killer.kills < target and not working.done():
        if todo and chance.randrange(5) < 3:
            point = todo.pop()
            if not await killer.at_point(point):
                todo.insert(0, point)
        elif chance.randrange(40) == 0 and KILLS >= IN_A_ROW_FROM:
            await killer.in_a_row(20)
        else:
            await killer.at_random()
    killer.workload.finish()
    await working


@pytest.mark.skipif("YAOSU_KILLS" not in os.environ, reason="`make crash` kills in a migration, too")
@pytest.mark.parametrize("step", [1, 7, 20])
async def test_a_market_that_died_while_it_made_its_tables_makes_them_at_the_next_start(tmp_path: Path, step: int):
    async with Servers(tmp_path).open() as servers:
        market = servers.add("market", {"YAOSU_VAR": str(tmp_path / "market")})
        servers.strike("market", ONLY_AT_A_START, step)
        await servers.begin("market")
        assert await servers.ended("market")
        assert market.code == -9
        await servers.start("market")
