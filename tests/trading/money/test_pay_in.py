"""Money that comes in and goes out: only the custodian's own word moves it, once, whatever goes wrong on the way."""

import asyncio
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, ConnectError, Request, Response

from services.trading.actions import custody
from services.trading.rules import instruction as rules
from services.trading.rules.instruction import ATTEMPTS_MAX, DECIDED_WITHIN
from services.trading.store import instruction as instruction_store
from services.trading.store.instruction import InstructionChanged
from shared.ids import InstructionId
from tests.support.bench import Person
from tests.trading.money.till import Till, yuan

ON_SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
PAYOUTS = "/trading/v1/wallet/payouts"


async def test_a_wallet_fills_once_the_custodian_confirms(till: Till):
    buyer = await till.bench.member("buyer")
    created = await till.pay_in(buyer, 1000)
    assert (created.status_code, created.json()["state"], await till.wallet(buyer)) == (201, "pending", (0, 0))
    await till.tick()
    assert await till.wallet(buyer) == (1000, 0)
    seen = await till.instruction(buyer, created)
    assert (seen["state"], seen["reason_code"], seen["next_actor"], seen["deadline"]) == (
        "confirmed", "confirmed", None, None,
    )  # fmt: skip
    [fact] = await till.facts("pay_in_confirmed")
    assert (fact["amount"], fact["participant_id"]) == (yuan(1000), buyer.participant_id)
    await till.check_books()


@ON_SQLITE
@pytest.mark.parametrize("fault, later", [
    ("late",         {"hours": 2}),     # the job asks before the callback comes
    ("duplicate",    {}),
    ("lost",         {"seconds": 10}),  # the job asks
    ("out_of_order", {"seconds": 10}),
])  # fmt: skip
async def test_a_custodian_that_calls_badly_fills_the_wallet_once_all_the_same(
    till: Till, fault: str, later: dict[str, float]
):
    buyer, other = [await till.bench.member("buyer") for _ in range(2)]
    await till.fault("pay_in", fault)
    created = await till.pay_in(buyer, 1000)
    await till.tick()
    await till.fund(other, 500)
    till.bench.clock.advance(**later)
    await till.bench.refresh()
    for _ in range(2):
        await till.tick()
        await till.custodian.deliver()
    assert (await till.instruction(buyer, created))["state"] == "confirmed"
    assert (await till.wallet(buyer), await till.wallet(other)) == ((1000, 0), (500, 0))
    assert len(await till.facts("pay_in_confirmed")) == 2
    assert till.custodian.callbacks == []
    await till.check_books()


@ON_SQLITE
async def test_a_callback_that_names_another_amount_is_parked_until_a_person_has_looked(till: Till):
    buyer, operator = await till.bench.member("buyer"), till.bench.staff("operator_business")
    await till.fault("pay_in", "wrong_amount")
    created = await till.pay_in(buyer, 1000)
    await till.tick()
    seen = await till.instruction(buyer, created)
    assert (seen["state"], seen["reason_code"], seen["next_actor"]) == ("parked", "amount_differs", "operator_business")
    assert await till.wallet(buyer) == (0, 0)
    [alarm] = await till.facts("instruction_parked")
    assert alarm["reason_code"] == "amount_differs"

    [waiting] = (await till.bench.get(operator, "/trading/v1/instructions")).json()["items"]
    path = f"/trading/v1/instructions/{waiting['id']}/resume"
    assert (await till.bench.post(operator, path, {"reason": "the bank's slip says 10.00"})).status_code == 200
    await till.tick()
    assert await till.wallet(buyer) == (1000, 0)
    await till.check_books()


@ON_SQLITE
async def test_a_refused_pay_in_moves_nothing(till: Till):
    buyer = await till.bench.member("buyer")
    await till.fault("pay_in", "refused")
    created = await till.pay_in(buyer, 1000)
    await till.tick()
    seen = await till.instruction(buyer, created)
    assert (seen["state"], seen["reason_code"], await till.wallet(buyer)) == ("refused", "declined", (0, 0))
    assert [fact["reason_code"] for fact in await till.facts("instruction_refused")] == ["declined"]
    await till.check_books()


async def test_a_payout_is_held_from_the_request_and_gone_with_the_confirmation(till: Till):
    seller = await till.bench.member()
    await till.fund(seller, 1000)
    created = await till.bench.post(seller, PAYOUTS, {"amount": yuan(700)})
    assert (created.status_code, await till.wallet(seller)) == (201, (300, 700))
    again = await till.bench.post(seller, PAYOUTS, {"amount": yuan(301)})
    assert (again.status_code, again.json()["code"], again.json()["available_minor"]) == (
        409,
        "insufficient_funds",
        300,
    )
    await till.tick()
    assert await till.wallet(seller) == (300, 0)
    await till.check_books()


