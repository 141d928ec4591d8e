from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.delivery.desk import Desk, desk
from tests.support.bench import Bench
from tests.support.bucket import NO_S3_SERVER, S3Server, s3_server


@pytest.fixture(name="desk")
async def desk_between_neighbours(bench: Bench, tmp_path: Path) -> AsyncGenerator[Desk]:
    async with desk(bench, tmp_path) as one:
        yield one


@pytest.fixture(scope="session")
def s3() -> Generator[S3Server]:
    """A real S3 server, kept for the whole run."""
    with s3_server() as server:
        if server is None:
            pytest.skip(NO_S3_SERVER)
        yield server
