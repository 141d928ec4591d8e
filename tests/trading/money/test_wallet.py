"""Who may see and do what with money, and what supervisors find."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.trading.actions import daily_statement
from services.trading.rules import ledger
from services.trading.rules.ledger import TransferDiffers
from services.trading.store import ledger as ledger_store
from services.trading.tables import money as tables
from shared.database import Transaction
from shared.ids import AuctionId, FactId, OrderId, TransferId
from shared.money import Money
from tests.support.bench import ParticipantSuspended
from tests.trading.money.deals import Deals, who
from tests.trading.money.till import Till, yuan

ON_SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
BASE = "/trading/v1"
NOBODY = None


@ON_SQLITE
@pytest.mark.parametrize("method, path, body, allowed", [
    ("GET",  "/wallet",                         None,                    {"buyer", "provider"}),
    ("GET",  "/wallet/transfers",               None,                    {"buyer", "provider"}),
    ("POST", "/wallet/pay-ins",                 {"amount": yuan(1)},     {"buyer", "provider"}),
    ("POST", "/wallet/payouts",                 {"amount": yuan(1)},     {"buyer", "provider"}),
    ("GET",  "/instructions",                   None,                    {"operator_business"}),
    ("POST", "/instructions/{parked}/resume",   {"reason": "looked at"}, {"operator_business"}),
    ("GET",  "/ledger/trial-balance",           None,                    {"regulator", "operator_audit"}),
])  # fmt: skip
async def test_only_those_whose_business_it_is(
    till: Till, method: str, path: str, body: dict[str, Any] | None, allowed: set[str]
):
    bench = till.bench
    members = {role: await bench.member(role) for role in ("buyer", "provider")}
    for member in members.values():
        async with till.treasury.database.transaction() as tx:
            wallet = ledger.wallet(who(member), "CNY")
            given = ledger.Transfer(TransferId.new(), ledger.bank("CNY"), wallet, Money(10))
            await ledger_store.add_transfers(tx, {FactId.new(): [given]}, bench.clock.now())
    await till.fault("pay_in", "wrong_amount")
    parked = (await till.pay_in(members["buyer"], 5)).json()["id"]
    await till.tick()
    staff = ("operator_business", "operator_system", "operator_security", "operator_audit", "regulator", "arbiter")
    everyone = members | {role: bench.staff(role) for role in staff}
    for role, person in everyone.items():
        headers = {"Idempotency-Key": f"key-of-{role}"}
        answer = await bench.ask(method, person, BASE + path.format(parked=parked), headers=headers, json=body)
        assert answer.is_success == (role in allowed), (role, answer.text)
        assert answer.is_success or answer.status_code == 403
    assert (await bench.ask(method, NOBODY, BASE + path.format(parked=parked), json=body)).status_code in {400, 401}


@ON_SQLITE
async def test_anothers_instruction_looks_like_none(till: Till):
    buyer, stranger = [await till.bench.member("buyer") for _ in range(2)]
    created = await till.pay_in(buyer, 1)
    answer = await till.bench.get(stranger, created.headers["Location"])
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_instruction")


@ON_SQLITE
async def test_a_suspended_member_moves_nothing(till: Till):
    buyer = await till.bench.member("buyer")
    await till.fund(buyer, 10)
    await till.bench.announce(ParticipantSuspended(who(buyer), "under_investigation"))
    for path in ("payouts", "pay-ins"):
        answer = await till.bench.post(buyer, f"{BASE}/wallet/{path}", {"amount": yuan(1)})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_admitted")


@ON_SQLITE
async def test_the_wallets_transfers_are_listed_newest_first_page_by_page(till: Till):
    buyer = await till.bench.member("buyer")
    await till.fund(buyer, 100)
    deals = Deals(till, await till.bench.member("provider"))
    await deals.void(await deals.hold(buyer, 40))
    seen, query = list[tuple[str, int]](), "limit=2"
    while True:
        page = (await till.bench.get(buyer, f"{BASE}/wallet/transfers?{query}")).json()
        seen += [(each["phase"], each["amount"]["minor"]) for each in page["items"]]
        if page["next_cursor"] is None:
            break
        query = f"limit=2&cursor={page['next_cursor']}"
    assert seen == [("void", 40), ("pending", 40), ("post", 100), ("pending", 100)]


async def test_each_transfer_names_the_fact_that_says_who_moved_it_and_why(till: Till):
    buyer = await till.bench.member("buyer")
    await till.fund(buyer, 100)
    deals = Deals(till, await till.bench.member("provider"))
    await deals.void(await deals.hold(buyer, 40))
    await deals.pay(order_id := OrderId.new(), buyer, 60)
    await deals.refund(order_id, buyer, 60)
    await till.bench.post(buyer, f"{BASE}/wallet/payouts", {"amount": yuan(1)})
    told = {event.id: (event.act.removeprefix("trading."), event.actor.t) for event in await till.events()}
    entries = (await till.bench.get(buyer, f"{BASE}/wallet/transfers")).json()["items"]
    assert [(each["phase"], *told[each["fact_id"]]) for each in reversed(entries)] == [
        ("pending", "instruction_given", "user"),
        ("post", "pay_in_confirmed", "service"),
        ("pending", "deposit_held", "service"),
        ("void", "deposit_released", "service"),
        ("posted", "escrow_paid", "service"),
        ("posted", "escrow_refunded", "service"),
        ("pending", "instruction_given", "user"),
    ]


@ON_SQLITE
async def test_a_cursor_that_is_none_is_refused(till: Till):
    buyer = await till.bench.member("buyer")
    answer = await till.bench.get(buyer, f"{BASE}/wallet/transfers?cursor=bm90IGFuIGlk")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


async def test_the_trial_balance_shows_every_kind_and_its_pending_part(till: Till):
    buyer = await till.bench.member("buyer")
    await till.fund(buyer, 100)
    await Deals(till, await till.bench.member("provider")).hold(buyer, 40)
    told = (await till.bench.get(till.bench.staff("regulator"), f"{BASE}/ledger/trial-balance")).json()
    rows = {each["kind"]: each for each in told["accounts"]}
    assert {kind: row["balance_minor"] for kind, row in rows.items()} == {
        "bank.clearing": -100, "deposit": 0, "wallet": 100,
    }  # fmt: skip
    assert (rows["wallet"]["debits_pending_minor"], rows["deposit"]["credits_pending_minor"]) == (40, 40)
    assert (told["totals_minor"], told["drifting_accounts"]) == ({"CNY": 0}, [])


async def test_an_account_that_someone_edited_is_found(till: Till):
    buyer = await till.bench.member("buyer")
    await till.fund(buyer, 100)
    async with till.treasury.database.transaction() as tx:
        raised = {"credits_posted": tables.accounts.c.credits_posted + 1}
        await tx.execute(update(tables.accounts).where(tables.accounts.c.kind == "wallet").values(raised))
    told = (await till.bench.get(till.bench.staff("regulator"), f"{BASE}/ledger/trial-balance")).json()
    assert told["drifting_accounts"] == [f"CNY/wallet:{buyer.participant_id}"]


# --- the daily comparison


async def test_a_days_statement_is_compared_once(till: Till):
    buyer = await till.bench.member("buyer")
    await till.fund(buyer, 100)
    await till.fund(buyer, 50)
    till.bench.clock.advance(days=1, minutes=10)
    for _ in range(2):
        await daily_statement.compare_statement(till.treasury)
    [compared] = await till.facts("statement_compared")
    assert compared == {"day": "2030-01-01", "movements": 2}


@ON_SQLITE
async def test_days_on_which_nothing_ran_are_compared_afterwards(till: Till):
    buyer = await till.bench.member("buyer")
    till.bench.clock.advance(days=1, minutes=10)
    await daily_statement.compare_statement(till.treasury)
    await till.bench.refresh()
    await till.fund(buyer, 100)
    till.bench.clock.advance(days=3)
    for _ in range(4):
        await daily_statement.compare_statement(till.treasury)
    told = [(each["day"], each["movements"]) for each in await till.facts("statement_compared")]
    assert told == [("2030-01-01", 0), ("2030-01-02", 1), ("2030-01-03", 0), ("2030-01-04", 0)]


@ON_SQLITE
@pytest.mark.parametrize("otherwise", ["lost", "paid to somebody else"])
async def test_what_the_custodian_has_otherwise_is_told(till: Till, otherwise: str):
    buyer = await till.bench.member("buyer")
    await till.fund(buyer, 100)
    [order] = till.custodian.orders.values()
    if otherwise == "lost":
        till.custodian.orders.clear()
    else:
        part = order.asked.parts[0].model_copy(update={"payee": "somebody_else"})
        asked = order.asked.model_copy(update={"parts": [part]})
        till.custodian.orders[order.asked.id] = replace(order, asked=asked)
    till.bench.clock.advance(days=1, minutes=10)
    await daily_statement.compare_statement(till.treasury)
    [alarm] = [event for event in await till.events() if event.act == "trading.statement_differed"]
    assert (alarm.out, alarm.data["differences"], alarm.data["differing"]) == ("error", 1, [order.asked.id])
    assert await till.facts("statement_compared") == []


# --- what the tables themselves refuse


def a_row(**changes: object) -> dict[str, object]:
    bank, wallet = "CNY/bank.clearing", "CNY/wallet:x"
    row: dict[str, object] = {
        "id": TransferId.new(), "debit": bank, "credit": wallet, "amount_minor": 1, "currency": "CNY",
        "phase": "posted", "pending_id": None, "released_minor": 0, "fact_id": FactId.new(),
    }  # fmt: skip
    return row | changes


async def accounts_exist(tx: Transaction) -> None:
    rows = [
        {"id": "CNY/bank.clearing", "kind": "bank.clearing", "owner": "", "currency": "CNY"},
        {"id": "CNY/wallet:x", "kind": "wallet", "owner": "x", "currency": "CNY"},
    ]
    await tx.execute(insert(tables.accounts), rows)


async def test_the_table_refuses_what_is_no_transfer(till: Till):
    for changes in (
        {"amount_minor": 0}, {"amount_minor": 10**15 + 1}, {"credit": "CNY/bank.clearing"}, {"phase": "void"},
        {"pending_id": TransferId.new()}, {"debit": "CNY/nobody"},
    ):  # fmt: skip
        with pytest.raises(IntegrityError):
            async with till.treasury.database.transaction() as tx:
                await accounts_exist(tx)
                await tx.execute(insert(tables.transfers).values(a_row(created_at=till.bench.clock.now(), **changes)))


async def test_the_table_refuses_a_wallet_below_zero_and_a_second_end(till: Till):
    database, now = till.treasury.database, till.bench.clock.now()
    for statement in ("debits_pending = 1", "debits_posted = 1", "credits_posted = -1"):
        with pytest.raises(DBAPIError):
            async with database.transaction() as tx:
                await accounts_exist(tx)
                await tx.execute(text(f"UPDATE accounts SET {statement} WHERE kind = 'wallet'"))
    pending = a_row(phase="pending", created_at=now)
    ends = [a_row(phase=phase, pending_id=pending["id"], created_at=now) for phase in ("post", "void")]
    with pytest.raises(IntegrityError):
        async with database.transaction() as tx:
            await accounts_exist(tx)
            for row in (pending, *ends):
                await tx.execute(insert(tables.transfers).values(row))


async def test_a_transfer_that_is_sent_again_is_known_and_a_different_one_refused(till: Till):
    buyer = await till.bench.member("buyer")
    wallet, deposit = ledger.wallet(who(buyer), "CNY"), ledger.deposit(AuctionId.new(), who(buyer), "CNY")
    await till.fund(buyer, 100)
    transfer = ledger.Transfer(TransferId.new(), wallet, deposit, Money(30))
    for _ in range(2):
        async with till.treasury.database.transaction() as tx:
            await ledger_store.add_transfers(tx, {FactId.new(): [transfer]}, till.bench.clock.now())
    assert await till.wallet(buyer) == (70, 0)
    other = ledger.Transfer(transfer.id, wallet, deposit, Money(31))
    with pytest.raises(TransferDiffers):
        async with till.treasury.database.transaction() as tx:
            await ledger_store.add_transfers(tx, {FactId.new(): [other]}, till.bench.clock.now())