@ON_SQLITE
async def test_a_refused_payout_comes_back(till: Till):
    seller = await till.bench.member()
    await till.fund(seller, 1000)
    await till.fault("payout", "refused")
    await till.bench.post(seller, PAYOUTS, {"amount": yuan(700)})
    await till.tick()
    assert await till.wallet(seller) == (1000, 0)
    await till.check_books()


@ON_SQLITE
async def test_nothing_is_paid_out_while_standing_is_stale(till: Till):
    seller = await till.bench.member()
    await till.fund(seller, 1000)
    till.bench.clock.advance(seconds=31)
    answer = await till.bench.post(seller, PAYOUTS, {"amount": yuan(1)})
    assert (answer.status_code, answer.json()["code"], await till.wallet(seller)) == (
        503,
        "standing_unknown",
        (1000, 0),
    )


class Line(ASGITransport):
    """A line to the custodian that can be cut, before the request arrives or before the answer does."""

    cut: str | None = None

    async def handle_async_request(self, request: Request) -> Response:  # pyright: ignore
        if self.cut == "before":
            raise ConnectError("nobody there", request=request)
        answer = await super().handle_async_request(request)
        if self.cut == "after":
            raise ConnectError("the answer was lost", request=request)
        return answer


def cut_line(till: Till, monkeypatch: pytest.MonkeyPatch, cut: str | None) -> None:
    place: Any = till.bench.directory._places["custodian"]  # pyright: ignore[reportPrivateUsage]
    line = Line(place)
    line.cut = cut
    connections = till.bench.directory._connections  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setitem(connections, "custodian", AsyncClient(transport=line, base_url="http://in-process"))


async def wait_until_due(till: Till, buyer: Person, created: Response) -> None:
    """Advance to the moment after which the next attempt is due, at the longest pause."""
    till.bench.clock.advance(days=1, seconds=1)
    await till.bench.refresh()


@ON_SQLITE
async def test_a_custodian_out_of_reach_is_tried_ever_less_often_and_then_a_person_is_called(
    till: Till, monkeypatch: pytest.MonkeyPatch
):
    buyer = await till.bench.member("buyer")
    created = await till.pay_in(buyer, 1000)
    cut_line(till, monkeypatch, "before")
    for _ in range(ATTEMPTS_MAX + 2):
        await custody.work_instructions(till.treasury)
        await wait_until_due(till, buyer, created)
    seen = await till.instruction(buyer, created)
    assert (seen["state"], seen["reason_code"], seen["attempts"]) == ("parked", "no_answer", ATTEMPTS_MAX + 2)
    assert len(await till.facts("instruction_parked")) == 1
    assert till.bench.clock.now() > till.custodian.clock.now() - DECIDED_WITHIN

    cut_line(till, monkeypatch, None)
    await till.tick()
    assert await till.wallet(buyer) == (1000, 0)
    await till.check_books()


@ON_SQLITE
async def test_an_answer_that_was_lost_on_the_way_costs_nothing(till: Till, monkeypatch: pytest.MonkeyPatch):
    buyer = await till.bench.member("buyer")
    await till.fault("pay_in", "lost")
    created = await till.pay_in(buyer, 1000)
    cut_line(till, monkeypatch, "after")
    await till.tick()
    assert (await till.instruction(buyer, created))["state"] == "pending"
    cut_line(till, monkeypatch, None)
    await wait_until_due(till, buyer, created)
    await till.tick()
    assert await till.wallet(buyer) == (1000, 0)
    await till.check_books()


@pytest.mark.parametrize("arrived", [False, True])
async def test_an_instruction_outlives_the_process_that_died_while_sending_it(
    till: Till, monkeypatch: pytest.MonkeyPatch, arrived: bool
):
    buyer = await till.bench.member("buyer")
    await till.fault("pay_in", "lost")
    await till.pay_in(buyer, 1000)
    send = till.treasury.custodian.send

    async def killed(instruction: Any) -> Any:
        if arrived:
            await send(instruction)
        raise asyncio.CancelledError

    with monkeypatch.context() as patched, pytest.raises(asyncio.CancelledError):
        patched.setattr(till.treasury.custodian, "send", killed)
        await custody.work_instructions(till.treasury)
    await till.custodian.quiet()
    assert await till.wallet(buyer) == (0, 0)
    for seconds in (2, 5):
        till.bench.clock.advance(seconds=seconds)
        await till.tick()
    assert await till.wallet(buyer) == (1000, 0)
    await till.check_books()


