"""The custodian's statement of each day beside our own records: its lines, its balances, and our accounts.

Promises: every day is compared once, in order; what the custodian has carried out by then and we have not heard of is
asked about first, so that news which is late is no difference; any difference is told at once, and corrected by nobody
but a person. Our side is read in one view: what is posted meanwhile is on neither side of it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.trading.actions import custody
from services.trading.actions.treasury import Treasury
from services.trading.events.money import StatementCompared, StatementDiffered
from services.trading.rules import statement as rules
from services.trading.rules import statement_balance as balance_rules
from services.trading.rules.ledger import AccountKind
from services.trading.rules.statement import TOLD_MAX
from services.trading.rules.statement_balance import BalanceDifference, Statement
from services.trading.store import daily_statement as store
from services.trading.store import instruction as instruction_store
from services.trading.store import ledger as ledger_store
from services.trading.store import order as order_store
from shared.database import Transaction
from shared.errors import Unavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Compared:
    lines: tuple[str, ...]
    balances: tuple[BalanceDifference, ...]
    drifting: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.lines) + len(self.balances) + len(self.drifting)


async def compare_statement(treasury: Treasury) -> None:
    """Compare the next day that is over, if its statement is to be had."""
    async with treasury.database.read() as tx:
        newest = await store.newest(tx)
    day = rules.day_to_compare(treasury.clock.now(), newest)
    if day is None:
        return
    name = _name(day)
    try:
        statement = await treasury.custodian.statement(day)
        await custody.ask_about(treasury, {each.instruction_id for each in statement.movements})
    except Unavailable:
        log.warning("the custodian's statement of %s is not to be had yet", name)
        return
    async with treasury.database.read() as tx:
        compared = await _compare(tx, statement, day)
    async with treasury.database.transaction() as tx:
        now = await treasury.database.now(tx)
        if not await store.add(tx, name, compared.count, balance_rules.closings(statement.balances), now):
            return
        await treasury.outbox.record(tx, treasury.outbox.itself, now, _told(name, statement, compared))
    if compared.count:
        log.error(
            "the books of %s differ: %s instructions, %s balances, %s accounts", name, len(compared.lines),
            len(compared.balances), len(compared.drifting),
        )  # fmt: skip


async def _compare(tx: Transaction, statement: Statement, day: datetime) -> Compared:
    """Requires one view of everything."""
    posted = await ledger_store.posted_sums(tx)
    escrows = [account.owner for account in posted if account.kind is AccountKind.ESCROW]
    held_now = balance_rules.held(posted, await order_store.buyers_of(tx, escrows))
    since = await instruction_store.executed_since(tx, day + timedelta(days=1))
    at_the_end = balance_rules.at_the_end(held_now, map(rules.movement_of, since))
    before = await store.closings(tx, _name(day - timedelta(days=1)))
    return Compared(
        rules.differing(statement.movements, await instruction_store.executed_on(tx, day)),
        balance_rules.differences(statement, before, at_the_end),
        tuple(await ledger_store.drifting_accounts(tx)),
    )


def _told(name: str, statement: Statement, compared: Compared) -> StatementCompared | StatementDiffered:
    movements = len(statement.movements)
    if not compared.count:
        return StatementCompared(name, movements)
    return StatementDiffered(
        name, movements, len(compared.lines), compared.lines[:TOLD_MAX], compared.drifting[:TOLD_MAX],
        len(compared.balances), compared.balances[:TOLD_MAX],
    )  # fmt: skip


def _name(day: datetime) -> str:
    return day.date().isoformat()
