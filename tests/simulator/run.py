"""`make simulate`: so many seeds, a share of them in each of some processes, and what was seen in all of them together.

A seed needs nothing of another, and is the same in whichever process and after whichever seed it runs.
"""

import argparse
import gc
import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

from sqlalchemy.exc import SAWarning

from shared.clock import Stopwatch
from tests.simulator.furnishing import Furnished, furnish
from tests.simulator.simulation import simulate
from tests.simulator.sometimes import never_seen
from tests.support.scratch import scratch_folder

COLLECT_EVERY = 20
LIMITS = {  # those of production, whatever the tests around have set: they decide what is given up, and so every trace
    "shared.rest.TIMEOUT_SECONDS": 5.0, "shared.core.TIMEOUT_SECONDS": 5.0, "shared.database.WRITER_SECONDS_MAX": 10,
}  # fmt: skip


@contextmanager
def furnished_market() -> Generator[tuple[Furnished, Path]]:
    """What every seed begins with, and the folder that they run in, one after the other."""
    warnings.filterwarnings("ignore", "The garbage collector is trying to clean up", SAWarning)  # whoever died
    logging.getLogger().addHandler(logging.NullHandler())
    folder = Path(tempfile.mkdtemp(dir=scratch_folder()))
    gc.disable()  # a collection at another moment in each run would end forgotten things in another order
    try:
        with ExitStack() as limits:
            for name, seconds in LIMITS.items():
                limits.enter_context(patch(name, seconds))
            yield furnish(folder), folder / "run"
    finally:
        gc.enable()
        shutil.rmtree(folder)


def run(first: int, seeds: int, processes: int) -> tuple[Counter[str], int]:
    """What was seen, in how many seeds, and how many broke something."""
    every, watch = range(first, first + seeds), Stopwatch()
    shares = [every[number::processes] for number in range(min(processes, seeds))]
    seen, failed = Counter[str](), 0
    with ProcessPoolExecutor(len(shares), get_context("spawn")) as pool:
        for seen_there, failed_there in pool.map(run_share, shares):
            seen.update(seen_there)
            failed += failed_there
    rate = seeds / watch.seconds() * 60
    print(f"{seeds} seeds from {first}: {failed} broke something; {rate:.0f} seeds a minute in {len(shares)} processes")
    return seen, failed


def run_share(seeds: Sequence[int]) -> tuple[Counter[str], int]:
    """One process's share of them, one after the other."""
    seen, failed = Counter[str](), 0
    with furnished_market() as (furnished, folder):
        for number, seed in enumerate(seeds, 1):
            outcome = simulate(seed, furnished, folder)
            seen.update(set(outcome.seen))
            if outcome.wrong:
                failed += 1
                print(outcome.told(), flush=True)
            if number % COLLECT_EVERY == 0:
                gc.collect()
    return seen, failed


def print_traces(*seeds: int) -> None:
    """What happened in each, as a hash."""
    with furnished_market() as begun:
        print(*(simulate(seed, *begun).trace for seed in seeds))


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulate")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    seen, failed = run(asked.first, asked.seeds, asked.processes)
    for what, seeds in sorted(seen.items(), key=lambda each: (-each[1], each[0])):
        print(f"{seeds:>7}  {what}")
    missed = never_seen(asked.seeds, seen)
    for what in missed:
        print(f"never seen: {what}")
    return 1 if failed or missed else 0


if __name__ == "__main__":
    sys.exit(main())
