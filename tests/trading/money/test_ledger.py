"""The pure ledger: worked examples, and a machine that tries everything against a stupid oracle."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.trading.rules import ledger as rules
from services.trading.rules.ledger import (
    Account,
    AccountKind,
    BadTransfer,
    Balance,
    HoldExceeded,
    InsufficientFunds,
    Ledger,
    NothingPending,
    Phase,
    Transfer,
    TransferDiffers,
)
from shared.errors import Failure
from shared.ids import AuctionId, OrderId, ParticipantId, TransferId
from shared.money import Money

ANA, BEN = ParticipantId.new(), ParticipantId.new()
BANK, ANAS, BENS = rules.bank("CNY"), rules.wallet(ANA, "CNY"), rules.wallet(BEN, "CNY")
DEPOSIT = rules.deposit(AuctionId.new(), ANA, "CNY")
ESCROW = rules.escrow(OrderId.new(), "CNY")
FEE = rules.exchange(AccountKind.FEE_INCOME, "CNY")


def a_transfer(debit: Account, credit: Account, minor: int, phase: Phase = Phase.POSTED) -> Transfer:
    return Transfer(TransferId.new(), debit, credit, Money(minor, debit.currency), phase)


def a_ledger(*chain: Transfer) -> Ledger:
    """Ana has 100, and then what is given."""
    return rules.apply(rules.apply(Ledger(), a_transfer(BANK, ANAS, 100)), *chain)


def test_what_is_promised_is_no_longer_available_but_has_not_moved():
    ledger = a_ledger(a_transfer(ANAS, DEPOSIT, 30, Phase.PENDING))
    assert ledger.balance(ANAS) == Balance(debits_pending=30, credits_posted=100)
    assert (ledger.balance(ANAS).available, ledger.balance(ANAS).posted) == (70, 100)
    assert (ledger.balance(DEPOSIT).available, ledger.balance(DEPOSIT).credits_pending) == (0, 30)


def test_posting_less_than_was_held_gives_the_rest_back():
    hold = a_transfer(ANAS, DEPOSIT, 30, Phase.PENDING)
    ledger = rules.apply(a_ledger(hold), hold.post(TransferId.new(), Money(20)))
    assert (ledger.balance(ANAS).available, ledger.balance(DEPOSIT).available) == (80, 20)
    assert ledger.balance(ANAS).debits_pending == ledger.balance(DEPOSIT).credits_pending == 0


def test_voiding_gives_all_back():
    hold = a_transfer(ANAS, DEPOSIT, 30, Phase.PENDING)
    ledger = rules.apply(a_ledger(hold), hold.void(TransferId.new()))
    assert (ledger.balance(ANAS).available, ledger.balance(DEPOSIT).available) == (100, 0)


def test_money_that_is_only_promised_to_someone_cannot_be_spent_by_them():
    ledger = a_ledger(a_transfer(ANAS, BENS, 50, Phase.PENDING))
    with pytest.raises(InsufficientFunds) as refusal:
        rules.apply(ledger, a_transfer(BENS, ESCROW, 1))
    assert refusal.value.facts == {"available_minor": 0}


def test_a_chain_that_fails_at_its_end_has_not_begun():
    ledger = a_ledger()
    with pytest.raises(InsufficientFunds):
        rules.apply(ledger, a_transfer(ANAS, ESCROW, 60), a_transfer(ANAS, FEE, 41))
    assert ledger == a_ledger_like(ledger)


def a_ledger_like(ledger: Ledger) -> Ledger:
    return rules.apply(Ledger(), *ledger.transfers.values())


def test_money_may_pass_through_an_account_within_one_chain():
    ledger = a_ledger(a_transfer(ANAS, ESCROW, 100), a_transfer(ESCROW, BENS, 97), a_transfer(ESCROW, FEE, 3))
    assert (ledger.balance(ESCROW).posted, ledger.balance(BENS).posted, ledger.balance(FEE).posted) == (0, 97, 3)


def test_the_same_transfer_again_changes_nothing_and_another_under_its_id_is_refused():
    transfer = a_transfer(ANAS, ESCROW, 10)
    ledger = a_ledger(transfer)
    assert rules.apply(ledger, transfer) is ledger
    with pytest.raises(TransferDiffers):
        rules.apply(ledger, replace(transfer, amount=Money(11)))
    with pytest.raises(TransferDiffers):
        rules.apply(ledger, transfer, a_transfer(ANAS, ESCROW, 1))


PENDING = a_transfer(ANAS, DEPOSIT, 30, Phase.PENDING)
ENDED = a_ledger(PENDING, PENDING.void(TransferId.new()))


@pytest.mark.parametrize("ledger, end, error", [
    (a_ledger(PENDING), PENDING.post(TransferId.new(), Money(31)),                      HoldExceeded),
    (a_ledger(),        PENDING.post(TransferId.new()),                                 NothingPending),
    (ENDED,             PENDING.post(TransferId.new()),                                 NothingPending),
    (ENDED,             PENDING.void(TransferId.new()),                                 NothingPending),
    (a_ledger(PENDING), replace(PENDING.post(TransferId.new()), credit=BENS),           BadTransfer),
    (a_ledger(PENDING), replace(PENDING.void(TransferId.new()), amount=Money(29)),      BadTransfer),
])  # fmt: skip
def test_a_pending_transfer_ends_once_as_itself_and_for_no_more(ledger: Ledger, end: Transfer, error: type[Failure]):
    with pytest.raises(error):
        rules.apply(ledger, end)


def test_what_was_posted_for_good_cannot_be_ended():
    posted = a_transfer(ANAS, ESCROW, 10)
    with pytest.raises(NothingPending):
        rules.apply(a_ledger(posted), posted.void(TransferId.new()))


@pytest.mark.parametrize("debit, credit, amount", [
    (ANAS, ANAS, Money(1)),
    (ANAS, BENS, Money(0)),
    (ANAS, BENS, Money(-1)),
    (ANAS, BENS, Money(10**15 + 1)),
    (ANAS, BENS, Money(1, "USD")),
    (ANAS, rules.wallet(BEN, "USD"), Money(1)),
])  # fmt: skip
def test_what_is_no_transfer_cannot_be_built(debit: Account, credit: Account, amount: Money):
    with pytest.raises(BadTransfer):
        Transfer(TransferId.new(), debit, credit, amount)


@pytest.mark.parametrize("account", [BANK, ANAS, DEPOSIT, ESCROW, FEE, rules.wallet(ANA, "USD")])
def test_an_account_is_read_from_its_id(account: Account):
    assert Account.read(account.id) == account


def test_two_currencies_of_one_wallet_are_two_accounts():
    assert rules.wallet(ANA, "CNY").id != rules.wallet(ANA, "USD").id


ACCOUNTS = [BANK, ANAS, BENS, DEPOSIT, ESCROW, FEE, rules.bank("USD"), rules.wallet(ANA, "USD")]
AMOUNTS = st.integers(1, 60)


class AnyMovements(RuleBasedStateMachine):
    """Every movement that anyone could think of; what the ledger takes must keep its promises."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.pending: list[Transfer] = []
        self.ends: dict[TransferId, int] = {}

    def take(self, *chain: Transfer) -> bool:
        before = self.ledger
        try:
            self.ledger = rules.apply(before, *chain)
        except (InsufficientFunds, NothingPending, HoldExceeded):
            assert self.ledger is before
            return False
        return True

    @rule(minor=AMOUNTS, currency=st.sampled_from(["CNY", "USD"]))
    def pay_in(self, minor: int, currency: str) -> None:
        self.take(a_transfer(rules.bank(currency), rules.wallet(ANA, currency), minor))

    @rule(moves=st.lists(st.tuples(*[st.sampled_from(ACCOUNTS)] * 2, AMOUNTS, st.booleans()), min_size=1, max_size=3))
    def move(self, moves: list[tuple[Account, Account, int, bool]]) -> None:
        """One transfer, or a chain of them."""
        fit = [move for move in moves if move[0] != move[1] and move[0].currency == move[1].currency]
        chain = [
            a_transfer(debit, credit, minor, Phase.PENDING if pending else Phase.POSTED)
            for debit, credit, minor, pending in fit
        ]
        if chain and self.take(*chain):
            self.pending += [transfer for transfer in chain if transfer.phase is Phase.PENDING]

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """Post all, some or too much of it, or void it; also what has ended already."""
        pending = data.draw(st.sampled_from(self.pending))
        minor = data.draw(st.integers(0, pending.amount.minor + 1))
        end = pending.post(TransferId.new(), Money(minor, pending.amount.currency)) if minor else None
        if self.take(end or pending.void(TransferId.new())):
            self.ends[pending.id] = self.ends.get(pending.id, 0) + 1

    @precondition(lambda self: self.ledger.transfers)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        transfer = data.draw(st.sampled_from(list(self.ledger.transfers.values())))
        assert rules.apply(self.ledger, transfer) is self.ledger

    @invariant()
    def each_currency_adds_up_to_zero(self) -> None:
        for currency in ("CNY", "USD"):
            assert not sum(
                each.posted for account, each in self.ledger.balances.items() if account.currency == currency
            )

    @invariant()
    def nothing_guarded_is_below_zero(self) -> None:
        assert all(each.available >= 0 for account, each in self.ledger.balances.items() if account.is_guarded)
        assert all(min(each.debits_pending, each.credits_pending) >= 0 for each in self.ledger.balances.values())

    @invariant()
    def each_pending_transfer_ends_at_most_once(self) -> None:
        assert all(times == 1 for times in self.ends.values())
        assert set(self.ends) == set(self.ledger.ended)

    @invariant()
    def the_balances_are_the_fold_of_the_transfers(self) -> None:
        assert dict(self.ledger.balances) == naive_balances(list(self.ledger.transfers.values()))


def naive_balances(transfers: list[Transfer]) -> dict[Account, Balance]:
    """Account by account, by looking at every transfer again."""
    ended = {transfer.pending_id for transfer in transfers}
    found: dict[Account, Balance] = {}
    for account in {account for transfer in transfers for account in (transfer.debit, transfer.credit)}:
        sums = {"debit": [0, 0], "credit": [0, 0]}
        for transfer in transfers:
            for side in ("debit", "credit"):
                if getattr(transfer, side) == account:
                    is_open = transfer.phase is Phase.PENDING and transfer.id not in ended
                    sums[side][0] += transfer.amount.minor if is_open else 0
                    sums[side][1] += transfer.amount.minor if transfer.phase in {Phase.POSTED, Phase.POST} else 0
        found[account] = Balance(*sums["debit"], *sums["credit"])
    return found


AnyMovements.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestAnyMovements = AnyMovements.TestCase
