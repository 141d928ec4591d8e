"""The reserve came to keep a running balance: the migration writes what its transfers add up to."""

from typing import Any

from sqlalchemy import MetaData, text

from migrations import schema
from services.trading.rules import ledger
from services.trading.rules.ledger import AccountKind, Balance
from services.trading.store import ledger as ledger_store
from shared.database import Transaction
from shared.ids import FactId, TransferId
from tests.conftest import MakeDatabase
from tests.trading.made import NOON

RESERVE, DEPOSIT, FEE = "CNY/reserve", "CNY/deposit:a:b", "CNY/fee.income"


async def test_what_the_reserve_had_before_it_has_after(database: MakeDatabase):
    trading = await database("trading", MetaData())
    await schema.upgrade(trading, to="0012")
    async with trading.transaction() as tx:
        for account in (RESERVE, DEPOSIT, FEE):
            kind = account.partition("/")[2].partition(":")[0]
            told = {"id": account, "kind": kind, "owner": account.partition(":")[2]}
            await tx.execute(
                text("INSERT INTO accounts (id, kind, owner, currency) VALUES (:id, :kind, :owner, 'CNY')"), told
            )
        posted, open_one = TransferId.new(), TransferId.new()
        await _transfer(tx, posted, DEPOSIT, RESERVE, 70, "pending")
        await _transfer(tx, TransferId.new(), DEPOSIT, RESERVE, 50, "post", posted, 70)
        await _transfer(tx, open_one, DEPOSIT, RESERVE, 9, "pending")
        await _transfer(tx, TransferId.new(), RESERVE, FEE, 20, "posted")
    await schema.upgrade(trading)
    async with trading.read() as tx:
        kept = await ledger_store.balance(tx, ledger.exchange(AccountKind.RESERVE, "CNY"))
        fee = await ledger_store.balance(tx, ledger.exchange(AccountKind.FEE_INCOME, "CNY"))
        assert RESERVE not in await ledger_store.drifting_accounts(tx)
    assert (kept, fee) == (Balance(0, 20, 9, 50), Balance())


async def _transfer(
    tx: Transaction, transfer_id: TransferId, debit: str, credit: str, minor: int, phase: str,
    pending_id: TransferId | None = None, released: int = 0,
) -> None:  # fmt: skip
    columns = "id, debit, credit, amount_minor, currency, phase, pending_id, released_minor, fact_id, created_at"
    told: dict[str, Any] = {
        "id": transfer_id, "debit": debit, "credit": credit, "minor": minor, "phase": phase, "pending": pending_id,
        "released": released, "fact": FactId.new(), "at": NOON,
    }  # fmt: skip
    values = ":id, :debit, :credit, :minor, 'CNY', :phase, :pending, :released, :fact, :at"
    await tx.execute(text(f"INSERT INTO transfers ({columns}) VALUES ({values})"), told)
