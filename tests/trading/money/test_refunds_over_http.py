"""Money that goes back after a settlement, over HTTP and at the custodian: by provider, co-owners, reserve, debt."""

from typing import Any

import pytest

from services.trading.rules import ledger
from services.trading.rules.instruction import EXCHANGE_RESERVE
from services.trading.rules.ledger import AccountKind, Transfer
from services.trading.store import ledger as ledger_store
from shared.ids import FactId, OrderId, TransferId
from shared.money import MINOR_MAX, Money
from tests.support.bench import Person
from tests.trading.market import Market, code, yuan
from tests.trading.test_co_owner import named, sold

ON_SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
Told = dict[str, Any]


async def refund(market: Market, order: Told, minor: int, **changes: Any) -> Any:
    who, key = changes.pop("who", market.provider), changes.pop("key", None)
    body = {"amount": yuan(minor), "reason": "与说明不符"} | changes
    return await market.post(who, f"/orders/{order['id']}/refunds", body, key)


async def pay_out(market: Market, who: Person, minor: int) -> Any:
    return await market.post(who, "/wallet/payouts", {"amount": yuan(minor)})


async def check(market: Market) -> None:
    """The ledger adds up and drifts nowhere; the custodian's book is the wallets and the escrows."""
    told = await market.read(market.bench.staff("regulator"), "/ledger/trial-balance")
    assert (set(told["totals_minor"].values()) <= {0}, told["drifting_accounts"]) == (True, [])
    sums = {each["kind"]: each["balance_minor"] for each in told["accounts"]}
    assert sum(market.custodian.book.values()) == 0
    held = sum(minor for name, minor in market.custodian.book.items() if name.startswith("participant_"))
    assert held == sum(sums.get(kind, 0) for kind in ("wallet", "escrow", "deposit"))
    own = {"exchange:fee": "fee.income", "exchange:tax": "tax.payable", "exchange:reserve": "reserve"}
    assert all(market.custodian.book.get(name, 0) == sums.get(kind, 0) for name, kind in own.items())
    assert sums.get("claim", 0) + sums.get("receivable", 0) == 0


async def fill_reserve(market: Market, minor: int) -> None:
    """As if a deposit had been forfeited before."""
    reserve = ledger.exchange(AccountKind.RESERVE, "CNY")
    async with market.trading.database.transaction() as tx:
        chain = [Transfer(TransferId.new(), ledger.bank("CNY"), reserve, Money(minor))]
        await ledger_store.add_transfers(tx, {FactId.new(): chain}, market.bench.clock.now())
    market.custodian.book[EXCHANGE_RESERVE] = minor
    market.custodian.book["world"] -= minor


async def reserve_of(market: Market) -> int:
    async with market.trading.database.read() as tx:
        return (await ledger_store.balance(tx, ledger.exchange(AccountKind.RESERVE, "CNY"))).available


async def test_a_settled_price_goes_back_in_parts_and_fee_and_tax_with_it(market: Market):
    other = await market.bench.member("provider")
    buyer, order = await sold(market, 10_001, co_owners=named((market.provider, 6_000), (other, 4_000)))
    made = await refund(market, order, 3_000)
    assert (made.status_code, made.headers["Location"]) == (201, f"/trading/v1/orders/{order['id']}/refunds/1")
    assert (made.json()["cause"], made.json()["debts"]) == ("by_provider", [])
    assert (await market.order(buyer, order))["returned"] == yuan(3_000)
    assert await market.wallet(buyer) == (0, 0)  # until the custodian says so
    await market.tick()
    assert await market.wallet(buyer) == (3_000, 0)
    assert (await refund(market, order, 7_001)).status_code == 201
    await market.tick()
    assert await market.wallet(buyer) == (10_001, 0)
    assert [await market.wallet(who) for who in (market.provider, other)] == [(0, 0), (0, 0)]
    assert (market.custodian.book["exchange:fee"], market.custodian.book["exchange:tax"]) == (0, 0)
    too_much = await refund(market, order, 1)
    assert (*code(too_much), too_much.json()["left_minor"]) == (409, "return_too_high", 0)
    told = await market.read(buyer, f"/orders/{order['id']}/refunds")
    assert [(each["number"], each["amount"]["minor"]) for each in told["items"]] == [(1, 3_000), (2, 7_001)]
    first = await market.read(buyer, f"/orders/{order['id']}/refunds?limit=1")
    after = await market.read(buyer, f"/orders/{order['id']}/refunds?limit=1&cursor={first['next_cursor']}")
    assert [each["number"] for each in after["items"]] == [2]
    facts = await market.facts("order_returned")
    assert [(fact["number"], fact["returned"]["minor"]) for fact in facts] == [(1, 3_000), (2, 10_001)]
    await check(market)


@ON_SQLITE
@pytest.mark.parametrize("fault", ["late", "duplicate", "lost", "out_of_order", "wrong_amount", "refused"])
async def test_whatever_becomes_of_its_callbacks_a_return_moves_money_once(market: Market, fault: str):
    buyer, order = await sold(market, 10_000)
    market.custodian.faults.append(("split", fault))  # pyright: ignore[reportArgumentType]
    assert (await refund(market, order, 4_000)).status_code == 201
    for _ in range(4):
        await market.advance(hours=2)
        await market.custodian.deliver()
    operator = market.bench.staff("operator_business")
    for parked in (await market.read(operator, "/instructions"))["items"]:
        await market.do(operator, f"/instructions/{parked['id']}/resume", {"reason": "looked into"})
    await market.tick()
    assert await market.wallet(buyer) == (4_000, 0)
    await check(market)


