"""One settlement, and all that is said of it: whatever comes first, second or at once, it is settled once."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import pytest

from services.trading.actions import custody
from services.trading.rules import ledger
from services.trading.store import instruction as instruction_store
from shared.ids import OrderId
from tests.support.bench import Person
from tests.trading.money.deals import Deals, who
from tests.trading.money.test_callbacks import CALLBACKS, Sent
from tests.trading.money.till import Till, yuan

PRICE, PROVIDERS_SHARE = 1000, 974
ARRIVALS = ("poll", "callback", "callback", "another callback", "lie")


@dataclass
class Settling:
    """An order whose price the custodian has shared out, without having said so yet."""

    till: Till
    order_id: OrderId
    instruction_id: str

    async def arrive(self, arrival: str) -> None:
        if arrival == "poll":
            self.till.bench.clock.advance(seconds=10)
            await custody.work_instructions(self.till.treasury)
            return
        asked = self.till.custodian.orders[self.instruction_id].asked
        told = {
            "event_id": f"{arrival}-{self.instruction_id}".replace(" ", "-"), "instruction_id": self.instruction_id,
            "state": "confirmed", "payer": asked.payer, "amount": yuan(PRICE + (arrival == "lie")),
            "parts": [part.model_dump() for part in asked.parts],
        }  # fmt: skip
        moment = str(int(self.till.bench.clock.now().timestamp()))
        sent = Sent(json.dumps(told).encode(), moment, str(told["event_id"]))
        answer = await self.till.bench.ask("POST", None, CALLBACKS, headers=sent.headers(), content=sent.body)
        assert answer.status_code == (409 if arrival == "lie" else 200), answer.text


async def settling(deals: Deals, buyer: Person) -> Settling:
    order_id = OrderId.new()
    await deals.till.fault("split", "lost")
    await deals.pay(order_id, buyer, PRICE)
    await deals.settle(order_id, buyer, PRICE)
    await deals.till.tick()
    async with deals.till.treasury.database.read() as tx:
        given = await instruction_store.standing(tx, f"end:{order_id}")
    assert given
    return Settling(deals.till, order_id, given.id)


async def assert_settled_once(deals: Deals, all_of_them: Sequence[Settling]) -> None:
    for each in all_of_them:
        assert await deals.settlement(each.order_id) == "confirmed"
        assert (await deals.till.balance(ledger.escrow(each.order_id, "CNY"))).posted == 0
    confirmed = [each["instruction_id"] for each in await deals.till.facts("instruction_confirmed")]
    assert sorted(confirmed) == sorted(each.instruction_id for each in all_of_them)
    provider = await deals.till.balance(ledger.wallet(who(deals.provider), "CNY"))
    assert provider.posted == PROVIDERS_SHARE * len(all_of_them)
    parked = [each["instruction_id"] for each in await deals.till.facts("instruction_parked")]
    alarms = [each["instruction_id"] for each in await deals.till.facts("custodian_contradicted")]
    assert sorted(parked + alarms) == sorted(confirmed), "each lie is told of, before or after the truth"
    await deals.till.bench.refresh()
    await deals.till.check_books()


@pytest.mark.timeout(300)
async def test_in_whatever_order_its_news_arrives_a_sale_is_settled_once(till: Till):
    deals, buyer = Deals(till, await till.bench.member("provider")), await till.bench.member("buyer")
    orders = sorted(set(permutations(ARRIVALS)))
    await till.fund(buyer, PRICE * len(orders))
    tried = list[Settling]()
    for arrivals in orders:
        tried.append(await settling(deals, buyer))
        for arrival in arrivals:
            await tried[-1].arrive(arrival)
    await assert_settled_once(deals, tried)


async def test_when_all_news_arrives_at_once_a_sale_is_settled_once(till: Till):
    deals, buyer = Deals(till, await till.bench.member("provider")), await till.bench.member("buyer")
    await till.fund(buyer, PRICE * 5)
    tried = [await settling(deals, buyer) for _ in range(5)]
    await asyncio.gather(*(each.arrive(arrival) for each in tried for arrival in ARRIVALS))
    await assert_settled_once(deals, tried)
