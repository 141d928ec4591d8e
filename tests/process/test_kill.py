"""kill -9 during bidding: whatever was acknowledged is there afterwards, in the API and in the log."""

import asyncio
import json
import os
import random
import tarfile
from collections.abc import AsyncGenerator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient, HTTPError, Response
from rich.console import Console

from services.demo import bidding, shelves
from services.demo.market import Market
from services.demo.people import Person
from services.demo.shelves import AIRPORTS, ALPHA, BETA
from shared.clock import SystemClock
from tests.support.process import ServerProcess
from verifier import yaosu_verify

KILLS = int(os.environ.get("YAOSU_KILLS", "5"))  # `make kills` kills a hundred times
STEP_MINOR = 1_000
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(200 + 20 * KILLS)]


class Bidder:
    """Keeps what it sent and what it was told; sends again with the same key when it heard nothing."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.acknowledged: dict[str, dict[str, Any]] = {}

    async def bid(self, client: AsyncClient, auction: str, maximum_minor: int, key: str) -> Response | None:
        """The answer, or None if the connection broke before there was one."""
        headers = self.person.headers() | {"Idempotency-Key": key}
        body = {"maximum": {"minor": maximum_minor, "currency": "CNY"}}
        try:
            response = await client.post(f"/trading/v1/auctions/{auction}/bids", json=body, headers=headers)
        except HTTPError:
            return None
        if response.status_code == 201:
            self.acknowledged[key] = response.json()
        return response


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("killed")


@pytest.fixture
async def server(folder: Path) -> AsyncGenerator[ServerProcess]:
    process = ServerProcess(folder / "market", ("-m", "tests.support.server_that_dies"), YAOSU_MARKET_RULES="demo")
    await process.start()
    yield process
    await process.stop()


async def test_kills_lose_no_acknowledged_bid(server: ServerProcess, folder: Path):
    chance = random.Random(20_261_124)
    async with AsyncClient(base_url=server.base_url, timeout=10) as client:
        market = Market(client, folder, Console(quiet=True))
        await open_an_auction(market)
        auction, bidders = market.things["auction"], [Bidder(market.people[who]) for who in (ALPHA, BETA)]
        in_doubt = 0
        for round_number in range(KILLS):
            dies_before_answering = round_number % 4 == 0
            if dies_before_answering:
                (server.folder / "die-before-answering").touch()
            unanswered = await bid_until_killed(
                server, client, auction, bidders, chance, by_itself=dies_before_answering
            )
            await server.start()
            await log_in_again(bidders)
            for bidder, maximum_minor, key in unanswered:
                committed = await the_bid_of(client, bidder, auction, maximum_minor)
                answer = await bidder.bid(client, auction, maximum_minor, key)
                assert answer is not None and answer.status_code in {201, 409}, answer and answer.text
                if committed:
                    in_doubt += 1
                    assert answer.json()["id"] == committed["id"], "the same key must give the bid that was committed"
        assert in_doubt >= KILLS // 4, "a kill between commit and answer must have been survived"
        await every_acknowledged_bid_is_there(market, auction, bidders)


async def bid_until_killed(
    server: ServerProcess, client: AsyncClient, auction: str, bidders: list[Bidder], chance: random.Random, *,
    by_itself: bool,
) -> list[tuple[Bidder, int, str]]:  # fmt: skip
    """Let both bid against each other until the server is dead; what was sent and not answered is returned."""
    unanswered: list[tuple[Bidder, int, str]] = []

    async def keep_bidding(bidder: Bidder) -> None:
        while True:
            floor = (await client.get(f"/trading/v1/auctions/{auction}")).json()["floor"]["minor"]
            maximum_minor, key = floor + STEP_MINOR * chance.randint(0, 3), uuid4().hex
            if await bidder.bid(client, auction, maximum_minor, key) is None:
                unanswered.append((bidder, maximum_minor, key))
                return

    async def until_the_connection_breaks(bidder: Bidder) -> None:
        try:
            await keep_bidding(bidder)
        except (HTTPError, ValueError):
            return  # reading the floor met a dead server: nothing was sent

    tasks = [asyncio.create_task(until_the_connection_breaks(bidder)) for bidder in bidders]
    if not by_itself:
        await asyncio.sleep(chance.uniform(0.02, 0.4))
        server.kill()
    await server.ended()
    await asyncio.gather(*tasks)
    return unanswered


async def every_acknowledged_bid_is_there(market: Market, auction: str, bidders: list[Bidder]) -> None:
    acknowledged = {bid["id"]: bid for bidder in bidders for bid in bidder.acknowledged.values()}
    listed = {bid["id"]: bid for bid in await all_bids(market.people[ALPHA], auction)}
    assert acknowledged.keys() <= listed.keys()
    assert all(listed[bid_id]["sequence"] == bid["sequence"] for bid_id, bid in acknowledged.items())
    assert sorted(bid["sequence"] for bid in listed.values()) == list(range(1, len(listed) + 1))
    in_bundle = await bids_in_the_bundle(market, market.folder / "bundle.tar", len(listed))
    assert {bid_id: bid["sequence"] for bid_id, bid in listed.items()} == in_bundle


async def all_bids(person: Person, auction: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 100}
    while True:
        page = await person.get(f"/trading/v1/auctions/{auction}/bids", **query)
        found += page["items"]
        if not page["next_cursor"]:
            return found
        query["cursor"] = page["next_cursor"]


async def bids_in_the_bundle(market: Market, path: Path, expected: int) -> dict[str, int]:
    """Bid id → sequence, from the entries of a bundle that verifies; asked for until the relay has sent them all."""
    regulator, found = market.people["regulator"], dict[str, int]()
    for _ in range(100):
        path.write_bytes(await regulator.download("/audit/v1/bundle"))
        found = bids_in(path.read_bytes())
        if len(found) >= expected:
            break
        await asyncio.sleep(0.2)
    assert yaosu_verify.verify(str(path)).exit_code() == 0
    return found


def bids_in(bundle: bytes) -> dict[str, int]:
    found: dict[str, int] = {}
    with tarfile.open(fileobj=BytesIO(bundle)) as tar:
        for member in tar:
            if member.name.startswith("tile/entries/"):
                file = tar.extractfile(member)
                assert file
                for leaf in leaves(file.read()):
                    event = json.loads(leaf.split(b"\n")[1])
                    if event["act"] == "trading.bid_placed":
                        found[event["data"]["bid_id"]] = event["data"]["sequence"]
    return found


def leaves(tile: bytes) -> list[bytes]:
    """The entries of a C2SP entry bundle: each after its length in two bytes."""
    found: list[bytes] = []
    while tile:
        length = int.from_bytes(tile[:2], "big")
        found.append(tile[2 : 2 + length])
        tile = tile[2 + length :]
    return found


async def the_bid_of(client: AsyncClient, bidder: Bidder, auction: str, maximum_minor: int) -> dict[str, Any] | None:
    """The bid with this maximum that its owner, who alone is shown it, was not told of, if it was committed."""
    bids = await all_bids(bidder.person, auction)
    answered = {bid["id"] for bid in bidder.acknowledged.values()}
    own = [bid for bid in bids if bid.get("maximum") and bid["id"] not in answered]
    return next((bid for bid in own if bid["maximum"]["minor"] == maximum_minor), None)


async def open_an_auction(market: Market) -> None:
    """The demo's own beginning, up to two bidders with deposits and an auction that outlasts the test."""
    for step in (shelves.open_market, shelves.admit_participants, shelves.bring_airports):
        await step(market)
    await shelves.grade(market, AIRPORTS)
    await shelves.register(market, AIRPORTS)
    await bidding.open_auction(market, SystemClock().now() + timedelta(minutes=10))
    await bidding.pay_in(market)
    for who in (ALPHA, BETA):
        await market.people[who].post(f"/trading/v1/auctions/{market.things['auction']}/registrations")


async def log_in_again(bidders: list[Bidder]) -> None:
    """Tokens outlive the server; nothing to do but to see that they still hold."""
    for bidder in bidders:
        assert (await bidder.person.get("/identity/v1/me"))["subject"]
