"""What is owed for a service after its price was shared out: it goes back once, by whoever can pay, and never twice."""

import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from services.trading.actions import credit as actions
from services.trading.tables.credits import credits
from services.trading.tables.returns import returns
from shared.ids import CreditId
from tests.support.bench import Person
from tests.trading.freezing import frozen, lifted
from tests.trading.market import Market, code, yuan
from tests.trading.money.books import books_of
from tests.trading.money.test_races import RACERS, come_to_rest, raced
from tests.trading.money.test_refunds_over_http import fill_reserve, pay_out, refund, reserve_of
from tests.trading.test_co_owner import named, sold
from tests.trading.test_credits import HAD, PRICE, WEEK, a_service, missed

ON_SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
OWED = WEEK // 2


async def an_accepted(market: Market) -> tuple[Person, dict[str, Any]]:
    """A buyer who accepted a service of four weeks at once, after its second week."""
    buyer, order = await a_service(market)
    await market.do(buyer, f"/orders/{order['id']}/acceptance")
    await market.advance(days=14)
    return buyer, order


async def claimed(market: Market, buyer: Person, order: dict[str, Any], period: int = 1) -> dict[str, Any]:
    return await market.do(buyer, f"/orders/{order['id']}/credits", missed(period))


async def seen(market: Market, credit: dict[str, Any]) -> dict[str, Any]:
    return await market.read(market.provider, f"/credits/{credit['id']}")


async def test_what_is_owed_goes_back_with_its_fee_and_tax_once(market: Market):
    buyer, order = await an_accepted(market)
    credit = await claimed(market, buyer, order)
    owed = await market.do(market.provider, f"/credits/{credit['id']}/confirmation")
    assert (owed["state"], owed["is_owed"], owed["paid"], owed["next_actor"]) == ("confirmed", True, None, "custodian")
    await market.tick()
    paid = await seen(market, credit)
    assert (paid["paid"], paid["refund_number"], paid["next_actor"]) == (yuan(OWED), 1, None)
    assert paid["paid_at"] == paid["decided_at"]
    assert await market.wallet(buyer) == (HAD - PRICE + OWED, 0)
    (made,) = (await market.read(buyer, f"/orders/{order['id']}/refunds"))["items"]
    assert (made["cause"], made["reason"], made["amount"]) == ("service_credit", credit["id"], yuan(OWED))
    assert {each["bearer"] for each in made["payments"]} == {
        market.provider.participant_id, "exchange:fee", "exchange:tax",
    }  # fmt: skip
    for _ in range(3):
        await actions.pay(market.trading, CreditId(credit["id"]))
    (told,) = await market.facts("credit_paid")
    assert (told["owed"], told["payment"]["number"]) == (yuan(OWED), 1)
    assert (await market.order(buyer, order))["returned"] == yuan(OWED)
    await come_to_rest(market)
    (await books_of(market)).check_at_rest()


@ON_SQLITE
async def test_what_is_confirmed_while_the_price_is_shared_out_waits_for_the_custodian(market: Market):
    buyer, order = await a_service(market)
    await market.advance(days=7)
    credit = await claimed(market, buyer, order)
    market.custodian.faults.append(("split", "late"))
    settling = await market.do(buyer, f"/orders/{order['id']}/acceptance")
    owed = await market.do(market.provider, f"/credits/{credit['id']}/confirmation")
    await actions.pay(market.trading, CreditId(credit["id"]))
    assert (settling["state"], owed["is_owed"], (await seen(market, credit))["paid"]) == ("settling", True, None)
    await come_to_rest(market)
    assert (await seen(market, credit))["paid"] == yuan(OWED)
    assert await market.wallet(buyer) == (HAD - PRICE + OWED, 0)


@ON_SQLITE
async def test_a_provider_who_has_spent_it_is_helped_by_the_reserve_and_owes_the_rest(market: Market):
    buyer, order = await an_accepted(market)
    available, _ = await market.wallet(market.provider)
    await pay_out(market, market.provider, available)
    await market.tick()
    await fill_reserve(market, 500)
    credit = await claimed(market, buyer, order)
    await market.do(market.provider, f"/credits/{credit['id']}/confirmation")
    await come_to_rest(market)
    assert (await seen(market, credit))["paid"] == yuan(OWED)
    told = (await market.read(market.provider, "/receivables"))["items"]
    debts = {each["creditor"]: each["amount"]["minor"] for each in told}
    (made,) = (await market.read(buyer, f"/orders/{order['id']}/refunds"))["items"]
    own = sum(each["amount"]["minor"] for each in made["payments"] if each["bearer"].startswith("exchange"))
    assert debts == {"exchange:reserve": 500, buyer.participant_id: OWED - own - 500}
    assert await reserve_of(market) == 0
    assert await market.wallet(buyer) == (HAD - PRICE + own + 500, 0)
    (await books_of(market)).check_at_rest()


