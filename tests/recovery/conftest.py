import shutil
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conftest import Server
from tests.recovery.market import SmallMarket, a_market
from tests.support.clock import ToldClock
from tests.support.postgres import fresh_database


@pytest.fixture
async def market(
    server: Server | None, files: dict[str, Path], tmp_path: Path, clock: ToldClock
) -> AsyncGenerator[SmallMarket]:
    """Six services' tables and a log with a witness, on each kind of database in turn."""
    async with AsyncExitStack() as stack:
        url = None
        if server:
            url = await stack.enter_async_context(fresh_database(server.dsn, server.template))
        else:
            (tmp_path / "market").mkdir()
            for service, path in files.items():
                shutil.copyfile(path, tmp_path / "market" / f"{service}.db")
        one = a_market(tmp_path, clock, url)
        stack.push_async_callback(one.close)
        yield one
