from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.delivery.desk import Desk, desk
from tests.support.bench import Bench


@pytest.fixture(name="desk")
async def desk_between_neighbours(bench: Bench, tmp_path: Path) -> AsyncGenerator[Desk]:
    async with desk(bench, tmp_path) as one:
        yield one
