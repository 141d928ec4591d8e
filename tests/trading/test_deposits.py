"""Random lives of auctions: at every step each deposit is where it belongs, and no right has two awards that stand."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from services.trading.rules.auction import AUCTION, AWARDED, OPEN, SECOND_ASKED, SOLD
from services.trading.rules.hold import HELD
from services.trading.rules.order import FAILED
from services.trading.tables import deals, money
from tests.support.bench import Person
from tests.trading.lots import Lots
from tests.trading.market import AUCTION_DAYS, Market, yuan

SEEDS, AUCTIONS, BIDDERS = (4, 5), 8, 4
PAID_IN = 200_000
UNPAID = {"awaiting_signatures", "awaiting_payment"}


@dataclass
class Lives:
    """Auctions of one provider, and what people do in them. What is refused changes nothing, and is no failure."""

    market: Market
    chance: Random
    people: list[Person] = field(default_factory=list[Person])

    async def begin(self) -> None:
        self.people = [await self.market.buyer() for _ in range(BIDDERS)]
        await self.market.give_money(*self.people, minor=PAID_IN)

    async def live(self) -> None:
        """One auction from its opening to its end, with whatever may happen on the way."""
        auction_id = await self.chance.choice([self.cry_out, self.seal_and_reveal])({
            "keeps_second": self.chance.random() < 0.9,
            "reserve_price": self.chance.choice([None, None, yuan(15_000)]),
        })  # fmt: skip
        await self.follow_awards(auction_id)
        if self.chance.random() < 0.7:
            await self.answer(auction_id)
        await self.pass_time(days=self.chance.randint(1, 5))
        await self.follow_awards(auction_id)

    async def cry_out(self, terms: dict[str, Any]) -> str:
        auction_id = await self.market.auction(buy_now_price=yuan(60_000), **terms)
        await self.register(auction_id)
        if self.chance.random() < 0.1:
            await self.say(self.someone, auction_id, "buy-now")
        for _ in range(self.chance.randint(0, 12)):
            bid = {"maximum": yuan(self.chance.randrange(10_000, 40_000, 1_000))}
            await self.say(self.someone, auction_id, "bids", bid)
        if self.chance.random() < 0.1:
            await self.call_off(auction_id)
        await self.pass_time(days=AUCTION_DAYS)
        return auction_id

    async def seal_and_reveal(self, terms: dict[str, Any]) -> str:
        """Some seal nothing, some reveal nothing, or too late."""
        lots = Lots(self.market)
        auction_id = await lots.opened(self.chance.choice(["sealed_first", "sealed_second"]), **terms)
        await self.register(auction_id)
        offers = {who: self.chance.randrange(9_000, 30_000, 3_000) for who in self.people if self.chance.random() < 0.9}
        for who, minor in offers.items():
            await lots.seal(who, auction_id, minor)
        await self.pass_time(days=AUCTION_DAYS)
        for who, minor in offers.items():
            if self.chance.random() < 0.9:
                await lots.reveal(who, auction_id, minor)
        await self.pass_time(days=1)
        return auction_id

    async def register(self, auction_id: str) -> None:
        for who in self.chance.sample(self.people, self.chance.randint(2, BIDDERS)):
            await self.say(who, auction_id, "registrations")

    async def call_off(self, auction_id: str) -> None:
        await self.market.post(self.market.provider, f"/auctions/{auction_id}/cancel")
        for path in ("cancellation", "cancellation/confirmation"):
            await self.say(self.market.bench.staff("operator_business"), auction_id, path, {"ground": "collusion"})

    async def answer(self, auction_id: str) -> None:
        """Everyone says something: only whoever is asked is heard."""
        for who in self.people:
            await self.say(who, auction_id, f"second-award/{self.chance.choice(['acceptance', 'refusal'])}")

    async def follow_awards(self, auction_id: str) -> None:
        """Whoever has an order of it signs, or does not; pays, or does not; and then its deadlines pass."""
        for who in self.people:
            for order in (await self.market.read(who, "/orders"))["items"]:
                if order["auction_id"] == auction_id and order["state"] in UNPAID:
                    for signer in (who, self.market.provider)[self.chance.choice([0, 0, 0, 0, 1, 2]) :]:
                        await self.market.sign(signer, order["contract_id"])
                    if self.chance.random() < 0.6:
                        await self.market.post(who, f"/orders/{order['id']}/payment")
        await assert_sound(self.market)
        await self.pass_time(days=5)

    async def pass_time(self, days: int) -> None:
        await self.market.advance(days=days)
        await assert_sound(self.market)

    @property
    def someone(self) -> Person:
        return self.chance.choice(self.people)

    async def say(self, who: Person, auction_id: str, path: str, body: object = None) -> None:
        await self.market.post(who, f"/auctions/{auction_id}/{path}", body)
        await assert_sound(self.market)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_happens_no_deposit_is_left_behind_and_one_award_stands(market: Market, seed: int):
    lives = Lives(market, Random(seed))
    await lives.begin()
    for _ in range(AUCTIONS):
        await lives.live()
    for _ in range(3):
        await lives.pass_time(days=8)
    await assert_at_rest(market, lives.people)
    acts = ("award_confirmed", "second_asked", "award_failed", "deposit_forfeited")
    assert all([await market.facts(act) for act in acts]), "it was no idle life"


async def assert_sound(market: Market) -> None:
    async with market.trading.database.read() as tx:
        auctions = {row.id: row for row in await tx.execute(select(*deals.auctions.c))}
        orders = list(await tx.execute(select(*deals.orders.c)))
        held = list(await tx.execute(select(*money.holds.c).where(money.holds.c.state == HELD)))
    for hold in held:
        auction = auctions[hold.auction_id]
        bound = {order.buyer_id for order in orders if order.auction_id == auction.id and order.state in UNPAID}
        if auction.state in {AWARDED, SECOND_ASKED}:
            bound.add(auction.second_id)
        assert auction.state == OPEN or hold.participant_id in bound, (auction.state, auction.reason_code)
    for auction in auctions.values():
        standing = [order for order in orders if order.auction_id == auction.id and order.state not in FAILED]
        assert len(standing) <= 1, "one award at a time"
        if auction.state in {OPEN, SECOND_ASKED}:
            assert not standing
        if auction.state == AWARDED:
            assert [order.buyer_id for order in standing] == [auction.leader_id] and standing[0].state in UNPAID
        if auction.state == SOLD and auction.failed_at is None and standing:
            assert standing[0].buyer_id == auction.leader_id
    auditor = market.bench.staff("operator_audit")
    told = await market.read(auditor, "/ledger/trial-balance")
    assert (set(told["totals_minor"].values()) <= {0}, told["drifting_accounts"]) == (True, [])


async def assert_at_rest(market: Market, people: list[Person]) -> None:
    """After every deadline nothing is held, and what anyone lost they paid for, or forfeited."""
    async with market.trading.database.read() as tx:
        assert list(await tx.scalars(select(money.holds.c.id).where(money.holds.c.state == HELD))) == []
        open_ones = select(deals.auctions.c.id).where(deals.auctions.c.state.in_(AUCTION.open_states()))
        assert list(await tx.scalars(open_ones)) == []
    forfeited = await market.facts("deposit_forfeited")
    for who in people:
        spent = sum(
            order["price"]["minor"] for order in (await market.read(who, "/orders"))["items"]
            if order["state"] in {"settled", "settling"}
        )  # fmt: skip
        lost = sum(told["amount"]["minor"] for told in forfeited if told["participant_id"] == who.participant_id)
        assert await market.wallet(who) == (PAID_IN - spent - lost, 0)
