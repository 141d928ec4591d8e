"""A large file uploaded to a real server and inspected: what that costs the server's own memory, and who hears of it.

`inspection_growth_mib`: the most that the server's process held from the first byte sent to the end of the inspection,
less what it held before; read from /proc, after a small file has loaded what is loaded once. The file is read by a
child, which is not counted: it has limits of its own.
`inspection_progress_steps`: how many different phases and percentages a provider saw who looked once a second.
"""

import asyncio
import hashlib
import os
import random
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from httpx2 import AsyncClient
from rich.console import Console

from bench.measure import SHORT, Figure
from services.demo import shelves
from services.demo.market import Market
from services.demo.people import Person
from services.demo.shelves import AVIATION
from tests.support.process import ServerProcess

FILE_BYTES = int(os.environ.get("BENCH_INSPECTION_BYTES", 10**7 if SHORT else 10**9))
WARM_BYTES = 2**20
BLOCK_ROWS, BLOCKS = 8_192, 64
CHUNK_BYTES = 2**20
HEADER = "订单号,客户,备注,金额,下单时间\n"
GROWTH_MAX_MIB, STEPS_MIN = 64, 10


@dataclass(slots=True)
class Seen:
    """What came of one upload."""

    seconds: float
    steps: set[tuple[str, int]]


def measure(folder: Path) -> Iterator[Figure]:
    growth_mib, large = asyncio.run(_measured(folder))
    note = f"{FILE_BYTES / 1e6:.0f} MB of CSV, {FILE_BYTES / 1e6 / large.seconds:.1f} MB/s from the first byte sent on"
    sides = {"growth": [growth_mib]}
    yield Figure("inspection_growth_mib", growth_mib, GROWTH_MAX_MIB, "at_most", sides, "MiB", note)
    steps = len(large.steps)
    seen = {"steps": [float(steps)]}
    phases = ", ".join(sorted({phase for phase, _ in large.steps}))
    yield Figure("inspection_progress_steps", steps, STEPS_MIN, "at_least", seen, "steps", f"phases seen: {phases}")


async def _measured(folder: Path) -> tuple[float, Seen]:
    server = ServerProcess(folder / "market")
    await server.start()
    try:
        async with AsyncClient(base_url=server.base_url, timeout=600) as client:
            market = Market(client, folder, Console(quiet=True))
            await shelves.open_market(market)
            provider = await shelves.admit(market, AVIATION)
            await market.until(lambda: _may_act(provider), bool, "the admission")
            await _inspected(client, provider, made_file(folder / "small.csv", WARM_BYTES))
            before = _forget_peak(server.pid)
            large = await _inspected(client, provider, made_file(folder / "large.csv", FILE_BYTES))
            return _resident_mib(server.pid, "VmHWM") - before, large
    finally:
        await server.stop()


def made_file(path: Path, size: int) -> Path:
    """Orders in so many bytes, written block by block; the last row is whole."""
    rng = random.Random(20_261_126)
    blocks = ["".join(_row(rng) for _ in range(BLOCK_ROWS)).encode() for _ in range(BLOCKS)]
    with path.open("wb") as file:
        left = size - file.write(HEADER.encode())
        while left > 0:
            block = rng.choice(blocks)
            end = block[:left].rfind(b"\n") + 1
            if not end:
                break
            left -= file.write(block[:end])
    return path


def _row(rng: random.Random) -> str:
    note = rng.choice(["货已到仓库，包装完好", "请按时配送", "已核对数量，无异常", "退回重做"])
    moment = f"2026-0{rng.randrange(1, 10)}-1{rng.randrange(10)} 10:{rng.randrange(10, 60)}:00"
    return f"A{rng.randrange(10**9):010},客户{rng.randrange(10**6)},{note},{rng.random() * 1000:.2f},{moment}\n"


async def _inspected(client: AsyncClient, provider: Person, path: Path) -> Seen:
    asset = await provider.post("/catalog/v1/assets", {
        "title": path.stem, "title_english": path.stem, "theme": "commerce", "description": "订单",
        "keywords": ["订单"], "update_cycle": "monthly",
    })  # fmt: skip
    size, digest = path.stat().st_size, hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    declared = {
        "version_id": asset["versions"][0]["id"], "media_type": "text/csv", "bytes": size,
        "content_hash": digest.hexdigest(),
    }  # fmt: skip
    upload = await provider.post("/delivery/v1/uploads", declared)
    place, began, steps = f"/delivery/v1/uploads/{upload['id']}", time.perf_counter(), set[tuple[str, int]]()
    headers = provider.headers() | {"Content-Type": "text/csv", "Content-Length": str(size)}
    sent = await client.put(f"{place}/content", content=_sent(path), headers=headers)
    sent.raise_for_status()
    while (view := await provider.get(place))["state"] == "received":
        steps.add((view["phase"], view["percent"]))
        await asyncio.sleep(1)
    assert view["state"] == "inspected", view
    return Seen(time.perf_counter() - began, steps)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


async def _sent(path: Path) -> AsyncIterator[bytes]:
    for chunk in _chunks(path):
        yield chunk


async def _may_act(person: Person) -> bool:
    """Whether the admission has reached the catalogue."""
    try:
        await person.get("/catalog/v1/assets")
    except Exception:
        return False
    return True


def _forget_peak(pid: int) -> float:
    """What the process holds now; from here on its peak is counted anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _resident_mib(pid, "VmRSS")


def _resident_mib(pid: int, line: str) -> float:
    for told in Path(f"/proc/{pid}/status").read_text().splitlines():
        if told.startswith(line):
            return int(told.split()[1]) / 1024
    raise AssertionError(line)
