"""Closing: how late an auction's close is committed, where many end in quick succession.

200 auctions end 10 ms apart; each has two bidders, so that a close awards, drafts an order and frees a deposit. On
PostgreSQL two processes close, on SQLite the one that there can be. By the real clock: from the end of the auction to
the commit of its close.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from bench.measure import Figure, percentile
from bench.serving.closing import APART, AUCTIONS
from shared.clock import SystemClock
from tests.support.postgres import NO_POSTGRES, postgres_server

GOAL_MILLISECONDS = 50
BEGINS_AFTER = timedelta(seconds=2)
SECONDS = BEGINS_AFTER.total_seconds() + AUCTIONS * APART.total_seconds() + 5


def measure(folder: Path) -> Iterator[Figure]:
    yield _figure("sqlite", _closed(folder, None, closers=1))
    with ExitStack() as stack:
        dsn = stack.enter_context(postgres_server(durable=True))
        if dsn is None:
            print(f"closing: PostgreSQL skipped: {NO_POSTGRES}", flush=True)
            return
        yield _figure("postgresql", _closed(folder, dsn, closers=2))


def _figure(database: str, late: dict[str, list[float]]) -> Figure:
    everyone = [each for own in late.values() for each in own]
    assert len(everyone) == AUCTIONS, f"of {AUCTIONS} auctions {len(everyone)} closes were committed"
    shares = " and ".join(f"{name} {len(own)}" for name, own in late.items())
    note = f"p50 {percentile(everyone, 0.5):.1f}, at most {max(everyone):.1f}; closed by {shares}"
    name = f"closing_lateness_p99_milliseconds_{database}"
    return Figure(name, percentile(everyone, 0.99), GOAL_MILLISECONDS, "at_most", late, "milliseconds", note)


def _closed(folder: Path, dsn: str | None, closers: int) -> dict[str, list[float]]:
    """How late each close was, by who closed."""
    program = [sys.executable, "-m", "bench.serving.closing"]
    place = [str(folder), *([dsn] if dsn else [])]
    subprocess.run([*program, "stock", *place], check=True)
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen([*program, "close", *place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(closers)
        ]
        for process in running:
            assert process.stdout and process.stdout.readline() == "ready\n"
        first = running[0]
        assert first.stdin
        first.stdin.write((SystemClock().now() + BEGINS_AFTER).isoformat() + "\n")
        first.stdin.flush()
        time.sleep(SECONDS)
        told = [process.communicate()[0] for process in running]
    return {f"closer {number}": json.loads(each) for number, each in enumerate(told, 1)}
