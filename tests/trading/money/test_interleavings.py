"""Everything at once, in any order, with a custodian that misbehaves: and at rest, both books agree."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, get_args

import pytest

from services.custodian_documents import Fault, Kind
from services.trading.rules import ledger
from services.trading.rules.hold import Hold
from shared.errors import Conflict
from shared.facts import Event
from shared.ids import AuctionId, OrderId
from tests.support.bench import Person
from tests.trading.money.deals import Deals, who
from tests.trading.money.till import Till, yuan

STEPS = 90
ACTS = ("pay_in",) * 4 + ("hold",) * 3 + ("void", "pay", "pay", "settle", "settle", "refund", "forfeit", "pay_out",
        "fault", "fault", "tick", "tick", "late")  # fmt: skip


@dataclass
class Chance:
    """Draws an act and everything about it; what the ledger refuses with a conflict has not happened."""

    till: Till
    provider: Person
    buyers: list[Person]
    random: Random
    holds: list[tuple[Deals, Hold, Person]] = field(default_factory=list[tuple[Deals, Hold, Person]])
    paid: list[tuple[OrderId, Person, int]] = field(default_factory=list[tuple[OrderId, Person, int]])

    async def act(self) -> None:
        name = self.random.choice(ACTS)
        try:
            await getattr(self, name)(self.random.choice(self.buyers), self.random.randint(1, 400))
        except Conflict:
            pass

    async def pay_in(self, buyer: Person, minor: int) -> None:
        await self.till.pay_in(buyer, minor)

    async def pay_out(self, buyer: Person, minor: int) -> None:
        person = self.random.choice([buyer, self.provider])
        await self.till.bench.post(person, "/trading/v1/wallet/payouts", {"amount": yuan(minor)})

    async def hold(self, buyer: Person, minor: int) -> None:
        deals = Deals(self.till, self.provider, AuctionId.new())
        self.holds.append((deals, await deals.hold(buyer, minor), buyer))

    async def void(self, _: Person, __: int) -> None:
        if self.holds:
            deals, hold, _ignored = self.random.choice(self.holds)  # also one that has ended: that must be refused
            await deals.void(hold)

    async def forfeit(self, _: Person, minor: int) -> None:
        if self.holds:
            deals, hold, _ignored = self.random.choice(self.holds)
            await deals.forfeit(hold, minor // 10, minor)

    async def pay(self, buyer: Person, minor: int) -> None:
        order_id, hold, deals = OrderId.new(), None, Deals(self.till, self.provider)
        if self.holds and self.random.random() < 0.5:
            deals, hold, buyer = self.random.choice(self.holds)
        await deals.pay(order_id, buyer, minor, hold)
        self.paid.append((order_id, buyer, minor))

    async def settle(self, _: Person, __: int) -> None:
        if self.paid:
            await Deals(self.till, self.provider).settle(*self.random.choice(self.paid))

    async def refund(self, _: Person, __: int) -> None:
        if self.paid:
            await Deals(self.till, self.provider).refund(*self.random.choice(self.paid))

    async def fault(self, _: Person, __: int) -> None:
        await self.till.fault(self.random.choice(get_args(Kind)), self.random.choice(get_args(Fault)))

    async def tick(self, _: Person, __: int) -> None:
        await self.till.tick()

    async def late(self, _: Person, __: int) -> None:
        self.till.bench.clock.advance(minutes=self.random.randint(1, 90))
        await self.till.bench.refresh()
        await self.till.custodian.deliver()

    async def come_to_rest(self) -> None:
        """No more faults; time passes, and a person looks at whatever is parked."""
        operator = self.till.bench.staff("operator_business")
        self.till.custodian.faults.clear()
        for _ in range(4):
            parked = (await self.till.bench.get(operator, "/trading/v1/instructions?limit=100")).json()["items"]
            for each in parked:
                path = f"/trading/v1/instructions/{each['id']}/resume"
                assert (await self.till.bench.post(operator, path, {"reason": "looked into"})).status_code == 200
            self.till.bench.clock.advance(days=1)
            await self.till.bench.refresh()
            await self.till.custodian.deliver()
            await self.till.tick()


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_in_whatever_order_both_books_agree_at_rest(till: Till, seed: int):
    chance = Chance(
        till, await till.bench.member("provider"), [await till.bench.member("buyer") for _ in range(3)], Random(seed)
    )
    for step in range(STEPS):
        await chance.act()
        if step % 30 == 0:
            await assert_sound(till)
    await chance.come_to_rest()
    await assert_sound(till)
    ended = [(order_id, buyer) for order_id, buyer, _ in chance.paid]
    states = {order_id: await Deals(till, chance.provider).settlement(order_id) for order_id, _ in ended}
    assert set(states.values()) <= {None, "confirmed"}
    await till.check_books({order_id: who(buyer) for order_id, buyer in ended if states[order_id] is None})
    assert len(await till.facts("pay_in_confirmed")) > 5  # it was no idle day
    told = wallets_of(await till.events())
    for person in (chance.provider, *chance.buyers):
        assert (await till.balance(ledger.wallet(who(person), "CNY"))).posted == told[who(person)]


def wallets_of(log: list[Event]) -> Counter[str]:
    """What each wallet came to hold for good, by the facts alone."""
    wallets, parts = Counter[str](), dict[str, list[dict[str, Any]]]()
    for event in log:
        data, act = event.data, event.act.removeprefix("trading.")
        if act == "instruction_given":
            parts[data["instruction_id"]] = data["parts"]
        elif act == "instruction_confirmed" and data["kind"] == "split":
            for part in parts[data["instruction_id"]]:
                wallets[part["payee"]] += part["amount"]["minor"]
        elif act in {"pay_in_confirmed", "escrow_refunded"}:
            wallets[data["participant_id"]] += data["amount"]["minor"]
        elif act in {"escrow_paid", "deposit_forfeited"} or data.get("kind") == "payout" and act.endswith("confirmed"):
            wallets[data["participant_id"]] -= data["amount"]["minor"]
    return wallets


async def assert_sound(till: Till) -> None:
    """At any moment, not only at rest: the sums are zero, and no account drifts from its transfers."""
    told = (await till.bench.get(till.bench.staff("operator_audit"), "/trading/v1/ledger/trial-balance")).json()
    assert (set(told["totals_minor"].values()) <= {0}, told["drifting_accounts"]) == (True, [])
