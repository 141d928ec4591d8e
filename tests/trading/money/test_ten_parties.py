"""Ten parties over HTTP, in any order, with a custodian that misbehaves: whatever happens, the books agree.

They buy, sell, pay in and out, give back, object, claim, argue, end contracts and are frozen. `YAOSU_STEPS` and
`YAOSU_SEEDS` say how long and how often, `YAOSU_FIRST` which seed is the first; a seed that fails is the whole report.
"""

import base64
import os
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, get_args
from uuid import uuid4

import pytest
from httpx2 import Response
from pydantic_core import to_json

from services.custodian_documents import Fault, Kind
from services.custodian_sandbox import CALLBACKS
from shared.ids import InstructionId, PlanId, UseId
from tests.support.bench import Person
from tests.trading.market import KEY, Market, code, yuan
from tests.trading.money.books import ENDED, books_of
from tests.trading.money.quarrels import INSPECTED, Deal, Quarrels

STEPS = int(os.environ.get("YAOSU_STEPS", "150"))
FIRST = int(os.environ.get("YAOSU_FIRST", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("YAOSU_SEEDS", "1")))
pytestmark = pytest.mark.timeout(120 + 3 * STEPS)
LOOK_EVERY = max(100, STEPS // 10)
QUARRELS = ("object_to", "object_to", "claim", "claim", "end", "freeze", "credit")
ACTS = (
    *("pay_in",) * 2, *("place",) * 5, *("go_on",) * 18, *("refund",) * 3, *("pay_out",) * 2, *("tick",) * 2, "sign",
    "pay", "deliver", "accept", "fault", "callback", "late", *("argue",) * 5, *QUARRELS,
)  # fmt: skip
NO_IDLE_DAY = ("order_settled", "order_returned", "order_ended", "pay_in_confirmed", "order_metered")
LONG = 2_000  # steps after which it would be strange if something had never happened
NO_QUIET_YEAR = (
    "dispute_ruled", "order_divided", "arbitration_fee_charged", "objection_ended", "termination_answered",
    "freeze_expired", "receivable_collected", "instruction_resumed",
)  # fmt: skip
RIGHT = {"kind": "unlimited", "field": "air_travel", "territory": "CN", "period_days": 20}
UNITS_MAX, TURNS_MAX = 4, 40
ANSWERS, TOO_MUCH = {200, 201, 401, 403, 404, 409, 503}, {"not_the_claim", "beyond_the_claim"}


@dataclass
class Run:
    market: Market
    random: Random
    sellers: list[Person]
    buyers: list[Person]
    listings: list[tuple[Person, dict[str, Any], PlanId]] = field(default_factory=list[Any])
    orders: list[Deal] = field(default_factory=list[Deal])
    done: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self.quarrels = Quarrels(self.market, self.random)

    async def step(self) -> None:
        act = self.random.choice(ACTS)
        answer = await (self.quarrel(act) if act in QUARRELS else getattr(self, act)())
        if isinstance(answer, Response):
            assert answer.status_code in ANSWERS or code(answer)[1] in TOO_MUCH, (act, answer.status_code, answer.text)
            if answer.is_success and act not in QUARRELS:
                self.done[act] += 1

    async def open(self) -> None:
        """Each seller lists once; half of them share what they get with another."""
        for place, seller in enumerate(self.sellers):
            self.market.provider, plan_id = seller, PlanId.new()
            other = self.sellers[place - 1].participant_id
            weights = {seller.participant_id: 6_667, other: 3_333} if place % 2 else {}
            owners = [{"participant_id": who, "basis_points": weight} for who, weight in weights.items()] or None
            offer: dict[str, Any] = {"quota_uses": 50, "right": RIGHT, "co_owners": owners}
            if place in {2, 3}:
                offer["acceptance"] = INSPECTED
            listing = await self.market.list_it(plan_id=plan_id, **offer)
            self.listings.append((seller, listing.json(), plan_id))

        for each in (*self.sellers, *self.buyers):
            await self.market.do(each, "/wallet/pay-ins", {"amount": yuan(80_000)})
        await self.quarrels.appoint()

    async def quarrel(self, act: str, about: Deal | None = None) -> Response | None:
        about = about or (self._an_order() if act != "credit" else self.random.choice(self.orders or [None]))
        answer = await getattr(self.quarrels, act)(about) if about else None
        if answer and answer.is_success:
            self.done[act] += 1
        return answer

    async def argue(self) -> Response | None:
        return await self.quarrels.argue()

    async def pay_in(self) -> Response:
        who = self.random.choice(self.buyers)
        return await self.market.post(who, "/wallet/pay-ins", {"amount": yuan(self.random.randint(1, 60_000))})

    async def pay_out(self) -> Response:
        """All that someone has, mostly: so that a later refund finds nothing."""
        who = self.random.choice(self.sellers * 3 + self.buyers)
        available, _ = await self.market.wallet(who)
        minor = available if available and self.random.random() < 0.7 else self.random.randint(1, 20_000)
        return await self.market.post(who, "/wallet/payouts", {"amount": yuan(minor)})

    async def place(self) -> Response:
        seller, listing, plan_id = self.random.choice(self.listings)
        buyer, minor = self.random.choice(self.buyers), self.random.choice([0, 1, 20, 999, *range(10_000, 10_007)])
        assert buyer.participant_id
        measured: dict[str, Any] = {}
        if self.random.random() < 0.4:
            unit_minor = minor // UNITS_MAX + 1
            minor = UNITS_MAX * unit_minor
            tiers = [{"up_to": None, "unit_price": yuan(unit_minor)}]
            meter = {"tiers": tiers, "discounts": [], "tax_basis_points": 600, "tax_inclusive": True, "currency": "CNY"}
            measured = {"meter": meter | {"units_max": UNITS_MAX}, "quantity": UNITS_MAX, "quota_uses": UNITS_MAX}
        quote = self.market.neighbours.quote(buyer.participant_id, listing["version_id"], plan_id, minor, **measured)
        asked = {"listing_id": listing["id"], "quote_id": quote.id, "quote_version": 1, "total": yuan(minor)}
        answer = await self.market.post(buyer, "/orders", asked)
        if answer.is_success:
            self.orders.append((seller, buyer, answer.json()))
        return answer

    async def go_on(self) -> Response | None:
        """What an order waits for now."""
        going_on = [place for place, (_, _, told) in enumerate(self.orders) if told["state"] not in ENDED]
        if not going_on:
            return None
        place = self.random.choice(going_on[-6:])
        seller, buyer, told = self.orders[place]
        told = await self.market.order(buyer, told)
        self.orders[place] = seller, buyer, told
        match told["state"]:
            case "awaiting_signatures":
                await self.market.sign(seller, told["contract_id"])
                return await self.market.sign(buyer, told["contract_id"])
            case "awaiting_payment":
                return await self._twice(buyer, f"/orders/{told['id']}/payment")
            case "awaiting_delivery":
                return await self.market.use(buyer, told, UseId.new())
            case "awaiting_acceptance" if told["meter"] and told["metered_units"] is None:
                if self.random.random() < 0.4:
                    return await self.market.use(buyer, told, UseId.new())
                return await self._twice(buyer, f"/orders/{told['id']}/meter/closing")
            case "awaiting_acceptance" if self.random.random() < 0.5:
                return await self.quarrel(self.random.choice(["object_to", "claim", "claim"]), self.orders[place])
            case "objected" | "answered":
                return await self.quarrels.object_to(self.orders[place])
            case "disputed":
                return await self.quarrels.argue()
            case "awaiting_acceptance":
                return await self._twice(buyer, f"/orders/{told['id']}/acceptance")
            case _:
                return None

    async def sign(self) -> Response | None:
        if order := self._an_order():
            seller, buyer, told = order
            return await self.market.sign(self.random.choice([seller, buyer]), told["contract_id"])

    async def pay(self) -> Response | None:
        if order := self._an_order():
            return await self._twice(order[1], f"/orders/{order[2]['id']}/payment")

    async def deliver(self) -> Response | None:
        if order := self._an_order():
            told = await self.market.order(order[1], order[2])
            return await self.market.use(order[1], told, UseId.new()) if told["entitlement_id"] else None

    async def accept(self) -> Response | None:
        if order := self._an_order():
            return await self._twice(order[1], f"/orders/{order[2]['id']}/acceptance")

    async def refund(self) -> Response | None:
        paid = [order for order in self.orders if order[2]["settlement"] and order[2]["price"]["minor"]]
        if paid or self.orders:
            order = self.random.choice(paid if paid and self.random.random() < 0.8 else self.orders)
            minor = self.random.choice([1, 7, self.random.randint(1, 12_000), max(1, order[2]["price"]["minor"])])
            who = self.random.choice([order[0], order[0], order[0], self.random.choice(self.sellers)])
            body = {"amount": yuan(minor), "reason": "与说明不符"}
            return await self._twice(who, f"/orders/{order[2]['id']}/refunds", body)

    async def fault(self) -> None:
        self.market.custodian.faults.append((self.random.choice(get_args(Kind)), self.random.choice(get_args(Fault))))

    async def callback(self) -> Response | None:
        """As the custodian sent it or never did: the same again, about something else, or by somebody else."""
        known = list(self.market.custodian.orders.values())
        if not known:
            return None
        order = self.random.choice(known)
        change = self.random.choice(["same", "amount", "payer", "unknown", "forged", "stale"])
        minor = order.asked.amount.minor + (1 if change == "amount" else 0)
        event_id = f"event_{order.asked.id}" if self.random.random() < 0.5 else f"event_{uuid4().hex}"
        body = to_json({
            "event_id": event_id, "instruction_id": InstructionId.new() if change == "unknown" else order.asked.id,
            "state": "confirmed", "amount": yuan(minor), "payer": "someone" if change == "payer" else order.asked.payer,
            "parts": order.asked.parts,
        })  # fmt: skip
        age = 301 if change == "stale" else 0
        timestamp = str(int(self.market.bench.clock.now().timestamp()) - age)
        signed = f"{timestamp}.{event_id}.".encode() + (b"{}" if change == "forged" else body)
        headers = {
            "Content-Type": "application/json", "Custodian-Timestamp": timestamp, "Custodian-Event": event_id,
            "Custodian-Signature": base64.b64encode(KEY.sign(signed)).decode(),
        }  # fmt: skip
        answer = await self.market.bench.directory.connection("trading").post(CALLBACKS, content=body, headers=headers)
        if change in {"forged", "stale"}:
            assert answer.status_code == 401, answer.text
        return answer

    async def tick(self) -> None:
        await self.market.tick()

    async def late(self) -> None:
        await self.market.advance(minutes=self.random.choice([*self.random.sample(range(1, 90), 3), 1_440]))
        await self.market.custodian.deliver()

    async def come_to_rest(self) -> None:
        """No more faults and no more wishes: time passes, and a person looks at whatever is parked."""
        operator = self.market.bench.staff("operator_business")
        self.market.custodian.faults.clear()
        for _ in range(TURNS_MAX):
            if (await books_of(self.market)).is_at_rest:
                return
            for each in (await self.market.read(operator, "/instructions?limit=100"))["items"]:
                path = f"/instructions/{each['id']}/resume"
                resumed = await self.market.post(operator, path, {"reason": "looked into"})
                assert resumed.is_success or code(resumed) in {(409, "order_frozen"), (409, "frozen")}, resumed.text
            await self.market.advance(days=5)
            await self.market.custodian.deliver()
            await self.market.tick()

    async def _twice(self, who: Person, path: str, body: object = None) -> Response:
        """Sometimes sent again under its key: with the same answer, and once the same effect."""
        key = uuid4().hex
        answer = await self.market.post(who, path, body, key)
        if self.random.random() < 0.3 and answer.is_success:
            again = await self.market.post(who, path, body, key)
            assert (again.status_code, again.json()) == (answer.status_code, answer.json())
        return answer

    def _an_order(self) -> Deal | None:
        """Mostly a recent one, so that orders get somewhere."""
        recent = self.orders[-8:] if self.random.random() < 0.7 else self.orders
        return self.random.choice(recent) if recent else None


@pytest.mark.parametrize("server, seed", [
    (("sqlite", "postgresql")[seed % 2], seed) for seed in SEEDS
], indirect=["server"])  # fmt: skip
async def test_ten_parties_in_any_order_lose_no_fen(market: Market, seed: int):
    sellers = [await market.bench.member("provider", signs=True) for _ in range(5)]
    buyers = [await market.bench.member("buyer", signs=True) for _ in range(5)]
    run = Run(market, Random(seed), sellers, buyers)
    await run.open()
    for step in range(1, STEPS + 1):
        await run.step()
        if step % LOOK_EVERY == 0:
            (await books_of(market)).check()
    await run.come_to_rest()
    (await books_of(market)).check_at_rest()
    facts = Counter([event.act.removeprefix("trading.") for event in (await books_of(market)).log])
    print(f"seed {seed}, {STEPS} steps: {dict(run.done)}, {dict(facts)}")
    expected = NO_IDLE_DAY if STEPS < LONG else NO_IDLE_DAY + NO_QUIET_YEAR
    assert min(facts[act] for act in expected) > 0, facts
    assert facts["statement_compared"] > facts["statement_differed"] == 0
