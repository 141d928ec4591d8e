"""Two sales through the door of a real server: one accepted and settled, one disputed, ruled, carried out and proved.

The money comes and goes by the custodian's own signed word, and the dispute's file is judged by a process that has
nothing but that file and the verifier.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient, Timeout
from rich.console import Console

from services.demo import deals, shelves
from services.demo.market import Market
from services.demo.people import Refused, refusal
from services.demo.shelves import AIRPORTS, AVIATION, BETA
from tests.delivery.made_files import csv_of
from tests.support.process import ServerProcess
from verifier.yaosu_verify import INCOMPLETE, TAMPERED, VERIFIED

PRICE, PAID_IN, FEE = 100_000, 400_000, 1_000
CONTENT = csv_of(["code", "runways"], [[f"ZB{letter}A", str(ord(letter) - 64)] for letter in "ABCDEF"])
HALF = {"claimant": 5_000, "respondent": 5_000}
LOOKS_MAX = 600  # for a minute, of a machine that does much else
VERIFIER = Path(__file__).parents[2] / "verifier" / "yaosu_verify.py"
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(180)]


async def test_what_a_dispute_decided_is_carried_out_and_its_file_proves_it_to_a_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shelves.data, "airports_csv", lambda: CONTENT)
    program = ("-m", "tests.support.quick_disputes")
    server = ServerProcess(tmp_path / "market", program, YAOSU_MARKET_RULES="demo")
    await server.start()
    try:
        async with AsyncClient(base_url=server.base_url, timeout=Timeout(30)) as client:
            market = Market(client, tmp_path, Console(quiet=True), looks_max=LOOKS_MAX)
            plan, listing = await an_offer(market)
            await buy(market, plan, listing)
            await deals.accept(market)
            await deals.settle(market)
            await buy(market, plan, listing)
            dispute = await decided(market)
            await carried_out(market)
            await proved(market, dispute, tmp_path)
    finally:
        await server.stop()


async def an_offer(market: Market) -> tuple[str, str]:
    """Plan and listing of a right that anyone may buy at a fixed price, and a buyer who has the money for it."""
    await shelves.open_market(market)
    for who in (AVIATION, BETA):
        await admit(market, who)
    await shelves.bring_airports(market)
    await shelves.grade(market, AIRPORTS)
    await shelves.register(market, AIRPORTS)
    provider, buyer = market.people[AVIATION], market.people[BETA]
    version_id = market.things[AIRPORTS]["version_id"]
    plan = await provider.post("/pricing/v1/plans", {
        "version_id": version_id, "mode": "raw", "kind": "one_off", "price": yuan(PRICE), "discounts": [],
    })  # fmt: skip
    listing = await provider.post("/trading/v1/listings", {
        "version_id": version_id, "mode": "raw", "pricing": "fixed", "quota_uses": 3, "plan_id": plan["id"],
        "right": {"kind": "unlimited", "field": "air_travel", "territory": "CN", "period_days": 180},
        "purposes": ["route_planning"],
    })  # fmt: skip
    await buyer.post("/trading/v1/wallet/pay-ins", {"amount": yuan(PAID_IN)})
    await until_available(market, BETA, PAID_IN)
    return plan["id"], listing["id"]


async def admit(market: Market, who: str) -> None:
    person = await shelves.admit(market, who)

    async def is_known() -> bool:
        try:
            await person.get("/trading/v1/wallet")
            await person.register_key()
        except Refused:
            return False
        return True

    await market.until(is_known, bool, f"the admission of {person.name}")


async def buy(market: Market, plan_id: str, listing_id: str) -> None:
    """Order, contract, payment and delivery."""
    buyer = market.people[BETA]
    quote = await buyer.post("/pricing/v1/quotes", {"plan_id": plan_id})
    accepted = {"quote_id": quote["id"], "quote_version": quote["version"], "total": quote["total"]}
    order = await buyer.post("/trading/v1/orders", {"listing_id": listing_id, **accepted})
    market.things["order"] = order["id"]
    await deals.sign_contract(market)
    await buyer.post(f"/trading/v1/orders/{order['id']}/payment")
    await deals.receive(market)


async def decided(market: Market) -> str:
    """A claim for the whole price, an answer, and half of it by the one who was drawn."""
    arbiter, buyer, provider = (market.people[who] for who in ("arbiter", BETA, AVIATION))
    arbiter_id = (await arbiter.get("/identity/v1/me"))["subject"]
    await market.people["security"].post("/trading/v1/arbiters", {"arbiter_id": arbiter_id, "ties": []})
    dispute = await buyer.post("/trading/v1/disputes", {
        "order_id": market.things["order"], "category": "not_as_described", "amount": yuan(PRICE),
        "statement": "字段缺失", "nonce": "1" * 64, "remedies": ["end_right"],
    })  # fmt: skip
    path = f"/trading/v1/disputes/{dispute['id']}"
    acceptance = buyer.post(f"/trading/v1/orders/{market.things['order']}/acceptance")
    assert await refusal(acceptance) == "not_due", "the money waits for the end of the dispute"
    await provider.post(f"{path}/response", {"admitted": yuan(0), "statement": "字段齐全", "nonce": "2" * 64})
    seen = await until_dispute(market, dispute["id"], {"review"})
    assert seen["panels"][0]["seated"] == [arbiter_id]
    await arbiter.post(f"{path}/ruling", {"split": HALF, "fees": HALF, "remedies": ["end_right"], "reasons": "各半"})
    assert (await until_dispute(market, dispute["id"], {"enforced"}))["outcome"]["basis"] == "ruling"
    return dispute["id"]


async def carried_out(market: Market) -> None:
    """Half of the price is back, half is shared out, both paid half a fee, the right is over, and no fen is missing."""
    buyer, path = market.people[BETA], f"/trading/v1/orders/{market.things['order']}"
    order = await market.until(lambda: buyer.get(path), lambda seen: seen["state"] == "settled", "the settlement")
    shares = {name: order["settlement"][name]["minor"] for name in ("provider", "fee", "tax", "refund")}
    assert (sum(shares.values()), shares["refund"]) == (PRICE, PRICE // 2)
    right = f"/delivery/v1/entitlements/{order['entitlement_id']}/content"
    assert await refusal(buyer.download(right)) == "entitlement_not_active"
    await until_available(market, BETA, PAID_IN - 2 * PRICE + PRICE // 2 - FEE // 2)
    balance = await market.people["regulator"].get("/trading/v1/ledger/trial-balance")
    assert set(balance["totals_minor"].values()) == {0} and not balance["drifting_accounts"]


async def proved(market: Market, dispute_id: str, folder: Path) -> None:
    """Once the log has signed all of it, and not a moment earlier; and no more, once a word of it is another."""
    path = folder / "dispute.tar"

    async def judged() -> tuple[int, dict[str, Any]]:
        path.write_bytes(await market.people[BETA].download(f"/trading/v1/disputes/{dispute_id}/bundle"))
        return await verdict(path)

    code, report = await market.until(judged, lambda found: found[0] != INCOMPLETE, "the log to sign the whole case")
    assert code == VERIFIED, report
    assert set(report["checks"].values()) == {"ok"} and "completeness of the log" in report["proven"]
    assert report["counts"]["case"] >= 6 and report["counts"]["contract"] == 2
    path.write_bytes(path.read_bytes().replace("各半".encode(), "全退".encode()))
    assert (await verdict(path))[0] == TAMPERED


async def verdict(file: Path) -> tuple[int, dict[str, Any]]:
    """Of the verifier's one file, in a process that finds nothing of ours."""
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-I", str(VERIFIER), "--json", str(file), cwd=file.parent, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await run.communicate()
    return run.returncode or 0, json.loads(said)


async def until_dispute(market: Market, dispute_id: str, states: set[str]) -> Any:
    path = f"/trading/v1/disputes/{dispute_id}"
    return await market.until(
        lambda: market.people[BETA].get(path), lambda seen: seen["state"] in states, f"the dispute to be {states}"
    )


async def until_available(market: Market, who: str, minor: int) -> None:
    await market.until(
        lambda: market.people[who].get("/trading/v1/wallet"),
        lambda seen: (seen["available"]["minor"], seen["held"]["minor"]) == (minor, 0), f"{minor} fen to be available",
    )  # fmt: skip


def yuan(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "CNY"}
