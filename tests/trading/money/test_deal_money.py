"""Deposits, payments, settlements, refunds and forfeitures, each as the deal that decides it would do it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable

import pytest

from services.trading.rules import ledger
from services.trading.rules.hold import DepositHeldAlready, HoldEnded
from services.trading.rules.instruction import AlreadyInstructed
from services.trading.rules.ledger import AccountKind, InsufficientFunds
from shared.errors import Failure
from shared.ids import AuctionId, OrderId
from tests.trading.money.deals import Deals, who
from tests.trading.money.till import Till, yuan

RACERS = 50
ON_SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


@pytest.fixture
async def deals(till: Till) -> Deals:
    return Deals(till, await till.bench.member("provider"))


@ON_SQLITE
async def test_a_losers_deposit_is_free_at_once_and_the_custodian_is_told(deals: Deals):
    till, buyer = deals.till, await deals.till.bench.member("buyer")
    await till.fund(buyer, 1000)
    hold = await deals.hold(buyer, 200)
    assert await till.wallet(buyer) == (800, 200)
    await deals.void(hold)
    assert await till.wallet(buyer) == (1000, 0)
    await till.tick()
    [told] = await till.facts("instruction_confirmed")
    assert (told["kind"], told["amount"], told["subject"]) == ("release", yuan(200), deals.auction_id)
    await till.check_books()


@ON_SQLITE
async def test_one_losers_failing_release_keeps_no_others_deposit(deals: Deals):
    till = deals.till
    losers = [await till.bench.member("buyer") for _ in range(3)]
    for loser in losers:
        await till.fund(loser, 100)
    holds = [await deals.hold(loser, 100) for loser in losers]
    await till.fault("release", "refused")
    await deals.void(*holds)
    await till.tick()
    assert [await till.wallet(loser) for loser in losers] == [(100, 0)] * 3
    assert len(await till.facts("instruction_confirmed")) == 2
    assert [fact["reason_code"] for fact in await till.facts("instruction_parked")] == ["refused_declined"]


@ON_SQLITE
@pytest.mark.parametrize("deposit, price, escrow, left", [
    (200,  700, 700, (300, 0)),   # the deposit, and 500 from the wallet
    (200,  200, 200, (800, 0)),
    (200,   50,  50, (950, 0)),   # what was held beyond the price comes back
    (200,    0,   0, (1000, 0)),
])  # fmt: skip
async def test_a_winners_deposit_goes_towards_the_price(
    deals: Deals, deposit: int, price: int, escrow: int, left: tuple[int, int]
):
    till, buyer, order_id = deals.till, await deals.till.bench.member("buyer"), OrderId.new()
    await till.fund(buyer, 1000)
    await deals.pay(order_id, buyer, price, await deals.hold(buyer, deposit))
    assert await till.wallet(buyer) == left
    assert (await till.balance(ledger.escrow(order_id, "CNY"))).available == escrow


async def test_a_payment_that_is_not_covered_takes_nothing_not_even_the_deposit(deals: Deals):
    till, buyer, order_id = deals.till, await deals.till.bench.member("buyer"), OrderId.new()
    await till.fund(buyer, 1000)
    hold = await deals.hold(buyer, 200)
    with pytest.raises(InsufficientFunds) as refusal:
        await deals.pay(order_id, buyer, 1001, hold)
    assert refusal.value.facts["available_minor"] == 800
    assert await till.wallet(buyer) == (800, 200)
    await deals.pay(order_id, buyer, 1000, hold)
    assert await till.wallet(buyer) == (0, 0)


async def test_a_sale_is_shared_out_once_the_custodian_has_done_so(deals: Deals):
    till, buyer, order_id = deals.till, await deals.till.bench.member("buyer"), OrderId.new()
    await till.fund(buyer, 1_120_000)
    await deals.pay(order_id, buyer, 1_120_000)
    await deals.settle(order_id, buyer, 1_120_000)
    assert (await deals.settlement(order_id), await till.wallet(deals.provider)) == ("pending", (0, 0))
    await till.check_books({order_id: who(buyer)})
    await till.tick()
    assert (await deals.settlement(order_id), await till.wallet(deals.provider)) == ("confirmed", (1_090_320, 0))
    assert (await till.balance(ledger.escrow(order_id, "CNY"))).posted == 0
    sold = {"exchange:fee": 28_000, "exchange:tax": 1_680, who(deals.provider): 1_090_320, who(buyer): 0}
    assert till.custodian.book == sold | {"world": -1_120_000}
    await till.check_books()


@ON_SQLITE
@pytest.mark.parametrize("kind", ["release", "refund"])
async def test_what_was_set_free_may_be_paid_out_before_the_custodian_has_set_it_free(deals: Deals, kind: str):
    till, buyer, order_id = deals.till, await deals.till.bench.member("buyer"), OrderId.new()
    operator, path = till.bench.staff("operator_business"), "/trading/v1/instructions"
    await till.fund(buyer, 1000)
    await till.fault(kind, "refused")
    if kind == "release":
        await deals.void(await deals.hold(buyer, 1000))
    else:
        await deals.pay(order_id, buyer, 1000)
        await deals.refund(order_id, buyer, 1000)
    await till.tick()
    assert (await till.bench.post(buyer, "/trading/v1/wallet/payouts", {"amount": yuan(1000)})).status_code == 201
    await till.tick()
    [waiting] = (await till.bench.get(operator, path)).json()["items"]
    resumed = await till.bench.post(operator, f"{path}/{waiting['id']}/resume", {"reason": "托管方已查明"})
    await till.tick()
    told = (await till.bench.get(buyer, f"{path}/{resumed.json()['id']}")).json()
    assert (told["state"], await till.wallet(buyer)) == ("confirmed", (0, 0)), "nothing has to be there to stay there"
    await till.check_books()


@ON_SQLITE
async def test_a_split_that_the_custodian_refuses_waits_for_a_person_and_then_succeeds_under_a_new_id(deals: Deals):
    till, buyer, order_id = deals.till, await deals.till.bench.member("buyer"), OrderId.new()
    operator = till.bench.staff("operator_business")
    await till.fund(buyer, 1000)
    await deals.pay(order_id, buyer, 1000)
    await till.fault("split", "refused")
    await deals.settle(order_id, buyer, 1000)
    await till.tick()
    assert (await deals.settlement(order_id), await till.wallet(deals.provider)) == ("parked", (0, 0))
    [waiting] = (await till.bench.get(operator, "/trading/v1/instructions")).json()["items"]
    path = f"/trading/v1/instructions/{waiting['id']}/resume"
    successor = (await till.bench.post(operator, path, {"reason": "the sub-account was frozen by mistake"})).json()
    assert (successor["id"] != waiting["id"], successor["state"]) == (True, "pending")
    await till.tick()
    assert (await deals.settlement(order_id), await till.wallet(deals.provider)) == ("confirmed", (974, 0))
    await till.check_books()


@ON_SQLITE
async def test_a_sale_for_nothing_needs_no_custodian(deals: Deals):
    buyer, order_id = await deals.till.bench.member("buyer"), OrderId.new()
    await deals.pay(order_id, buyer, 0)
    await deals.settle(order_id, buyer, 0)
    await deals.refund(order_id, buyer, 0)
    assert await deals.settlement(order_id) is None
    assert await deals.till.facts("instruction_given") == []


@ON_SQLITE
async def test_a_part_goes_back_at_once_and_the_rest_is_shared_out_when_the_custodian_has(deals: Deals):
    till, buyer, order_id = deals.till, await deals.till.bench.member("buyer"), OrderId.new()
    await till.fund(buyer, 1000)
    await deals.pay(order_id, buyer, 1000)
    await deals.settle(order_id, buyer, 1000, back=300)
    assert await till.wallet(buyer) == (300, 0)
    assert await till.wallet(deals.provider) == (0, 0)
    with pytest.raises(AlreadyInstructed):
        await deals.settle(order_id, buyer, 1000, back=300)
    await till.tick()
    assert await till.wallet(deals.provider) == (700 - 17 - 1, 0)  # 2.5 % of 700 is 17.5: the half stays
    assert (await till.balance(ledger.escrow(order_id, "CNY"))).posted == 0
    await till.check_books()


@ON_SQLITE
async def test_a_refund_is_whole_and_at_once(deals: Deals):
    till, buyer, order_id = deals.till, await deals.till.bench.member("buyer"), OrderId.new()
    await till.fund(buyer, 1000)
    await deals.pay(order_id, buyer, 700)
    await deals.refund(order_id, buyer, 700)
    assert await till.wallet(buyer) == (1000, 0)
    await till.tick()
    await till.check_books()


@ON_SQLITE
@pytest.mark.parametrize(
    "ends", [("settle", "settle"), ("settle", "refund"), ("refund", "settle"), ("refund", "refund")]
)
async def test_an_escrow_ends_once(deals: Deals, ends: tuple[str, str]):
    till, buyer, order_id = deals.till, await deals.till.bench.member("buyer"), OrderId.new()
    await till.fund(buyer, 1000)
    await deals.pay(order_id, buyer, 500)
    first, second = (getattr(deals, end) for end in ends)
    await first(order_id, buyer, 500)
    with pytest.raises(AlreadyInstructed):
        await second(order_id, buyer, 500)
    await till.tick()
    with pytest.raises(AlreadyInstructed):
        await second(order_id, buyer, 500)
    await till.check_books()


async def test_a_defaulters_deposit_is_shared_out(deals: Deals):
    till, buyer = deals.till, await deals.till.bench.member("buyer")
    await till.fund(buyer, 1000)
    hold = await deals.hold(buyer, 200)
    await deals.forfeit(hold, costs=20, loss=100)
    assert await till.wallet(buyer) == (800, 0)
    await till.tick()
    assert await till.wallet(deals.provider) == (100, 0)
    assert (till.custodian.book["exchange:fee"], till.custodian.book["exchange:reserve"]) == (20, 80)
    await till.check_books()


@ON_SQLITE
async def test_a_bidder_has_one_deposit_per_auction_for_ever(deals: Deals):
    buyer = await deals.till.bench.member("buyer")
    await deals.till.fund(buyer, 1000)
    hold = await deals.hold(buyer, 100)
    with pytest.raises(DepositHeldAlready):
        await deals.hold(buyer, 100)
    await deals.void(hold)
    with pytest.raises(DepositHeldAlready):
        await deals.hold(buyer, 100)
    assert await deals.till.wallet(buyer) == (1000, 0)


# --- fifty at once, on each debit


async def outcomes(*racing: Awaitable[object]) -> Counter[str]:
    """How often each outcome came, by the code of the refusal."""
    found = await asyncio.gather(*racing, return_exceptions=True)
    unforeseen = [each for each in found if isinstance(each, BaseException) and not isinstance(each, Failure)]
    assert not unforeseen, unforeseen
    return Counter(each.code() if isinstance(each, Failure) else "done" for each in found)


async def test_of_fifty_deposits_only_the_covered_ones_are_held(deals: Deals):
    till, buyer = deals.till, await deals.till.bench.member("buyer")
    await till.fund(buyer, 1000)
    each_auction = [Deals(till, deals.provider, AuctionId.new()) for _ in range(RACERS)]
    found = await outcomes(*(auction.hold(buyer, 300) for auction in each_auction))
    assert found == {"done": 3, "insufficient_funds": RACERS - 3}
    assert await till.wallet(buyer) == (100, 900)
    await till.check_books()


async def test_of_fifty_payments_only_the_covered_ones_are_made(deals: Deals):
    till, buyer = deals.till, await deals.till.bench.member("buyer")
    await till.fund(buyer, 1000)
    order_ids = [OrderId.new() for _ in range(RACERS)]
    found = await outcomes(*(deals.pay(order_id, buyer, 300) for order_id in order_ids))
    assert found == {"done": 3, "insufficient_funds": RACERS - 3}
    await till.check_books({order_id: who(buyer) for order_id in order_ids})


async def test_of_fifty_payouts_only_the_covered_ones_are_sent(deals: Deals):
    till, buyer = deals.till, await deals.till.bench.member("buyer")
    await till.fund(buyer, 1000)
    asked = (till.bench.post(buyer, "/trading/v1/wallet/payouts", {"amount": yuan(300)}) for _ in range(RACERS))
    found = Counter(answer.json().get("code", "done") for answer in await asyncio.gather(*asked))
    assert found == {"done": 3, "insufficient_funds": RACERS - 3}
    await till.tick()
    assert await till.wallet(buyer) == (100, 0)
    await till.check_books()


async def test_of_fifty_who_end_one_escrow_one_does(deals: Deals):
    till, buyer, order_id = deals.till, await deals.till.bench.member("buyer"), OrderId.new()
    await till.fund(buyer, 1000)
    await deals.pay(order_id, buyer, 500)
    racing = (getattr(deals, end)(order_id, buyer, 500) for end in ("settle", "refund") * (RACERS // 2))
    assert await outcomes(*racing) == {"done": 1, "already_instructed": RACERS - 1}
    await till.tick()
    await till.check_books()


async def test_of_fifty_who_end_one_deposit_one_does(deals: Deals):
    till, buyer, order_id = deals.till, await deals.till.bench.member("buyer"), OrderId.new()
    await till.fund(buyer, 1000)
    hold = await deals.hold(buyer, 200)
    racing = [deals.void(hold), deals.forfeit(hold, 10, 10), deals.pay(order_id, buyer, 500, hold)]
    racing += [deals.void(hold) for _ in range(RACERS - 3)]
    assert await outcomes(*racing) == {"done": 1, "hold_ended": RACERS - 1}
    with pytest.raises(HoldEnded):
        await deals.void(hold)
    await till.tick()
    await till.check_books({order_id: who(buyer)})


async def test_two_auctions_that_close_at_once_over_the_same_bidders_do_not_block_each_other(deals: Deals):
    till = deals.till
    buyers = [await till.bench.member("buyer") for _ in range(6)]
    for buyer in buyers:
        await till.fund(buyer, 1000)
    auctions = [deals, Deals(till, deals.provider)]
    held = [[await auctions[0].hold(buyer, 10) for buyer in buyers]]
    held.append([await auctions[1].hold(buyer, 10) for buyer in reversed(buyers)])
    found = await outcomes(*(auction.void(*holds) for auction, holds in zip(auctions, held, strict=True)))
    assert found == {"done": 2}
    assert [await till.wallet(buyer) for buyer in buyers] == [(1000, 0)] * 6


async def test_the_exchanges_own_accounts_are_sums_that_no_deal_waits_for(deals: Deals):
    till, buyers = deals.till, [await deals.till.bench.member("buyer") for _ in range(8)]
    orders = [(OrderId.new(), buyer) for buyer in buyers]
    for order_id, buyer in orders:
        await till.fund(buyer, 1000)
        await deals.pay(order_id, buyer, 1000)
    await outcomes(*(deals.settle(order_id, buyer, 1000) for order_id, buyer in orders))
    await till.tick()
    assert (await till.balance(ledger.exchange(AccountKind.FEE_INCOME, "CNY"))).posted == 0  # keeps no running sum
    told = (await till.bench.get(till.bench.staff("regulator"), "/trading/v1/ledger/trial-balance")).json()
    sums = {each["kind"]: each["balance_minor"] for each in told["accounts"]}
    assert (sums["fee.income"], sums["tax.payable"], sums["wallet"]) == (8 * 25, 8 * 1, 8 * 974)
    await till.check_books()
