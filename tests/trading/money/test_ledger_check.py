"""The ledger is looked at again and again, and what is wrong in it is told in numbers."""

import pytest
from sqlalchemy import update

from services.trading.actions import ledger_check
from services.trading.actions.ledger_check import LedgerCheck
from services.trading.rules import ledger as rules
from services.trading.rules.ledger import Transfer
from services.trading.store import ledger as store
from services.trading.tables.money import accounts
from shared.ids import FactId, ParticipantId, TransferId
from shared.metrics import Metrics
from shared.money import Money
from tests.trading.money.till import Till

WALLETS = sorted((rules.wallet(ParticipantId.new(), "CNY") for _ in range(5)), key=lambda each: each.id)


@pytest.fixture
async def check(till: Till, monkeypatch: pytest.MonkeyPatch) -> LedgerCheck:
    """Of five wallets with money, two of which are looked at at a time."""
    monkeypatch.setattr(ledger_check, "ACCOUNTS_AT_ONCE", 2)
    moved = [Transfer(TransferId.new(), rules.bank("CNY"), each, Money(100)) for each in WALLETS]
    async with till.treasury.database.transaction() as tx:
        await store.add_transfers(tx, {FactId.new(): moved}, till.bench.clock.now())
    return LedgerCheck(till.treasury.database, till.bench.clock, Metrics("trading"))


def told(check: LedgerCheck, name: str = "difference_minor", **labels: str) -> float | None:
    return check.metrics.registry.get_sample_value(f"yaosu_ledger_{name}", labels)


async def add_by_hand(till: Till, account: rules.Account, minor: int) -> None:
    async with till.treasury.database.transaction() as tx:
        more = accounts.c.credits_posted + minor
        await tx.execute(update(accounts).where(accounts.c.id == account.id).values(credits_posted=more))


async def test_books_that_are_right_differ_by_nothing_once_all_were_looked_at(till: Till, check: LedgerCheck):
    for walked in (0, 0, till.bench.clock.now().timestamp()):
        await check.look()
        assert told(check, "walked_timestamp_seconds") == walked
    assert (told(check, currency="CNY"), told(check, "escrow_left_minor", currency="CNY")) == (0, None)


@pytest.mark.parametrize("edited", range(5))
async def test_a_balance_that_somebody_edited_is_told_at_once_and_until_it_is_right_again(
    till: Till, check: LedgerCheck, edited: int
):
    await add_by_hand(till, WALLETS[edited], 7)
    for looks in range(3):
        await check.look()
        assert (told(check, currency="CNY") or 0) == (7 if looks >= edited // 2 else 0)
    for _ in range(3):
        await check.look()
    assert told(check, currency="CNY") == 7
    await add_by_hand(till, WALLETS[edited], -7)
    for _ in range(3):
        await check.look()
    assert told(check, currency="CNY") == 0


async def test_differences_do_not_cancel_out(till: Till, check: LedgerCheck):
    await add_by_hand(till, WALLETS[0], 7)
    await add_by_hand(till, WALLETS[4], -7)
    for _ in range(3):
        await check.look()
    assert told(check, currency="CNY") == 14