@ON_SQLITE
async def test_no_more_goes_back_than_is_left_of_the_price_and_what_cannot_is_closed(market: Market):
    buyer, order = await an_accepted(market)
    first, second = [await claimed(market, buyer, order, period) for period in (1, 2)]
    assert (await refund(market, order, PRICE - OWED + 200)).is_success
    await market.tick()
    for credit in (first, second):
        await market.do(market.provider, f"/credits/{credit['id']}/confirmation")
    await come_to_rest(market)
    told = [await seen(market, credit) for credit in (first, second)]
    assert [(each["paid"], each["refund_number"]) for each in told] == [(yuan(OWED - 200), 2), (yuan(0), None)]
    assert [each["next_actor"] for each in told] == [None, None]
    assert await market.wallet(buyer) == (HAD, 0)
    assert [each["payment"].get("number") for each in await market.facts("credit_paid")] == [2, None]
    (await books_of(market)).check_at_rest()


async def test_fifty_confirmations_payments_and_refunds_at_once_pay_each_credit_once(market: Market):
    buyer, order = await an_accepted(market)
    told = [await claimed(market, buyer, order, period) for period in (1, 2)]
    confirm = [partial(market.post, market.provider, f"/credits/{each['id']}/confirmation") for each in told]
    back = partial(refund, market, order, 3_000)

    async def pay() -> None:
        for each in told:
            await actions.pay(market.trading, CreditId(each["id"]))

    acts = [confirm[turn % 2] if turn % 3 else back for turn in range(RACERS - 10)]
    await asyncio.gather(raced(*acts), *(pay() for _ in range(10)), return_exceptions=True)
    await come_to_rest(market)
    async with market.trading.database.read() as tx:
        query = select(returns.c.reason, returns.c.amount_minor).where(returns.c.cause == "service_credit")
        made = {row.reason: row.amount_minor for row in await tx.execute(query)}
    paid = [await seen(market, each) for each in told]
    assert made == {each["id"]: each["paid"]["minor"] for each in paid if each["refund_number"]}
    returned = (await market.order(buyer, order))["returned"]["minor"]
    assert returned <= PRICE and (returned - sum(made.values())) % 3_000 == 0
    assert await market.wallet(buyer) == (HAD - PRICE + returned, 0)
    (await books_of(market)).check_at_rest()


@ON_SQLITE
async def test_a_freeze_order_holds_what_is_owed_and_what_a_provider_would_return(market: Market):
    buyer, order = await an_accepted(market)
    credit = await claimed(market, buyer, order)
    await frozen(market, "wallet", market.provider.participant_id, days=5)
    await market.do(market.provider, f"/credits/{credit['id']}/confirmation")
    assert code(await refund(market, order, 1)) == (409, "frozen")
    await market.advance(days=1)
    assert ((await seen(market, credit))["paid"], await market.wallet(buyer)) == (None, (HAD - PRICE, 0))
    await market.advance(days=5)
    await come_to_rest(market)
    assert ((await seen(market, credit))["paid"], await market.wallet(buyer)) == (yuan(OWED), (HAD - PRICE + OWED, 0))


@ON_SQLITE
async def test_the_frozen_money_of_a_co_owner_is_held_too(market: Market):
    other = await market.bench.member("provider")
    buyer, order = await sold(market, 10_000, co_owners=named((market.provider, 5_000), (other, 5_000)))
    before = await market.wallet(other)
    freeze = await frozen(market, "participant", other.participant_id)
    assert code(await refund(market, order, 1_000)) == (409, "frozen")
    assert (await market.wallet(other), await market.wallet(buyer)) == (before, (0, 0))
    await lifted(market, freeze["id"])
    assert (await refund(market, order, 1_000)).is_success


@ON_SQLITE
async def test_the_database_itself_returns_a_credit_once(market: Market):
    buyer, order = await an_accepted(market)
    credit = await claimed(market, buyer, order)
    await market.do(market.provider, f"/credits/{credit['id']}/confirmation")
    await market.tick()
    async with market.trading.database.read() as tx:
        row = dict((await tx.execute(select(*returns.c))).mappings().one())
    with pytest.raises(IntegrityError):
        async with market.trading.database.transaction() as tx:
            await tx.execute(insert(returns).values(row | {"number": 2}))
    for broken in (
        {"paid_minor": OWED + 1},
        {"paid_at": None},
        {"return_number": None},
        {"return_number": 1, "paid_minor": 0},
    ):
        with pytest.raises(IntegrityError):
            async with market.trading.database.transaction() as tx:
                await tx.execute(credits.update().values(broken))
