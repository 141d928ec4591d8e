"""The custodian's statement of a day beside our books, over HTTP: what differs is told; what is on its way does not."""

from typing import Any

import pytest

from services.custodian_sandbox import Custodian
from services.trading.actions import daily_statement
from services.trading.custodian import RestCustodian
from services.trading.events.money import StatementDiffered
from services.trading.rules import ledger
from services.trading.rules.ledger import Transfer
from services.trading.rules.statement import TOLD_MAX
from services.trading.rules.statement_balance import BalanceDifference, DifferenceKind
from services.trading.store import ledger as ledger_store
from shared.canonical import INTEGER_MAX
from shared.errors import Unavailable
from shared.facts import EVENT_BYTES_MAX, Actor, event_line
from shared.ids import AuctionId, FactId, ParticipantId, TransferId
from shared.money import Money
from tests.support.bench import Person
from tests.trading.made import NOON
from tests.trading.money.till import Till

ON_SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
WALLET = "/trading/v1/wallet"


async def compare(till: Till) -> list[tuple[str, str, int | None, int]]:
    """What of the balances the newest comparison told to differ: of whom, how, what was stated, what was due."""
    before = len(await alarms(till))
    await daily_statement.compare_statement(till.treasury)
    return [
        (
            told["account"],
            told["kind"],
            told["stated"]["minor"] if "stated" in told else None,
            told["expected"]["minor"],
        )
        for alarm in (await alarms(till))[before:]
        for told in alarm["balances"]
    ]


async def alarms(till: Till) -> list[dict[str, Any]]:
    return await till.facts("statement_differed")


async def compared(till: Till) -> list[str]:
    return [each["day"] for each in await till.facts("statement_compared")]


async def funded(till: Till, minor: int = 100) -> Person:
    buyer = await till.bench.member("buyer")
    await till.fund(buyer, minor)
    return buyer


async def let_state_wrongly(till: Till, fault: str) -> None:
    answer = await till.bench.directory.connection("custodian").post(
        "/custodian/v1/statement-faults", json={"fault": fault}
    )
    assert answer.is_success, answer.text


def test_an_alarm_has_room_for_the_first_of_everything_whatever_the_custodian_calls_it():
    name, most = "\x01" * 100, Money(-INTEGER_MAX)
    deposit = ledger.deposit(AuctionId.new(), ParticipantId.new(), "CNY").id
    balance = BalanceDifference(name, max(DifferenceKind, key=len), most, most)
    told = StatementDiffered(
        "2030-01-01", 10**9, 10**9, (name,) * TOLD_MAX, (deposit,) * TOLD_MAX, 10**9, (balance,) * TOLD_MAX
    )  # fmt: skip
    line = event_line(
        told, service="trading", fact_id=FactId.new(), actor=Actor("service", "trading"), at=NOON, request_id="r" * 64
    )
    assert len(line) < EVENT_BYTES_MAX


async def test_a_balance_that_is_stated_wrongly_is_told_and_again_when_the_next_day_opens(till: Till):
    buyer = await funded(till)
    await let_state_wrongly(till, "wrong_balance")
    till.bench.clock.advance(days=1, minutes=10)
    assert await compare(till) == [
        (buyer.participant_id, "lines_do_not_lead_to_the_closing", 101, 100),
        (buyer.participant_id, "closing_is_not_in_the_ledger", 101, 100),
    ]
    [alarm] = await alarms(till)
    assert (alarm["differences"], alarm["balance_differences"]) == (0, 2)
    till.bench.clock.advance(days=1)
    assert await compare(till) == [(buyer.participant_id, "opening_is_not_the_closing_before", 100, 101)]
    till.bench.clock.advance(days=1)
    assert await compare(till) == []
    assert await compared(till) == ["2030-01-03"]


