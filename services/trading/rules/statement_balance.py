"""What the custodian says that it held for each sub-account, beside what it said before, its lines, and our ledger.

Promises: a sub-account agrees only if the day opens with what the day before closed with, its lines lead from there to
the day's closing, and that is what our ledger had when the day ended. Whichever one of these numbers is another, it is
told; what is on its way never is: money that was instructed and has not moved is only promised in the ledger, and what
moved after the end of the day is taken back out of what the ledger has by now.
Requires that whatever the custodian has carried out by the end of the day is posted here: it is asked about first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.trading.rules.instruction import EXCHANGE_FEE, EXCHANGE_RESERVE, EXCHANGE_TAX, InstructionKind
from services.trading.rules.ledger import Account, AccountKind
from services.trading.rules.statement import Movement
from shared.canonical import INTEGER_MAX
from shared.ids import ParticipantId
from shared.money import Money

OF_THE_EXCHANGE = (
    (AccountKind.FEE_INCOME, EXCHANGE_FEE), (AccountKind.TAX_PAYABLE, EXCHANGE_TAX),
    (AccountKind.RESERVE, EXCHANGE_RESERVE),
)  # fmt: skip
MOVE = frozenset({InstructionKind.PAY_IN, InstructionKind.PAYOUT, InstructionKind.SPLIT})  # the others only free


class DifferenceKind(StrEnum):
    """In the order in which they are told of one sub-account."""

    MISSING = "balance_missing"
    TWICE = "balance_stated_twice"
    OPENING = "opening_is_not_the_closing_before"
    LINES = "lines_do_not_lead_to_the_closing"
    LEDGER = "closing_is_not_in_the_ledger"


@dataclass(frozen=True, slots=True, order=True)
class SubAccount:
    """At the custodian: whose money it is, in one currency."""

    name: str
    currency: str


@dataclass(frozen=True, slots=True)
class StatedBalance:
    account: str
    opening: Money
    closing: Money

    @property
    def sub_account(self) -> SubAccount:
        return SubAccount(self.account, self.closing.currency)


@dataclass(frozen=True, slots=True)
class Statement:
    """Of a day: what was carried out in it, and what each sub-account had before and after."""

    movements: tuple[Movement, ...]
    balances: tuple[StatedBalance, ...]


@dataclass(frozen=True, slots=True)
class BalanceDifference:
    """Of one sub-account: what the custodian stated, if it did, and what it should have."""

    account: str
    kind: DifferenceKind
    stated: Money | None
    expected: Money


Sums = Mapping[SubAccount, int]  # minor units


def sub_account_of(account: Account, buyers: Mapping[str, ParticipantId]) -> SubAccount | None:
    """Where the custodian holds what is on an account of the ledger. None for the world outside and for debts, which
    nobody holds. `buyers` says whose an order's escrow is; one of no order is held nowhere, under its own name."""
    match account.kind:
        case AccountKind.WALLET:
            name = account.owner
        case AccountKind.DEPOSIT | AccountKind.ARBITRATION:
            name = account.owner.rpartition(":")[2]
        case AccountKind.ESCROW:
            name = str(buyers.get(account.owner, account.id))
        case _:
            name = next((name for kind, name in OF_THE_EXCHANGE if kind is account.kind), None)
    return SubAccount(name, account.currency) if name is not None else None


def held(posted: Mapping[Account, int], buyers: Mapping[str, ParticipantId]) -> Sums:
    """What each sub-account has by our ledger: all that its owner has, wherever in the ledger that is bound."""
    found = Counter[SubAccount]()
    for account, minor in posted.items():
        if (sub_account := sub_account_of(account, buyers)) is not None:
            found[sub_account] += minor
    return found


def flows(movements: Iterable[Movement]) -> Sums:
    """What movements change of each sub-account that they touch, be it nothing all in all."""
    found = Counter[SubAccount]()
    for movement in movements:
        for part in movement.parts if movement.kind in MOVE else ():
            currency, minor = part.amount.currency, part.amount.minor
            if movement.kind is not InstructionKind.PAY_IN:
                found[SubAccount(movement.payer, currency)] -= minor
            if movement.kind is not InstructionKind.PAYOUT:
                found[SubAccount(part.payee, currency)] += minor
    return found


def at_the_end(held_now: Sums, moved_since: Iterable[Movement]) -> Sums:
    """What each sub-account had when the day ended, from what it has now and what has moved since."""
    since = flows(moved_since)
    return {each: held_now.get(each, 0) - since.get(each, 0) for each in {*held_now, *since}}


def differences(statement: Statement, before: Sums | None, ledger: Sums) -> tuple[BalanceDifference, ...]:
    """All that does not agree, in the order of the sub-accounts.

    `before` is what the day before closed with, None where that was never stated; `ledger` what ours had at the end of
    the day. A sub-account may be left out of the statement only if it neither has, had nor moved anything.
    """
    stated, moved = statement.balances, flows(statement.movements)
    lacking = {*moved, *_filled(before or {}), *_filled(ledger)} - {each.sub_account for each in stated}
    seen, found = set[SubAccount](), list[BalanceDifference]()
    for each in stated:
        sub_account = each.sub_account
        if sub_account in seen:
            found.append(_difference(sub_account, DifferenceKind.TWICE, each.closing, ledger))
        seen.add(sub_account)
        if before is not None and each.opening != _expected(sub_account, before):
            found.append(_difference(sub_account, DifferenceKind.OPENING, each.opening, before))
        led_to = Money(each.opening.minor + moved.get(sub_account, 0), each.opening.currency)
        if each.closing != led_to:
            found.append(BalanceDifference(each.account, DifferenceKind.LINES, each.closing, _tellable(led_to)))
        if each.closing != _expected(sub_account, ledger):
            found.append(_difference(sub_account, DifferenceKind.LEDGER, each.closing, ledger))
    found += [_difference(each, DifferenceKind.MISSING, None, ledger) for each in lacking]
    return tuple(sorted(found, key=_order))


def closings(balances: Iterable[StatedBalance]) -> dict[SubAccount, int]:
    """What the next day has to open with: of what is stated twice, the last."""
    return {each.sub_account: each.closing.minor for each in balances}


def _filled(sums: Sums) -> set[SubAccount]:
    return {each for each, minor in sums.items() if minor}


def _expected(sub_account: SubAccount, sums: Sums) -> Money:
    return Money(sums.get(sub_account, 0), sub_account.currency)


def _difference(
    sub_account: SubAccount, kind: DifferenceKind, stated: Money | None, sums: Sums
) -> BalanceDifference:  # fmt: skip
    return BalanceDifference(sub_account.name, kind, stated, _expected(sub_account, sums))


def _tellable(led_to: Money) -> Money:
    """A statement of absurd numbers may lead to one that no fact can tell."""
    return Money(max(-INTEGER_MAX, min(led_to.minor, INTEGER_MAX)), led_to.currency)


def _order(difference: BalanceDifference) -> tuple[str, str, int]:
    return difference.account, difference.expected.currency, tuple(DifferenceKind).index(difference.kind)
