"""How else a dispute ends: silence, settlement, withdrawal; and what a ruling does to the right. Over HTTP, on both."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from services.trading.actions.evidence_log import LoggedEntry
from services.trading.tables.deals import entitlements
from shared.ids import ContractId, FactId
from tests.trading.dispute.court import FEE, PRICE, Court, a_court
from tests.trading.market import Market, code

on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


class ToldLog:
    """A log that a test speaks for."""

    def __init__(self) -> None:
        self.facts = set[str]()
        self.root: str | None = None

    async def has(self, fact_id: FactId) -> bool:
        return fact_id in self.facts

    async def entries_of(self, contract_id: ContractId) -> Sequence[LoggedEntry]:
        return [LoggedEntry(7, f"leaf of {contract_id}", ("ab" * 32,), "checkpoint")]

    async def bundle_of(self, about: Sequence[str], documents: Mapping[str, bytes]) -> bytes | None:
        return None

    async def beacon(self, fact_id: FactId) -> str | None:
        return self.root


def connect(market: Market, log: ToldLog) -> None:
    object.__setattr__(market.trading, "log", log)


@on_sqlite
@pytest.mark.parametrize("proof", ["read", "logged"])
async def test_silence_after_notice_gives_the_claimant_what_it_asked_for(market: Market, proof: str):
    court = await a_court(market, arbiters=1)
    log = ToldLog()
    connect(market, log)
    dispute = await court.open()
    if proof == "read":
        await court.see(dispute, court.provider)
    else:
        (opened,) = await market.facts("dispute_opened")
        await market.tick()
        assert (await court.see(dispute))["state"] == "open", "the log does not have it yet"
        log.facts.add(opened["notice_fact_id"])
        await market.tick()
    assert ((seen := await court.see(dispute))["state"], seen["notice_by"]) == ("response", proof)
    await court.pass_deadline(dispute)
    seen = await court.see(dispute)
    assert (seen["state"], seen["outcome"]["basis"], seen["outcome"]["fees"]) == ("defaulted", "default", None)
    assert (await market.order(court.buyer, court.order))["state"] == "refunded"
    assert await court.escrow() == await court.held() == 0


async def test_without_proof_of_notice_the_case_goes_on_without_an_answer(market: Market):
    court = await a_court(market)
    dispute = await court.open()
    await court.pass_deadline(dispute)
    seen = await court.see(dispute)
    assert (seen["state"], seen["reason_code"], seen["notice_by"]) == ("evidence", "notice_not_proven", None)
    await court.pass_deadline(dispute)
    (arbiter,) = court.seated(await court.see(dispute))
    assert (await court.rule(arbiter, dispute, 0, fees={"claimant": 10_000, "respondent": 0})).is_success
    before = await market.wallet(court.buyer)
    await court.pass_deadline(dispute)
    assert (await market.order(court.buyer, court.order))["state"] == "settled"
    assert await market.wallet(court.buyer) == (before[0], 0), "the loser's fee is charged"


@on_sqlite
async def test_two_sides_settle_and_it_is_carried_out_at_once(market: Market):
    court = await a_court(market)
    dispute = await court.heard(6_000)
    before = await market.wallet(court.buyer)
    assert (await court.settle(court.buyer, dispute, 5_001)).json()["state"] == "review"
    assert (await court.settle(court.provider, dispute, 5_000)).json()["state"] == "review"
    assert (await court.settle(court.buyer, dispute, 5_000)).json()["state"] == "settled"
    await market.tick()
    order = await market.order(court.buyer, court.order)
    assert (order["state"], order["settlement"]["refund"]["minor"]) == ("settled", 3_000)
    assert await market.wallet(court.buyer) == (before[0] + 3_000 + FEE // 2, 0)
    assert code(await court.settle(court.buyer, dispute, 5_000)) == (409, "not_due_in_dispute")


async def test_a_withdrawn_claim_leaves_the_order_its_window(market: Market):
    court = await a_court(market)
    left = datetime.fromisoformat(court.order["deadline"]) - market.bench.clock.now()
    dispute = await court.open()
    await market.advance(hours=20)
    assert (await court.withdraw(court.buyer, dispute)).json()["state"] == "withdrawn"
    order = await market.order(court.buyer, court.order)
    assert (order["state"], order["reason_code"]) == ("awaiting_acceptance", None)
    ends = datetime.fromisoformat(order["deadline"])
    assert timedelta(0) <= market.bench.clock.now() + left - ends < timedelta(seconds=1)
    assert await court.held() == 0
    assert code(await court.try_open()) == (409, "disputed_already")
    assert (await court.try_open(who=court.provider)).status_code == 201
    assert code(await market.post(court.buyer, f"/orders/{order['id']}/acceptance")) == (409, "not_due")


@on_sqlite
async def test_a_right_that_runs_out_during_a_dispute_ends_its_contract_after_it(market: Market):
    court = await a_court(market)
    dispute = await court.heard()
    contract = f"/contracts/{court.order['contract_id']}"
    right = await market.read(court.buyer, f"/entitlements/{court.order['entitlement_id']}")
    (arbiter,) = court.seated(dispute)
    async with market.trading.database.transaction() as tx:
        ended = {"deadline": market.bench.clock.now()}
        await tx.execute(update(entitlements).where(entitlements.c.id == right["id"]).values(ended))
    await market.tick()
    assert (await market.read(court.buyer, f"/entitlements/{right['id']}"))["state"] == "ended"
    assert (await market.read(court.buyer, contract))["state"] == "active"
    assert (await court.rule(arbiter, dispute, 0)).is_success
    await court.pass_deadline(dispute)
    assert (await market.read(court.buyer, contract))["state"] == "fulfilled"


@on_sqlite
async def test_what_a_provider_does_not_claim_goes_back_before_the_ruling(market: Market):
    court = await a_court(market)
    dispute = await court.open(7_000, court.provider, category="over_use")
    assert (await court.respond(dispute, who=court.buyer)).is_success
    before = await market.wallet(court.buyer)
    await court.pass_deadline(dispute)
    assert await market.wallet(court.buyer) == (before[0] + 3_000, FEE)
    (arbiter,) = court.seated(await court.see(dispute))
    assert (await court.rule(arbiter, dispute, 0)).is_success
    await court.pass_deadline(dispute)
    order = await market.order(court.buyer, court.order)
    assert (order["state"], await court.escrow()) == ("refunded", 0)
    assert await market.wallet(court.buyer) == (before[0] + PRICE, 0)


async def _after(court: Court, remedy: str) -> dict[str, Any]:
    """The buyer's right after a ruling that orders a remedy and nothing else."""
    market = court.market
    dispute = await court.open(remedies=[remedy])
    await court.respond(dispute)
    await court.pass_deadline(dispute)
    (arbiter,) = court.seated(await court.see(dispute))
    assert (await court.rule(arbiter, dispute, 0, remedies=[remedy])).is_success
    await court.pass_deadline(dispute)
    return await market.read(court.buyer, f"/entitlements/{court.order['entitlement_id']}")


@on_sqlite
@pytest.mark.parametrize("remedy, state, uses_left, refused, contract", [
    ("redeliver",     "active",    3, None,                    "active"),
    ("end_right",     "ended",     2, "entitlement_ended",     "terminated"),
    ("suspend_right", "suspended", 2, "entitlement_suspended", "active"),
])  # fmt: skip
async def test_what_is_ordered_beside_money_is_done_to_the_right(
    market: Market, remedy: str, state: str, uses_left: int, refused: str | None, contract: str
):
    court = await a_court(market)
    right = await _after(court, remedy)
    assert (right["state"], right["uses_left"]) == (state, uses_left)
    assert right["reason_code"] == (None if remedy == "redeliver" else "ruled")
    used = await market.use(court.buyer, court.order)
    assert used.is_success if refused is None else code(used) == (409, refused)
    assert (await market.read(court.buyer, f"/contracts/{court.order['contract_id']}"))["state"] == contract
