"""Disputes among sales, acceptances and a custodian that misbehaves: at rest every fen is where it belongs.

One run on each kind of database; as many as `YAOSU_INTERLEAVINGS` says where someone wants to be surer.
"""

import os
from dataclasses import dataclass, field
from random import Random
from typing import Any, get_args

import pytest
from httpx2 import Response

from services.custodian_documents import Fault, Kind
from shared.ids import PlanId
from tests.support.bench import Person
from tests.trading.dispute.court import Court, a_court, a_sale, pay_in
from tests.trading.market import Market

RUNS, STEPS = int(os.environ.get("YAOSU_INTERLEAVINGS", "1")), 30
ORDERS = 4
TERMINAL = {"settled", "refunded"}
ZERO: dict[str, Any] = {"refund": {"minor": 0}}
pytestmark = pytest.mark.timeout(300 * max(1, RUNS // 3))


@dataclass
class Chance:
    court: Court
    random: Random
    orders: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    disputes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    done: set[str] = field(default_factory=set[str])

    @property
    def market(self) -> Market:
        return self.court.market

    def anyone(self) -> Person:
        return self.random.choice([self.court.buyer, self.court.provider])

    async def act(self) -> None:
        acts = ("claim", "claim_late", "claim_late", "use", "accept", "refund", "respond", "respond", "respond",
                "evidence", "settle", "withdraw", "rule", "rule", "rule", "appeal", "appeal", "hours", "deadline",
                "deadline", "fault", "tick")  # fmt: skip
        name = self.random.choice(acts)
        if await getattr(self, name)():
            self.done.add(name)

    async def claim(self) -> bool:
        answer = await self._claim(self.random.choice(self.orders))
        if answer.is_success:
            self.disputes.append(answer.json())
        return answer.is_success

    async def claimed(self, order: dict[str, Any]) -> dict[str, Any]:
        answer = await self._claim(order)
        assert answer.is_success, answer.text
        return answer.json()

    async def _claim(self, order: dict[str, Any]) -> Response:
        self.court.order = order
        amount = self.random.choice([1, order["price"]["minor"] // 3, order["price"]["minor"]])
        return await self.court.try_open(amount, self.anyone())

    async def claim_late(self) -> bool:
        """What of a settled price has not gone back; the provider, who has it, asks for the right to end."""
        order = await self.market.order(self.court.buyer, self.random.choice(self.orders))
        if order["state"] != "settled":
            return False
        self.court.order, who = order, self.anyone()
        gone = order["returned"]["minor"] + order["settlement"]["refund"]["minor"]
        left = order["price"]["minor"] - gone if who is self.court.buyer else 0
        answer = await self.court.try_open(self.random.choice([left, left // 2]), who)
        if answer.is_success:
            self.disputes.append(answer.json())
        return answer.is_success

    async def refund(self) -> bool:
        body = {"amount": {"minor": self.random.choice([1, 3_000]), "currency": "CNY"}, "reason": "与说明不符"}
        path = f"/orders/{self.random.choice(self.orders)['id']}/refunds"
        return (await self.market.post(self.market.provider, path, body)).is_success

    async def use(self) -> bool:
        return (await self.market.use(self.court.buyer, self.random.choice(self.orders))).is_success

    async def accept(self) -> bool:
        path = f"/orders/{self.random.choice(self.orders)['id']}/acceptance"
        return (await self.market.post(self.court.buyer, path)).is_success

    async def respond(self) -> bool:
        dispute = self.one()
        return (
            dispute is not None
            and (await self.court.respond(dispute, self.random.randint(0, 1), self.anyone())).is_success
        )

    async def evidence(self) -> bool:
        dispute, body = self.one(), {"kind": "document", "content": f"证据 {self.random.random()}"}
        return (
            dispute is not None
            and (await self.market.post(self.anyone(), f"/disputes/{dispute['id']}/evidence", body)).is_success
        )

    async def settle(self) -> bool:
        dispute = self.one()
        share = self.random.choice([0, 3_333])
        return dispute is not None and (await self.court.settle(self.anyone(), dispute, share)).is_success

    async def withdraw(self) -> bool:
        dispute = self.one()
        return dispute is not None and (await self.court.withdraw(self.anyone(), dispute)).is_success

    async def rule(self) -> bool:
        dispute = self.one()
        if dispute is None:
            return False
        seen = await self.court.see(dispute)
        if not seen["panels"] or not self.court.seated(seen):
            return False
        arbiter = self.random.choice(self.court.seated(seen))
        return (await self.court.rule(arbiter, dispute, self.random.choice([1_111, 5_000, 10_000]))).is_success

    async def appeal(self) -> bool:
        dispute = self.one()
        return dispute is not None and (await self.court.appeal(self.anyone(), dispute)).is_success

    async def hours(self) -> bool:
        await self.market.advance(hours=self.random.randint(1, 9))
        return True

    async def deadline(self) -> bool:
        dispute = self.one()
        if dispute is None or (await self.court.see(dispute))["deadline"] is None:
            return False
        await self.court.pass_deadline(dispute)
        return True

    async def fault(self) -> bool:
        self.market.custodian.faults.append((self.random.choice(get_args(Kind)), self.random.choice(get_args(Fault))))
        return True

    async def tick(self) -> bool:
        await self.market.tick()
        return True

    def one(self) -> dict[str, Any] | None:
        return self.random.choice(self.disputes) if self.disputes else None

    async def come_to_rest(self) -> None:
        """Nobody does anything any more; a person looks at what is parked, and time passes."""
        operator = self.market.bench.staff("operator_business")
        self.market.custodian.faults.clear()
        states = set[str]()
        for _ in range(30):
            for each in (await self.market.read(operator, "/instructions?limit=100"))["items"]:
                await self.market.do(operator, f"/instructions/{each['id']}/resume", {"reason": "查过了"})
            states = {(await self.market.order(self.court.buyer, each))["state"] for each in self.orders}
            waiting = {(await self.court.see(each))["next_actor"] for each in self.disputes} - {None}
            parked = (await self.market.read(operator, "/instructions?limit=100"))["items"]
            if states <= TERMINAL and not parked and not waiting:
                return
            await self.market.advance(days=8)
            await self.market.custodian.deliver()
            await self.market.tick()
        raise AssertionError(f"something does not end: {states}")


@pytest.mark.parametrize("seed", range(RUNS))
async def test_at_rest_every_fen_of_every_order_is_where_it_belongs(market: Market, seed: int):
    court = await a_court(market, arbiters=9)
    chance = Chance(court, Random(seed), [court.order])
    await pay_in(market, court.buyer, market.provider, minor=1_000_000)
    listing = await market.listing(kind="unlimited", plan_id=PlanId.new())
    prices = [chance.random.choice([3_333, 10_001, 99_999]) for _ in range(ORDERS - 1)]
    chance.orders += [await a_sale(market, court.buyer, listing, price) for price in prices]
    for order in chance.orders[1:]:
        chance.disputes.append(await chance.claimed(order))
    for _ in range(STEPS):
        await chance.act()
        assert await court.totals() == ({"CNY": 0}, [])
    await chance.come_to_rest()
    assert len(chance.done) > 4, "it was no idle day"
    for order in chance.orders:
        court.order = order
        seen = await market.order(court.buyer, order)
        assert seen["state"] in TERMINAL and await court.escrow() == 0
        assert seen["returned"]["minor"] <= seen["price"]["minor"] - (seen["settlement"] or ZERO)["refund"]["minor"]
        if told := seen["settlement"]:
            shares = sum(told[part]["minor"] for part in ("refund", "provider", "fee", "tax"))
            assert shares == told["price"]["minor"]
    for dispute in chance.disputes:
        seen = await court.see(dispute)
        assert (seen["deadline"], seen["next_actor"]) == (None, None)
        if outcome := seen["outcome"]:
            assert outcome["claimant"]["minor"] + outcome["respondent"]["minor"] == seen["disputed"]["minor"]
    assert await court.held() == 0 and await court.totals() == ({"CNY": 0}, [])
    wallets = [await market.wallet(who) for who in (court.buyer, court.provider)]
    assert all(held == 0 for _, held in wallets)
