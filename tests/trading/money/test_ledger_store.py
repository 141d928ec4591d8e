"""The ledger's tables against its rules: whatever is tried, both take it or both refuse it, and they keep the same."""

from random import Random

import pytest

from services.trading.rules import ledger as rules
from services.trading.rules.ledger import Account, Ledger, Phase, Transfer
from services.trading.store import ledger as store
from shared.errors import Failure
from shared.ids import FactId, OrderId, ParticipantId, TransferId
from shared.money import Money
from tests.trading.money.till import Till

ANA, BEN = (rules.wallet(ParticipantId.new(), "CNY") for _ in range(2))
ESCROW = rules.escrow(OrderId.new(), "CNY")
ACCOUNTS = [rules.bank("CNY"), ANA, BEN, ESCROW]
STEPS = 120


def anything(chance: Random, pending: list[Transfer]) -> list[Transfer]:
    """A chain of new movements, and of ends of what is pending, was once, or never was."""
    chain = list[Transfer]()
    for _ in range(chance.randint(1, 3)):
        if pending and chance.random() < 0.5:
            one = chance.choice(pending)
            less = Money(chance.randint(1, one.amount.minor + 1))
            chain.append(chance.choice([one.void(TransferId.new()), one.post(TransferId.new(), less)]))
        else:
            debit, credit = chance.sample(ACCOUNTS, 2)
            phase = chance.choice([Phase.POSTED, Phase.PENDING])
            chain.append(Transfer(TransferId.new(), debit, credit, Money(chance.randint(1, 50)), phase))
    return chain


async def is_taken(till: Till, chain: list[Transfer]) -> bool:
    try:
        async with till.treasury.database.transaction() as tx:
            await store.add_transfers(tx, {FactId.new(): chain}, till.bench.clock.now())
    except Failure:
        return False
    return True


@pytest.mark.parametrize("seed", range(3))
async def test_the_tables_keep_the_ledger_that_the_rules_say(till: Till, seed: int):
    chance, ledger, pending = Random(seed), Ledger(), list[Transfer]()
    for _ in range(STEPS):
        chain = anything(chance, pending)
        try:
            ledger, allowed = rules.apply(ledger, *chain), True
        except Failure:
            allowed = False
        assert await is_taken(till, chain) is allowed, chain
        if allowed:
            pending += [transfer for transfer in chain if transfer.phase is Phase.PENDING]
        assert await kept(till) == {account: ledger.balance(account) for account in (ANA, BEN, ESCROW)}


async def kept(till: Till) -> dict[Account, rules.Balance]:
    return {account: await till.balance(account) for account in (ANA, BEN, ESCROW)}
