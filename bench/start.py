"""Start: how soon `yaosu serve` is ready, beside the bare import of what such a service is made of; and what it holds.

`import` is a Python that imports FastAPI, SQLAlchemy, the driver and uvicorn, and ends. `ready` goes from the start of
the process, with all six services in it and on files that were migrated before, until `/health/ready` says so. Both
find their bytecode written, as in an image. What it holds at rest is its resident memory (VmRSS), once it has been
ready for a while.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from bench.measure import ROUNDS, Figure, seconds_of
from tests.support.ports import free_port

BARE = "import fastapi, sqlalchemy.ext.asyncio, aiosqlite, uvicorn"
READY_GOAL, MEMORY_GOAL_MIB = 2.0, 150
READY_SECONDS_MAX, LOOK_SECONDS, REST_SECONDS = 60.0, 0.01, 3.0
OK = 200


def measure(folder: Path) -> Iterator[Figure]:
    bytecode = {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
    sides: dict[str, list[float]] = {"ready": [], "import": []}
    held = list[float]()
    for number in range(-1, ROUNDS):  # the first writes bytecode and tables, and is not told
        bare = seconds_of(lambda: _import(bytecode))
        ready, memory = _served(folder / "market", bytecode)
        if number >= 0:
            sides["ready"].append(ready)
            sides["import"].append(bare)
            held.append(memory)
    ready, bare = (statistics.median(samples) for samples in sides.values())
    yield Figure("ready_per_import", ready / bare, READY_GOAL, "at_most", sides, note="all six services in one process")
    yield Figure(
        "serve_memory_mib", statistics.median(held), MEMORY_GOAL_MIB, "at_most", {"at rest": held}, "MiB",
        "all six services", rounds=len(held),
    )  # fmt: skip


def _import(environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", BARE], check=True, env=os.environ | environment)


def _served(folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds until it was ready, and MiB at rest."""
    port = free_port()
    told = {"YAOSU_VAR": str(folder), "YAOSU_PORT": str(port), "YAOSU_LOG_LEVEL": "error"}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "services", "serve"], env=os.environ | environment | told, stdout=subprocess.DEVNULL
    )
    try:
        while not _is_ready(port):
            assert process.poll() is None, "the market ended"
            assert time.perf_counter() - began < READY_SECONDS_MAX, "the market does not get ready"
            time.sleep(LOOK_SECONDS)
        ready = time.perf_counter() - began
        time.sleep(REST_SECONDS)
        return ready, resident_mib(process.pid)
    finally:
        process.terminate()
        process.wait()


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def resident_mib(pid: int) -> float:
    """What a process holds now. Requires Linux."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