@ON_SQLITE
async def test_a_custodian_that_forgot_is_told_again(till: Till):
    buyer = await till.bench.member("buyer")
    await till.fault("pay_in", "lost")
    created = await till.pay_in(buyer, 1000)
    await till.tick()
    assert (await till.instruction(buyer, created))["state"] == "sent"
    till.custodian.orders.clear()
    till.custodian.book.clear()
    await wait_until_due(till, buyer, created)
    await till.tick()
    assert await till.wallet(buyer) == (1000, 0)


async def test_one_instruction_that_fails_keeps_no_other_waiting(till: Till, monkeypatch: pytest.MonkeyPatch):
    buyers = [await till.bench.member("buyer") for _ in range(5)]
    unlucky = await till.pay_in(buyers[0], 100)
    for buyer in buyers[1:]:
        await till.pay_in(buyer, 100)
    send = till.treasury.custodian.send

    async def all_but_one(instruction: Any) -> Any:
        if instruction.id == unlucky.json()["id"]:
            raise ConnectionResetError
        return await send(instruction)

    monkeypatch.setattr(till.treasury.custodian, "send", all_but_one)
    await till.tick()
    assert [await till.wallet(buyer) for buyer in buyers] == [(0, 0)] + [(100, 0)] * 4


@ON_SQLITE
async def test_the_same_request_is_one_pay_in(till: Till):
    buyer = await till.bench.member("buyer")
    answers = [
        await till.bench.post(buyer, "/trading/v1/wallet/pay-ins", {"amount": yuan(1000)}, key="one-and-the-same")
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    await till.tick()
    assert await till.wallet(buyer) == (1000, 0)


BIG = 10**15
NO_AMOUNTS: list[object] = [
    *({"minor": minor, "currency": "CNY"} for minor in (
        0, -1, BIG + 1, 2**63, 1.0, 0.5, 1e3, "1", "1.00", "1e3", "１０", "0x10", "٣", True, None, [1], {"minor": 1},
    )),
    *({"minor": 1, "currency": currency} for currency in ("cny", "CNH", "USD", "XXX", "", 156, None)),
    {"minor": 1}, {"currency": "CNY"}, {"minor": 1, "currency": "CNY", "more": 1}, 1, "1", [1], None,
]  # fmt: skip


@ON_SQLITE
async def test_what_is_no_amount_is_refused(till: Till):
    buyer = await till.bench.member("buyer")
    for amount in NO_AMOUNTS:
        answer = await till.bench.post(buyer, "/trading/v1/wallet/pay-ins", {"amount": amount})
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), amount


@ON_SQLITE
async def test_what_is_no_number_of_json_or_no_whole_one_is_refused(till: Till):
    buyer = await till.bench.member("buyer")
    headers = {"Content-Type": "application/json", "Idempotency-Key": "one-and-the-same"}
    for digits in ("1E+30", "1.00", "01", "+1", "1_0", "½", "1E+1000000", "NaN", "-0"):
        body = f'{{"amount": {{"minor": {digits}, "currency": "CNY"}}}}'.encode()
        answer = await till.bench.ask("POST", buyer, "/trading/v1/wallet/pay-ins", headers=headers, content=body)
        assert answer.status_code in {400, 422}, digits
    assert await till.facts("instruction_given") == []


@ON_SQLITE
async def test_the_largest_amount_is_taken_and_more_than_it_cannot_gather_in_one_instruction(till: Till):
    buyer = await till.bench.member("buyer")
    await till.fund(buyer, BIG)
    await till.fund(buyer, BIG)
    assert await till.wallet(buyer) == (2 * BIG, 0)
    await till.check_books()


@ON_SQLITE
async def test_an_instruction_that_changed_since_it_was_read_is_not_saved(till: Till):
    buyer = await till.bench.member("buyer")
    instruction_id = InstructionId((await till.pay_in(buyer, 1)).json()["id"])
    async with till.treasury.database.transaction() as tx:
        read = await instruction_store.locked(tx, instruction_id)
        tried = rules.attempt(read, till.bench.clock.now())
        await instruction_store.save(tx, tried, read.revision)
        with pytest.raises(InstructionChanged):
            await instruction_store.save(tx, tried, read.revision)
