"""What deals do with money, without the deals: each act in a transaction of its own, with its facts."""

from dataclasses import dataclass, field
from typing import Any

from services.trading.actions import money
from services.trading.rules.hold import Hold
from services.trading.rules.settlement import FeeSchedule, Forfeited, forfeiture, shares
from shared.ids import AuctionId, OrderId, ParticipantId
from shared.money import Money
from tests.support.bench import Person
from tests.trading.money.till import Till

SCHEDULE = FeeSchedule(provider_fee_basis_points=250, tax_basis_points=600)


@dataclass
class Deals:
    till: Till
    provider: Person
    auction_id: AuctionId = field(default_factory=AuctionId.new)

    async def hold(self, buyer: Person, minor: int) -> Hold:
        async with self.till.treasury.database.transaction() as tx:
            now = await self.till.treasury.database.now(tx)
            hold, fact = await money.hold_deposit(tx, self.auction_id, who(buyer), Money(minor), now)
            await self._record(tx, fact)
        return hold

    async def void(self, *holds: Hold) -> None:
        async with self.till.treasury.database.transaction() as tx:
            await self._record(tx, *await money.void_holds(tx, holds, self.till.bench.clock.now()))

    async def pay(self, order_id: OrderId, buyer: Person, minor: int, hold: Hold | None = None) -> None:
        async with self.till.treasury.database.transaction() as tx:
            now = self.till.bench.clock.now()
            await self._record(tx, *await money.pay_order(tx, order_id, who(buyer), Money(minor), hold, now))

    async def settle(self, order_id: OrderId, buyer: Person, minor: int, back: int = 0) -> None:
        async with self.till.treasury.database.transaction() as tx:
            due, now = shares(Money(minor - back), SCHEDULE), self.till.bench.clock.now()
            earned = ((who(self.provider), due.provider),)
            moved = await money.settle_order(tx, order_id, who(buyer), due, Money(back), now, earned)
            await self._record(tx, *moved)

    async def refund(self, order_id: OrderId, buyer: Person, minor: int) -> None:
        async with self.till.treasury.database.transaction() as tx:
            now = self.till.bench.clock.now()
            await self._record(tx, *await money.refund_order(tx, order_id, who(buyer), Money(minor), now))

    async def forfeit(self, hold: Hold, costs: int, loss: int) -> Forfeited:
        shared = forfeiture(hold.amount, Money(costs), Money(loss))
        async with self.till.treasury.database.transaction() as tx:
            now = self.till.bench.clock.now()
            await self._record(tx, *await money.forfeit(tx, hold, who(self.provider), shared, now))
        return shared

    async def settlement(self, order_id: OrderId) -> str | None:
        async with self.till.treasury.database.read() as tx:
            return await money.settlement_of(tx, order_id)

    async def _record(self, tx: Any, *facts: Any) -> None:
        outbox = self.till.treasury.outbox
        await outbox.record(tx, outbox.itself, self.till.bench.clock.now(), *facts)


def who(person: Person) -> ParticipantId:
    assert person.participant_id
    return person.participant_id
