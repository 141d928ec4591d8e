"""Credits over HTTP: what goes back with the price, what is owed later, and who may say what."""

from typing import Any

from shared.ids import CreditId
from tests.support.bench import Person
from tests.trading.market import START, Market, code, yuan

PRICE, HAD = START, 100_000
TERMS: dict[str, Any] = {
    "inspection_days": 30, "answer_days": 2,
    "service_level": {
        "period_days": 7, "availability_basis_points": 9_990, "cap_basis_points": 10_000,
        "bands": [{"below_basis_points": 9_990, "credit_basis_points": 5_000}],
    },
}  # fmt: skip
RIGHT = {"kind": "exclusive", "field": "air_travel", "territory": "CN", "period_days": 28}
WEEK = PRICE // 4


async def a_service(market: Market) -> tuple[Person, dict[str, Any]]:
    """A buyer of four weeks of a service, who has received in the first."""
    buyer, order = await market.paid(await market.listing(acceptance=TERMS, right=RIGHT))
    assert (await market.use(buyer, order)).status_code == 201
    return buyer, order


def missed(period: int, minutes: int = 60) -> dict[str, int]:
    return {"period": period, "unavailable_minutes": minutes}


async def test_what_is_confirmed_in_escrow_goes_back_with_the_price(market: Market):
    buyer, order = await a_service(market)
    path = f"/orders/{order['id']}/credits"
    assert code(await market.post(buyer, path, missed(1))) == (409, "period_not_over")
    await market.advance(days=7)
    answer = await market.post(buyer, path, missed(1))
    credit = answer.json()
    assert answer.headers["Location"] == f"/trading/v1/credits/{credit['id']}"
    assert (credit["amount"], credit["next_actor"]) == (yuan(WEEK // 2), "provider")
    confirmed = await market.do(market.provider, f"/credits/{credit['id']}/confirmation")
    assert (confirmed["state"], confirmed["is_owed"]) == ("confirmed", False)
    await market.advance(days=7)
    silent = await market.do(buyer, path, missed(2))
    await market.advance(days=2)
    seen = await market.read(market.provider, f"/credits/{silent['id']}")
    assert (seen["reason_code"], seen["deadline"], seen["next_actor"]) == ("confirmed_by_silence", None, None)
    await market.do(buyer, f"/orders/{order['id']}/acceptance")
    await market.tick()
    settled = await market.order(buyer, order)
    assert (settled["state"], settled["settlement"]["refund"]) == ("settled", yuan(WEEK))
    assert await market.wallet(buyer) == (HAD - PRICE + WEEK, 0)
    shares = {name: settled["settlement"][name]["minor"] for name in ("provider", "fee", "tax")}
    assert sum(shares.values()) == PRICE - WEEK
    assert (await market.wallet(market.provider))[0] == shares["provider"]
    facts = await market.facts("credit_claimed", "credit_decided")
    assert [(fact["period"], fact["state"]) for fact in facts] == [
        (1, "claimed"), (1, "confirmed"), (2, "claimed"), (2, "confirmed"),
    ]  # fmt: skip


async def test_who_may_say_what_of_a_credit(market: Market):
    buyer, order = await a_service(market)
    path, stranger = f"/orders/{order['id']}/credits", await market.buyer()
    await market.advance(days=7)
    for body, told in (
        (missed(5), (409, "no_such_period")), (missed(1, 10_081), (409, "figures_impossible")),
        (missed(1, 1), (409, "nothing_missed")), (missed(0), (422, "malformed")), (missed(1, -1), (422, "malformed")),
        (missed(1) | {"response_milliseconds": 1}, (409, "figures_impossible")),
    ):  # fmt: skip
        assert code(await market.post(buyer, path, body)) == told
    assert code(await market.post(stranger, path, missed(1))) == (404, "no_such_order")
    first, again = [(await market.post(buyer, path, missed(1))).json() for _ in range(2)]
    assert first == again
    assert code(await market.post(buyer, path, missed(1, 61))) == (409, "claimed_already")
    credit = f"/credits/{first['id']}"
    for theirs in (credit, f"/credits/{CreditId.new()}"):
        assert (await market.bench.get(stranger, f"/trading/v1{theirs}")).json()["code"] == "no_such_credit"
    assert (await market.bench.get(stranger, f"/trading/v1{path}")).json()["code"] == "no_such_order"
    other = await market.bench.member("provider")
    assert code(await market.post(other, f"{credit}/confirmation")) == (404, "no_such_credit")
    contested = await market.do(market.provider, f"{credit}/contestation", {"reason": "日志无中断"})
    assert (contested["state"], contested["reason"]) == ("contested", "日志无中断")
    assert code(await market.post(market.provider, f"{credit}/confirmation")) == (409, "credit_not_open")
    assert (await market.read(buyer, path))["items"] == [contested]
    assert (await market.order(buyer, order))["state"] == "awaiting_acceptance"
    assert len(await market.facts("credit_claimed", "credit_decided")) == 2
