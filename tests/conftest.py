"""Fixtures that every suite shares: the two databases, and a bench to put a service on."""

import gc
import os
import re
import shutil
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import MetaData
from sqlalchemy.schema import CreateSchema

from migrations.roles import login_of
from shared.database import Database
from shared.tenancy import EVERYONE
from tests.support.bench import PATIENT_SECONDS, Bench
from tests.support.clock import ToldClock
from tests.support.migrated import as_log_in, is_whole, migrated_files, migrated_template
from tests.support.postgres import NO_POSTGRES, fresh_database, postgres_server
from tests.support.scratch import scratch_folder

LIMITS = (
    "shared.database.CONNECT_SECONDS_MAX", "shared.database.CONNECTION_SECONDS_MAX",
    "shared.database.WRITER_SECONDS_MAX", "shared.database.LOCK_SECONDS_MAX", "shared.rest.TIMEOUT_SECONDS",
    "shared.core.TIMEOUT_SECONDS", "services.gateway.READINESS_SECONDS_MAX",
)  # fmt: skip
# No example fails for being slow: the machine may be busy. CI tries the same forty each time, every other run a hundred
# others.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("ci"), max_examples=40)
settings.load_profile("ci" if "CI" in os.environ else "unhurried")
BY_ADMINISTRATOR = os.environ.get("YAOSU_TEST_LOG_IN") == "administrator"
NAMED_BY_ITSELF_MAX = 100
KIND = re.compile(r"(?<=[\[-])(?:sqlite|postgresql)(?=[\]-])")
# Where several act at once, or where rows are sought, ordered, locked or refused, the database decides.
ON_BOTH = re.compile(
    "^tests/(kernel|verifier|process|deploy|crash|outages)/|/money/|race|at_once|together|fifty|twenty|two_(processes|closers|looks)"
    "|search|store|append|second_lock|migrat|erasure|pruning|answering|sources"
)
MakeDatabase = Callable[[str, MetaData], Awaitable[Database]]


def pytest_configure() -> None:
    if folder := scratch_folder():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test that would run on either kind of database, and in which nobody races and no store is tried, one kind is
    enough: by its name, so that about half run on each. `make test-both` runs all on both."""
    if os.environ.get("YAOSU_DATABASES") == "both":
        return
    pairs = Counter(either(item) for item in items)
    left_out = {item for item in items if pairs[either(item)] == 2 and is_the_other(item)}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """What is long is called by its name: it may be drawn anew in each process, or be too much for an environment."""
    return argname if isinstance(val, str | bytes) and len(val) > NAMED_BY_ITSELF_MAX else None


def either(item: pytest.Item) -> str:
    """The test, on whichever database."""
    return KIND.sub("*", item.nodeid)


def is_the_other(item: pytest.Item) -> bool:
    if ON_BOTH.search(item.nodeid) or not (kind := KIND.search(item.nodeid)):
        return False
    return kind[0] != ("sqlite", "postgresql")[crc32(either(item).encode()) % 2]


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


@pytest.fixture(scope="session", autouse=True)
def patience() -> Generator[None]:
    """Lets databases and neighbours take their time on a loaded machine. Tests of a limit set it themselves."""
    with pytest.MonkeyPatch.context() as limits:
        for limit in LIMITS:
            limits.setattr(limit, PATIENT_SECONDS)
        yield


@pytest.fixture(scope="session", autouse=True)
def everyone() -> Generator[None]:
    """Lets what a test reads by itself be everyone's. What it asks of a service is for whoever asks, as always."""
    with pytest.MonkeyPatch.context() as default:
        default.setattr("shared.tenancy._tenant", ContextVar("tenant", default=EVERYONE))
        yield


@pytest.fixture(scope="session")
def postgres() -> Generator[str]:
    """The DSN of a PostgreSQL server, kept for the whole run."""
    with postgres_server() as dsn:
        if dsn is None:
            pytest.skip(NO_POSTGRES)
        yield dsn


def pytest_collection_finish() -> None:
    """What is there now stays to the end: the collector need not walk all of it after every test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return migrated_files(tmp_path_factory.mktemp("migrated"))


@pytest.fixture(scope="session")
def template(postgres: str) -> Generator[str]:
    with migrated_template(postgres) as name:
        yield name


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server, and the name of its migrated database."""

    dsn: str
    template: str


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Server | None:
    """The kind of database that a test runs on: None stands for SQLite."""
    if request.param == "sqlite":
        return None
    return Server(request.getfixturevalue("postgres"), request.getfixturevalue("template"))


@pytest.fixture
async def database(
    server: Server | None, files: dict[str, Path], tmp_path: Path, clock: ToldClock
) -> AsyncGenerator[MakeDatabase]:
    """Makes a database for a service, on each kind in turn: as migrated, or with the few tables of a test's own."""
    async with AsyncExitStack() as stack:
        made: dict[bool, str] = {}  # the services of one test share a PostgreSQL database, as they do in production

        async def place(service: str, whole: bool) -> str:
            if server is None:
                path = tmp_path / f"{service}.db"
                if whole:
                    shutil.copyfile(files[service], path)
                return f"sqlite+aiosqlite:///{path}"
            if whole not in made:
                template = server.template if whole else "template0"
                made[whole] = await stack.enter_async_context(fresh_database(server.dsn, template))
            return made[whole]

        async def make(service: str, metadata: MetaData) -> Database:
            whole = is_whole(service, metadata)
            url = await place(service, whole)
            if whole and server and not BY_ADMINISTRATOR:
                url = as_log_in(url, login_of(service))
            fresh = Database(url, schema=service, clock=clock, told_time=True)
            stack.push_async_callback(fresh.close)
            if not whole:
                if server:
                    async with fresh.transaction() as tx:
                        await tx.execute(CreateSchema(service, if_not_exists=True))
                await fresh.create(metadata)
            return fresh

        yield make


@pytest.fixture
def bench(database: MakeDatabase, clock: ToldClock) -> Bench:
    return Bench(database, clock=clock)
