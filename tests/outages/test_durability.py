"""What is acknowledged is on the disk by then: seen from outside, in the system calls of the process that commits."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.database import Database
from tests.support.clock import ToldClock
from tests.support.postgres import NO_POSTGRES, fresh_database, postgres_server

COMMITS = 12
WRITES = re.compile(r"p?write(64|v)?\(\d+<[^>]*-wal>")
SYNCS = re.compile(r"(\[pid +\d+\] |\d+ +)?f(data)?sync\(\d+<([^>]*)>")
RESUMED = re.compile(r"<\.\.\. f(data)?sync resumed>\) += 0")
SAYS = re.compile(r'write\(1<[^>]*>, "committed')
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process")]


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("no strace here: whether commits reach the disk was NOT looked at (Debian: apt install strace)")
    if subprocess.run([found, "-o", os.devnull, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no process may be traced here: whether commits reach the disk was NOT looked at")
    return found


def calls(strace: str, folder: Path, *loosened: str) -> list[str]:
    """Every write and sync of a process that commits so often and says so."""
    told, command = folder / "calls", (sys.executable, "-m", "tests.support.commits", str(folder / "notes.db"))
    traced = ("-f", "-y", "-s", "12", "-e", "trace=write,pwrite64,pwritev,fsync,fdatasync", "-o", str(told))
    subprocess.run([strace, *traced, *command, str(COMMITS), *loosened], check=True, capture_output=True, timeout=100)
    return told.read_text().splitlines()


def promised_too_early(lines: list[str]) -> Iterator[int]:
    """The numbers of the commits that were acknowledged while something in the write-ahead log was not yet synced."""
    number, is_dirty, syncing = 0, False, set[str]()
    for line in lines:
        thread = line.split()[0]
        if WRITES.search(line):
            is_dirty = True
        elif (sync := SYNCS.search(line)) and sync[3].endswith("-wal"):
            syncing.add(thread)
            if line.rstrip().endswith("= 0"):
                is_dirty = False
        elif RESUMED.search(line) and thread in syncing:
            is_dirty = False
        elif SAYS.search(line):
            if is_dirty:
                yield number
            number += 1
    assert number == COMMITS + 1, "each commit was seen to be acknowledged"


def test_no_commit_is_acknowledged_before_it_is_on_the_disk(strace: str, tmp_path: Path):
    assert list(promised_too_early(calls(strace, tmp_path))) == []


def test_the_look_at_the_disk_would_see_commits_that_are_not_on_it(strace: str, tmp_path: Path):
    assert len(list(promised_too_early(calls(strace, tmp_path, "NORMAL")))) >= COMMITS


@pytest.mark.skipif("YAOSU_OUTAGES" not in os.environ, reason="`make outages` starts a durable PostgreSQL for it")
@pytest.mark.timeout(300)
async def test_postgresql_syncs_for_every_commit_that_it_acknowledges(strace: str, tmp_path: Path, clock: ToldClock):
    with postgres_server(durable=True) as server:
        if server is None:
            pytest.skip(NO_POSTGRES)
        async with fresh_database(server) as dsn:
            kept = Database(dsn, schema="public", clock=clock)
            await kept.require_durable()
            async with kept.transaction() as tx:
                await tx.execute(text("CREATE TABLE notes (id integer)"))
            assert await syncs_of(kept, strace, tmp_path / "on", "on") >= COMMITS
            assert await syncs_of(kept, strace, tmp_path / "off", "off") < COMMITS, "the count can fail"
            await kept.close()


async def syncs_of(kept: Database, strace: str, told: Path, synchronous_commit: str) -> int:
    """How often the server syncs its write-ahead log while so many commits are made one after the other."""
    others = text("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter' OR pid = pg_backend_pid()")
    async with kept.transaction() as tx:
        pids = list(await tx.scalars(others))
    traced = [part for pid in pids for part in ("-p", str(pid))]
    tracer = await asyncio.create_subprocess_exec(
        strace, "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", str(told), *traced, stderr=asyncio.subprocess.PIPE
    )
    assert tracer.stderr
    for _ in pids:
        await tracer.stderr.readline()  # "attached"
    for number in range(COMMITS):
        async with kept.transaction() as tx:
            await tx.execute(text(f"SET LOCAL synchronous_commit = {synchronous_commit}"))
            await tx.execute(text(f"INSERT INTO notes VALUES ({number})"))
    tracer.terminate()
    await tracer.wait()
    return sum("sync(" in line and "pg_wal" in line for line in told.read_text().splitlines())
