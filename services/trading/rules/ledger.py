"""The ledger: accounts, immutable transfers between two of them, and balances as their fold.

Promises: every transfer debits one account what it credits another, so a currency's sum is zero always; a transfer is
never changed, a pending one ends exactly once (posted, at most what was pending, the rest going back; or voided); a
chain of transfers is taken whole or not at all; what a guarded account has and has not promised elsewhere is never
below zero. The same transfer again changes nothing; another one under its id is refused. After TigerBeetle's model.
Does not: know why money moves (`settlement.py`, `hold.py`), nor hold any: wallets mirror sub-accounts at a custodian.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from shared.errors import Conflict, Malformed
from shared.ids import AuctionId, DisputeId, OrderId, ParticipantId, ReceivableId, TransferId
from shared.money import MINOR_MAX, Money


class AccountKind(StrEnum):
    BANK_CLEARING = "bank.clearing"  # the world outside; the only one whose normal side is debit
    WALLET = "wallet"
    DEPOSIT = "deposit"
    ESCROW = "escrow"
    ARBITRATION = "arbitration"  # one side's fee for a dispute
    FEE_INCOME = "fee.income"
    TAX_PAYABLE = "tax.payable"
    RESERVE = "reserve"
    CLAIM = "claim"  # what one receivable is good for; never collected twice
    RECEIVABLE = "receivable"  # what a participant owes; the other side of their creditors' claims


GUARDED = frozenset(
    {
        AccountKind.WALLET,
        AccountKind.DEPOSIT,
        AccountKind.ESCROW,
        AccountKind.RESERVE,
        AccountKind.CLAIM,
        AccountKind.ARBITRATION,
    }  # fmt: skip
)


class Phase(StrEnum):
    POSTED = "posted"  # moves for good, at once
    PENDING = "pending"  # promised: what the debit account promised it can no longer spend
    POST = "post"  # ends a pending transfer: moves its amount or less, the rest goes back
    VOID = "void"  # ends a pending transfer: all of it goes back


ENDS = frozenset({Phase.POST, Phase.VOID})


class BadTransfer(Malformed):
    """This is not a transfer: it needs two accounts of one currency and an amount from 1 to 10^15 minor units."""


class InsufficientFunds(Conflict):
    """There is not enough money available for this."""


class TransferDiffers(Conflict):
    """Another transfer has this id already."""


class NothingPending(Conflict):
    """There is no such pending transfer, or it has ended."""


class HoldExceeded(Conflict):
    """More was to be posted than is held."""


@dataclass(frozen=True, slots=True, order=True)
class Account:
    kind: AccountKind
    owner: str = ""
    currency: str = "CNY"

    @property
    def id(self) -> str:
        """Sortable, and the currency part of it, so that two currencies never share an account."""
        return f"{self.currency}/{self.kind}" + (f":{self.owner}" if self.owner else "")

    @property
    def is_guarded(self) -> bool:
        return self.kind in GUARDED

    @classmethod
    def read(cls, account_id: str) -> Self:
        currency, _, name = account_id.partition("/")
        kind, _, owner = name.partition(":")
        return cls(AccountKind(kind), owner, currency)


def bank(currency: str) -> Account:
    return Account(AccountKind.BANK_CLEARING, currency=currency)


def wallet(participant_id: ParticipantId, currency: str) -> Account:
    return Account(AccountKind.WALLET, participant_id, currency)


def deposit(auction_id: AuctionId, participant_id: ParticipantId, currency: str) -> Account:
    return Account(AccountKind.DEPOSIT, f"{auction_id}:{participant_id}", currency)


def escrow(order_id: OrderId, currency: str) -> Account:
    return Account(AccountKind.ESCROW, order_id, currency)


def claim(receivable_id: ReceivableId, currency: str) -> Account:
    return Account(AccountKind.CLAIM, receivable_id, currency)


def receivable(participant_id: ParticipantId, currency: str) -> Account:
    return Account(AccountKind.RECEIVABLE, participant_id, currency)


def arbitration(dispute_id: DisputeId, participant_id: ParticipantId, currency: str) -> Account:
    return Account(AccountKind.ARBITRATION, f"{dispute_id}:{participant_id}", currency)


def exchange(kind: AccountKind, currency: str) -> Account:
    """The exchange's own account of a kind: fee, tax or reserve."""
    return Account(kind, currency=currency)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Requires the accounts and the amount of what it ends, if it ends something (a post may be of less)."""

    id: TransferId
    debit: Account
    credit: Account
    amount: Money
    phase: Phase = Phase.POSTED
    pending_id: TransferId | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.amount.minor <= MINOR_MAX:
            raise BadTransfer(minor_max=MINOR_MAX)
        if self.debit == self.credit:
            raise BadTransfer(detail="an account cannot pay itself")
        if {self.debit.currency, self.credit.currency} != {self.amount.currency}:
            raise BadTransfer(detail="both accounts and the amount are of one currency")
        if (self.phase in ENDS) != (self.pending_id is not None):
            raise BadTransfer(detail="posting and voiding name what they end, and nothing else does")

    def post(self, transfer_id: TransferId, amount: Money | None = None) -> Self:
        """What ends this pending transfer by moving its amount, or less."""
        return replace(self, id=transfer_id, amount=amount or self.amount, phase=Phase.POST, pending_id=self.id)

    def void(self, transfer_id: TransferId) -> Self:
        return replace(self, id=transfer_id, phase=Phase.VOID, pending_id=self.id)


@dataclass(frozen=True, slots=True)
class Balance:
    """Four sums of minor units. The change that a chain makes to an account is one too, and may be negative."""

    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.debits_pending + other.debits_pending,
            self.debits_posted + other.debits_posted,
            self.credits_pending + other.credits_pending,
            self.credits_posted + other.credits_posted,
        )

    @property
    def posted(self) -> int:
        return self.credits_posted - self.debits_posted

    @property
    def available(self) -> int:
        """What has come in for good, less what has gone and what is promised. What is yet to come does not count."""
        return self.posted - self.debits_pending


@dataclass(frozen=True, slots=True)
class Ledger:
    """The fold of all transfers so far, in order."""

    transfers: Mapping[TransferId, Transfer] = field(default_factory=dict[TransferId, Transfer])
    ended: frozenset[TransferId] = frozenset()
    balances: Mapping[Account, Balance] = field(default_factory=dict[Account, Balance])

    def balance(self, account: Account) -> Balance:
        return self.balances.get(account, Balance())


def apply(ledger: Ledger, *chain: Transfer) -> Ledger:
    """The ledger with the chain added, whole. Raises what is wrong with it, and then nothing has happened."""
    if not fresh(chain, ledger.transfers):
        return ledger
    transfers, ended = dict(ledger.transfers), set(ledger.ended)
    for transfer in chain:
        if transfer.pending_id is not None:
            check_end(transfer, transfers.get(transfer.pending_id))
            if transfer.pending_id in ended:
                raise NothingPending(pending_id=transfer.pending_id)
            ended.add(transfer.pending_id)
        transfers[transfer.id] = transfer
    balances = dict(ledger.balances)
    for account, change in changes(chain, transfers).items():
        balances[account] = ledger.balance(account) + change
        if account.is_guarded and balances[account].available < 0:
            raise InsufficientFunds(available_minor=ledger.balance(account).available)
    return Ledger(transfers, frozenset(ended), balances)


def fresh(chain: Sequence[Transfer], known: Mapping[TransferId, Transfer]) -> bool:
    """Whether the chain is new. False if all of it is known already; raises TransferDiffers for anything between."""
    seen = [transfer.id in known for transfer in chain]
    if not any(seen):
        return True
    if not all(known.get(transfer.id) == transfer for transfer in chain):
        raise TransferDiffers()
    return False


def check_end(end: Transfer, pending: Transfer | None) -> None:
    """Raises unless the post or void fits what is pending. That it ends once is the ledger's, or an index's, to see."""
    if pending is None or pending.phase is not Phase.PENDING:
        raise NothingPending(pending_id=end.pending_id)
    if (end.debit, end.credit) != (pending.debit, pending.credit):
        raise BadTransfer(detail="a pending transfer ends between its own accounts")
    if end.amount > pending.amount:
        raise HoldExceeded(held_minor=pending.amount.minor)
    if end.phase is Phase.VOID and end.amount != pending.amount:
        raise BadTransfer(detail="a void gives back all that is pending")


def changes(chain: Iterable[Transfer], known: Mapping[TransferId, Transfer]) -> dict[Account, Balance]:
    """What the chain does to each account. Requires what it ends among the known."""
    found: dict[Account, Balance] = {}
    for transfer in chain:
        released = known[transfer.pending_id].amount.minor if transfer.pending_id else 0
        promised = transfer.amount.minor if transfer.phase is Phase.PENDING else -released
        moved = transfer.amount.minor if transfer.phase in {Phase.POSTED, Phase.POST} else 0
        debit = Balance(debits_pending=promised, debits_posted=moved)
        credit = Balance(credits_pending=promised, credits_posted=moved)
        found[transfer.debit] = found.get(transfer.debit, Balance()) + debit
        found[transfer.credit] = found.get(transfer.credit, Balance()) + credit
    return found