@ON_SQLITE
async def test_an_absurd_balance_is_told_as_far_as_a_fact_can_tell_it(till: Till, monkeypatch: pytest.MonkeyPatch):
    buyer, statement = await funded(till), till.custodian.statement

    def absurd(self: Custodian, day: Any) -> Any:
        told = statement(day)
        [balance] = told.balances
        most = {"opening": Money(INTEGER_MAX), "closing": Money(-INTEGER_MAX)}
        return told.model_copy(update={"balances": [balance.model_copy(update=most)]})

    monkeypatch.setattr(Custodian, "statement", absurd)
    till.bench.clock.advance(days=1, minutes=10)
    assert await compare(till) == [
        (buyer.participant_id, "lines_do_not_lead_to_the_closing", -INTEGER_MAX, INTEGER_MAX),
        (buyer.participant_id, "closing_is_not_in_the_ledger", -INTEGER_MAX, 100),
    ]


@ON_SQLITE
async def test_a_balance_that_is_left_out_is_told(till: Till):
    buyer = await funded(till)
    await let_state_wrongly(till, "missing_balance")
    till.bench.clock.advance(days=1, minutes=10)
    assert await compare(till) == [(buyer.participant_id, "balance_missing", None, 100)]


@ON_SQLITE
async def test_what_is_in_our_ledger_alone_is_told(till: Till):
    buyer = await funded(till)
    assert buyer.participant_id
    wallet = ledger.wallet(buyer.participant_id, "CNY")
    made_up = Transfer(TransferId.new(), ledger.bank("CNY"), wallet, Money(7))
    async with till.treasury.database.transaction() as tx:
        await ledger_store.add_transfers(tx, {FactId.new(): [made_up]}, till.bench.clock.now())
    till.bench.clock.advance(days=1, minutes=10)
    assert await compare(till) == [(buyer.participant_id, "closing_is_not_in_the_ledger", 100, 107)]


async def test_what_was_carried_out_before_midnight_and_not_heard_of_is_asked_about_first(till: Till):
    buyer = await till.bench.member("buyer")
    await till.fault("pay_in", "lost")
    await till.fund(buyer, 100)
    assert await till.wallet(buyer) == (0, 0)
    till.bench.clock.advance(days=1, minutes=10)
    await till.bench.refresh()
    assert await compare(till) == []
    assert await compared(till) == ["2030-01-01"]
    assert await till.wallet(buyer) == (100, 0)


async def test_what_is_instructed_and_what_moves_after_midnight_is_no_difference_of_the_day_before(till: Till):
    buyer = await funded(till)
    await till.bench.post(buyer, f"{WALLET}/payouts", {"amount": {"minor": 30, "currency": "CNY"}})
    till.bench.clock.advance(days=1, minutes=5)
    await till.bench.refresh()
    await till.fund(buyer, 5)
    assert await till.wallet(buyer) == (75, 0)
    till.bench.clock.advance(minutes=5)
    assert await compare(till) == []
    till.bench.clock.advance(days=1)
    assert await compare(till) == []
    assert await compared(till) == ["2030-01-01", "2030-01-02"]


@ON_SQLITE
async def test_a_day_waits_while_the_custodian_says_nothing_of_what_it_states(
    till: Till, monkeypatch: pytest.MonkeyPatch
):
    async def silent(*_: object) -> None:
        raise Unavailable(service="custodian")

    buyer = await till.bench.member("buyer")
    await till.fault("pay_in", "lost")
    await till.fund(buyer, 100)
    till.bench.clock.advance(days=1, minutes=10)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(RestCustodian, "ask", silent)
        assert (await compare(till), await compared(till)) == ([], [])
    assert (await compare(till), await compared(till)) == ([], ["2030-01-01"])


@ON_SQLITE
async def test_what_the_custodian_states_and_does_not_know_when_asked_stays_different(
    till: Till, monkeypatch: pytest.MonkeyPatch
):
    buyer = await till.bench.member("buyer")
    await till.fault("pay_in", "lost")
    await till.fund(buyer, 100)
    statement = till.custodian.statement
    [(name, _)] = till.custodian.orders.items()

    def forgetful(self: Custodian, day: Any) -> Any:
        told = statement(day)
        del self.orders[name]
        return told

    monkeypatch.setattr(Custodian, "statement", forgetful)
    till.bench.clock.advance(days=1, minutes=10)
    assert await compare(till) == [(buyer.participant_id, "closing_is_not_in_the_ledger", 100, 0)]
    assert [each["differing"] for each in await alarms(till)] == [[name]]
