"""A disk that fails (F-31): what it did not take is not acknowledged, and what comes next is on it. A log that has no
room (F-30) keeps nobody from being answered."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

COMMITS = 12
SOME, ALL = "6+4", "1+1"  # from the sixth on every fourth of such calls fails; every one
LONGER = pytest.mark.skipif("YAOSU_OUTAGES" not in os.environ, reason="`make outages`")
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process")]
LOGGING = """
import logging
from shared import log

log.configure("info")
for number in range(100):
    log.tell_request("trading", "GET", "/trading/v1/listings", 200, 0.1, None)
    logging.getLogger("anyone").error("so much is said that no room is left")
print("answered", flush=True)
"""


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    if found is None or subprocess.run([found, "-o", os.devnull, "true"], check=False).returncode != 0:
        pytest.skip("no process may be traced here: what a failing disk does was NOT looked at")
    return found


@pytest.mark.parametrize("call, suffix, which", [
    pytest.param("fdatasync", "-wal", SOME, id="a sync"),
    pytest.param("pwrite64", "-wal", SOME, id="a write", marks=LONGER),
    pytest.param("pwrite64", "", ALL, id="whatever goes from the log into the file", marks=LONGER),
])  # fmt: skip
def test_where_the_disk_fails_nothing_is_acknowledged_that_is_not_there(
    strace: str, tmp_path: Path, call: str, suffix: str, which: str
):
    file, told = tmp_path / "notes.db", tmp_path / "calls"
    with closing(sqlite3.connect(file)) as made:
        made.execute("PRAGMA journal_mode=WAL")
    fault = ("-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when={which}", "-P", f"{file}{suffix}")
    command = (sys.executable, "-m", "tests.support.commits", str(file), str(COMMITS))
    traced = (strace, "-f", *fault, "-o", str(told))
    ended = subprocess.run((*traced, *command), capture_output=True, text=True, check=True, timeout=100)
    first, *said = ended.stdout.split()
    assert "INJECTED" in told.read_text(), "it did fail"
    assert first == "committed" and len(said) == COMMITS and set(said) <= {"committed", "busy"}
    assert ("busy" in said) is (which == SOME)
    assert ["busy", "busy"] not in [said[place : place + 2] for place in range(COMMITS)], "well again with the next"
    assert {number for number, word in enumerate(said) if word == "committed"} <= notes_of(file)


def notes_of(file: Path) -> set[int]:
    with closing(sqlite3.connect(file)) as read:
        assert read.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {number for (number,) in read.execute("SELECT id FROM notes")}


def test_where_the_log_has_no_room_the_work_goes_on(tmp_path: Path):
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run([sys.executable, "-c", LOGGING], stdout=subprocess.PIPE, stderr=full, check=False)
    assert (ended.returncode, ended.stdout) == (0, b"answered\n")
