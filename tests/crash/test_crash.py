"""kill -9 at every named point and at any moment: whatever was acknowledged is there afterwards, once.

`make crash KILLS=…` kills so often on each kind of database.
"""

import asyncio
import os
import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.crash import markets, stage
from tests.crash.kills import Killer, points
from tests.crash.servers import Servers
from tests.crash.verdict import everything_holds
from tests.crash.workload import Workload

KILLS = int(os.environ.get("YAOSU_KILLS", "6"))
SEED = int(os.environ.get("YAOSU_CRASH_SEED", "20261124"))
ROUND = 60  # kills between two verdicts
RESTART_SECONDS_MAX = 10
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(200 + 20 * KILLS)]


@pytest.fixture(params=["sqlite", "postgresql"])
async def servers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Servers]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            opened = markets.on_sqlite(tmp_path / "crash")
        else:
            opened = markets.on_postgresql(tmp_path / "crash", request.getfixturevalue("postgres"))
        yield await stack.enter_async_context(opened)


async def test_kills_lose_nothing_that_was_acknowledged(servers: Servers, capsys: pytest.CaptureFixture[str]):
    chance = random.Random(SEED)
    async with servers.client() as client:
        market = await stage.set_up(client, servers.folder)
        workload = Workload(market, client, chance)
        killer = Killer(servers, workload, chance)
        todo = [*points()] * (KILLS // (2 * len(points())))  # half of all, if that is every point; chosen, if it is not
        todo += chance.sample(points(), min(KILLS // 2, len(points()))) if not todo else []
        todo = [point for point in todo if point != "migration.step"]
        chance.shuffle(todo)
        while killer.kills < KILLS:
            working = asyncio.create_task(workload.go_on())
            target = min(killer.kills + ROUND, KILLS)
            while killer.kills < target:
                if working.done():
                    break
                if todo and chance.randrange(2):
                    await killer.at_point(todo.pop())
                elif chance.randrange(40) == 0 and KILLS > ROUND:
                    await killer.in_a_row(20)
                else:
                    await killer.at_random()
            workload.finish()
            await working
            seen = await everything_holds(servers, workload)
            with capsys.disabled():
                print(f"\n{killer.report()}\n{dict(seen)}")
    assert max(servers.restart_seconds) <= RESTART_SECONDS_MAX