async def test_a_seller_who_is_short_is_helped_by_the_reserve_and_owes_what_is_missing(market: Market):
    buyer, order = await sold(market, 10_000)
    await fill_reserve(market, 1_000)
    assert (await pay_out(market, market.provider, 9_000)).status_code == 201
    made = (await refund(market, order, 10_000)).json()
    paid = {
        (each["bearer"] == market.provider.participant_id, each["payer"]): each["amount"] for each in made["payments"]
    }
    assert paid[True, market.provider.participant_id] == yuan(735)
    assert paid[True, EXCHANGE_RESERVE] == yuan(1_000)
    owed = {each["creditor"]: each["amount"]["minor"] for each in made["debts"]}
    assert owed == {buyer.participant_id: 8_000, EXCHANGE_RESERVE: 1_000}
    await market.tick()
    assert await market.wallet(buyer) == (2_000, 0)
    assert (await market.read(market.provider, "/wallet"))["owed"] == yuan(9_000)
    await check(market)
    # The next income goes to the buyer who waits, then to the reserve, before the seller can spend any of it.
    await sold(market, 9_000)
    await market.advance(minutes=10)  # a busy custodian is asked again
    assert await market.wallet(market.provider) == (0, 0)
    assert await market.wallet(buyer) == (10_000, 0)
    assert await reserve_of(market) == 762
    await sold(market, 1_000)
    await market.advance(minutes=10)
    assert (await market.wallet(market.provider), await reserve_of(market)) == ((736, 0), 1_000)
    assert (await market.read(market.provider, "/wallet"))["owed"] == yuan(0)
    told = await market.read(market.provider, "/receivables")
    assert [each["collected"] == each["amount"] for each in told["items"]] == [True, True]
    assert (await market.read(buyer, "/receivables"))["items"][0]["creditor"] == buyer.participant_id
    assert len(await market.facts("receivable_collected")) == 3
    await check(market)


@ON_SQLITE
async def test_a_payout_that_is_refused_meets_the_debt_that_it_left(market: Market):
    buyer, order = await sold(market, 10_000)
    market.custodian.faults.append(("payout", "refused"))
    assert (await pay_out(market, market.provider, 9_735)).status_code == 201
    assert (await refund(market, order, 5_000)).json()["payments"][-1]["bearer"].startswith("exchange")
    await market.tick()
    assert (await market.wallet(buyer), await market.wallet(market.provider)) == ((5_000, 0), (4_867, 0))
    await check(market)


@ON_SQLITE
async def test_what_a_seller_pays_in_stays_theirs_and_a_payout_after_a_return_is_of_what_is_left(market: Market):
    _, order = await sold(market, 10_000)
    assert (await refund(market, order, 10_000)).status_code == 201
    assert code(await pay_out(market, market.provider, 1)) == (409, "insufficient_funds")
    await market.give_money(market.provider, minor=500)
    assert await market.wallet(market.provider) == (500, 9_735)


@ON_SQLITE
async def test_a_bad_return_is_refused_and_changes_nothing(market: Market):
    buyer, order = await sold(market, 10_000)
    stranger = await market.bench.member("provider")
    cases = [
        (await refund(market, order, 10_001), 409, "return_too_high"),
        (await refund(market, order, 0), 422, "invalid"),
        (await refund(market, order, -1), 422, "invalid"),
        (await refund(market, order, MINOR_MAX + 1), 422, "invalid"),
        (await refund(market, order, 1, amount={"minor": 1, "currency": "USD"}), 422, "invalid"),
        (await refund(market, order, 1, amount={"minor": "1", "currency": "CNY"}), 422, "invalid"),
        (await refund(market, order, 1, reason=" "), 422, "invalid"),
        (await refund(market, order, 1, who=stranger), 404, "no_such_order"),
        (await refund(market, order, 1, who=buyer), 403, "missing_role"),
        (await refund(market, order | {"id": OrderId.new()}, 1), 404, "no_such_order"),
    ]
    for answer, status, _ in cases:
        assert answer.status_code == status, answer.text
    assert [code(answer)[1] for answer, status, _ in cases if status in {404, 409}] == [
        "return_too_high", "no_such_order", "no_such_order",
    ]  # fmt: skip
    for path in (f"/orders/{order['id']}/refunds", f"/orders/{order['id']}/refunds/1"):
        assert (await market.bench.get(stranger, f"/trading/v1{path}")).status_code == 404
    assert (await market.bench.get(buyer, f"/trading/v1/orders/{order['id']}/refunds/1")).status_code == 404
    assert (await market.order(buyer, order))["returned"] == yuan(0)
    assert await market.facts("order_returned", "receivable_opened") == []


@ON_SQLITE
async def test_the_same_return_under_the_same_key_is_made_once(market: Market):
    buyer, order = await sold(market, 10_000)
    first, again = [await refund(market, order, 4_000, key="once-and-only-once") for _ in range(2)]
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    other = await refund(market, order, 4_001, key="once-and-only-once")
    assert other.status_code == 422
    assert (await market.order(buyer, order))["returned"] == yuan(4_000)


@ON_SQLITE
async def test_an_order_that_is_only_being_settled_gives_nothing_back(market: Market):
    buyer, order = await market.paid()
    assert code(await refund(market, order, 1)) == (409, "not_settled")
    assert (await market.use(buyer, order)).is_success
    settling = await market.do(buyer, f"/orders/{order['id']}/acceptance")
    assert (settling["state"], code(await refund(market, order, 1))) == ("settling", (409, "not_settled"))
