"""Witnessed: how soon what was committed is in the log, signed, and confirmed by a witness.

A real market, with all services in one process, and beside it a real witness of its log, who must confirm each
checkpoint. A provider drafts assets, one after the other, while somebody reads the log. Counted is from the answer to
a draft, which comes after its commit, until a reader sees its entry as witnessed; at the 99th of a hundred.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from httpx2 import AsyncClient
from rich.console import Console

from bench.measure import SHORT, Figure, percentile
from services.audit.rules.checkpoint import COSIGNATURE, VerifierKey
from services.audit.rules.policy import KnownLog, Policy, Witness
from services.demo import shelves
from services.demo.market import Market
from services.demo.people import Person
from services.demo.shelves import AVIATION
from shared.signing import SigningKey
from tests.support.ports import free_port
from tests.support.process import ServerProcess

DRAFTS = 5 if SHORT else 200
GOAL_SECONDS = 3.0
APART_SECONDS, LOOK_SECONDS, WAIT_SECONDS_MAX = 0.05, 0.05, 60
ORIGIN, NAME = "yaosu.example/log", "bench.example/w"


def measure(folder: Path) -> Iterator[Figure]:
    waited = asyncio.run(_measured(folder / "witnessed"))
    note = f"{len(waited)} drafts, p50 {percentile(waited, 0.5):.2f} s, at most {max(waited):.2f} s"
    value = percentile(waited, 0.99)
    yield Figure("commit_to_witnessed_p99_seconds", value, GOAL_SECONDS, "at_most", {"waited": waited}, note=note)


async def _measured(folder: Path) -> list[float]:
    log, own = SigningKey.new(), SigningKey.new()
    with _witness(folder, VerifierKey(ORIGIN, log.public), own) as (key, url):
        policy = Policy((KnownLog(VerifierKey(ORIGIN, log.public)),), (Witness("bench", key, url),), (), "bench")
        (folder / "policy").write_bytes(policy.text().encode())
        told = {"YAOSU_LOG_KEY": log.pem(), "YAOSU_LOG_POLICY": str(folder / "policy")}
        server = ServerProcess(folder / "market", ("-m", "services", "serve"), **told)
        await server.start()
        try:
            async with AsyncClient(base_url=server.base_url, timeout=WAIT_SECONDS_MAX) as client:
                return await _waited(client, folder)
        finally:
            await server.stop()


async def _waited(client: AsyncClient, folder: Path) -> list[float]:
    market = Market(client, folder, Console(quiet=True))
    await shelves.open_market(market)
    provider = await shelves.admit(market, AVIATION)
    await market.until(lambda: _may_act(provider), bool, "the admission")
    answered, witnessed = dict[str, float](), dict[str, float]()
    reader = asyncio.create_task(_read(market.people["regulator"], witnessed))
    for number in range(DRAFTS):
        about = {
            "title": f"航班 {number}", "theme": "transport", "description": "起降", "keywords": ["民航"],
            "update_cycle": "monthly",
        }  # fmt: skip
        asset = await provider.post("/catalog/v1/assets", about)
        answered[asset["id"]] = time.perf_counter()
        await asyncio.sleep(APART_SECONDS)
    await market.until(_is_all(answered, witnessed), bool, "all to be witnessed")
    reader.cancel()
    return [witnessed[asset_id] - at for asset_id, at in answered.items()]


def _is_all(answered: dict[str, float], witnessed: dict[str, float]) -> Callable[[], Awaitable[bool]]:
    async def is_all() -> bool:
        return answered.keys() <= witnessed.keys()

    return is_all


async def _read(regulator: Person, witnessed: dict[str, float]) -> None:
    """When the first entry about each thing is seen as witnessed."""
    after = -1
    while True:
        page = await regulator.get("/audit/v1/entries", after_index=after, limit=100)
        for entry in page["items"]:
            if entry["state"] != "witnessed":
                break
            after = entry["index"]
            for word in entry["event"].split('"'):
                if word.startswith("asset_"):
                    witnessed.setdefault(word, time.perf_counter())
        await asyncio.sleep(LOOK_SECONDS)


async def _may_act(person: Person) -> bool:
    try:
        await person.get("/catalog/v1/assets")
    except Exception:
        return False
    return True


@contextmanager
def _witness(folder: Path, log: VerifierKey, own: SigningKey) -> Generator[tuple[VerifierKey, str]]:
    """Its key, and where it answers."""
    port, place = free_port(), folder / "witness"
    place.mkdir(parents=True)
    command = [
        sys.executable, "-m", "services", "witness", "--name", NAME, "--log", log.text(), "--folder", str(place),
        "--port", str(port),
    ]  # fmt: skip
    environment = os.environ | {"YAOSU_WITNESS_KEY": own.pem()}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    try:
        yield VerifierKey(NAME, own.public, COSIGNATURE), f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
