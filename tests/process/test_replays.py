"""Generated auctions without end, each replayed and compared with what was kept, whatever the process hashes by.

`make replay` is the long form: 100,000 of them in each process. Without `REPLAYS` a few thousand are.
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest

HASH_SEEDS = ("0", "1", "4294967295")
REPLAYS = int(os.environ.get("REPLAYS", "3000"))
MILLISECONDS_MAX = 60  # of one replay, on a machine that does much else
SECONDS_MAX = 120 + REPLAYS * MILLISECONDS_MAX // 1000
ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(SECONDS_MAX)]


async def replayed(hash_seed: str) -> str:
    """What a process of its own has to say of them all."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.trading.replays", str(REPLAYS), cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed}, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()[-3000:]
    return said.decode()


async def test_every_generated_auction_is_replayed_as_it_was_kept_in_three_processes_alike():
    first, *others = await asyncio.gather(*map(replayed, HASH_SEEDS))
    assert first.startswith(f"{REPLAYS} replayed: ")
    assert others == [first] * 2
