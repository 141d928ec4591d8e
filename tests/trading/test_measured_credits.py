"""Claims over HTTP beside what the log tells of the calls: what is asked of it, and what becomes of the claim."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared import canonical
from shared.errors import Unavailable
from shared.facts import microseconds
from shared.ids import EntitlementId
from tests.support.bench import Person
from tests.trading.dispute.test_other_ends import ToldLog, connect
from tests.trading.market import Market, code
from tests.trading.test_credits import RIGHT, TERMS, missed

pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
MINUTES = 7 * 1_440


class GateLog(ToldLog):
    """Tells so many minutes of calls that were answered at once, from a moment on; or cannot be asked."""

    def __init__(self, begins_at: datetime, minutes: int | None) -> None:
        super().__init__()
        self.begins_at, self.minutes, self.asked = begins_at, minutes, list[tuple[str, int]]()

    async def leaves_of(self, entitlement_id: EntitlementId, entries_max: int) -> Sequence[str] | None:
        self.asked.append((str(entitlement_id), entries_max))
        if self.minutes is None:
            raise Unavailable()
        leaves = list[str]()
        for minute in range(self.minutes + 1):
            at = microseconds(self.begins_at + timedelta(minutes=minute))
            for act in ("trading.entitlement_used", "delivery.rows_served"):
                event = {"act": act, "ts": at, "data": {"use_id": f"use_{minute}"}}
                leaves.append(f"source\n{canonical.encode(event).decode()}\nseal\n")
        return leaves


async def a_gate(market: Market, mode: str, minutes: int | None) -> tuple[Person, dict[str, Any], GateLog]:
    """A buyer of four weeks of a service, of which the first is over."""
    buyer, order = await market.paid(await market.listing(acceptance=TERMS, right=RIGHT, mode=mode))
    assert (await market.use(buyer, order)).status_code == 201
    connect(market, log := GateLog(market.bench.clock.now(), minutes))
    await market.advance(days=7)
    return buyer, order, log


@pytest.mark.parametrize("mode, minutes, claimed, verdict", [
    ("api", 60, MINUTES - 59, "contradicted"), ("api", 60, MINUTES - 60, "open"),
    ("compute", 60, MINUTES, "contradicted"),
    ("api", None, MINUTES, None), ("raw", 60, MINUTES, None),
])  # fmt: skip
async def test_a_claim_stands_beside_what_was_seen_at_the_gate(
    market: Market, mode: str, minutes: int | None, claimed: int, verdict: str | None
):
    buyer, order, log = await a_gate(market, mode, minutes)
    credit = await market.do(buyer, f"/orders/{order['id']}/credits", missed(1, claimed))
    assert (credit["measured"] and credit["measured"]["verdict"]) == verdict
    assert log.asked == ([] if mode == "raw" else [(order["entitlement_id"], 5_000)])
    assert await market.read(market.provider, f"/credits/{credit['id']}") == credit
    (fact,) = await market.facts("credit_claimed")
    assert fact.get("measured", {}).get("verdict") == verdict
    await market.advance(days=2)
    seen = await market.read(buyer, f"/credits/{credit['id']}")
    assert seen["reason_code"] == ("measured_otherwise" if verdict == "contradicted" else "confirmed_by_silence")


async def test_the_log_is_asked_for_a_claim_that_may_stand_and_once(market: Market):
    buyer, order, log = await a_gate(market, "api", 60)
    path = f"/orders/{order['id']}/credits"
    for body, told in ((missed(2), "period_not_over"), (missed(1, 1), "nothing_missed"), (missed(9), "no_such_period")):
        assert code(await market.post(buyer, path, body)) == (409, told)
    stranger = await market.buyer()
    assert code(await market.post(stranger, path, missed(1))) == (404, "no_such_order")
    assert log.asked == []
    first, again = [await market.do(buyer, path, missed(1)) for _ in range(2)]
    assert first == again and len(log.asked) == 1
    assert code(await market.post(buyer, path, missed(1, 61))) == (409, "claimed_already")
    assert len(log.asked) == 1


async def test_its_provider_may_still_say_that_it_was_so(market: Market):
    buyer, order, _ = await a_gate(market, "api", 60)
    credit = await market.do(buyer, f"/orders/{order['id']}/credits", missed(1, MINUTES))
    confirmed = await market.do(market.provider, f"/credits/{credit['id']}/confirmation")
    assert (confirmed["state"], confirmed["reason_code"]) == ("confirmed", "confirmed_by_provider")
    assert confirmed["measured"]["verdict"] == "contradicted"
